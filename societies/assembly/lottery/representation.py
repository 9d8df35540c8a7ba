"""Whom a panel stands for: shares by feature, by pairs of features, and means of attitudes, against a reference."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from societies.assembly.lottery.instance import AND, Instance
from societies.assembly.lottery.types import FloatArray


@dataclass(frozen=True, slots=True)
class ShareGap:
    """One value's share under two weightings. feature and value of a pair are joined by " & "."""

    feature: str
    value: str
    share: float
    reference: float

    @property
    def gap(self) -> float:
        """Return share - reference."""
        return self.share - self.reference


@dataclass(frozen=True, slots=True)
class AttitudeGap:
    """One attitude's weighted mean, the reference mean, and their difference in reference standard deviations."""

    name: str
    mean: float
    reference: float
    standardised: float


def share_gaps(pool: Instance, weights: FloatArray, reference: FloatArray, *, pairs: bool = False) -> list[ShareGap]:
    """Return every value's share under weights (n,) and reference (n,), both normalised here.

    Weights: pi for a lottery's mean panel, the 0/1 indicator for one panel, ones for the pool, design weights for a
    population. pairs: intersections of two features instead, those that occur in the pool.
    Raises ValueError for weights that are negative or sum to 0.
    """
    w, r = _normal(weights), _normal(reference)
    sets = list(combinations(range(len(pool.features)), 2)) if pairs else [(f,) for f in range(len(pool.features))]
    out = []
    for chosen in sets:
        cells, where = np.unique(pool.codes[:, chosen], axis=0, return_inverse=True)
        shares, references = (np.bincount(where.reshape(-1), x, len(cells)) for x in (w, r))
        name = AND.join(pool.features[f] for f in chosen)
        for cell, share, refer in zip(cells, shares, references, strict=True):
            value = AND.join(pool.values[f][c] for f, c in zip(chosen, cell, strict=True))
            out.append(ShareGap(name, value, float(share), float(refer)))
    return out


def total_variation(gaps: list[ShareGap]) -> dict[str, float]:
    """Return by feature half the sum of absolute gaps: the share of seats that would have to change hands."""
    found: dict[str, float] = {}
    for gap in gaps:
        found[gap.feature] = found.get(gap.feature, 0.0) + abs(gap.gap) / 2
    return found


def attitude_gaps(
    names: tuple[str, ...], attitudes: FloatArray, weights: FloatArray, reference: FloatArray
) -> list[AttitudeGap]:
    """Return the gaps of attitudes (n, len(names)) that no quota controls; an attitude without variance has gap 0."""
    w, r = _normal(weights), _normal(reference)
    means, references = w @ attitudes, r @ attitudes
    spread = np.sqrt(r @ (attitudes - references) ** 2)
    scaled = np.divide(means - references, spread, out=np.zeros_like(means), where=spread > 0)
    return [AttitudeGap(*row) for row in zip(names, means.tolist(), references.tolist(), scaled.tolist(), strict=True)]


def _normal(weights: FloatArray) -> FloatArray:
    total = float(weights.sum())
    if (weights < 0).any() or total <= 0:
        raise ValueError("weights must not be negative and need a positive sum")
    normal: FloatArray = weights / total
    return normal
