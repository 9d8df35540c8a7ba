"""Arms against each other: the same people with an AI and without, person by person.

The arms of a replica share people, network and chance, so differences are paired: a resample draws persons, and takes
each of them in both arms. Pure: a frame of the table `beliefs` in, plain records out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from agents.errors import UserError, did_you_mean
from societies.coevolution.live.measuring import MEASURES, Levels, bounds, diversity, resampled, slope_pairs
from societies.coevolution.lockin import EntrenchmentSlope, entrenchment_slope

if TYPE_CHECKING:
    import polars as pl

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmDifference:
    """One measure at one timestep. first, second: its values in both arms, mean over replicas; diff: first - second.

    lo, hi: 95 %, people resampled in pairs. n: people, over all replicas.
    """

    timestep: int
    metric: str
    first: float
    second: float
    diff: float
    lo: float
    hi: float
    n: int


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
            )
        )
    return out


def _need(levels: dict[tuple[str, int, int], Levels], arms: Sequence[str]) -> None:
    played = sorted({arm for arm, _, _ in levels})
    for arm in arms:
        if arm not in played:
            raise UserError(f'The run has no arm "{arm}".', did_you_mean(arm, played), f"choose {', '.join(played)}")
