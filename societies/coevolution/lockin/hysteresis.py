"""Does a society come back when the push is taken away? What is left of an effect, and the area of a loop."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from agents.statistics.intervals import Interval, bootstrap_mean
from agents.statistics.paired import sign_flip

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hysteresis:
    """What a reversed intervention leaves behind, against runs that never had it.

    during, after: paired differences (treated - control) at the end of the push and after it was reversed, with 95 %
    intervals. p: of no difference after, by sign flip. share_left: after / during, nan when nothing was there to leave.
    """

    during: Interval
    after: Interval
    p: float
    share_left: float
    n: int

    @property
    def lasting(self) -> bool:
        """Whether the interval of what is left excludes 0."""
        return self.after.lo > 0 or self.after.hi < 0


def hysteresis(
    control_during: FloatArray,
    treated_during: FloatArray,
    control_after: FloatArray,
    treated_after: FloatArray,
    *,
    seed: int = 0,
) -> Hysteresis:
    """Test whether an effect outlives its cause. All arrays: one value a run, runs paired by seed, equal times.

    The control arm is needed because most quantities move by themselves: what came late is not what was caused.
    """
    arrays = [np.asarray(a, dtype=np.float64) for a in (control_during, treated_during, control_after, treated_after)]
    if any(a.ndim != 1 or a.shape != arrays[0].shape or not np.isfinite(a).all() for a in arrays):
        raise ValueError("give four rows of finite values, one a run, of the same length")
    during = bootstrap_mean(arrays[1] - arrays[0], seed=seed)
    left = arrays[3] - arrays[2]
    after = bootstrap_mean(left, seed=seed)
    there = during.lo > 0 or during.hi < 0
    return Hysteresis(
        during=during,
        after=after,
        p=sign_flip(left) if left.size else math.nan,
        share_left=after.point / during.point if there else math.nan,
        n=left.size,
    )


def loop_area(control: FloatArray, response: FloatArray) -> float:
    """Return the area between the way up and the way down of a swept control; 0 when the response keeps no memory.

    control, response: along the sweep, which ends where it began. Positive when the response is larger on the way
    down. Raises ValueError when the sweep is not closed.
    """
    x, y = np.asarray(control, dtype=np.float64), np.asarray(response, dtype=np.float64)
    if x.ndim != 1 or x.shape != y.shape or x.size < 3 or x[0] != x[-1]:
        raise ValueError("a sweep needs three or more points and ends at the control value it began with")
    return float(-np.sum((y[1:] + y[:-1]) / 2 * np.diff(x)))
