"""How far two distributions of answers are apart, and how far chance alone would put them.

Distributions are non-negative and are normalised here. Never mix bases: `jsd` is in nats, `d_js` is the square root
of it in bits, so that it lies in [0, 1].
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Distribution = Sequence[float] | FloatArray


def normalised(p: Distribution) -> FloatArray:
    """Return p as an array that adds up to 1. Raises ValueError for negative, non-finite or all-zero values."""
    array = np.asarray(p, dtype=np.float64)
    total = float(array.sum())
    if array.ndim != 1 or not np.isfinite(array).all() or (array < 0).any() or total <= 0:
        raise ValueError(f"not a distribution: {array}")
    return array / total


def _pair(p: Distribution, q: Distribution) -> tuple[FloatArray, FloatArray]:
    a, b = normalised(p), normalised(q)
    if a.shape != b.shape:
        raise ValueError(f"distributions over {a.size} and {b.size} options cannot be compared")
    return a, b


def entropy(p: Distribution) -> float:
    """Return the entropy in nats, in [0, ln K]. Source: Shannon 1948, section 6."""
    a = normalised(p)
    a = a[a > 0]
    return max(0.0, float(-(a * np.log(a)).sum()))


def normalised_entropy(p: Distribution) -> float:
    """Return the entropy divided by that of the uniform distribution, in [0, 1]; 0 for a single option."""
    num = len(p)
    return entropy(p) / math.log(num) if num > 1 else 0.0


def total_variation(p: Distribution, q: Distribution) -> float:
    """Return half the summed absolute difference, in [0, 1]."""
    a, b = _pair(p, q)
    return 0.5 * float(np.abs(a - b).sum())


def jsd(p: Distribution, q: Distribution) -> float:
    """Return the Jensen-Shannon divergence in nats, in [0, ln 2]. Source: Lin 1991, equation 4.1."""
    a, b = _pair(p, q)
    return generalised_jsd(np.stack([a, b]))


def d_js(p: Distribution, q: Distribution) -> float:
    """Return the square root of the Jensen-Shannon divergence in bits: a metric in [0, 1].

    Source: Endres and Schindelin 2003, theorem 1.
    """
    return math.sqrt(min(1.0, jsd(p, q) / math.log(2)))


def generalised_jsd(rows: Sequence[Distribution] | FloatArray) -> float:
    """Return the divergence of several equally weighted distributions in nats: H(mean) - mean H.

    rows: [distribution][option]. In [0, ln(number of distributions)]. Source: Lin 1991, section V.
    """
    array = np.stack([normalised(row) for row in rows])
    return max(0.0, entropy(array.mean(axis=0)) - float(np.mean([entropy(row) for row in array])))


def wasserstein(p: Distribution, q: Distribution) -> float:
    """Return W1 between ordered options at equal steps, divided by its largest value K - 1, so in [0, 1].

    Use it only where every option has an ordinal. Source: Santurkar et al. 2023 (OpinionQA), section 3.
    """
    a, b = _pair(p, q)
    if a.size == 1:
        return 0.0
    return float(np.abs(np.cumsum(a - b)[:-1]).sum()) / (a.size - 1)


def skill(distance: float, null_distance: float) -> float:
    """Return 1 - d(model) / d(baseline): 1 perfect, 0 no better than the baseline, below 0 worse.

    nan when the baseline is itself at no distance, since nothing could then be better.
    """
    return 1.0 - distance / null_distance if null_distance > 0 else math.nan


def expected_jsd(num_options: int, n1: float, n2: float = math.inf) -> float:
    """Return E[JSD] in nats between samples of n1 and n2 answers to one distribution: (K-1)/8 (1/n1 + 1/n2).

    First term of the chi-square expansion; within 4 % for K of 3 to 5 and n of at least 100 at the uniform.
    n2 = inf: against the distribution itself. Source: expansion in Lin 1991; checked by simulation in our tests.
    """
    return (num_options - 1) / 8 * (1 / n1 + 1 / n2)


def noise_floor(
    p: Distribution,
    n1: int,
    n2: int | None = None,
    *,
    distance: Callable[[Distribution, Distribution], float] = jsd,
    num_draws: int = 1000,
    seed: int = 0,
) -> float:
    """Return the mean distance that sampling alone makes, by drawing from p at the actual numbers of answers.

    n2: size of the second sample; None compares with p itself. The same arguments give the same floor.
    """
    if n1 < 1 or (n2 is not None and n2 < 1):
        raise ValueError(f"a floor needs at least one answer, not {n1} and {n2}")
    truth = normalised(p)
    rng = np.random.default_rng(seed)
    first = rng.multinomial(n1, truth, size=num_draws)
    second = [truth] * num_draws if n2 is None else list(rng.multinomial(n2, truth, size=num_draws))
    return float(np.mean([distance(a.astype(np.float64), b) for a, b in zip(first, second, strict=True)]))
