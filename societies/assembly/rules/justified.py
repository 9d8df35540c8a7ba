"""Does a committee give groups what their size earns: JR, PJR, EJR, EJR+ and balanced justified representation.

Each check returns a witness of the failure, or None when the property holds. Approvals are bool [voter, candidate];
voters count alike (repeat a ballot for a heavier voter).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from societies.assembly.rules.profile import BoolArray, FloatArray, IntArray

SLACK = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A group that deserves more: the candidates it agrees on, how many seats it earns, and who is in it."""

    candidates: tuple[int, ...]
    level: int
    voters: tuple[int, ...]


def jr_failure(approvals: BoolArray, members: Sequence[int], k: int) -> Claim | None:
    """Find n/k voters who approve one candidate in common and no member at all. Source: Aziz et al. 2017."""
    have = approvals[:, list(members)].sum(axis=1)
    for c in range(approvals.shape[1]):
        group = approvals[:, c] & (have == 0)
        if _large(group, 1, k):
            return _claim((c,), 1, group)
    return None


def ejr_plus_failure(approvals: BoolArray, members: Sequence[int], k: int) -> Claim | None:
    """Find an unelected candidate whom ell * n/k voters approve who each approve fewer than ell members.

    Source: Brill and Peters 2023 (EJR+), definition 3; polynomial, and stronger than EJR.
    """
    have = approvals[:, list(members)].sum(axis=1)
    for c in range(approvals.shape[1]):
        if c in set(members):
            continue
        for level in range(1, k + 1):
            group = approvals[:, c] & (have < level)
            if _large(group, level, k):
                return _claim((c,), level, group)
    return None


def ejr_failure(approvals: BoolArray, members: Sequence[int], k: int) -> Claim | None:
    """Find ell * n/k voters who share ell candidates while each approves fewer than ell members.

    Goes through all sets of ell candidates: for small committees. Source: Aziz et al. 2017.
    """
    have = approvals[:, list(members)].sum(axis=1)
    for level, candidates, together in _cohesive(approvals, k):
        group = together & (have < level)
        if _large(group, level, k):
            return _claim(candidates, level, group)
    return None


def pjr_failure(approvals: BoolArray, members: Sequence[int], k: int) -> Claim | None:
    """Find ell * n/k voters who share ell candidates while fewer than ell members are approved by any of them.

    Goes through all sets of candidates and of members: for small committees. Source: Sanchez-Fernandez et al. 2017.
    """
    inside = approvals[:, list(members)]
    for level, candidates, together in _cohesive(approvals, k):
        for allowed in combinations(range(len(members)), min(level - 1, len(members))):
            others = np.ones(len(members), dtype=np.bool_)
            others[list(allowed)] = False
            group = together & ~inside[:, others].any(axis=1)
            if _large(group, level, k):
                return _claim(candidates, level, group)
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class BalancedClaim:
    """A statement that n/k people all put at `level` or higher, above what each of them was given."""

    statement: int
    level: float
    voters: tuple[int, ...]


def bjr_failure(utilities: FloatArray, given: FloatArray, k: int) -> BalancedClaim | None:
    """Find a statement s, a level and n/k people with utility of s >= level > utility of what they were given.

    utilities: [person, statement] over the whole universe of statements. given: [person], utility of the statement
    that the balanced matching gave. Source: Fish et al. 2023 (Generative Social Choice), balanced justified
    representation.
    """
    n = len(given)
    for s in range(utilities.shape[1]):
        u = utilities[:, s]
        for level in np.unique(u)[::-1]:
            group = (u >= level) & (given < level)
            if group.sum() * k >= n:
                return BalancedClaim(statement=s, level=float(level), voters=tuple(np.flatnonzero(group).tolist()))
    return None


def _cohesive(approvals: BoolArray, k: int) -> Iterable[tuple[int, tuple[int, ...], BoolArray]]:
    for level in range(1, k + 1):
        for candidates in combinations(range(approvals.shape[1]), level):
            together = np.asarray(approvals[:, list(candidates)].all(axis=1), dtype=np.bool_)
            if _large(together, level, k):
                yield level, candidates, together


def _large(group: BoolArray | IntArray, level: int, k: int) -> bool:
    return bool(group.sum() * k >= level * len(group) - SLACK)


def _claim(candidates: tuple[int, ...], level: int, group: BoolArray) -> Claim:
    return Claim(candidates=candidates, level=level, voters=tuple(np.flatnonzero(group).tolist()))
