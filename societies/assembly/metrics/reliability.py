"""Krippendorff's alpha: do judges mean the same by the levels of an ordered scale?"""

from __future__ import annotations

import math

import numpy as np

from agents.statistics.intervals import bootstrap_statistic
from societies.assembly.metrics.measured import FloatArray, IntArray, Measured


def krippendorff(ratings: FloatArray) -> float:
    """Return the ordinal alpha: 1 perfect, 0 as good as chance, negative when judges contradict each other.

    ratings: [judge, unit], ranks or level numbers, nan where a judge did not rate. Units with fewer than two ratings
    do not count. nan without such units, or when only one level was ever used: agreement cannot then be told from
    habit. Source: Krippendorff 2011 (Computing Krippendorff's alpha-reliability), ordinal metric.
    """
    levels, table = _level_counts(ratings)
    return _alpha(levels, table)


def reliability(ratings: FloatArray, *, seed: int = 0, num_resamples: int = 1000) -> Measured:
    """Measure alpha with a bootstrap interval over units; null 0. n: units that count."""
    levels, table = _level_counts(ratings)

    def again(rows: IntArray) -> float:
        return _alpha(levels, table[rows])

    value = bootstrap_statistic(len(table), again, num_resamples=num_resamples, seed=seed)
    return Measured(value=value, null=0.0, n=len(table))


def _level_counts(ratings: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the levels in order and how many judges chose each, [unit, level], for units with two or more ratings."""
    x = np.asarray(ratings, dtype=np.float64)
    if x.ndim != 2:
        raise ValueError("ratings must be a table [judge, unit]")
    x = x[:, np.isfinite(x).sum(axis=0) >= 2]
    levels = np.unique(x[np.isfinite(x)])
    return levels, (x.T[:, :, None] == levels).sum(axis=1).astype(np.float64)


def _alpha(levels: FloatArray, table: FloatArray) -> float:
    if len(table) == 0:
        return math.nan
    per_unit = table.sum(axis=1)
    coincidence = (table.T / (per_unit - 1)) @ table - np.diag((table / (per_unit - 1)[:, None]).sum(axis=0))
    used = coincidence.sum(axis=0)
    total = float(used.sum())
    # The distance between two levels is how many ratings lie from one to the other, the ends counted half.
    middle = np.cumsum(used) - used / 2
    distance = (middle[:, None] - middle[None, :]) ** 2
    expected = float((np.outer(used, used) * distance).sum()) / (total - 1) if total > 1 else 0.0
    return 1 - float((coincidence * distance).sum()) / expected if expected > 0 else math.nan
