"""Before and after on the same items: tests, corrections, equivalence, and what a sample could have shown at all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from agents.statistics.intervals import z_value

FloatArray = npt.NDArray[np.float64]
NUM_FLIPS = 10_000
_EXACT_UP_TO = 12


def mcnemar_exact(only_first: int, only_second: int) -> float:
    """Return the two-sided p that the discordant pairs fall evenly; 1 when there are none.

    Source: McNemar 1947; the exact binomial form, as in Agresti 2013, section 11.1.
    """
    n = only_first + only_second
    if n == 0:
        return 1.0
    few = min(only_first, only_second)
    tail = sum(math.comb(n, k) for k in range(few + 1))
    return min(1.0, 2 * tail / (1 << n))


def sign_flip(differences: Sequence[float] | FloatArray, *, num_flips: int = NUM_FLIPS, seed: int = 0) -> float:
    """Return the two-sided p of a zero mean difference: each pair's sign is flipped at will.

    Exact up to 12 pairs that differ, else by `num_flips` draws, counting the observed one, so never 0.
    1 with no pairs. Source: Fisher 1935, section 21; Phipson and Smyth 2010 for the count.
    """
    d = np.asarray(differences, dtype=np.float64)
    d = d[d != 0]
    if d.size == 0:
        return 1.0
    observed = abs(float(d.sum())) * (1 - 1e-12)
    if d.size <= _EXACT_UP_TO:
        signs = np.array(list(product((1.0, -1.0), repeat=d.size)))
        return float((np.abs(signs @ d) >= observed).mean())
    rng = np.random.default_rng(seed)
    extreme = 0
    step = max(1, 4_000_000 // d.size)
    for start in range(0, num_flips, step):
        rows = min(step, num_flips - start)
        signs = rng.integers(0, 2, (rows, d.size), dtype=np.int8).astype(np.float64) * 2 - 1
        extreme += int((np.abs(signs @ d) >= observed).sum())
    return (1 + extreme) / (1 + num_flips)


def paired_t(differences: Sequence[float] | FloatArray) -> float:
    """Return the two-sided p of a zero mean difference by Student's t; nan with fewer than two pairs.

    For few pairs of one number, such as seeds, where `sign_flip` could never be below .05 (2 / 2**n). It takes the
    differences as normal. Differences that are all equal have p 0, or 1 where they are all 0. Source: Student 1908.
    """
    from scipy.stats import t

    d = np.asarray(differences, dtype=np.float64)
    if d.size < 2:
        return math.nan
    mean, sd = float(d.mean()), float(d.std(ddof=1))
    if sd == 0:
        return 0.0 if mean else 1.0
    return float(2 * t.sf(abs(mean) / (sd / math.sqrt(d.size)), d.size - 1))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for being several; nan stays nan and is not counted.

    Source: Holm 1979.
    """
    out = [math.nan] * len(p_values)
    known = sorted((p, k) for k, p in enumerate(p_values) if not math.isnan(p))
    highest = 0.0
    for rank, (p, k) in enumerate(known):
        highest = max(highest, min(1.0, p * (len(known) - rank)))
        out[k] = highest
    return out


@dataclass(frozen=True, slots=True)
class Equivalence:
    """Whether a difference is small enough. p: the larger of the two one-sided p-values."""

    equivalent: bool
    p: float
    lo: float
    hi: float


def tost(difference: float, se: float, low: float, high: float, *, alpha: float = 0.05) -> Equivalence:
    """Return two one-sided normal tests that low < difference < high.

    For "not up by more than m" give low = -inf. lo, hi: the 1 - 2 alpha interval, inside the margins exactly when
    equivalent. Not equivalent when anything is nan. Source: Schuirmann 1987.
    """
    if not low < high:
        raise ValueError(f"margins {low} and {high} leave no room")
    if math.isnan(difference) or math.isnan(se):
        return Equivalence(False, math.nan, math.nan, math.nan)
    if se <= 0:
        inside = low < difference < high
        return Equivalence(inside, 0.0 if inside else 1.0, difference, difference)
    normal = NormalDist()
    p = max(normal.cdf((difference - high) / se), 1 - normal.cdf((difference - low) / se))
    half = z_value(1 - 2 * alpha) * se
    return Equivalence(p < alpha, p, difference - half, difference + half)


def minimum_detectable_effect(sd: float, n: int, *, power: float = 0.8, alpha: float = 0.05) -> float:
    """Return the smallest mean paired difference that n pairs show with this power; inf for no pairs.

    sd: of the differences. Normal approximation. Source: Cohen 1988, section 2.
    """
    if n <= 0:
        return math.inf
    return (z_value(1 - alpha) + NormalDist().inv_cdf(power)) * sd / math.sqrt(n)
