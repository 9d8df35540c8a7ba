"""Kemeny's rule: the rankings that agree with the most pairwise opinions. Exact to ten candidates, then a search."""

from __future__ import annotations

import numpy as np

from societies.assembly.rules.outcome import TOLERANCE, Outcome, by_order
from societies.assembly.rules.positional import borda
from societies.assembly.rules.profile import FloatArray, Profile

MAX_EXACT = 10


def kemeny(profile: Profile) -> Outcome:
    """Elect whoever comes first in some ranking with the fewest pairwise disagreements.

    To ten candidates exact, by dynamic programming over subsets; the ranking given is the first optimal one by
    candidate number. Above that an insertion search from Borda's order, marked as not exact.
    Source: Kemeny 1959; the recursion is that of Held and Karp 1962.
    """
    if profile.num_candidates > MAX_EXACT:
        order = local_search([c for tier in borda(profile).ranking for c in tier], profile.support)
        found = by_order("kemeny", order)
        return Outcome(
            rule="kemeny",
            winners=found.winners,
            ranking=found.ranking,
            exact=False,
            note=f"heuristic: insertion search from Borda's order ({profile.num_candidates} > {MAX_EXACT} candidates)",
        )
    winners, order = exact(profile.support)
    return Outcome(rule="kemeny", winners=winners, ranking=tuple((c,) for c in order))


def disagreements(order: list[int], support: FloatArray) -> float:
    """Return the weight of pairwise opinions that a ranking contradicts."""
    ordered = support[np.ix_(order, order)]
    return float(np.tril(ordered, -1).sum())


def exact(support: FloatArray) -> tuple[tuple[int, ...], list[int]]:
    """Return all first candidates of optimal rankings, and one optimal ranking.

    cost[S] is the least disagreement within S; whoever is first in S pays for all in S that are preferred to him.
    """
    m = len(support)
    subsets = np.arange(1 << m)
    member = ((subsets[:, None] >> np.arange(m)) & 1).astype(np.bool_)
    pays = np.where(member, member.astype(np.float64) @ support, np.inf)
    cost = np.zeros(1 << m)
    size = member.sum(axis=1)
    rest = subsets[:, None] & ~(1 << np.arange(m))[None, :]
    for k in range(1, m + 1):
        layer = np.flatnonzero(size == k)
        cost[layer] = (pays[layer] + cost[rest[layer]]).min(axis=1)
    slack = TOLERANCE * max(1.0, float(cost[-1]))
    firsts = np.flatnonzero(pays[-1] + cost[rest[-1]] <= cost[-1] + slack)
    order: list[int] = []
    left = (1 << m) - 1
    while left:
        first = int(np.flatnonzero(pays[left] + cost[rest[left]] <= cost[left] + slack)[0])
        order.append(first)
        left = int(rest[left, first])
    return tuple(firsts.tolist()), order


def local_search(order: list[int], support: FloatArray) -> list[int]:
    """Return the order after moving single candidates to where they disagree least, until no move helps."""
    current = list(order)
    gain = support - support.T
    slack = TOLERANCE * max(1.0, float(np.abs(gain).max(initial=0.0)))
    improved = True
    while improved:
        improved = False
        for candidate in order:
            at = current.index(candidate)
            others = current[:at] + current[at + 1 :]
            # Disagreement of standing at place t, relative to standing first: those above who are less liked cost.
            steps = np.concatenate([[0.0], np.cumsum(gain[candidate, others])])
            best = int(np.argmin(steps))
            if steps[best] < steps[at] - slack:
                current = [*others[:best], candidate, *others[best:]]
                improved = True
    return current
