"""How judges lean: to what stands first, to what is longer, and to what is their own. Numbers in, numbers out.

The first slot: Zheng et al. 2023, arXiv 2306.05685, section 3.3, where an answer is judged in both orders. Own texts:
Panickssery et al. 2024, arXiv 2404.13076; that other judges read the same pair is the control, as quality is not.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from agents.sample import Vote
from agents.scoring import FLOOR
from agents.statistics.intervals import Interval, bootstrap_mean, wilson
from selfalign.label.votes import beats

FEW = 10
"""With fewer scenes than this, intervals are over single answers, and the report says so."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What showing the options in several orders did to one answer.

    gap: probability of an option that stands first less that of the same option standing last, mean over the options
    that stood in both places; 0 for a judge who does not look at the order. turned: the first choice changed with it.
    """

    gap: float
    turned: bool


def shown(logp: Sequence[Sequence[float]]) -> Shown | None:
    """Return what the order did to an answer; None when one order was asked, or one option.

    logp: [order][option], canonical, of the given order and its reverse, or of all rotations (`Orders`).
    """
    num, orders = len(logp[0]) if logp else 0, len(logp)
    if num < 2 or orders not in (2, num):
        return None
    rows = [_shares(row) for row in logp]
    if orders == 2:  # the given order and its reverse: the first option stands last in the second, and the other way
        gaps = [rows[0][0] - rows[1][0], rows[1][-1] - rows[0][-1]]
    else:  # rotation k shows option k first, and rotation k + 1 shows it last
        gaps = [rows[k][k] - rows[(k + 1) % num][k] for k in range(num)]
    return Shown(sum(gaps) / len(gaps), len({max(range(num), key=row.__getitem__) for row in rows}) > 1)


def _shares(row: Sequence[float]) -> list[float]:
    top = max(row)
    weights = [math.exp(max(x - top, FLOOR)) for x in row]
    total = sum(weights)
    return [w / total for w in weights]


@dataclass(frozen=True, slots=True)
class Own:
    """A judge between what is their own and what is not. share: probability that their own is preferred.

    others: the same of judges to whom neither side is their own, on the same options; None where there are none.
    """

    share: float
    others: float | None


def self_preference(votes: Sequence[Vote], own: Sequence[Sequence[bool]]) -> list[Own]:
    """Return one reading a vote whose judge has something of their own, and something else, among the options.

    own[v][i]: whether candidate i is of judge v's own making.
    """
    out = []
    known: dict[tuple[bool, ...], float | None] = {}
    for vote, flags in zip(votes, own, strict=True):
        mine = [i for i, flag in enumerate(flags) if flag]
        rest = [i for i, flag in enumerate(flags) if not flag]
        if not mine or not rest:
            continue
        key = tuple(flags)
        if key not in known:
            strangers = [
                _prefers(other, mine, rest) for other, theirs in zip(votes, own, strict=True) if not any(theirs)
            ]
            known[key] = sum(strangers) / len(strangers) if strangers else None
        out.append(Own(_prefers(vote, mine, rest), known[key]))
    return out


def _prefers(vote: Vote, left: Sequence[int], right: Sequence[int]) -> float:
    return sum(beats(vote, i, j) for i in left for j in right) / (len(left) * len(right))


def spread(values: Sequence[tuple[str, float]], seed: int) -> dict[str, Any]:
    """Return mean, n and a bootstrap interval of values that scenes hold: over scenes where there are enough of them.

    values: (scene, value). {"n": 0} for none.
    """
    if not values:
        return {"n": 0}
    by_scene: dict[str, list[float]] = {}
    for scene, value in values:
        by_scene.setdefault(scene, []).append(value)
    enough = len(by_scene) >= FEW
    single = [sum(own) / len(own) for own in by_scene.values()] if enough else [value for _, value in values]
    near = bootstrap_mean(single, seed=seed)
    return {
        "n": len(values),
        "num_scenes": len(by_scene),
        "mean": round(near.point, 6),
        "interval_95": ends(near),
        "resampled": "scenes" if enough else f"answers, since there are fewer than {FEW} scenes: too narrow",
    }


def share(hits: Sequence[bool]) -> dict[str, Any]:
    """Return n, number, share and Wilson interval of what is true; {"n": 0} for none."""
    if not hits:
        return {"n": 0}
    near = wilson(sum(hits), len(hits))
    return {"n": len(hits), "num": sum(hits), "share": round(near.point, 6), "interval_95": ends(near)}


def ends(near: Interval) -> list[float]:
    """Return the two ends of an interval, rounded to what can be read."""
    return [round(near.lo, 6), round(near.hi, 6)]


def total_variation_by_chance(target: Sequence[float], n: int, seed: int, num: int = 1000) -> tuple[float, float]:
    """Return (mean, 95th percentile) of the total variation from `target` of n people drawn from it at random."""
    p = np.asarray(target, dtype=np.float64)
    drawn = np.random.default_rng(seed).multinomial(n, p / p.sum(), size=num) / n
    distances = 0.5 * np.abs(drawn - p / p.sum()).sum(axis=1)
    return float(distances.mean()), float(np.quantile(distances, 0.95))


def told(name: str, one: Mapping[str, Any], null: str) -> str:
    """Return a reading as a phrase: "name .12 [.05, .19] (n = 40; 0 would be none)"."""
    if not one.get("n"):
        return ""
    value = one["mean"] if "mean" in one else one["share"]
    lo, hi = one["interval_95"]
    return f"{name} {value:.3f} [{lo:.3f}, {hi:.3f}] (n = {one['n']}; {null})"
