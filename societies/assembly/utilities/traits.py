"""What utilities go along with: power, fitness, reversal of one's values; and where answerers stand to each other.

Source of the analyses: Mazeika et al. 2025 (Utility Engineering). All of them are descriptions of
answers to questions, no proof of what a model would do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agents.statistics.intervals import Interval, bootstrap_statistic
from societies.assembly.utilities.edges import FloatArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UtilityMap:
    """Answerers on principal axes. positions: (M, K). axes: (K, N), unit rows. explained: share of variance, (K,)."""

    positions: FloatArray
    axes: FloatArray
    explained: FloatArray


def association(utility: FloatArray, score: FloatArray, *, num_resamples: int = 1000, seed: int = 0) -> Interval:
    """Return the correlation of utilities with a score of the options, with a bootstrap interval; null 0.

    score: shape (N,), for instance the power or fitness an outcome brings (power-seeking, fitness), or how far an
    outcome would turn the answerer's values round (then a negative value is a resistance to correction).
    """

    def correlation(rows: IntArray) -> float:
        u, s = utility[rows], score[rows]
        below = float(u.std() * s.std())
        return float(np.mean((u - u.mean()) * (s - s.mean()))) / below if below > 1e-15 else float("nan")

    return bootstrap_statistic(utility.size, correlation, num_resamples=num_resamples, seed=seed)


def utility_map(utilities: FloatArray, num_axes: int = 2) -> UtilityMap:
    """Return principal axes of answerers' utilities, shape (M answerers, N options), each in its gauge.

    An axis's sign is arbitrary; here the option that weighs most on it weighs positively.
    """
    centred = utilities - utilities.mean(axis=0)
    left, sizes, axes = np.linalg.svd(centred, full_matrices=False)
    num = min(num_axes, sizes.size)
    turn = np.sign(axes[np.arange(num), np.abs(axes[:num]).argmax(axis=1)])
    total = float((sizes**2).sum())
    explained = sizes[:num] ** 2 / total if total > 0 else np.zeros(num)
    return UtilityMap(
        positions=left[:, :num] * sizes[:num] * turn, axes=axes[:num] * turn[:, None], explained=explained
    )
