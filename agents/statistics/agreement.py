"""Do two readings of the same thing agree: between raters, between retests, between the items of a scale."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


def kappa(first: Sequence[Hashable], second: Sequence[Hashable]) -> float:
    """Return Cohen's kappa of two raters; nan with no cases, or when both always say the same one thing.

    Source: Cohen 1960, equation 1.
    """
    if len(first) != len(second):
        raise ValueError(f"{len(first)} and {len(second)} ratings are not of the same cases")
    n = len(first)
    if n == 0:
        return math.nan
    observed = sum(a == b for a, b in zip(first, second, strict=True)) / n
    words = set(first) | set(second)
    chance = sum(list(first).count(word) * list(second).count(word) for word in words) / n**2
    return (observed - chance) / (1 - chance) if chance < 1 else math.nan


def icc_2_1(ratings: FloatArray) -> float:
    """Return ICC(2,1): absolute agreement of single ratings, raters drawn at random.

    ratings: [case, rater], complete. nan with fewer than two of either, or without any variance.
    Source: Shrout and Fleiss 1979, table 4 and the formula for case 2.
    """
    x = np.asarray(ratings, dtype=np.float64)
    if x.ndim != 2 or min(x.shape) < 2:
        return math.nan
    n, k = x.shape
    mean = x.mean()
    between_cases = k * float(((x.mean(axis=1) - mean) ** 2).sum()) / (n - 1)
    between_raters = n * float(((x.mean(axis=0) - mean) ** 2).sum()) / (k - 1)
    residual = x - x.mean(axis=1, keepdims=True) - x.mean(axis=0, keepdims=True) + mean
    error = float((residual**2).sum()) / ((n - 1) * (k - 1))
    below = between_cases + (k - 1) * error + k * (between_raters - error) / n
    return (between_cases - error) / below if below > 0 else math.nan


def alpha(answers: FloatArray) -> float:
    """Return Cronbach's alpha. answers: [person, item], complete, reverse-keyed items already turned.

    nan with fewer than two persons or items, or when the sums do not vary. High is not always good: above people's
    own value it is straight-lining. Source: Cronbach 1951, equation 2.
    """
    x = np.asarray(answers, dtype=np.float64)
    if x.ndim != 2 or min(x.shape) < 2:
        return math.nan
    k = x.shape[1]
    total = float(x.sum(axis=1).var(ddof=1))
    return k / (k - 1) * (1 - float(x.var(axis=0, ddof=1).sum()) / total) if total > 0 else math.nan
