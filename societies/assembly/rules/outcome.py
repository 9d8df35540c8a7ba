"""What a rule says: winners with their ties, a ranking where the rule defines one, and how ties were broken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from societies.assembly.rules.profile import IntArray, Profile, dense_rank

TOLERANCE = 1e-9
"""Scores nearer than this times the largest score are equal; weights are floats, ties are not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TieBreak:
    """What was done about ties.

    order:       all candidates, best first, no ties left.
    ballots:     the numbers of the ballots that were drawn, in order.
    num_by_lot:  how many candidates were left tied by all ballots and were ordered by lot.
    seed:        of both draws.
    """

    order: tuple[int, ...]
    ballots: tuple[int, ...]
    num_by_lot: int
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One rule's result.

    winners:   candidate numbers, ascending; several are a tie (of a lottery: its support); none when nobody passes.
    ranking:   tiers from best to worst, each a tie; () where the rule defines no ranking.
    scores:    one a candidate, higher is better; () where the rule has none.
    lottery:   one probability a candidate, () for rules that are no lottery.
    tie_break: set when the rule itself had to break ties.
    exact:     False when a search may have missed something; `note` then says what.
    """

    rule: str
    winners: tuple[int, ...]
    ranking: tuple[tuple[int, ...], ...] = ()
    scores: tuple[float, ...] = ()
    lottery: tuple[float, ...] = ()
    tie_break: TieBreak | None = None
    exact: bool = True
    note: str = ""

    @property
    def tied(self) -> bool:
        """Whether more than one candidate wins and the rule is no lottery."""
        return len(self.winners) > 1 and not self.lottery


def tiers_of(ranks: npt.ArrayLike) -> tuple[tuple[int, ...], ...]:
    """Return the candidates of each rank, best first.

    >>> tiers_of([1, 0, 1])
    ((1,), (0, 2))
    """
    dense = dense_rank(ranks)
    return tuple(tuple(np.flatnonzero(dense == rank).tolist()) for rank in range(int(dense.max()) + 1))


def levels(scores: npt.ArrayLike) -> IntArray:
    """Return dense ranks of scores, highest first, with scores that differ by rounding only made equal."""
    x = np.asarray(scores, dtype=np.float64)
    order = np.argsort(-x, kind="stable")
    ordered = x[order]
    slack = TOLERANCE * max(1.0, float(np.abs(x[np.isfinite(x)]).max(initial=0.0)))
    with np.errstate(invalid="ignore"):
        new = ~((ordered[:-1] - ordered[1:] <= slack) | (ordered[:-1] == ordered[1:]))
    out = np.zeros(x.size, dtype=np.int64)
    out[order[1:]] = new.cumsum()
    return out


def best_of(scores: npt.ArrayLike) -> tuple[int, ...]:
    """Return the numbers of the highest scores."""
    return tuple(np.flatnonzero(levels(scores) == 0).tolist())


def by_scores(rule: str, scores: npt.ArrayLike, *, note: str = "") -> Outcome:
    """Return the outcome of a rule that ranks by a score, higher first."""
    x = np.asarray(scores, dtype=np.float64)
    ranks = levels(x)
    winners = tuple(np.flatnonzero(ranks == 0).tolist())
    return Outcome(rule=rule, winners=winners, ranking=tiers_of(ranks), scores=tuple(x.tolist()), note=note)


def by_order(rule: str, order: Sequence[int], *, tie_break: TieBreak | None = None, note: str = "") -> Outcome:
    """Return the outcome of a rule that gives a ranking without ties."""
    ranking = tuple((int(c),) for c in order)
    return Outcome(rule=rule, winners=ranking[0], ranking=ranking, tie_break=tie_break, note=note)


def refine(ranks: npt.ArrayLike, profile: Profile, seed: int) -> TieBreak:
    """Break the ties of a weak order by random ballots, then by lot; what is not tied never moves.

    ranks: one a candidate, smaller is better. Ballots are drawn without replacement, in proportion to their weights.
    While there are ties: rank' = dense(rank) * m + dense(ballot). Source: tie-breaking ranking of the candidates,
    Zavist and Tideman 1989; Schulze 2011, section 5; as used for caucus mediation by Tessler et al. 2024.
    """
    rng = np.random.default_rng(seed)
    m = profile.num_candidates
    current = dense_rank(ranks)
    drawn: list[int] = []
    if current.max() < m - 1:
        share = profile.weights / profile.weights.sum()
        for ballot in rng.choice(profile.num_voters, size=int((share > 0).sum()), replace=False, p=share).tolist():
            refined = dense_rank(current * m + profile.ranks[ballot])
            drawn.append(int(ballot))
            current = refined
            if current.max() == m - 1:
                break
    counts = np.bincount(current, minlength=m)
    num_by_lot = int((counts[current] > 1).sum())
    order = np.lexsort((rng.permutation(m), current))
    return TieBreak(order=tuple(order.tolist()), ballots=tuple(drawn), num_by_lot=num_by_lot, seed=seed)


def break_ties(outcome: Outcome, profile: Profile, seed: int) -> TieBreak:
    """Return a full order in which the outcome's winner comes first, and how it was reached.

    A rule without a ranking is refined from "winners, then the rest". A lottery is drawn by its probabilities first.
    """
    ranks = np.ones(profile.num_candidates, dtype=np.int64)
    if outcome.lottery:
        p = np.clip(np.asarray(outcome.lottery), 0, None)
        ranks[np.random.default_rng([seed, 1]).choice(p.size, p=p / p.sum())] = 0
    elif outcome.ranking and set(outcome.ranking[0]) == set(outcome.winners):
        for rank, tier in enumerate(outcome.ranking):
            ranks[list(tier)] = rank
    else:
        ranks[list(outcome.winners)] = 0
    return refine(ranks, profile, seed)
