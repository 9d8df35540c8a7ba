"""Where a series is going: polynomial extrapolation, what it costs in noise, and careful forms for votes and shares.

Source: ProgressGym, NeurIPS 2024, arXiv 2406.20087: the (order + 1)th difference is taken to be zero, one step at a
time. Done k times this is Lagrange's polynomial through the last order + 1 points, read at t + k.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Literal

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Shrink = float | Literal["auto"]
CAP = 5
"""Most copies of a hard vote. Source: ProgressGym, arXiv 2406.20087."""


@cache
def weights(order: int, horizon: int) -> tuple[int, ...]:
    """Return the weights of the last order + 1 points, oldest first, for the value `horizon` steps ahead.

    order 0 is lifelong learning: the last point counts alone. Exact integers.

    >>> weights(1, 1), weights(2, 1), weights(2, 2)
    ((-1, 2), (1, -3, 3), (3, -8, 6))
    """
    if order < 0 or horizon < 0:
        raise ValueError(f"order {order} and horizon {horizon} must not be negative")
    one_step = [math.comb(order + 1, i) * (-1) ** (order - i) for i in range(order + 1)]
    known = [[int(row == column) for column in range(order + 1)] for row in range(order + 1)]
    for _ in range(horizon):
        last = known[-(order + 1) :]
        known.append([sum(w * row[c] for w, row in zip(one_step, last, strict=True)) for c in range(order + 1)])
    return tuple(known[-1])


def noise_gain(order: int, horizon: int) -> int:
    """Return the variance of the extrapolated value when each point has variance 1 of its own: sum of w^2."""
    return sum(w * w for w in weights(order, horizon))


def extrapolate(series: FloatArray, order: int, horizon: int) -> FloatArray:
    """Return the value `horizon` steps after the last of `series`, (num_points, ...) -> (...).

    With fewer than order + 1 points the order falls to what they allow; one point is carried on as it is.
    """
    x = np.asarray(series, dtype=np.float64)
    if x.shape[0] == 0:
        raise ValueError("nothing to extrapolate from")
    w = weights(min(order, x.shape[0] - 1), horizon)
    return np.asarray(np.tensordot(np.asarray(w, dtype=np.float64), x[-len(w) :], axes=1), dtype=np.float64)


def pays(drift: float, noise: float, horizon: int) -> bool:
    """Tell whether first-order extrapolation beats lifelong learning in mean squared error.

    Lifelong errs by (k drift)^2 + noise^2, extrapolation by ((k + 1)^2 + k^2) noise^2.
    """
    return drift**2 > 2 * (1 + 1 / horizon) * noise**2


def extrapolate_shares(
    shares: FloatArray, order: int, horizon: int, *, shrink: Shrink = "auto", num_voters: float = 0.0
) -> FloatArray:
    """Return where vote shares are going, extrapolated as log-odds so that they stay between 0 and 1.

    shares:     (num_points, num_pairs), no nan.
    shrink:     part of the way from the last log-odds to the extrapolated ones that is gone. "auto": the positive-part
                James-Stein factor max(0, 1 - expected noise / observed square), over all pairs together; with no
                known number of voters it is 1.
    num_voters: voters behind each share; shares are pulled half a vote towards the middle, so 0 and 1 are usable.
    Source: derived here; James and Stein 1961 for the factor.
    """
    p = np.asarray(shares, dtype=np.float64)
    known = num_voters if num_voters > 0 else 1e6
    p = (p * known + 0.5) / (known + 1)
    odds = np.log(p / (1 - p))
    move = extrapolate(odds, order, horizon) - odds[-1]
    factor = _stein(odds, p, move, order, horizon, num_voters) if shrink == "auto" else float(shrink)
    return np.asarray(1 / (1 + np.exp(-(odds[-1] + factor * move))))


def hard_targets(series: FloatArray, order: int, horizon: int, *, cap: int | None = CAP) -> FloatArray:
    """Return signed copies of each pair after extrapolating hard votes: a sign, and how often the row is repeated.

    series: (num_points, num_pairs) of +1, -1, and nan or 0 where missing (counted as 0). Values are whole numbers; 0,
    which missing votes can bring about, means that the row is left out: nan. cap: most copies; None is no cap.
    Source: ProgressGym, arXiv 2406.20087 (its code asserts that 0 never happens; it does).
    """
    votes = np.nan_to_num(np.asarray(series, dtype=np.float64))
    copies = extrapolate(votes, order, horizon)
    if cap is not None:
        copies = np.clip(copies, -cap, cap)
    return np.where(copies == 0, np.nan, copies)


def carried(series: FloatArray) -> FloatArray:
    """Return the series with each gap filled by the last known point, or by the next one before the first is known.

    A pair that was never answered stays nan.
    """
    x = np.array(series, dtype=np.float64)
    for rows in (range(1, len(x)), range(len(x) - 2, -1, -1)):
        for t in rows:
            other = t - 1 if rows.step == 1 else t + 1
            x[t] = np.where(np.isnan(x[t]), x[other], x[t])
    return x


def _stein(odds: FloatArray, p: FloatArray, move: FloatArray, order: int, horizon: int, num_voters: float) -> float:
    if num_voters <= 0 or odds.shape[0] < 2:
        return 1.0
    w = np.array(weights(min(order, odds.shape[0] - 1), horizon), dtype=np.float64)
    w[-1] -= 1
    # Each pair is weighed by its binomial precision, or the pairs that everybody agrees on would drown all others.
    precision = (p * (1 - p) * num_voters)[-w.size :]
    expected = (w[:, None] ** 2 / precision).sum(0)
    observed = float((move**2 / expected).mean())
    return max(0.0, 1 - 1 / observed) if observed > 0 else 0.0
