"""How diverse beliefs are at a timestep, with intervals over people, and whether they entrench: levels in, rows out.

Entropy, Hill numbers and bimodality are those of `societies.coevolution.lockin`, over one fixed grid of beliefs.
Intervals resample people and leave the claims as they are. The entropy of a resample is a little too low, so arms are
compared by `comparing`, in pairs.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from societies.coevolution.live.records import STANCES
from societies.coevolution.lockin import (
    BeliefRecord,
    beliefs_frame,
    entrenchment_slope,
    lockin_metrics,
)
from societies.coevolution.lockin.diversity import jaccard_distance

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Levels: TypeAlias = dict[str, dict[str, float]]
"""agent -> claim -> belief in [0, 1]."""

STANCE_TREE = {
    STANCES[0]: "the first view",
    STANCES[1]: "the first view",
    STANCES[2]: "a stance",
    STANCES[3]: "the second view",
    STANCES[4]: "the second view",
    "the first view": "a stance",
    "the second view": "a stance",
}
"""Child -> parent, for `societies.coevolution.lockin.lineage`."""
_WORD = re.compile(r"[^\W\d_]{2,}")
WIDTH = 0.05
"""Of a bin of beliefs."""
NUM_RESAMPLES = 1000


MEASURES = ("mean", "variance", "entropy", "hill_1", "hill_2", "bimodality", "lineage", "depth")
"""Of the beliefs of several people on one claim. entropy: nats. hill_1, hill_2: how many equally common opinions would
be as diverse. bimodality: above 5/9 hints at two camps. lineage, depth: diversity over the tree of stances (two views,
sure or rather below each, and the undecided): 1 where every two people part at the root, 0 where all hold one."""


def diversity(levels: FloatArray) -> dict[str, FloatArray]:
    """Return each of `MEASURES` as its mean over claims; nan where no claim has a value.

    levels: (..., num_people, num_claims), so that many resamples are measured at once; results have the leading shape.
    The same as `belief_entropy`, `hill` and `bimodality` of `societies.coevolution.lockin`, claim by claim.
    """
    shares = _histogram(levels)
    entropy = _entropy(shares)
    found = (
        levels.mean(axis=-2),
        levels.var(axis=-2),
        entropy,
        np.exp(entropy),
        1 / (shares**2).sum(axis=-1),
        _bimodality(levels),
        *_tree_diversity(levels),
    )
    return {name: _mean_over_claims(value) for name, value in zip(MEASURES, found, strict=True)}


def _histogram(levels: FloatArray) -> FloatArray:
    """Return (..., num_claims, num_bins) shares of people."""
    num_bins = round(1 / WIDTH)
    places = np.clip(np.floor(levels / WIDTH), 0, num_bins - 1)
    return np.asarray((places[..., None] == np.arange(num_bins)).mean(axis=-3), dtype=np.float64)


def _tree_diversity(levels: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return (..., num_claims) of `lineage_diversity` and `depth_diversity` over `STANCE_TREE`; nan for one person."""
    num = levels.shape[-2]
    if num < 2:
        nothing = np.full((*levels.shape[:-2], levels.shape[-1]), np.nan)
        return nothing, nothing
    places = np.rint((1 - levels) * (len(STANCES) - 1))
    counts = (places[..., None] == np.arange(len(STANCES))).sum(axis=-3)
    pairs = num * (num - 1) / 2
    same = (counts * (counts - 1) / 2) / pairs
    first, second = counts[..., 0] * counts[..., 1] / pairs, counts[..., 3] * counts[..., 4] / pairs
    # Of the tree's eight nodes a stance has one below it, a view three (itself and its two stances), the root all.
    leaf = same.sum(axis=-1)
    met = 8 * leaf + 8 / 3 * (first + second) + (1 - leaf - first - second)
    depth = 2 * (leaf - same[..., 2]) + same[..., 2] + first + second
    mean_depth = (2 * num - counts[..., 2]) / num
    return 1 - np.log(met) / np.log(8), 1 - depth / mean_depth


def _bimodality(levels: FloatArray) -> FloatArray:
    """Return (..., num_claims) coefficients; nan for fewer than four people, or where all agree."""
    n = levels.shape[-2]
    if n < 4:
        return np.full((*levels.shape[:-2], levels.shape[-1]), np.nan)
    spread = levels.std(axis=-2)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = (levels - levels.mean(axis=-2, keepdims=True)) / np.where(spread > 0, spread, np.nan)[..., None, :]
    skewness = math.sqrt(n * (n - 1)) / (n - 2) * (z**3).mean(axis=-2)
    excess = (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * ((z**4).mean(axis=-2) - 3) + 6)
    return np.asarray((skewness**2 + 1) / (excess + 3 * (n - 1) ** 2 / ((n - 2) * (n - 3))), dtype=np.float64)


def _mean_over_claims(values: FloatArray) -> FloatArray:
    known = np.isfinite(values)
    num = known.sum(axis=-1)
    return np.where(num > 0, np.where(known, values, 0.0).sum(axis=-1) / np.maximum(num, 1), np.nan)


def resampled(num_people: int, rng: np.random.Generator) -> IntArray:
    """Return (NUM_RESAMPLES, num_people) places of people drawn with replacement."""
    return rng.integers(0, num_people, (NUM_RESAMPLES, num_people))


def bounds(draws: FloatArray) -> tuple[float, float]:
    """Return the 2.5 and 97.5 percent points of finite draws; nan where most are not finite."""
    known = draws[np.isfinite(draws)]
    if known.size < draws.size / 2:
        return math.nan, math.nan
    lo, hi = np.quantile(known, [0.025, 0.975])
    return float(lo), float(hi)


def metric_rows(now: Levels, before: Levels, claims: Sequence[str], timestep: int) -> list[dict[str, Any]]:
    """Return the rows of the table `metrics`: over all claims with intervals, the slope, and each claim by itself."""
    levels = np.array([[beliefs[claim] for claim in claims] for beliefs in now.values()])
    draws = diversity(levels[resampled(len(now), np.random.default_rng(timestep))])
    rows = []
    for name, value in diversity(levels).items():
        flag = "" if math.isfinite(value) else "fewer than four people, or all agree"
        rows.append(_row("", name, float(value), len(now), *bounds(draws[name]), flag=flag))
    if before:
        rows.append(_slope(now, before))
    return rows + [row for claim in claims for row in _claim_rows(now, claim, timestep)]


def topic_rows(shares: Sequence[Sequence[float]], claims: Sequence[str]) -> list[dict[str, Any]]:
    """Return how diverse the topics are that people want to speak about, and how many want each.

    shares: of each person, over the claims. topic_entropy: of the mean over people, nats; it falls when all want the
    same. Its interval resamples people.
    """
    wanted = np.array(shares, dtype=np.float64)
    draws = wanted[resampled(len(wanted), np.random.default_rng(0))].mean(axis=1)
    rows = [_row("", "topic_entropy", float(_entropy(wanted.mean(axis=0))), len(wanted), *bounds(_entropy(draws)))]
    means = wanted.mean(axis=0).tolist()
    return rows + [_row(claim, "topic_share", value, len(wanted)) for claim, value in zip(claims, means, strict=True)]


def word_rows(said: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    """Return how differently people word what they say on one claim: the mean Jaccard distance of their words.

    said: (claim, statement), "" where nothing was said. Mean over pairs on the same claim; interval: a jackknife over
    statements (Efron and Tibshirani 1993, chapter 11). No row where no two people spoke on one claim.
    """
    words = [(claim, frozenset(_WORD.findall(text.lower()))) for claim, text in said if text]
    pairs = [(a, b) for a in range(len(words)) for b in range(a) if words[a][0] == words[b][0]]
    if not pairs:
        return []
    apart = np.array([jaccard_distance(words[a][1], words[b][1]) for a, b in pairs])
    places = np.array(pairs)
    known = np.isfinite(apart)
    left = [apart[known & (places != one).all(axis=1)] for one in range(len(words))]
    means = np.array([part.mean() for part in left if part.size])
    spread = math.sqrt((means.size - 1) * float(means.var())) if means.size == len(words) else math.nan
    point = float(apart[known].mean()) if known.any() else math.nan
    flag = "" if math.isfinite(spread) else "too few statements for an interval"
    return [_row("", "word_distance", point, len(words), point - 1.96 * spread, point + 1.96 * spread, flag=flag)]


def _entropy(shares: FloatArray) -> FloatArray:
    """Return the entropy along the last axis, in nats."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(-np.where(shares > 0, shares * np.log(shares), 0.0).sum(axis=-1))


def slope_pairs(now: Mapping[str, Mapping[str, float]], before: Mapping[str, Mapping[str, float]]) -> list[Any]:
    """Return (agent, belief before, belief now) of everybody who was there both times, claim by claim."""
    stayed = [agent for agent in now if agent in before]
    return [(agent, before[agent][claim], value) for agent in stayed for claim, value in now[agent].items()]


def _slope(now: Levels, before: Levels) -> dict[str, Any]:
    """Return the entrenchment slope of this timestep: all claims together, a person's claims resampled together."""
    pairs = slope_pairs(now, before)
    found = entrenchment_slope([x for _, x, _ in pairs], [y for _, _, y in pairs], [agent for agent, _, _ in pairs])
    return _row("", "slope", found.slope, found.n, found.lo, found.hi, flag=found.flag)


def _claim_rows(now: Levels, claim: str, timestep: int) -> list[dict[str, Any]]:
    records = [BeliefRecord(agent=agent, timestep=timestep, belief=beliefs[claim]) for agent, beliefs in now.items()]
    (found,) = lockin_metrics(beliefs_frame(records), width=WIDTH)
    named = {"mean": found.mean, "variance": found.spread**2, "entropy": found.entropy, "bimodality": found.bimodality}
    return [_row(claim, name, value, found.n) for name, value in named.items()]


def _row(
    claim: str, metric: str, value: float, n: int, lo: float = math.nan, hi: float = math.nan, *, flag: str = ""
) -> dict[str, Any]:
    return {"claim": claim, "metric": metric, "value": value, "lo": lo, "hi": hi, "n": n, "flag": flag}
