"""How close a decision was: ballots to flip it, and what voters could gain by misreporting.

A decision is flipped when the present sole winner no longer wins alone. Scoring rules are counted exactly; for the
others a lower bound that is proved and an upper bound that was found (those ballots, rewritten, do flip it) are given.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from societies.assembly.rules.axioms import Rule
from societies.assembly.rules.outcome import Outcome
from societies.assembly.rules.pairwise import condorcet_winner
from societies.assembly.rules.profile import FloatArray, IntArray, Profile, with_ranks
from societies.assembly.rules.ratings import Ratings

_CHALLENGERS = 6
"""Most challengers for whom flipping ballots are searched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """Bounds on the number of ballots to rewrite. least == most: exact. most None: none found. challenger: gains."""

    least: int
    most: int | None
    challenger: int | None
    note: str = ""

    @property
    def exact(self) -> bool:
        """Whether the bounds meet."""
        return self.least == self.most


def positional_flip(contributions: FloatArray, weights: FloatArray, best: float, worst: float) -> Flip:
    """Return the exact number of ballots for a rule that adds up a score per ballot.

    contributions: [voter, candidate]. A rewritten ballot gives the challenger `best` and the winner `worst`. For each
    challenger the most useful ballots are rewritten first, which is optimal because gains add up.
    """
    totals = weights @ contributions
    winner = int(np.argmax(totals))
    fewest: tuple[int, int] | None = None
    for c in range(contributions.shape[1]):
        if c == winner:
            continue
        gap = float(totals[winner] - totals[c])
        if gap <= 1e-9 * max(1.0, abs(float(totals[winner]))):
            return Flip(least=0, most=0, challenger=c)
        gains = np.sort(weights * (best - worst - contributions[:, c] + contributions[:, winner]))[::-1]
        reached = np.flatnonzero(np.cumsum(gains) >= gap - 1e-9 * max(1.0, gap))
        if reached.size and (fewest is None or reached[0] + 1 < fewest[0]):
            fewest = (int(reached[0]) + 1, c)
    if fewest is None:
        return Flip(least=len(weights), most=None, challenger=None, note="no ballots flip it")
    return Flip(least=fewest[0], most=fewest[0], challenger=fewest[1])


def searched_flip(rule: Rule, profile: Profile, *, consistent: bool = False) -> Flip:
    """Return bounds for any rule over rankings.

    Upper: for each challenger, ballots that put the winner above it are rewritten to challenger first, winner last,
    in the order of how far they put the winner above, by bisection. Lower: 1; with `consistent` (the rule elects
    Condorcet winners) at least as many ballots as it takes to end the winner's smallest majority.
    """
    winners = rule(profile).winners
    if len(winners) != 1:
        return _tie(winners)
    winner = winners[0]
    tries = []
    for c in _challengers(profile.margins[winner], winner):
        gap = profile.ranks[:, c] - profile.ranks[:, winner]
        order = np.argsort(-(gap * np.where(gap > 0, profile.weights, 1.0)), kind="stable")
        tries.append((c, _still(rule, profile, order, c, winner)))
    least = _condorcet_bound(profile, winner) if consistent else 1
    return _fewest(tries, profile.num_voters, least)


def searched_rating_flip(rule: Callable[[Ratings], Outcome], ratings: Ratings) -> Flip:
    """Return bounds for a rating rule; rewritten ballots give the challenger the highest, the winner the lowest."""
    winners = rule(ratings).winners
    if len(winners) != 1:
        return _tie(winners)
    winner = winners[0]
    x = ratings.filled
    tries = []
    for c in _challengers(ratings.weights @ (x[:, winner, None] - x), winner):
        order = np.argsort(-((x[:, winner] - x[:, c]) * ratings.weights), kind="stable")

        def flipped(num: int, c: int = c, order: IntArray = order) -> bool:
            values = ratings.values.copy()
            values[order[:num], c], values[order[:num], winner] = ratings.hi, ratings.lo
            return rule(replace(ratings, values=values)).winners != (winner,)

        tries.append((c, flipped))
    return _fewest(tries, len(x), 1)


def _tie(winners: tuple[int, ...]) -> Flip:
    return Flip(least=0, most=0, challenger=winners[1] if len(winners) > 1 else None, note="no sole winner")


def _challengers(lead: FloatArray, winner: int) -> list[int]:
    return [c for c in np.argsort(lead, kind="stable").tolist() if c != winner][:_CHALLENGERS]


def _still(rule: Rule, profile: Profile, order: IntArray, challenger: int, winner: int) -> Callable[[int], bool]:
    return lambda num: rule(rewritten(profile, order[:num], challenger, winner)).winners != (winner,)


def _fewest(tries: Sequence[tuple[int, Callable[[int], bool]]], num_voters: int, least: int) -> Flip:
    most: int | None = None
    gaining: int | None = None
    for challenger, flipped in tries:
        found = _bisect(flipped, num_voters if most is None else most - 1)
        if found is not None:
            most, gaining = found, challenger
    return Flip(least=least, most=most, challenger=gaining, note="" if most == least else "bounds")


def _bisect(holds: Callable[[int], bool], most: int) -> int | None:
    """Return a small number at which `holds` is true, by halving; the smallest when `holds` only ever turns once."""
    if most < 1 or not holds(most):
        return None
    lo, hi = 0, most
    while hi - lo > 1:
        middle = (lo + hi) // 2
        lo, hi = (lo, middle) if holds(middle) else (middle, hi)
    return hi


def _condorcet_bound(profile: Profile, winner: int) -> int:
    if condorcet_winner(profile.margins) != winner:
        return 1
    margins = np.delete(profile.margins[winner], winner)
    if not margins.size:
        return 1
    reached = np.flatnonzero(np.cumsum(2 * np.sort(profile.weights)[::-1]) >= margins.min() - 1e-9)
    return int(reached[0]) + 1 if reached.size else profile.num_voters


def rewritten(profile: Profile, voters: IntArray, top: int, bottom: int) -> Profile:
    """Return the profile after these voters put one candidate first and another last, and the rest as before."""
    ranks, ranked = profile.ranks.copy(), profile.ranked.copy()
    ranks[voters, top], ranked[voters, top] = -1, True
    ranked[voters, bottom] = False
    return with_ranks(profile, ranks, ranked)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manipulation:
    """What a probe of insincere ballots found.

    single: share of the voters tried who alone get a better sole winner. num_tried: how many.
    bloc: fewest voters found who all prefer `favours` to the winner and together make it win; None when none were.
    """

    single: float
    num_tried: int
    bloc: int | None
    favours: int | None


def manipulation(rule: Rule, profile: Profile, *, num_voters: int = 20, seed: int = 0) -> Manipulation:
    """Probe a rule: bury the winner, raise a favourite, or both; alone, and together with all who agree.

    A probe finds some manipulations, not all: read it as a lower bound on how often and an upper bound on how many.
    """
    winners = rule(profile).winners
    if len(winners) != 1:
        return Manipulation(single=float("nan"), num_tried=0, bloc=None, favours=None)
    winner = winners[0]
    rng = np.random.default_rng(seed)
    tried = rng.permutation(profile.num_voters)[:num_voters]
    single = [_gains(rule, profile, int(voter), winner) for voter in tried]
    bloc, favours = _bloc(rule, profile, winner)
    return Manipulation(single=float(np.mean(single)), num_tried=len(single), bloc=bloc, favours=favours)


def _gains(rule: Rule, profile: Profile, voter: int, winner: int) -> bool:
    mine = profile.ranks[voter]
    for favourite in np.flatnonzero(mine < mine[winner])[np.argsort(mine[mine < mine[winner]])][:3].tolist():
        there = rule(rewritten(profile, np.array([voter]), favourite, winner)).winners
        if len(there) == 1 and mine[there[0]] < mine[winner]:
            return True
    return False


def _bloc(rule: Rule, profile: Profile, winner: int) -> tuple[int | None, int | None]:
    best: int | None = None
    favours: int | None = None
    for c in _challengers(profile.margins[winner], winner):
        keen = np.flatnonzero(profile.ranks[:, c] < profile.ranks[:, winner])
        found = _bisect(
            _elects(rule, profile, keen, c, winner), keen.size if best is None else min(keen.size, best - 1)
        )
        if found is not None:
            best, favours = found, c
    return best, favours


def _elects(rule: Rule, profile: Profile, keen: IntArray, candidate: int, winner: int) -> Callable[[int], bool]:
    return lambda num: rule(rewritten(profile, keen[:num], candidate, winner)).winners == (candidate,)
