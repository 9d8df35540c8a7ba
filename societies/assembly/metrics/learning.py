"""What people knew before and after: gains on a quiz, against an arm that did not take part."""

from __future__ import annotations

import math

import numpy as np

from agents.statistics.intervals import bootstrap_mean, bootstrap_statistic
from societies.assembly.metrics.measured import FloatArray, IntArray, Measured


def knowledge_gain(before: FloatArray, after: FloatArray, *, seed: int = 0) -> Measured:
    """Measure the mean gain in shares of right answers of the same citizens, shape (n,) each, in [0, 1]; null 0.

    Asking twice teaches too: prefer `gain_over_control`.
    """
    return Measured(value=bootstrap_mean(after - before, seed=seed), null=0.0, n=before.size)


def gain_over_control(
    before: FloatArray, after: FloatArray, control_before: FloatArray, control_after: FloatArray, *, seed: int = 0
) -> Measured:
    """Measure the gain beyond that of citizens who only took the quiz twice; both arms are resampled. Null 0."""
    gains, control = after - before, control_after - control_before
    arms = np.concatenate([gains, control])
    taught = np.arange(arms.size) < gains.size

    def beyond(rows: IntArray) -> float:
        inside = taught[rows]
        if inside.all() or not inside.any():
            return math.nan
        return float(arms[rows][inside].mean() - arms[rows][~inside].mean())

    return Measured(value=bootstrap_statistic(arms.size, beyond, seed=seed), null=0.0, n=arms.size)


def normalised_gain(before: FloatArray, after: FloatArray) -> float:
    """Return (mean after - mean before) / (1 - mean before): the share of what could be learned that was.

    nan when everybody knew everything before. Source: Hake 1998.
    """
    start = float(before.mean()) if before.size else math.nan
    return (float(after.mean()) - start) / (1 - start) if start < 1 else math.nan
