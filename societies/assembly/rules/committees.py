"""Committees from approvals: PAV, Phragmen, equal shares, Chamberlin-Courant, Monroe, greedy coverage.

Approvals are bool [voter, candidate]; k seats; equal choices go to the lower candidate number and are counted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain, combinations, islice
from math import comb

import numpy as np

from societies.assembly.rules.budgets import SLACK, equal_shares
from societies.assembly.rules.matching import balanced_matching, representation
from societies.assembly.rules.profile import BoolArray, FloatArray, IntArray

_CELLS = 20_000_000
"""Most (committee, ballot) cells that an exact search looks at; above it a swap search takes its place and says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Committee:
    """Who is elected. order: by election in sequential rules, ascending otherwise. score: of optimising rules.

    num_ties: choices that went to the lower number; for exact optimising rules, other committees with the same score.
    exact: False when a swap search stands in for the optimum; `note` then says what still holds.
    """

    rule: str
    members: tuple[int, ...]
    order: tuple[int, ...]
    score: float | None = None
    num_ties: int = 0
    exact: bool = True
    note: str = ""


def harmonic(k: int) -> FloatArray:
    """Return 0, 1, 1 + 1/2, ... up to k terms."""
    return np.concatenate([[0.0], np.cumsum(1 / np.arange(1, k + 1))])


def pav(approvals: BoolArray, k: int, *, weights: FloatArray | None = None) -> Committee:
    """Elect the committee with the largest sum over voters of 1 + 1/2 + ... + 1/(members approved).

    Where enumeration is too long, a swap search from the sequential rule: at its end no swap helps, which still
    guarantees EJR. Source: Thiele 1895; Aziz et al. 2017 (EJR) and 2018 (swaps).
    """
    w = _weights(approvals, k, weights)
    terms = harmonic(k)

    def score(members: IntArray) -> FloatArray:
        return np.asarray(terms[_counts(approvals, members)] @ w, dtype=np.float64)

    return _optimum("pav", approvals, k, score, sequential_pav(approvals, k, weights=w), "no swap helps: EJR holds")


def sequential_pav(approvals: BoolArray, k: int, *, weights: FloatArray | None = None) -> Committee:
    """Elect one at a time whoever adds most to the PAV score. Source: Thiele 1895 (addition method)."""
    w = _weights(approvals, k, weights)

    def gains(have: IntArray) -> FloatArray:
        return (w / (have + 1)) @ approvals

    return _greedy("sequential_pav", approvals, k, gains)


def coverage(approvals: BoolArray, k: int, *, weights: FloatArray | None = None) -> Committee:
    """Elect one at a time whoever represents most of those who are not yet represented (greedy Chamberlin-Courant).

    Covers at least 1 - 1/e of what is possible. Source: Lu and Boutilier 2011.
    """
    w = _weights(approvals, k, weights)

    def gains(have: IntArray) -> FloatArray:
        return np.asarray((w * (have == 0)) @ approvals, dtype=np.float64)

    return _greedy("coverage", approvals, k, gains)


def chamberlin_courant(approvals: BoolArray, k: int, *, weights: FloatArray | None = None) -> Committee:
    """Elect the committee in which most voters approve of somebody. Source: Chamberlin and Courant 1983."""
    w = _weights(approvals, k, weights)

    def score(members: IntArray) -> FloatArray:
        return (_counts(approvals, members) > 0) @ w

    start = coverage(approvals, k, weights=w)
    return _optimum("chamberlin_courant", approvals, k, score, start, "no swap helps; at least 1 - 1/e of the optimum")


def monroe(approvals: BoolArray, k: int) -> Committee:
    """Elect the committee that represents most voters when each member stands for equally many. Unweighted.

    Source: Monroe 1995. To 500 committees exact, beyond that a swap search from greedy coverage.
    """
    _weights(approvals, k, None)
    u = approvals.astype(np.float64)

    def score(members: IntArray) -> FloatArray:
        return np.array([representation(u[:, one], balanced_matching(u[:, one])).sum() for one in members])

    start = coverage(approvals, k)
    return _optimum("monroe", approvals, k, score, start, "no swap helps; the optimum may be better", most=500)


def phragmen(
    approvals: BoolArray, k: int, *, weights: FloatArray | None = None, loads: FloatArray | None = None
) -> Committee:
    """Elect one at a time so that the largest load stays least, each seat being a load of 1 on its supporters.

    loads: what voters carry at the start. Source: Phragmen 1899; Brill et al. 2017, section 4.
    """
    w = _weights(approvals, k, weights)
    carried = np.zeros(len(w)) if loads is None else loads.astype(np.float64)
    supporters = w @ approvals
    chosen: list[int] = []
    num_ties = 0
    for _ in range(k):
        with np.errstate(divide="ignore", invalid="ignore"):
            after = np.where(supporters > 0, (1 + (w * carried) @ approvals) / supporters, np.inf)
        after[chosen] = np.nan
        best, ties = _first_least(after)
        num_ties += ties
        chosen.append(best)
        if np.isfinite(after[best]):
            carried = np.where(approvals[:, best], after[best], carried)
    return Committee(rule="phragmen", members=tuple(sorted(chosen)), order=tuple(chosen), num_ties=num_ties)


def method_of_equal_shares(
    approvals: BoolArray, k: int, *, weights: FloatArray | None = None, completion: str = "phragmen"
) -> Committee:
    """Elect by equal shares at price 1 with k / n for each voter, then fill empty seats.

    completion: "phragmen" (what voters have spent is their load), "pav" (sequential), or "none" (seats stay empty).
    Source: Peters and Skowron 2020 (Rule X). Guarantees EJR already before completion.
    """
    if completion not in ("phragmen", "pav", "none"):
        raise ValueError(f'completion "{completion}" is none of phragmen, pav, none')
    w = _weights(approvals, k, weights)
    bought = equal_shares(approvals.astype(np.float64), np.ones(approvals.shape[1]), float(k), weights=w)
    chosen = list(bought.projects[:k])
    num_ties, num_bought = bought.num_ties, len(chosen)
    missing = 0 if completion == "none" else k - num_bought
    if missing:
        rest = [c for c in range(approvals.shape[1]) if c not in chosen]
        if completion == "phragmen":
            filled = phragmen(approvals[:, rest], missing, weights=w, loads=-bought.money)
        else:
            have = approvals[:, chosen].sum(axis=1)
            filled = _greedy("", approvals[:, rest], missing, lambda more: (w / (have + more + 1)) @ approvals[:, rest])
        chosen += [rest[c] for c in filled.order]
        num_ties += filled.num_ties
    return Committee(
        rule="equal_shares",
        members=tuple(sorted(chosen)),
        order=tuple(chosen),
        num_ties=num_ties,
        note=f"{num_bought} of {k} seats were bought, {missing} filled by {completion}" if missing else "",
    )


def _weights(approvals: BoolArray, k: int, weights: FloatArray | None) -> FloatArray:
    if approvals.ndim != 2 or not 1 <= k <= approvals.shape[1]:
        raise ValueError(f"{k} seats cannot be filled from approvals {approvals.shape}")
    return np.ones(len(approvals)) if weights is None else np.asarray(weights, dtype=np.float64)


def _counts(approvals: BoolArray, members: IntArray) -> IntArray:
    """Return [committee, voter]: how many members the voter approves."""
    return np.asarray(approvals.T[members].sum(axis=1), dtype=np.int64)


def _first_least(values: FloatArray) -> tuple[int, bool]:
    """Return the first of the least values (nan left out) and whether there are others."""
    least = np.nanmin(values)
    same = (
        np.flatnonzero(values <= least + SLACK * max(1.0, abs(least)))
        if np.isfinite(least)
        else np.flatnonzero(~np.isnan(values))
    )
    return int(same[0]), same.size > 1


def _greedy(rule: str, approvals: BoolArray, k: int, gains: Callable[[IntArray], FloatArray]) -> Committee:
    chosen: list[int] = []
    num_ties = 0
    for _ in range(k):
        gain = np.asarray(gains(approvals[:, chosen].sum(axis=1)), dtype=np.float64)
        gain[chosen] = np.nan
        best, ties = _first_least(-gain)
        num_ties += ties
        chosen.append(best)
    return Committee(rule=rule, members=tuple(sorted(chosen)), order=tuple(chosen), num_ties=num_ties)


def _optimum(
    rule: str,
    approvals: BoolArray,
    k: int,
    score: Callable[[IntArray], FloatArray],
    start: Committee,
    note: str,
    *,
    most: int = 10**9,
) -> Committee:
    """Return the best committee by enumeration where that is short, else what a swap search from `start` finds."""
    n, m = approvals.shape
    if comb(m, k) > min(most, _CELLS // n):
        members, value = _swap_search(np.asarray(start.members, dtype=np.int64), m, score)
        return Committee(rule=rule, members=members, order=members, score=value, exact=False, note=f"heuristic: {note}")
    best, value, num_best = (), -np.inf, 0
    everyone = combinations(range(m), k)
    step = max(1, 2_000_000 // (n * k))
    for first in everyone:
        part = np.array([first, *islice(everyone, step - 1)], dtype=np.int64)
        scores = score(part)
        top = float(scores.max())
        slack = SLACK * max(1.0, abs(top))
        if top > value + slack:
            value, num_best, best = top, 0, tuple(part[int(np.argmax(scores >= top - slack))].tolist())
        num_best += int((np.abs(scores - value) <= slack).sum())
    return Committee(rule=rule, members=best, order=best, score=value, num_ties=num_best - 1)


def _swap_search(members: IntArray, m: int, score: Callable[[IntArray], FloatArray]) -> tuple[tuple[int, ...], float]:
    current = tuple(sorted(members.tolist()))
    value = float(score(np.array([current]))[0])
    while True:
        outside = [c for c in range(m) if c not in current]
        swaps = [tuple(sorted(chain((c for c in current if c != out), (new,)))) for out in current for new in outside]
        if not swaps:
            return current, value
        scores = score(np.array(swaps, dtype=np.int64))
        best = int(np.argmax(scores))
        if scores[best] <= value + SLACK * max(1.0, abs(value)):
            return current, value
        current, value = swaps[best], float(scores[best])
