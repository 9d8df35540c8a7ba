"""Majorities between two: the graph they form, its winners and losers, its strongest paths and its cycles."""

from __future__ import annotations

import numpy as np

from societies.assembly.rules.profile import BoolArray, FloatArray


def condorcet_winner(margins: FloatArray) -> int | None:
    """Return the candidate that beats every other by a majority, or None."""
    wins = (margins > 0).sum(axis=1)
    found = np.flatnonzero(wins == len(margins) - 1)
    return int(found[0]) if found.size else None


def condorcet_loser(margins: FloatArray) -> int | None:
    """Return the candidate that loses to every other, or None; a single candidate is none."""
    return condorcet_winner(-margins) if len(margins) > 1 else None


def closure(edges: BoolArray) -> BoolArray:
    """Return [a, b]: whether b can be reached from a; everybody reaches himself. Source: Warshall 1962."""
    reach = edges | np.eye(len(edges), dtype=np.bool_)
    for k in range(len(edges)):
        reach |= reach[:, k, None] & reach[None, k, :]
    return reach


def smith_set(margins: FloatArray) -> tuple[int, ...]:
    """Return the smallest set whose members beat everybody outside it. Source: Smith 1973; Good 1971."""
    reach = closure(margins >= 0)
    return tuple(np.flatnonzero(reach.all(axis=1)).tolist())


def has_cycle(margins: FloatArray) -> bool:
    """Return whether strict majorities run in a circle."""
    reach = closure(margins > 0)
    return bool((np.triu(reach & reach.T, 1)).any())


def strongest_paths(strength: FloatArray) -> FloatArray:
    """Return [a, b]: the largest, over paths from a to b, of the smallest edge on the path; 0 means no path.

    strength: [a, b] >= 0, 0 for no edge. Source: Schulze 2011, section 2.3 (Floyd-Warshall on max and min).
    """
    p = strength.copy()
    for k in range(len(p)):
        np.maximum(p, np.minimum(p[:, k, None], p[None, k, :]), out=p)
    return p


def unanimous(support: FloatArray, total: float) -> BoolArray:
    """Return [a, b]: whether every ballot puts a strictly above b."""
    return np.asarray(support >= total * (1 - 1e-12), dtype=np.bool_)
