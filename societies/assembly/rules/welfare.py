"""Social welfare of cardinal ballots, from the sum over Nash's product to the worst off."""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from societies.assembly.rules.outcome import Outcome, by_scores
from societies.assembly.rules.profile import FloatArray
from societies.assembly.rules.ratings import Ratings

FLOOR = 0.1
"""Utility of the lowest grade. At 0 one lowest grade would veto everything for every alpha >= 1."""


def utilities(ratings: Ratings, *, floor: float = FLOOR) -> FloatArray:
    """Return the ratings shifted and scaled into [floor, 1], blanks at the floor. floor: in (0, 1)."""
    return floor + (1 - floor) * (ratings.filled - ratings.lo) / (ratings.hi - ratings.lo)


def isoelastic(u: FloatArray, alpha: float, weights: FloatArray | None = None) -> FloatArray:
    """Return W_alpha of each column: (mean u^(1-alpha))^(1/(1-alpha)).

    u: [voter, candidate], in (0, 1]. alpha 0 is the mean, 1 the geometric mean (Nash), inf the minimum over voters
    of positive weight. Source: Atkinson 1970; Bakker et al. 2022 (arXiv 2211.15006), section 2.
    """
    w = np.ones(len(u)) if weights is None else np.asarray(weights, dtype=np.float64)
    p = w / w.sum()
    lowest = u[w > 0].min(axis=0)
    if math.isinf(alpha):
        return np.asarray(lowest, dtype=np.float64)
    if alpha == 1:
        return np.asarray(np.exp(p @ np.log(u)), dtype=np.float64)
    # Relative to the smallest utility, large alpha neither overflows nor vanishes.
    inner = p @ (u / lowest) ** (1 - alpha)
    return np.asarray(lowest * inner ** (1 / (1 - alpha)), dtype=np.float64)


def welfare(ratings: Ratings, *, alpha: float, rule: str = "") -> Outcome:
    """Rank candidates by isoelastic welfare of the voters' utilities."""
    return by_scores(rule or f"welfare_{alpha:g}", isoelastic(utilities(ratings), alpha, ratings.weights))


nash = partial(welfare, alpha=1.0, rule="nash")
inequality_averse = partial(welfare, alpha=2.0, rule="welfare_2")
egalitarian = partial(welfare, alpha=math.inf, rule="egalitarian")
