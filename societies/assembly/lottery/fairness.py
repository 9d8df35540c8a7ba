"""How equal a lottery is, in four numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from societies.assembly.lottery.types import FloatArray


@dataclass(frozen=True, slots=True)
class Fairness:
    """Of selection probabilities: smallest, largest, Gini coefficient in [0, 1), geometric mean."""

    smallest: float
    largest: float
    gini: float
    geometric_mean: float


def fairness(pi: FloatArray) -> Fairness:
    """Return the figures of chances pi (n,), n >= 1."""
    return Fairness(float(pi.min()), float(pi.max()), gini(pi), geometric_mean(pi))


def gini(values: FloatArray) -> float:
    """Return 2 sum(rank * value) / (n sum(value)) - (n + 1) / n over ascending values; 0 when all are 0.

    0: all equal; (n - 1) / n: one has everything. Source: Gini 1912.
    """
    ordered = np.sort(values)
    n, total = len(ordered), float(ordered.sum())
    if total <= 0:
        return 0.0
    return max(0.0, 2 * float(np.arange(1, n + 1) @ ordered) / (n * total) - (n + 1) / n)


def geometric_mean(values: FloatArray) -> float:
    """Return exp(mean log value); 0 as soon as one value is 0."""
    if (values <= 0).any():
        return 0.0
    return float(np.exp(np.log(values).mean()))
