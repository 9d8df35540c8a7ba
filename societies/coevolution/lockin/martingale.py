"""Does a belief move further the way it already leans? A calibrated one cannot: its changes are not predictable."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
NUM_RESAMPLES = 1000
_CELLS = 1_000_000
"""Most group numbers held at once while resampling (8 MB)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntrenchmentSlope:
    """Slope of belief change on prior belief, with an interval that resamples whole groups.

    0: calibrated; above 0: entrenchment; below 0: reversion (or noise in the measured belief, which always pulls it
    down). n: pairs; num_groups: independent ones. flag: why a number is nan.
    """

    slope: float
    se: float
    lo: float
    hi: float
    n: int
    num_groups: int
    flag: str = ""

    @property
    def entrenched(self) -> bool:
        """Whether the whole interval lies above 0."""
        return self.lo > 0


def entrenchment_slope(
    before: Sequence[float] | FloatArray,
    after: Sequence[float] | FloatArray,
    groups: Sequence[object] | None = None,
    *,
    level: float = 0.95,
    seed: int = 0,
) -> EntrenchmentSlope:
    """Regress belief change on prior belief, with an intercept: E[after - before | before] = 0 asks for slope 0.

    before, after: one belief each of the same pair. groups: who depends on whom (a run, an agent, a debate); pairs of
    one group are resampled together, and None takes each pair for itself. nan, flagged, when all prior beliefs are
    equal. Source: the martingale property of Bayesian beliefs (Doob 1949); slope and interval are ours.
    """
    x, y = np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
    if x.ndim != 1 or x.shape != y.shape or not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError("give two rows of finite beliefs of the same length")
    labels = _numbers(groups, x.size)
    num_groups = int(labels.max()) + 1 if x.size else 0
    empty = EntrenchmentSlope(
        slope=math.nan, se=math.nan, lo=math.nan, hi=math.nan, n=x.size, num_groups=num_groups
    )  # fmt: skip
    if x.size < 3:
        return replace(empty, flag="fewer than three pairs")
    if np.ptp(x) == 0:
        return replace(empty, flag="all prior beliefs are equal")
    moments = (np.ones(x.size), x, y - x, x * x, x * (y - x))
    sums = np.stack([np.bincount(labels, weights=moment) for moment in moments]).astype(np.float64)
    point = float(_slopes(sums.sum(axis=1, keepdims=True))[0])
    if num_groups < 2:
        return replace(empty, slope=point, flag="one group only: no interval")
    slopes = _resampled(sums, np.random.default_rng(seed))
    slopes = slopes[np.isfinite(slopes)]
    lo, hi = np.quantile(slopes, [(1 - level) / 2, (1 + level) / 2])
    return replace(empty, slope=point, se=float(slopes.std(ddof=1)), lo=float(lo), hi=float(hi))


def _numbers(groups: Sequence[object] | None, size: int) -> npt.NDArray[np.int64]:
    """Return each pair's group as a number from 0; every pair is its own group when none is given."""
    if groups is None:
        return np.arange(size, dtype=np.int64)
    if len(groups) != size:
        raise ValueError(f"{len(groups)} groups for {size} beliefs")
    return np.unique(np.array([str(group) for group in groups]), return_inverse=True)[1].astype(np.int64)


def _resampled(sums: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return the slopes of bootstrap draws of groups; sums: [moment, group]."""
    num_groups = sums.shape[1]
    rows = max(1, _CELLS // num_groups)
    parts = []
    for start in range(0, NUM_RESAMPLES, rows):
        drawn = rng.integers(0, num_groups, (min(rows, NUM_RESAMPLES - start), num_groups))
        parts.append(_slopes(np.stack([moment[drawn].sum(axis=1) for moment in sums])))
    return np.concatenate(parts)


def _slopes(sums: FloatArray) -> FloatArray:
    """Return least-squares slopes from columns of (n, sum x, sum d, sum xx, sum xd)."""
    n, x, d, xx, xd = sums
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((xd - x * d / n) / (xx - x * x / n), dtype=np.float64)
