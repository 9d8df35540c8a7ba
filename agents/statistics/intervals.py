"""How sure a number is: intervals for shares, means and paired differences.

Every function takes the seed of its resampling, so equal input gives equal output. With no data the interval is nan,
never an error: a gate must be able to say that it could not run.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
NAN = math.nan
NUM_RESAMPLES = 1000
_CELLS = 4_000_000
"""Most index cells held at once while resampling (32 MB)."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A point estimate with its standard error and an interval; all nan when there was nothing to estimate from."""

    point: float
    se: float
    lo: float
    hi: float


NOTHING = Interval(NAN, NAN, NAN, NAN)


def z_value(level: float) -> float:
    """Return the two-sided normal quantile: 1.96 for level .95."""
    if not 0 < level < 1:
        raise ValueError(f"level {level} is not between 0 and 1")
    return NormalDist().inv_cdf(0.5 + level / 2)


def wilson(successes: float, n: float, *, level: float = 0.95) -> Interval:
    """Return the Wilson score interval of a share. Never leaves [0, 1], and has width also at 0 and at n.

    se: (hi - lo) / 2z, which is not 0 at the ends. Source: Wilson 1927; Brown, Cai and DasGupta 2001, equation 4.
    """
    if n <= 0:
        return NOTHING
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} of {n} is no share")
    z = z_value(level)
    p = successes / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    lo = 0.0 if successes == 0 else max(0.0, middle - half)
    hi = 1.0 if successes == n else min(1.0, middle + half)
    return Interval(p, half / z, lo, hi)


def paired_shares(both: int, only_first: int, only_second: int, neither: int, *, level: float = 0.95) -> Interval:
    """Return the difference of two paired shares, second minus first, with Newcombe's hybrid score interval.

    Counts of pairs by who succeeded. Source: Newcombe 1998 (Improved confidence intervals for the difference between
    binomial proportions based on paired data), method 10.
    """
    n = both + only_first + only_second + neither
    if n == 0:
        return NOTHING
    first = wilson(both + only_first, n, level=level)
    second = wilson(both + only_second, n, level=level)
    difference = second.point - first.point
    a, b, c, d = both, only_first, only_second, neither
    product = (a + b) * (c + d) * (a + c) * (b + d)
    excess = float(a * d - b * c)
    if excess > 0:
        excess = max(excess - n / 2, 0.0)
    phi = excess / math.sqrt(product) if product else 0.0
    down_first, up_first = first.point - first.lo, first.hi - first.point
    down_second, up_second = second.point - second.lo, second.hi - second.point
    below = down_second**2 - 2 * phi * down_second * up_first + up_first**2
    above = up_second**2 - 2 * phi * up_second * down_first + down_first**2
    lo = max(-1.0, difference - math.sqrt(max(0.0, below)))
    hi = min(1.0, difference + math.sqrt(max(0.0, above)))
    return Interval(difference, (hi - lo) / (2 * z_value(level)), lo, hi)


def student_band(values: FloatArray, *, level: float = 0.95) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return (mean, low, high) over the first axis by Student's t, for every curve of some seeds at once.

    values: (num_seeds, ...). nan where a seed has none: what is undefined is never averaged away. One seed has a mean
    and no interval. Source: Student 1908.
    """
    from scipy.stats import t

    x = np.asarray(values, dtype=np.float64)
    n = len(x)
    mean = x.mean(axis=0) if n else np.full(x.shape[1:], NAN)
    if n < 2:
        empty = np.full_like(mean, NAN)
        return mean, empty, empty
    half = float(t.ppf(0.5 + level / 2, n - 1)) * x.std(axis=0, ddof=1) / math.sqrt(n)
    return mean, mean - half, mean + half


def bootstrap_mean(
    values: Sequence[float] | FloatArray,
    *,
    level: float = 0.95,
    method: Literal["percentile", "bca"] = "bca",
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
) -> Interval:
    """Return the mean of independent values with a bootstrap interval. For a paired difference give the differences.

    One value, or equal values, have an interval of width 0: flag them. Source: Efron 1987 (BCa), section 3.
    """
    x = _finite(values)
    n = x.size
    if n == 0:
        return NOTHING
    point = float(x.mean())
    if np.ptp(x) == 0:
        return Interval(point, 0.0, point, point)
    means = _resampled_means(x, num_resamples, np.random.default_rng(seed))
    tail = (1 - level) / 2
    lower, upper = tail, 1 - tail
    if method == "bca":
        lower, upper = _bca_levels(x, means, point, tail)
    lo, hi = np.quantile(means, [lower, upper])
    return Interval(point, float(means.std(ddof=1)), float(lo), float(hi))


def crossed_bootstrap(
    values: FloatArray,
    *,
    weights: Sequence[float] | None = None,
    strata: Sequence[str] | None = None,
    level: float = 0.95,
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
) -> Interval:
    """Return the mean over a table [person, item] with both resampled: persons within strata, and items.

    nan cells are left out. weights: one a person. Percentile interval; a little wide by design.
    Source: Owen 2007 (The pigeonhole bootstrap), section 3.
    """
    table = np.asarray(values, dtype=np.float64)
    seen = np.isfinite(table)
    if table.ndim != 2 or not seen.any():
        return NOTHING
    num_persons, num_items = table.shape
    w = np.ones(num_persons) if weights is None else np.asarray(weights, dtype=np.float64)
    names = np.array(["" for _ in range(num_persons)] if strata is None else list(strata))
    groups = [np.flatnonzero(names == name) for name in np.unique(names)]
    filled, present = np.where(seen, table, 0.0), seen.astype(np.float64)
    rng = np.random.default_rng(seed)
    means = np.full(num_resamples, NAN)
    for k in range(num_resamples):
        count = np.zeros(num_persons)
        for group in groups:
            np.add.at(count, rng.choice(group, size=group.size), 1.0)
        items = np.bincount(rng.integers(0, num_items, num_items), minlength=num_items).astype(np.float64)
        total = float((count * w) @ present @ items)
        if total > 0:
            means[k] = float((count * w) @ filled @ items) / total
    means = means[np.isfinite(means)]
    ones = np.ones(num_items)
    point = float(w @ filled @ ones) / float(w @ present @ ones)
    lo, hi = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Interval(point, float(means.std(ddof=1)), float(lo), float(hi))


def bootstrap_statistic(
    n: int,
    statistic: Callable[[IntArray], float],
    *,
    level: float = 0.95,
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
) -> Interval:
    """Return any statistic of n independent cases with a percentile interval.

    statistic: called with the numbers of the cases to use. Resamples where it is nan are left out; with more than
    half of them so, the interval is nan. Source: Efron 1979.
    """
    if n == 0:
        return NOTHING
    rng = np.random.default_rng(seed)
    draws = np.array([statistic(rng.integers(0, n, n)) for _ in range(num_resamples)])
    draws = draws[np.isfinite(draws)]
    point = statistic(np.arange(n))
    if math.isnan(point) or draws.size < num_resamples / 2:
        return Interval(point, NAN, NAN, NAN)
    lo, hi = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return Interval(point, float(draws.std(ddof=1)), float(lo), float(hi))


def effective_n(weights: Sequence[float] | FloatArray) -> float:
    """Return (sum w)^2 / sum w^2: how many equal weights would be as sure. 0 for none. Source: Kish 1965, 8.2."""
    w = np.asarray(weights, dtype=np.float64)
    squares = float((w**2).sum())
    return float(w.sum()) ** 2 / squares if squares > 0 else 0.0


def _finite(values: Sequence[float] | FloatArray) -> FloatArray:
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 1 or not np.isfinite(x).all():
        raise ValueError("give one row of finite values; leave out what was forfeited")
    return x


def _resampled_means(x: FloatArray, num_resamples: int, rng: np.random.Generator) -> FloatArray:
    means = np.empty(num_resamples)
    step = max(1, _CELLS // x.size)
    for start in range(0, num_resamples, step):
        stop = min(start + step, num_resamples)
        means[start:stop] = x[rng.integers(0, x.size, (stop - start, x.size))].mean(axis=1)
    return means


def _bca_levels(x: FloatArray, means: FloatArray, point: float, tail: float) -> tuple[float, float]:
    """Return the quantiles to read; of a mean, the jackknife needs no loop."""
    normal = NormalDist()
    share = float(((means < point).sum() + 0.5 * (means == point).sum()) / means.size)
    shift = normal.inv_cdf(min(max(share, 1 / (2 * means.size)), 1 - 1 / (2 * means.size)))
    centred = x - x.mean()
    squares = float((centred**2).sum())
    speed = float((centred**3).sum()) / (6 * squares**1.5)
    levels = []
    for side in (tail, 1 - tail):
        z = shift + normal.inv_cdf(side)
        levels.append(normal.cdf(shift + z / max(1e-6, 1 - speed * z)))
    return levels[0], levels[1]
