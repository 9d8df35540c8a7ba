"""Whom a decision speaks for: support by group, the worst-off group, and how far groups stand apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from agents.statistics.distances import noise_floor, wasserstein
from agents.statistics.intervals import NAN, NOTHING, Interval, bootstrap_statistic, wilson
from societies.assembly.metrics.measured import FloatArray, IntArray, Measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Endorsement:
    """Support for one statement or clause.

    by_group: share in each group with a Wilson interval. min_group: the smallest of them and `worst`, its name.
    chance_min: mean of that minimum when the same people are put into groups of the same sizes at random: the smallest
    of several shares lies below the overall share by chance alone.
    """

    overall: Interval
    by_group: tuple[tuple[str, Interval], ...]
    min_group: Interval
    worst: str
    chance_min: float
    n: int


def endorsement(
    support: Sequence[bool], groups: Sequence[str], *, num_shuffles: int = 500, seed: int = 0
) -> Endorsement:
    """Return support over all and by group. support, groups: one a citizen who voted."""
    yes = np.asarray(support, dtype=np.float64)
    names, of = np.unique(np.asarray(groups, dtype=np.str_), return_inverse=True)
    if yes.size != of.size:
        raise ValueError(f"{yes.size} votes and {of.size} groups are not of the same citizens")
    if yes.size == 0:
        return Endorsement(overall=NOTHING, by_group=(), min_group=NOTHING, worst="", chance_min=NAN, n=0)
    size = np.bincount(of)
    by_group = tuple((str(name), wilson(float(yes[of == g].sum()), int(size[g]))) for g, name in enumerate(names))
    worst = min(by_group, key=lambda pair: pair[1].point)
    rng = np.random.default_rng(seed)
    shuffled = [(np.bincount(of, rng.permutation(yes)) / size).min() for _ in range(num_shuffles)]
    return Endorsement(
        overall=wilson(float(yes.sum()), yes.size),
        by_group=by_group,
        min_group=worst[1],
        worst=worst[0],
        chance_min=float(np.mean(shuffled)) if shuffled else NAN,
        n=yes.size,
    )


def between_groups(values: FloatArray, groups: Sequence[str], *, level: float = 0.95) -> Measured:
    """Measure the share of variance that lies between groups, corrected for chance (epsilon squared); null 0.

    The plain eta squared of random groups is (G - 1) / (N - 1), not 0, so it is not given. Below 0 means less than
    chance would give. Interval: from the non-central F, in [0, 1], exact for normal values.
    nan with fewer than two groups, without two citizens more than groups, or without variance inside groups.
    Sources: Kelley 1935 (epsilon squared); Steiger 2004 (interval).
    """
    x = np.asarray(values, dtype=np.float64)
    _, of = np.unique(np.asarray(groups, dtype=np.str_), return_inverse=True)
    num_groups, n = int(of.max(initial=-1)) + 1, x.size
    nothing = Measured(value=NOTHING, null=0.0, n=n)
    if num_groups < 2 or n < num_groups + 2:
        return nothing
    means = np.bincount(of, x) / np.bincount(of)
    between = float(((means[of] - x.mean()) ** 2).sum())
    within = float(((x - means[of]) ** 2).sum())
    if within <= 1e-12 * max(1.0, between):
        return nothing
    df, rest = num_groups - 1, n - num_groups
    f = (between / df) / (within / rest)
    epsilon = (between - df * within / rest) / (between + within)
    lo, hi = _non_centrality(f, df, rest, (1 + level) / 2), _non_centrality(f, df, rest, (1 - level) / 2)
    lo, hi = lo / (lo + n), hi / (hi + n)
    return Measured(value=Interval(epsilon, NAN, min(lo, max(0.0, epsilon)), max(hi, epsilon)), null=0.0, n=n)


def shift(before: IntArray, after: IntArray, num_levels: int, *, seed: int = 0) -> Measured:
    """Measure the Wasserstein distance between answers before and after, in [0, 1] of the scale's length.

    null: the distance that two samples of this size from the pooled answers show (unpaired, so a little large for the
    same citizens asked twice). The interval is a bootstrap over citizens and never reaches below 0.
    """
    n = before.size
    if n == 0 or after.size != n:
        return Measured(value=NOTHING, null=NAN, n=0)

    def moved(rows: IntArray) -> float:
        a, b = (np.bincount(x[rows], minlength=num_levels).astype(np.float64) for x in (before, after))
        return wasserstein(a, b)

    pooled = np.bincount(np.concatenate([before, after]), minlength=num_levels).astype(np.float64)
    null = noise_floor(pooled, n, n, distance=wasserstein, num_draws=300, seed=seed)
    return Measured(value=bootstrap_statistic(n, moved, seed=seed), null=null, n=n)


def coverage(utility: FloatArray, threshold: float) -> Interval:
    """Return the share of citizens with at least one adopted clause that they value at `threshold` or more.

    utility: shape (citizens, adopted clauses). nan for no citizen; 0 when nothing was adopted.
    """
    num_citizens = len(utility)
    served = (utility >= threshold).any(axis=1) if num_citizens else np.zeros(0, dtype=np.bool_)
    return wilson(int(served.sum()), num_citizens)


def _non_centrality(f: float, df: int, rest: int, probability: float) -> float:
    """Return the lambda at which F lies at this probability of the non-central F, 0 when even lambda 0 is too far."""
    from scipy.optimize import brentq
    from scipy.special import ncfdtr

    def excess(nc: float) -> float:
        return float(ncfdtr(df, rest, nc, f)) - probability

    if not math.isfinite(f) or excess(0.0) <= 0:
        return 0.0
    top = max(10.0, 4 * f * df)
    while excess(top) > 0 and top < 1e9:
        top *= 2
    return float(brentq(excess, 0.0, top))
