"""The same panel polled again and again: how far its answers moved, and whether it still holds different views. Pure.

Answers are distributions over ordered levels, float64 [citizen, item, level]; nan where a citizen gave none. Distances
are Wasserstein distances over levels at equal steps, divided by the largest, so in [0, 1]. Every statistic takes
weights [draw, citizen], how often a citizen counts in each draw, and returns a value a draw; nan where nothing is left.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from agents.statistics.intervals import NAN, NUM_RESAMPLES, Interval
from societies.assembly.metrics.measured import FloatArray

BoolArray = npt.NDArray[np.bool_]
Statistic = Callable[..., FloatArray]
"""(answers of one or several polls, weights) -> a value a draw."""
NUM_SPLITS = 200
_TINY = 1e-12


def answered(answers: FloatArray) -> BoolArray:
    """Return which citizen gave an answer to which item, bool [citizen, item]."""
    return np.asarray(np.isfinite(answers).all(axis=2), dtype=np.bool_)


def panel_mean(answers: FloatArray, weights: FloatArray) -> FloatArray:
    """Return the panel's mean answers [draw, item, level]; nan where nobody answered."""
    seen = answered(answers)
    num_citizens, num_items, num_levels = answers.shape
    flat = np.where(seen[:, :, None], answers, 0.0).reshape(num_citizens, num_items * num_levels)
    sums = (weights @ flat).reshape(len(weights), num_items, num_levels)
    return _over(sums, (weights @ seen.astype(np.float64))[:, :, None])


def apart(first: FloatArray, second: FloatArray) -> FloatArray:
    """Return the distances of distributions along the last axis."""
    gaps = np.abs(np.cumsum(first - second, axis=-1)[..., :-1])
    return np.asarray(gaps.sum(axis=-1) / (first.shape[-1] - 1), dtype=np.float64)


def panel_distance(first: FloatArray, second: FloatArray, weights: FloatArray) -> FloatArray:
    """Return how far the panel's mean answers lie apart, mean over items; only cells that both have count."""
    blank = ~(answered(first) & answered(second))[:, :, None]
    one, two = (panel_mean(np.where(blank, np.nan, part), weights) for part in (first, second))
    return _mean(apart(one, two))


def own_distance(first: FloatArray, second: FloatArray, weights: FloatArray) -> FloatArray:
    """Return how far citizens' own answers lie apart, mean over citizens and items: moves that cancel out count too."""
    found = apart(first, second)
    seen = np.isfinite(found)
    return _over(weights @ np.where(seen, found, 0.0).sum(axis=1), weights @ seen.sum(axis=1).astype(np.float64))


def levels_of(answers: FloatArray) -> FloatArray:
    """Return expected levels [citizen, item], 0 the lowest to 1 the highest."""
    return np.asarray(answers @ np.linspace(0, 1, answers.shape[2]), dtype=np.float64)


def level(answers: FloatArray, weights: FloatArray) -> FloatArray:
    """Return the panel's expected level, mean over items."""
    return _mean(panel_mean(answers, weights) @ np.linspace(0, 1, answers.shape[2]))


def spread(answers: FloatArray, weights: FloatArray) -> FloatArray:
    """Return the variance of expected levels between citizens, mean over items."""
    seen = answered(answers)
    # About the middle, so that the difference of squares keeps its digits.
    levels = np.where(seen, levels_of(answers) - 0.5, 0.0)
    counts = weights @ seen.astype(np.float64)
    means = _over(weights @ levels, counts)
    return _mean(np.maximum(_over(weights @ levels**2, counts) - means**2, 0.0))


def evenness(answers: FloatArray, weights: FloatArray) -> FloatArray:
    """Return the entropy of the panel's mean answer over that of the uniform one, mean over items, in [0, 1]."""
    return np.asarray(_mean(_entropy(panel_mean(answers, weights))) / np.log(answers.shape[2]), dtype=np.float64)


def settled(answers: FloatArray, weights: FloatArray) -> FloatArray:
    """Return the share of the answers' entropy that is told by who answers, mean over items, in [0, 1].

    (H(mean answer) - mean H(answer)) / H(mean answer): 0 when everybody answers alike, however unsure they are.
    """
    seen = answered(answers)
    whole = _entropy(panel_mean(answers, weights))
    own = _over(weights @ np.where(seen, _entropy(answers), 0.0), weights @ seen.astype(np.float64))
    told = np.where(whole > _TINY, (whole - own) / np.maximum(whole, _TINY), 0.0)
    return _mean(np.where(np.isnan(whole), np.nan, told))


def agreement(answers: FloatArray, results: FloatArray, weights: FloatArray) -> FloatArray:
    """Return 1 less the distance of the panel's mean answers from results [item, level], mean over items.

    Items without a result hold nan and do not count.
    """
    return np.asarray(1 - _mean(apart(panel_mean(answers, weights), results[None])), dtype=np.float64)


def halves(answers: FloatArray, *, num_splits: int = NUM_SPLITS, seed: int = 0) -> float:
    """Return how far two random halves of the panel lie apart, mean over splits: what another draw of it would do."""
    num = len(answers)
    if num < 2:
        return NAN
    ranks = np.argsort(np.random.default_rng(seed).random((num_splits, num)), axis=1)
    one = (ranks < num // 2).astype(np.float64)
    return float(_mean(_mean(apart(panel_mean(answers, one), panel_mean(answers, 1 - one)))[None])[0])


def whole(num_citizens: int) -> FloatArray:
    """Return the weights by which everybody counts once."""
    return np.ones((1, num_citizens))


def value(statistic: Statistic, *answers: FloatArray) -> float:
    """Return a statistic of the whole panel."""
    return float(statistic(*answers, whole(len(answers[0])))[0])


def resampled(
    statistic: Statistic, *answers: FloatArray, num_resamples: int = NUM_RESAMPLES, seed: int = 0
) -> FloatArray:
    """Return a statistic of panels drawn from this one with replacement, the same citizens in all polls; known ones."""
    num = len(answers[0])
    if not num:
        return np.zeros(0)
    counts = np.random.default_rng(seed).multinomial(num, np.full(num, 1 / num), size=num_resamples)
    draws = statistic(*answers, counts.astype(np.float64))
    return np.asarray(draws[np.isfinite(draws)], dtype=np.float64)


def by_citizen(
    statistic: Statistic, *answers: FloatArray, num_resamples: int = NUM_RESAMPLES, seed: int = 0
) -> Interval:
    """Return a statistic with a bootstrap interval over citizens (percentiles; Efron 1979).

    Items are fixed: the interval says what other citizens would have answered to them, not what other items would.
    """
    draws = resampled(statistic, *answers, num_resamples=num_resamples, seed=seed)
    point = value(statistic, *answers) if len(answers[0]) else NAN
    if np.isnan(point) or draws.size < num_resamples / 2:
        return Interval(point, NAN, NAN, NAN)
    lo, hi = np.quantile(draws, [0.025, 0.975])
    return Interval(point, float(draws.std(ddof=1)), float(lo), float(hi))


def _over(sums: FloatArray, counts: FloatArray) -> FloatArray:
    return np.asarray(np.where(counts > 0, sums / np.where(counts > 0, counts, 1.0), np.nan), dtype=np.float64)


def _mean(values: FloatArray) -> FloatArray:
    """Return the mean of the known values along the last axis."""
    seen = np.isfinite(values)
    return _over(np.where(seen, values, 0.0).sum(axis=-1), seen.sum(axis=-1).astype(np.float64))


def _entropy(p: FloatArray) -> FloatArray:
    safe = np.where(p > 0, p, 1.0)
    found = -(p * np.log(safe)).sum(axis=-1)
    return np.asarray(np.where(np.isfinite(p).all(axis=-1), found, np.nan), dtype=np.float64)
