"""A number as it may be shown: with an interval, with what chance would give, and with how many cases it rests on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from agents.statistics.intervals import NUM_RESAMPLES, Interval, bootstrap_statistic, z_value

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """value: point, standard error and interval. null: what chance alone gives; nan where there is no such number."""

    value: Interval
    null: float
    n: int


def resampled(
    statistic: Callable[..., float],
    *columns: npt.NDArray[np.generic],
    null: float,
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
) -> Measured:
    """Measure a statistic of columns whose first axis is citizens, who are drawn together in the bootstrap."""
    n = len(columns[0])
    value = bootstrap_statistic(
        n, lambda rows: statistic(*(column[rows] for column in columns)), num_resamples=num_resamples, seed=seed
    )
    return Measured(value=value, null=null, n=n)


def change(
    statistic: Callable[[FloatArray], float],
    before: FloatArray,
    after: FloatArray,
    *,
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
) -> Measured:
    """Measure statistic(after) - statistic(before) for the same citizens, null 0."""
    return resampled(
        lambda a, b: statistic(b) - statistic(a), before, after, null=0.0, num_resamples=num_resamples, seed=seed
    )


def normal(point: float, variance: float, *, level: float = 0.95) -> Interval:
    """Return a normal interval around a point with a known variance."""
    se = float(np.sqrt(max(0.0, variance)))
    half = z_value(level) * se
    return Interval(point, se, point - half, point + half)
