"""Did talking make people's preferences follow from their reasons, and their disagreements easier to structure?"""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import numpy.typing as npt

from agents.statistics.intervals import NAN, NOTHING, Interval
from societies.assembly.metrics.measured import FloatArray, IntArray, Measured, normal

_MOST_OPTIONS = 7


def deliberative_reason(
    considerations: FloatArray, preferences: FloatArray, *, num_shuffles: int = 200, seed: int = 0
) -> Measured:
    """Measure how far people who agree on considerations agree on preferences: a correlation over pairs of citizens.

    considerations: ratings, shape (n, C). preferences: ratings or ranks, shape (n, P). Agreement of a pair is the rank
    correlation of their rows; pairs without one (a flat row) are left out.
    Interval: jackknife over citizens, since pairs share people. null: mean when preferences are shuffled over citizens.
    This is the correlation reading of the Deliberative Reason Index (Niemeyer and Veri 2022), from memory; the
    published index uses distances from the diagonal, so do not compare numbers with theirs.
    """
    n = len(considerations)
    if n < 4 or len(preferences) != n:
        return Measured(value=NOTHING, null=NAN, n=n)
    reasons, wishes = pairwise_agreement(considerations), pairwise_agreement(preferences)
    point = _over_pairs(reasons, wishes)
    kept = [np.delete(np.arange(n), i) for i in range(n)]
    left = np.array([_over_pairs(reasons[np.ix_(k, k)], wishes[np.ix_(k, k)]) for k in kept])
    variance = (n - 1) / n * float(((left - left.mean()) ** 2).sum()) if np.isfinite(left).all() else NAN
    rng = np.random.default_rng(seed)
    orders = [rng.permutation(n) for _ in range(num_shuffles)]
    null = float(np.mean([_over_pairs(reasons, wishes[np.ix_(o, o)]) for o in orders])) if orders else NAN
    value = normal(point, variance) if math.isfinite(variance) else Interval(point, NAN, NAN, NAN)
    return Measured(value=value, null=null, n=n)


def pairwise_agreement(ratings: FloatArray) -> FloatArray:
    """Return Spearman's correlation between each two rows, shape (n, n); nan for a row without variance."""
    ranks = np.stack([_ranks(row) for row in np.asarray(ratings, dtype=np.float64)])
    centred = ranks - ranks.mean(axis=1, keepdims=True)
    lengths = np.sqrt((centred**2).sum(axis=1))
    below = np.outer(lengths, lengths)
    return np.asarray(np.divide(centred @ centred.T, below, out=np.full_like(below, math.nan), where=below > 1e-12))


def single_peaked_share(rankings: IntArray) -> tuple[float, tuple[int, ...]]:
    """Return the largest share of citizens whose rankings are single-peaked on one axis, and that axis.

    rankings: options from best to worst, shape (n, m), m from 3 to 7: all axes are tried.
    Source: Black 1948; List et al. 2013 (Deliberation, single-peakedness).
    """
    n, m = rankings.shape
    if not 3 <= m <= _MOST_OPTIONS:
        raise ValueError(f"single-peakedness is searched for 3 to {_MOST_OPTIONS} options, not {m}")
    best, axis_of_best = -1.0, tuple(range(m))
    for axis in permutations(range(m)):
        if axis[0] > axis[-1]:
            continue
        place = np.argsort(axis)
        share = float(_fits(place[rankings]).mean()) if n else math.nan
        if share > best:
            best, axis_of_best = share, axis
    return (best, axis_of_best) if n else (math.nan, axis_of_best)


def single_peakedness_gain(before: IntArray, after: IntArray, *, num_resamples: int = 100, seed: int = 0) -> Measured:
    """Measure how much larger the single-peaked share became; null 0. The axis may change. Interval over citizens."""
    n = len(before)
    rng = np.random.default_rng(seed)
    point = single_peaked_share(after)[0] - single_peaked_share(before)[0]
    draws = []
    for _ in range(num_resamples):
        rows = rng.integers(0, n, n)
        draws.append(single_peaked_share(after[rows])[0] - single_peaked_share(before[rows])[0])
    lo, hi = np.quantile(draws, [0.025, 0.975])
    return Measured(value=Interval(point, float(np.std(draws, ddof=1)), float(lo), float(hi)), null=0.0, n=n)


def _fits(places: IntArray) -> npt.NDArray[np.bool_]:
    """Return which rows of places on the axis, best first, grow outwards from the peak without a gap."""
    low, high = np.minimum.accumulate(places, axis=1), np.maximum.accumulate(places, axis=1)
    return np.asarray((high - low == np.arange(places.shape[1])).all(axis=1))


def _over_pairs(first: FloatArray, second: FloatArray) -> float:
    rows, columns = np.triu_indices(len(first), 1)
    x, y = first[rows, columns], second[rows, columns]
    seen = np.isfinite(x) & np.isfinite(y)
    x, y = x[seen], y[seen]
    below = float(x.std() * y.std()) if x.size > 1 else 0.0
    return float(np.mean((x - x.mean()) * (y - y.mean()))) / below if below > 1e-12 else math.nan


def _ranks(row: FloatArray) -> FloatArray:
    """Return ranks from 0, ties at their mean."""
    _, where, times = np.unique(row, return_inverse=True, return_counts=True)
    ends = np.cumsum(times)
    return np.asarray((ends - (times + 1) / 2)[where], dtype=np.float64)
