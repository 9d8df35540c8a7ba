"""One vote under many rules: who wins where, how nearly, how surely, and how far the rules agree.

No rule is neutral between all ways of counting (Mishra 2023, arXiv 2310.16048), so a decision names its rule and shows
the others beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from societies.assembly.rules.axioms import Rule
from societies.assembly.rules.flips import (
    Flip,
    Manipulation,
    manipulation,
    positional_flip,
    searched_flip,
    searched_rating_flip,
)
from societies.assembly.rules.outcome import Outcome, TieBreak, break_ties
from societies.assembly.rules.pairwise import condorcet_winner, has_cycle, smith_set
from societies.assembly.rules.positional import first_places
from societies.assembly.rules.profile import FloatArray, IntArray, Profile, reweighted, supports_of
from societies.assembly.rules.ratings import Ratings, reweighted_ratings, to_profile

RatingRule = Callable[[Ratings], Outcome]
GroupRule = Callable[[Ratings, npt.ArrayLike], Outcome]
ADDITIVE = frozenset({"plurality", "borda", "approval", "score", "cumulative", "quadratic"})
"""Rules that add up a score per ballot, so that the ballots to flip are counted exactly."""


@dataclass(frozen=True, slots=True, eq=False)
class Vote:
    """Ballots in every reading that they allow. ratings: None for rankings. groups: one label a voter, or None."""

    profile: Profile
    ratings: Ratings | None = None
    groups: npt.NDArray[np.str_] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleReport:
    """What one rule says. chance: [candidate] bootstrap probability of winning, ties and lotteries shared out.
    by_panel: the same over panels drawn again from a lottery; empty without one.

    flip: None for lotteries and when nobody passes. tie_break: set when the outcome is tied or drawn.
    """

    outcome: Outcome
    chance: tuple[float, ...]
    flip: Flip | None
    tie_break: TieBreak | None
    manipulation: Manipulation | None
    by_panel: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ensemble:
    """The report. agreement: [rule, rule] shared winners over all winners of either (Jaccard); 1 for two empty ones."""

    reports: tuple[RuleReport, ...]
    agreement: FloatArray
    condorcet: int | None
    smith: tuple[int, ...]
    cyclic: bool
    num_resamples: int
    seed: int


def vote_of_ratings(ratings: Ratings, groups: Sequence[str] | None = None) -> Vote:
    """Return ratings with the rankings they imply."""
    return Vote(to_profile(ratings), ratings, None if groups is None else np.asarray(list(groups)))


def resampled_weights(
    weights: FloatArray, num: int, rng: np.random.Generator, strata: Sequence[str] | None = None
) -> FloatArray:
    """Return weights times how often each voter is drawn with replacement within strata, [resample, voter].

    Source: Efron 1979; only the ballots vary, not the panel that cast them.
    """
    n = len(weights)
    labels = np.zeros(n, dtype="<U1") if strata is None else np.asarray(list(strata))
    counts = np.zeros((num, n))
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        counts[:, members] = rng.multinomial(members.size, np.full(members.size, 1 / members.size), size=num)
    drawn: FloatArray = counts * weights
    # A resample of weightless voters only says nothing; the vote itself stands in for it.
    drawn[drawn.sum(axis=1) == 0] = weights
    return drawn


def resample(vote: Vote, num: int, rng: np.random.Generator, strata: Sequence[str] | None = None) -> list[Vote]:
    """Draw bootstrap votes: voters with replacement within strata, weights going with their voters."""
    weights = resampled_weights(vote.profile.weights, num, rng, strata)
    supports = supports_of(vote.profile.ranks, weights)
    return [_reweighted(vote, w, support) for w, support in zip(weights, supports, strict=True)]


def chances(rules: Mapping[str, Callable[[Vote], Outcome]], votes: Sequence[Vote], num: int) -> dict[str, FloatArray]:
    """Return for each rule [candidate]: the mean over votes of winning, ties shared evenly, lotteries by chance.

    They add up to less than 1 where sometimes nobody wins.
    """
    return {name: _mean_win([rule(vote) for vote in votes], num) for name, rule in rules.items()}


def compare(
    vote: Vote,
    rules: Mapping[str, Rule],
    rating_rules: Mapping[str, RatingRule],
    group_rules: Mapping[str, GroupRule],
    *,
    consistent: frozenset[str] = frozenset(),
    strata: Sequence[str] | None = None,
    panels: Sequence[IntArray] | None = None,
    num_resamples: int = 1000,
    seed: int = 0,
) -> Ensemble:
    """Count one vote under many rules.

    rating_rules are used when there are ratings, group_rules when there are groups besides. consistent: names of the
    rules that elect Condorcet winners, which sharpens their lower bounds. num_resamples: 0 leaves the bootstrap out.
    panels: positions of voters: each rule is counted on every one of them too.
    """
    counted: dict[str, Callable[[Vote], Outcome]] = {name: _on_profile(rule) for name, rule in rules.items()}
    if vote.ratings is not None:
        counted |= {name: _on_ratings(rule) for name, rule in rating_rules.items()}
        if vote.groups is not None:
            counted |= {name: _on_groups(rule) for name, rule in group_rules.items()}
    votes = resample(vote, num_resamples, np.random.default_rng(seed), strata) if num_resamples else []
    chance = chances(counted, votes, vote.profile.num_candidates)
    by_panel = {} if panels is None else chances(counted, redrawn(vote, panels), vote.profile.num_candidates)
    reports = []
    for name, rule in counted.items():
        outcome = rule(vote)
        drawn = break_ties(outcome, vote.profile, seed) if outcome.tied or outcome.lottery else outcome.tie_break
        over_rankings = name in rules and not outcome.lottery and bool(outcome.winners)
        reports.append(
            RuleReport(
                outcome=outcome,
                chance=tuple(chance[name].tolist()),
                flip=_flip(name, rule, vote, outcome, rules, consistent),
                tie_break=drawn,
                manipulation=manipulation(rules[name], vote.profile, seed=seed) if over_rankings else None,
                by_panel=tuple(by_panel[name].tolist()) if by_panel else (),
            )
        )
    return Ensemble(
        reports=tuple(reports),
        agreement=agreement([report.outcome for report in reports]),
        condorcet=condorcet_winner(vote.profile.margins),
        smith=smith_set(vote.profile.margins),
        cyclic=has_cycle(vote.profile.margins),
        num_resamples=num_resamples,
        seed=seed,
    )


def agreement(outcomes: Sequence[Outcome]) -> FloatArray:
    """Return [rule, rule]: winners in common over winners of either."""
    sets = [set(outcome.winners) for outcome in outcomes]
    table = [[len(a & b) / len(a | b) if a | b else 1.0 for b in sets] for a in sets]
    return np.array(table, dtype=np.float64)


def contributions(name: str, vote: Vote) -> tuple[FloatArray, float, float]:
    """Return what each ballot adds [voter, candidate] under an additive rule, and its largest and smallest entry."""
    if vote.ratings is not None and name in ("approval", "score"):
        return vote.ratings.filled, vote.ratings.hi, vote.ratings.lo
    if vote.ratings is not None and name in ("cumulative", "quadratic"):
        x, most, against = vote.ratings.filled, vote.ratings.hi, vote.ratings.lo < 0
        if name == "cumulative":
            return x, most, 0.0
        # With votes against allowed, half of the credits each way moves the gap furthest: 2 sqrt(B / 2).
        return np.sign(x) * np.sqrt(np.abs(x)), float(np.sqrt(2 * most if against else most)), 0.0
    p = vote.profile
    if name == "plurality":
        top = p.ranked & (p.ranks == p.ranks.min(axis=1, keepdims=True))
        return top / np.maximum(top.sum(axis=1, keepdims=True), 1), 1.0, 0.0
    if name == "borda":
        below = (p.ranks[:, :, None] < p.ranks[:, None, :]).sum(axis=2)
        level = (p.ranks[:, :, None] == p.ranks[:, None, :]).sum(axis=2) - 1
        return below + level / 2, float(p.num_candidates - 1), 0.0
    raise ValueError(f"{name} does not add up a score per ballot")


def _flip(
    name: str,
    rule: Callable[[Vote], Outcome],
    vote: Vote,
    outcome: Outcome,
    rules: Mapping[str, Rule],
    consistent: frozenset[str],
) -> Flip | None:
    if outcome.lottery or not outcome.winners or vote.profile.num_candidates < 2:
        return None
    if name in ADDITIVE:
        parts, best, worst = contributions(name, vote)
        return positional_flip(parts, vote.profile.weights, best, worst)
    if name in rules:
        return searched_flip(rules[name], vote.profile, consistent=name in consistent)
    if vote.ratings is None:
        return None
    groups = vote.groups
    return searched_rating_flip(lambda ratings: rule(Vote(vote.profile, ratings, groups)), vote.ratings)


def _mean_win(outcomes: Sequence[Outcome], num: int) -> FloatArray:
    total = np.zeros(num)
    for outcome in outcomes:
        if outcome.lottery:
            total += np.asarray(outcome.lottery)
        elif outcome.winners:
            total[list(outcome.winners)] += 1 / len(outcome.winners)
    return total / len(outcomes) if outcomes else np.full(num, np.nan)


def _reweighted(vote: Vote, weights: FloatArray, support: FloatArray) -> Vote:
    ratings = None if vote.ratings is None else reweighted_ratings(vote.ratings, weights)
    groups = None if vote.groups is None else vote.groups[weights > 0]
    return Vote(reweighted(vote.profile, weights, support), ratings, groups)


def _on_profile(rule: Rule) -> Callable[[Vote], Outcome]:
    return lambda vote: rule(vote.profile)


def _on_ratings(rule: RatingRule) -> Callable[[Vote], Outcome]:
    def count(vote: Vote) -> Outcome:
        assert vote.ratings is not None
        return rule(vote.ratings)

    return count


def _on_groups(rule: GroupRule) -> Callable[[Vote], Outcome]:
    def count(vote: Vote) -> Outcome:
        assert vote.ratings is not None and vote.groups is not None
        return rule(vote.ratings, vote.groups)

    return count


def redrawn(vote: Vote, panels: Sequence[IntArray]) -> list[Vote]:
    """Return the vote as each panel would have cast it. panels: positions of voters.

    Where a whole pool voted once, this tells what another draw of the panel would have decided, without asking again.
    """
    n = vote.profile.num_voters
    weights = np.stack([np.bincount(panel, minlength=n) for panel in panels]) * vote.profile.weights
    supports = supports_of(vote.profile.ranks, weights)
    return [_reweighted(vote, w, support) for w, support in zip(weights, supports, strict=True)]


def first_choice_concentration(profile: Profile) -> float:
    """Return the sum of squared shares of first places (Herfindahl): 1 is unanimity. nan without first places."""
    places = first_places(profile)
    return float(((places / places.sum()) ** 2).sum()) if places.any() else float("nan")
