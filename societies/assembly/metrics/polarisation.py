"""How far a group is split, and whether agreement is suspiciously complete.

An assembly of language models tends to agree too much, so the fall of variance and the concentration of first choices
are read against an arm without interaction. Levels are whole numbers 0 .. K-1 of an ordered scale.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from agents.statistics.intervals import NOTHING, Interval
from societies.assembly.metrics.measured import FloatArray, IntArray, Measured, change, normal

SAME = 1e-6
"""Answers on a scale from 0 to 1 that lie no further apart are one answer."""


def esteban_ray(shares: npt.ArrayLike, positions: npt.ArrayLike, *, alpha: float = 1.0) -> float:
    """Return sum_i sum_j pi_i^(1 + alpha) pi_j |y_i - y_j| over groups with shares pi at positions y.

    0 for one group; with alpha 1 and positions 0 and 1 at most 1/4, for two equal camps. alpha must lie in (0, 1.6].
    Source: Esteban and Ray 1994, with their constant K = 1.
    """
    if not 0 < alpha <= 1.6:
        raise ValueError(f"alpha {alpha} is outside (0, 1.6]")
    p, y = np.asarray(shares, dtype=np.float64), np.asarray(positions, dtype=np.float64)
    p = p / p.sum()
    apart: FloatArray = np.abs(y[:, None] - y[None, :])
    return float(np.sum((p ** (1 + alpha))[:, None] * apart * p))


def bimodality(values: npt.ArrayLike) -> float:
    """Return (g^2 + 1) / (k + 3 (n-1)^2 / ((n-2)(n-3))); the uniform has 5/9, above it suggests two camps.

    g, k: sample skewness and excess kurtosis with the usual small-sample corrections. A skewed single camp scores high
    too, so never read it alone. nan below four values or without variance.
    Source: SAS Institute 1990; Pfister et al. 2013 for the form and its limits.
    """
    x = np.asarray(values, dtype=np.float64)
    n = x.size
    if n < 4 or np.ptp(x) == 0:
        return math.nan
    d = x - x.mean()
    m2 = float(np.mean(d**2))
    g = float(np.mean(d**3)) / m2**1.5 * math.sqrt(n * (n - 1)) / (n - 2)
    k = (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * (float(np.mean(d**4)) / m2**2 - 3) + 6)
    return float(g**2 + 1) / (k + 3 * (n - 1) ** 2 / ((n - 2) * (n - 3)))


def agreement(counts: npt.ArrayLike) -> float:
    """Return van der Eijk's A of counts over K >= 3 ordered levels: 1 all on one, 0 uniform, -1 half at each end.

    nan when nobody answered. Source: van der Eijk 2001 (Measuring agreement in ordered rating scales).
    """
    table = np.asarray(counts, dtype=np.float64)
    if table.size < 3:
        raise ValueError("agreement needs at least three ordered levels")
    return float(_agreements(table[None, :])[0]) if table.sum() > 0 else math.nan


def polarisation(levels: IntArray, num_levels: int, *, num_resamples: int = 1000, seed: int = 0) -> Measured:
    """Measure -A of answers on one scale: 1 two camps at the ends, 0 uniform, -1 all alike.

    Samples of uniform answers look agreed on whatever is most frequent by chance. The point is moved by the bias that
    bootstrapping shows, and the interval has room for that bias beside the variance; at 60 to 1,000 uniform answers it
    covers the null, 0, in 92 to 97 of 100 samples. All stay in [-1, 1].
    Source of the correction: Efron and Tibshirani 1993, chapter 10.
    """
    n = levels.size
    if n == 0:
        return Measured(value=NOTHING, null=0.0, n=0)
    counts = np.bincount(levels, minlength=num_levels)
    plain = -agreement(counts)
    rng = np.random.default_rng(seed)
    draws = -_agreements(rng.multinomial(n, counts / n, size=num_resamples).astype(np.float64))
    bias = float(draws.mean()) - plain
    found = normal(plain - bias, float(draws.var(ddof=1)) + bias**2)
    point, lo, hi = (min(1.0, max(-1.0, x)) for x in (found.point, found.lo, found.hi))
    value = Interval(point, found.se, lo, hi)
    return Measured(value=value, null=0.0, n=n)


def consensus(before: FloatArray, after: FloatArray) -> float:
    """Return 1 - var(after) / var(before): 1 full agreement, 0 no change, negative when opinions moved apart."""
    return 1 - variance_ratio(before, after)


def variance_ratio(before: FloatArray, after: FloatArray) -> float:
    """Return var(after) / var(before), summed over items where there are several; nan without variance before.

    Below 1 is a collapse; compare it with the arm without interaction before calling it deliberation.
    """
    below = float(_variances(before[None])[0])
    return float(_variances(after[None])[0]) / below if below > 0 else math.nan


def _variances(drawn: FloatArray) -> FloatArray:
    """Return the variance of each sample, shape (samples, citizens) or (samples, citizens, items), summed over items.

    0 where all citizens of a sample say the same to 1e-6, which no engine's probabilities resolve: a ratio to the 1e-34
    that rounding leaves would be nonsense.
    """
    found = np.where(np.ptp(drawn, axis=1) > SAME, drawn.var(axis=1), 0.0)
    return found if found.ndim == 1 else np.asarray(found.sum(axis=1))


def variance_collapse(before: FloatArray, after: FloatArray, *, num_resamples: int = 1000, seed: int = 0) -> Measured:
    """Measure the variance ratio over citizens; null 1."""
    return variance_collapse_over([(before, after)], num_resamples=num_resamples, seed=seed)


def variance_collapse_over(
    pairs: Sequence[tuple[FloatArray, FloatArray]], *, num_resamples: int = 1000, seed: int = 0
) -> Measured:
    """Measure the ratio of variances within assemblies, each summed over them; null 1. n: citizens.

    pairs: (before, after) of each assembly, shape (citizens,) or (citizens, items). A mean of ratios would belong to
    the assembly that agreed most before. Percentile interval; citizens are drawn within their assembly, which is given.
    Where more than one resample in forty has no variance before, the interval has no upper end: hi is infinite.
    """
    rng = np.random.default_rng(seed)
    n = sum(len(before) for before, _ in pairs)
    points, draws = np.zeros(2), np.zeros((2, num_resamples))
    for pair in pairs:
        rows = rng.integers(0, len(pair[0]), (num_resamples, len(pair[0])))
        for k, one in enumerate(pair):
            points[k] += _variances(one[None])[0]
            draws[k] += _variances(one[rows])
    if points[0] <= 0:
        return Measured(value=NOTHING, null=1.0, n=n)
    point = float(points[1] / points[0])
    drawn = draws[:, draws.sum(axis=0) > 0]
    with np.errstate(divide="ignore"):
        ratios = drawn[1] / drawn[0]
    if ratios.size < num_resamples / 2:
        return Measured(value=Interval(point, math.nan, math.nan, math.nan), null=1.0, n=n)
    lo, hi = np.quantile(ratios, 0.025, method="lower"), np.quantile(ratios, 0.975, method="higher")
    se = float(ratios.std(ddof=1)) if np.isfinite(ratios).all() else math.inf
    return Measured(value=Interval(point, se, float(lo), float(hi)), null=1.0, n=n)


def polarisation_change(
    before: IntArray, after: IntArray, num_levels: int, *, num_resamples: int = 1000, seed: int = 0
) -> Measured:
    """Measure the change of Esteban-Ray polarisation of answers placed at 0 .. 1; null 0."""
    places = np.linspace(0, 1, num_levels)

    def split(levels: FloatArray) -> float:
        return esteban_ray(np.bincount(levels.astype(np.int64), minlength=num_levels), places)

    return change(split, before.astype(np.float64), after.astype(np.float64), num_resamples=num_resamples, seed=seed)


def first_choice_concentration(first: IntArray, num_options: int) -> Measured:
    """Measure the chance that two different citizens have the same first choice (Herfindahl without sampling bias).

    1 for unanimity; null 1 / num_options, a uniform choice. Normal interval from the exact multinomial variance.
    Source: Simpson 1949 (Measurement of diversity), with the variance given there.
    """
    n = first.size
    if n < 2:
        return Measured(value=normal(math.nan, 0.0), null=1 / num_options, n=n)
    counts = np.bincount(first, minlength=num_options).astype(np.float64)
    p = counts / n
    squares, cubes = float((p**2).sum()), float((p**3).sum())
    point = float((counts * (counts - 1)).sum()) / (n * (n - 1))
    variance = (4 * (n - 2) * (cubes - squares**2) + 2 * (squares - squares**2)) / (n * (n - 1))
    return Measured(value=normal(point, variance), null=1 / num_options, n=n)


def top_share(first: IntArray, num_options: int) -> float:
    """Return the share of citizens whose first choice is the most popular one; nan for nobody."""
    return float(np.bincount(first, minlength=num_options).max()) / first.size if first.size else math.nan


def _agreements(tables: FloatArray) -> FloatArray:
    """Return A of each row of counts, shape (R, K): peel off layers of equal height and weigh their A by their size."""
    left, total = tables.astype(np.float64), tables.sum(axis=1)
    agreed = np.zeros(len(left))
    for _ in range(left.shape[1]):
        present = left > 1e-12 * total[:, None]
        num = present.sum(axis=1)
        height = np.min(left, axis=1, where=present, initial=np.inf)
        height[num == 0] = 0.0
        agreed += height * num / total * _layers(present)
        left = np.where(present, left - height[:, None], 0.0)
    return agreed


def _layers(present: npt.NDArray[np.bool_]) -> FloatArray:
    """Return A of layers in which each level holds everything or nothing, shape (R, K); any number for empty ones."""
    size, there = present.shape[1], present.astype(np.float64)
    left = np.cumsum(there, axis=1) - there
    right = there.sum(axis=1, keepdims=True) - left - there
    place = np.arange(size)
    # Triples with the middle one present and one side empty are one hump; present on both sides only are two.
    one = (there * (left * (size - 1 - place - right) + (place - left) * right)).sum(axis=1)
    two = ((1 - there) * left * right).sum(axis=1)
    triples = np.maximum((size - 2) * (one + two), 1.0)
    unimodal = np.where(one + two > 0, ((size - 2) * one - (size - 1) * two) / triples, 1.0)
    return np.asarray(unimodal * (1 - (there.sum(axis=1) - 1) / (size - 1)))
