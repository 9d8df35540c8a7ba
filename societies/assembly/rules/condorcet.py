"""Rules that read majorities only: Copeland, minimax, Schulze, split cycle, ranked pairs, stable voting."""

from __future__ import annotations

import numpy as np

from societies.assembly.rules.outcome import TOLERANCE, Outcome, by_order, by_scores, levels, refine
from societies.assembly.rules.pairwise import strongest_paths
from societies.assembly.rules.profile import BoolArray, FloatArray, IntArray, Profile

_MAX_SUBSETS = 20_000
"""Most candidate sets that stable voting looks into; beyond it the outcome says so."""


def copeland(profile: Profile) -> Outcome:
    """Rank by majorities won minus majorities lost. Source: Copeland 1951."""
    return by_scores("copeland", np.sign(profile.margins).sum(axis=1))


def minimax(profile: Profile) -> Outcome:
    """Rank by the worst defeat, in margins, the smallest first. Source: Simpson 1969; Kramer 1977."""
    if profile.num_candidates == 1:
        return by_scores("minimax", [0.0])
    others = np.where(np.eye(profile.num_candidates, dtype=np.bool_), np.inf, profile.margins)
    return by_scores("minimax", others.min(axis=1))


def schulze_paths(support: FloatArray) -> FloatArray:
    """Return the strengths of the strongest paths over winning votes."""
    return strongest_paths(np.where(support > support.T, support, 0.0))


def schulze(profile: Profile) -> Outcome:
    """Rank by strongest paths: a beats b when its path to b is stronger than the path back.

    scores: the number of candidates (itself included) that do not beat a.
    Source: Schulze 2011, section 2; winning votes, ties counting for neither.
    """
    p = schulze_paths(profile.support)
    return by_scores("schulze", (p >= p.T).sum(axis=1))


def split_cycle(profile: Profile) -> Outcome:
    """Elect whom no defeat survives: a defeat falls when it is a weakest edge of a cycle of majorities.

    Source: Holliday and Pacuit 2023 (Split Cycle), section 3.
    """
    winners = tuple(np.flatnonzero(undefeated(profile.margins)).tolist())
    return Outcome(rule="split_cycle", winners=winners)


def defeats(margins: FloatArray) -> BoolArray:
    """Return [a, b]: whether a defeats b in the sense of split cycle."""
    paths = strongest_paths(np.maximum(margins, 0.0))
    slack = TOLERANCE * max(1.0, float(np.abs(margins).max(initial=0.0)))
    return np.asarray((margins > 0) & (margins > paths.T + slack), dtype=np.bool_)


def undefeated(margins: FloatArray) -> BoolArray:
    """Return whom no defeat of split cycle survives; never empty."""
    return np.asarray(~defeats(margins).any(axis=0), dtype=np.bool_)


def ranked_pairs(profile: Profile, *, seed: int = 0) -> Outcome:
    """Lock majorities in from the largest margin down, leaving out those that would close a cycle.

    Equal margins, and pairs without a majority, are ordered by a ranking drawn by random ballots (`refine`), so the
    result is one ranking without ties. Source: Tideman 1987; ties as in Zavist and Tideman 1989.
    """
    m = profile.margins
    upper = levels(-np.abs(m[np.triu_indices(len(m), 1)])) if len(m) > 1 else np.zeros(0, dtype=np.int64)
    ties = upper.size - np.unique(upper).size + int((m[np.triu_indices(len(m), 1)] == 0).sum() == 1)
    drawn = refine(np.zeros(profile.num_candidates), profile, seed) if ties else None
    place = np.argsort(np.asarray(drawn.order)) if drawn else np.arange(len(m))
    first, second = np.nonzero((m > 0) | ((m == 0) & (place[:, None] < place[None, :])))
    strength = levels(m[first, second])
    sequence = np.lexsort((-place[second], place[first], strength))
    above = _lock(list(zip(first[sequence].tolist(), second[sequence].tolist(), strict=True)), len(m))
    order = np.argsort(-above.sum(axis=1), kind="stable")
    note = f"{ties} margins were equal to another; their order was drawn by random ballots" if ties else ""
    return by_order("ranked_pairs", order.tolist(), tie_break=drawn, note=note)


def _lock(pairs: list[tuple[int, int]], num_candidates: int) -> BoolArray:
    """Return [a, b]: whether a ends above b after the pairs were locked in this order."""
    reach = np.eye(num_candidates, dtype=np.bool_)
    for a, b in pairs:
        if not reach[b, a] and not reach[a, b]:
            reach |= reach[:, a, None] & reach[None, b, :]
    return reach & ~np.eye(num_candidates, dtype=np.bool_)


def stable_voting(profile: Profile) -> Outcome:
    """Elect a when it is undefeated and wins with b away, for the pair (a, b) with the largest such margin of a over b.

    Equal margins give ties. Source: Holliday and Pacuit 2023 (Stable Voting), definition 2.
    """
    margins = profile.margins
    memo: dict[tuple[int, ...], tuple[int, ...]] = {}
    winners = _stable(tuple(range(len(margins))), margins, memo)
    cut = len(memo) >= _MAX_SUBSETS
    note = f"stopped after {_MAX_SUBSETS} sets of candidates: undefeated candidates stand in below" if cut else ""
    return Outcome(rule="stable_voting", winners=winners, exact=not cut, note=note)


def _stable(
    candidates: tuple[int, ...], margins: FloatArray, memo: dict[tuple[int, ...], tuple[int, ...]]
) -> tuple[int, ...]:
    if candidates in memo:
        return memo[candidates]
    here = margins[np.ix_(candidates, candidates)]
    alive = [candidates[c] for c in np.flatnonzero(undefeated(here))]
    if len(alive) == 1 or len(memo) >= _MAX_SUBSETS:
        memo[candidates] = tuple(alive)
        return memo[candidates]
    matches = [(a, b) for a in alive for b in candidates if a != b]
    ranks: IntArray = levels([margins[a, b] for a, b in matches])
    winners: set[int] = set()
    for rank in range(int(ranks.max()) + 1):
        for k in np.flatnonzero(ranks == rank):
            a, b = matches[k]
            if a not in winners and a in _stable(tuple(c for c in candidates if c != b), margins, memo):
                winners.add(a)
        if winners:
            break
    memo[candidates] = tuple(sorted(winners))
    return memo[candidates]
