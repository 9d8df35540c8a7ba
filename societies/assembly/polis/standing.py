"""How people stand to the whole and to their group: near the middle of all, at the core of a group, or at its edge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from societies.assembly.polis.votes import FloatArray, IntArray, check_labels


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Standing:
    """float64 [person], nan for people in no group.

    centricness: 1 - distance to the middle of everybody in a group. coreness: 1 - distance to the middle of the own
    group. extremeness: how far beyond the own group's middle, away from the middle of everybody; negative towards it.
    """

    centricness: FloatArray
    coreness: FloatArray
    extremeness: FloatArray


def standing(points: FloatArray, labels: IntArray) -> Standing:
    """Return everybody's standing. points: [person, axis]; labels: [person], -1 for none."""
    who = check_labels(labels, len(points))
    centricness, coreness, extremeness = (np.full(len(points), np.nan) for _ in range(3))
    grouped = who >= 0
    if not grouped.any():
        return Standing(centricness=centricness, coreness=coreness, extremeness=extremeness)
    middle = points[grouped].mean(axis=0)
    centricness[grouped] = 1 - np.linalg.norm(points[grouped] - middle, axis=1)
    for group in np.unique(who[grouped]):
        member = who == group
        center = points[member].mean(axis=0)
        offset = points[member] - center
        coreness[member] = 1 - np.linalg.norm(offset, axis=1)
        way = center - middle
        length = float(np.linalg.norm(way))
        extremeness[member] = offset @ way / length if length > 0 else 0.0
    return Standing(centricness=centricness, coreness=coreness, extremeness=extremeness)
