"""Arms against each other: the same people with an AI and without, person by person.

The arms of a replica share people, network and chance, so differences are paired: a resample draws persons, and takes
each of them in both arms. Pure: a frame of the table `beliefs` in, plain records out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from agents.errors import UserError, nearest
from societies.coevolution.live.measuring import MEASURES, Levels, bounds, diversity, resampled, slope_pairs
from societies.coevolution.lockin import EntrenchmentSlope, entrenchment_slope

if TYPE_CHECKING:
    import polars as pl

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
EXACT_UP_TO = 11
"""People, over all replicas, whose every way of swapping is looked at."""
NUM_SWAPS = 2000
"""Enough that the correction over the dozens of differences of a run leaves something to be seen."""
CELLS = 25_000
"""Ways times people that are measured at once, so that memory stays small."""
TOLERANCE = 1e-12
"""Two differences this close are the same, reached by sums in another order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmDifference:
    """One measure at one timestep. first, second: its values in both arms, mean over replicas; diff: first - second.

    lo, hi: 95 %, people resampled in pairs. n: people, over all replicas. p: that it makes no difference to anybody,
    two-sided, uncorrected; nan where both arms hold the same, as at the start.
    """

    timestep: int
    metric: str
    first: float
    second: float
    diff: float
    lo: float
    hi: float
    n: int
    p: float


def arm_differences(
    beliefs: pl.DataFrame, first: str = "ai", second: str = "no_ai", *, seed: int = 0
) -> list[ArmDifference]:
    """Return the difference of every measure of diversity between two arms, timestep by timestep.

    beliefs: the table of a run. Raises UserError for an arm that was not played.
    """
    levels = levels_of(beliefs)
    _need(levels, (first, second))
    replicas = sorted({replica for arm, replica, _ in levels if arm == first})
    out = []
    for timestep in sorted({t for arm, _, t in levels if arm == first}):
        pairs = [(_table(levels[first, r, timestep]), _table(levels[second, r, timestep])) for r in replicas]
        out += _differences(timestep, pairs, np.random.default_rng([seed, timestep]))
    return out


def arm_slopes(beliefs: pl.DataFrame) -> dict[str, EntrenchmentSlope]:
    """Return the entrenchment slope of each arm over all its timesteps; a person's pairs are resampled together."""
    levels = levels_of(beliefs)
    out = {}
    for arm in sorted({arm for arm, _, _ in levels}):
        found = [
            (f"{replica}/{agent}", x, y)
            for (name, replica, timestep), now in levels.items()
            if name == arm and (arm, replica, timestep - 1) in levels
            for agent, x, y in slope_pairs(now, levels[arm, replica, timestep - 1])
        ]
        out[arm] = entrenchment_slope([x for _, x, _ in found], [y for _, _, y in found], [who for who, _, _ in found])
    return out


def levels_of(beliefs: pl.DataFrame) -> dict[tuple[str, int, int], Levels]:
    """Return (arm, replica, timestep) -> agent -> claim -> belief."""
    out: dict[tuple[str, int, int], Levels] = {}
    for arm, replica, timestep, agent, claim, value in beliefs.select(
        "arm", "replica", "timestep", "agent", "claim", "level"
    ).iter_rows():
        out.setdefault((arm, replica, timestep), {}).setdefault(agent, {})[claim] = value
    return out


def _table(levels: Levels) -> FloatArray:
    """Return (num_people, num_claims), both in the order of their names, so that arms can be paired."""
    return np.array([[levels[agent][claim] for claim in sorted(levels[agent])] for agent in sorted(levels)])


def _differences(
    timestep: int, pairs: Sequence[tuple[FloatArray, FloatArray]], rng: np.random.Generator
) -> list[ArmDifference]:
    """pairs: of one replica each, (num_people, num_claims) in both arms."""
    points = [(diversity(a), diversity(b)) for a, b in pairs]
    draws = []
    for a, b in pairs:
        who = resampled(len(a), rng)
        draws.append((diversity(a[who]), diversity(b[who])))
    p_values = _swapped(pairs, rng)
    out = []
    for name in MEASURES:
        first = float(np.mean([a[name] for a, _ in points]))
        second = float(np.mean([b[name] for _, b in points]))
        change = np.mean([a[name] - b[name] for a, b in draws], axis=0)
        lo, hi = bounds(change) if math.isfinite(first - second) else (math.nan, math.nan)
        num = sum(len(a) for a, _ in pairs)
        out.append(
            ArmDifference(
                timestep=timestep,
                metric=name,
                first=first,
                second=second,
                diff=first - second,
                lo=lo,
                hi=hi,
                n=num,
                p=p_values[name],
            )
        )
    return out


def _swapped(pairs: Sequence[tuple[FloatArray, FloatArray]], rng: np.random.Generator) -> dict[str, float]:
    """Return measure -> p of its difference, when each person's beliefs are swapped between the arms at will.

    Every way to swap up to `EXACT_UP_TO` people, else `NUM_SWAPS` draws, counting the observed one, so never 0. A way
    for which a measure is undefined does not count. Source: Fisher 1935, section 21, with whole persons as pairs.
    """
    if all(np.array_equal(a, b) for a, b in pairs):
        return dict.fromkeys(MEASURES, math.nan)
    num = sum(len(a) for a, _ in pairs)
    if num <= EXACT_UP_TO:
        ways = np.array(list(product((False, True), repeat=num)))
    else:
        ways = np.concatenate([np.zeros((1, num), dtype=bool), rng.random((NUM_SWAPS, num)) < 0.5])
    found = [_swap(pairs, part) for part in np.array_split(ways, max(1, ways.size // CELLS))]
    changes = {name: np.concatenate([part[name] for part in found]) for name in MEASURES}
    return {name: _share_as_far(change) for name, change in changes.items()}


def _swap(pairs: Sequence[tuple[FloatArray, FloatArray]], ways: BoolArray) -> dict[str, FloatArray]:
    """Return measure -> (num_ways,) differences. ways: (num_ways, num_people) over all replicas in their order."""
    out = dict.fromkeys(MEASURES, np.zeros(len(ways)))
    at = 0
    for a, b in pairs:
        swap = ways[:, at : at + len(a), None]
        at += len(a)
        first, second = diversity(np.where(swap, b, a)), diversity(np.where(swap, a, b))
        out = {name: out[name] + (first[name] - second[name]) / len(pairs) for name in MEASURES}
    return out


def _share_as_far(changes: FloatArray) -> float:
    """Return the share of differences at least as far from 0 as the first, which was observed; nan without that."""
    if not math.isfinite(changes[0]):
        return math.nan
    far = np.abs(changes[np.isfinite(changes)])
    return float((far >= far[0] - TOLERANCE).mean())


def _need(levels: dict[tuple[str, int, int], Levels], arms: Sequence[str]) -> None:
    played = sorted({arm for arm, _, _ in levels})
    for arm in arms:
        if arm not in played:
            raise UserError(f'The run has no arm "{arm}".', f"it played {', '.join(played)}.", nearest(arm, played))
