"""Does a rule keep its promises: one function an axiom, each looking for a violation on one profile.

A check returns True for a violation, False for none found, and None when the profile says nothing about the axiom.
Checks that need changed ballots try a few, so False is no proof; rates over many profiles are what to read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from societies.assembly.rules.outcome import Outcome
from societies.assembly.rules.pairwise import condorcet_loser, condorcet_winner, has_cycle, smith_set, unanimous
from societies.assembly.rules.positional import majority_favourite
from societies.assembly.rules.profile import (
    Profile,
    profile_of,
    restricted,
    reversed_profile,
    with_ranks,
    without_voter,
)

Rule = Callable[[Profile], Outcome]
Check = Callable[[Rule, Profile, np.random.Generator], bool | None]
_TRIES = 6


def condorcet(rule: Rule, profile: Profile, rng: np.random.Generator) -> bool | None:
    """Whoever beats all others is the only winner."""
    best = condorcet_winner(profile.margins)
    return None if best is None else rule(profile).winners != (best,)


def loser(rule: Rule, profile: Profile, rng: np.random.Generator) -> bool | None:
    """Whoever loses to all others does not win."""
    worst = condorcet_loser(profile.margins)
    return None if worst is None else worst in rule(profile).winners


def majority(rule: Rule, profile: Profile, rng: np.random.Generator) -> bool | None:
    """Whom more than half put alone at the top is the only winner."""
    best = majority_favourite(profile)
    return None if best is None else rule(profile).winners != (best,)


def smith(rule: Rule, profile: Profile, rng: np.random.Generator) -> bool | None:
    """Winners come from the smallest set that beats everybody outside it."""
    best = smith_set(profile.margins)
    return None if len(best) == profile.num_candidates else not set(rule(profile).winners) <= set(best)


def pareto(rule: Rule, profile: Profile, rng: np.random.Generator) -> bool | None:
    """Nobody wins to whom everybody prefers the same other candidate."""
    dominated = np.asarray(unanimous(profile.support, profile.total).any(axis=0))
    return bool(dominated[list(rule(profile).winners)].any()) if dominated.any() else None


def anonymity(rule: Rule, profile: Profile, rng: np.random.Generator) -> bool | None:
    """The order of the ballots does not matter."""
    mixed = rng.permutation(profile.num_voters)
    other = profile_of(
        profile.ranks[mixed], ranked=profile.ranked[mixed], weights=profile.weights[mixed], names=profile.names
    )
    return rule(other).winners != rule(profile).winners


def neutrality(rule: Rule, profile: Profile, rng: np.random.Generator) -> bool | None:
    """The names of the candidates do not matter."""
    mixed = rng.permutation(profile.num_candidates)
    there = rule(restricted(profile, mixed.tolist())).winners
    return tuple(sorted(int(mixed[c]) for c in there)) != rule(profile).winners


def reversal(rule: Rule, profile: Profile, rng: np.random.Generator) -> bool | None:
    """The only winner does not win alone again when every ballot is turned upside down."""
    winners = rule(profile).winners
    if len(winners) != 1 or profile.num_candidates < 2:
        return None
    return rule(reversed_profile(profile)).winners == winners


def monotonicity(rule: Rule, profile: Profile, rng: np.random.Generator) -> bool | None:
    """The only winner still wins after some voters raise it and change nothing else."""
    winners = rule(profile).winners
    if len(winners) != 1:
        return None
    winner = winners[0]
    for _ in range(_TRIES):
        who = rng.random(profile.num_voters) < rng.choice([0.1, 0.3])
        ranks = profile.ranks.astype(np.float64)
        steps = rng.integers(1, profile.num_candidates, profile.num_voters)
        ranks[who, winner] -= steps[who] + 0.5
        ranked = profile.ranked.copy()
        ranked[who, winner] = True
        if rule(with_ranks(profile, ranks, ranked)).winners != winners:
            return True
    return False


def participation(rule: Rule, profile: Profile, rng: np.random.Generator) -> bool | None:
    """Nobody gets a better only winner by staying at home."""
    winners = rule(profile).winners
    if len(winners) != 1 or profile.num_voters < 2:
        return None
    for voter in rng.permutation(profile.num_voters)[: 2 * _TRIES].tolist():
        there = rule(without_voter(profile, voter)).winners
        if len(there) == 1 and profile.ranks[voter, there[0]] < profile.ranks[voter, winners[0]]:
            return True
    return False


def clones(rule: Rule, profile: Profile, rng: np.random.Generator) -> bool | None:
    """A copy of a candidate, next to it on every ballot, changes nothing for the others."""
    winners = set(rule(profile).winners)
    m = profile.num_candidates
    for candidate in rng.permutation(m)[:_TRIES].tolist():
        below = rng.random(profile.num_voters) < 0.5
        copy = profile.ranks[:, candidate] + np.where(below, 0.5, -0.5)
        ranked = np.column_stack([profile.ranked, profile.ranked[:, candidate]])
        wider = profile_of(np.column_stack([profile.ranks, copy]), ranked=ranked, weights=profile.weights)
        if {candidate if c == m else c for c in rule(wider).winners} != winners:
            return True
    return False


def independence(rule: Rule, profile: Profile, rng: np.random.Generator) -> bool | None:
    """The winners stay when a candidate who did not win goes away (independence of irrelevant alternatives)."""
    winners = rule(profile).winners
    others = [c for c in range(profile.num_candidates) if c not in winners]
    if not others or len(winners) != 1:
        return None
    for gone in others:
        kept = [c for c in range(profile.num_candidates) if c != gone]
        if tuple(kept[c] for c in rule(restricted(profile, kept)).winners) != winners:
            return True
    return False


AXIOMS: Mapping[str, Check] = {
    "condorcet": condorcet,
    "condorcet loser": loser,
    "majority": majority,
    "smith": smith,
    "pareto": pareto,
    "reversal": reversal,
    "monotonicity": monotonicity,
    "participation": participation,
    "clones": clones,
    "independence": independence,
}
"""What distinguishes rules. Anonymity and neutrality hold for all of ours up to their seeded ties."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """How often a rule broke an axiom. num: profiles on which the axiom said something."""

    rule: str
    axiom: str
    culture: str
    broken: int
    num: int

    @property
    def rate(self) -> float:
        """Broken share; nan with no case."""
        return self.broken / self.num if self.num else float("nan")


def violations(
    rules: Mapping[str, Rule],
    profiles: Iterable[Profile],
    *,
    culture: str,
    axioms: Mapping[str, Check] = AXIOMS,
    seed: int = 0,
) -> tuple[Violation, ...]:
    """Count violations of each axiom by each rule over profiles; equal seeds try equal changes on every rule."""
    drawn = list(profiles)
    found = []
    for name, rule in rules.items():
        for axiom, check in axioms.items():
            said = [check(rule, p, np.random.default_rng([seed, k])) for k, p in enumerate(drawn)]
            known = [answer for answer in said if answer is not None]
            found.append(Violation(rule=name, axiom=axiom, culture=culture, broken=sum(known), num=len(known)))
    return tuple(found)


def cycle_share(profiles: Iterable[Profile]) -> float:
    """Return the share of profiles in which majorities run in a circle."""
    cycles = [has_cycle(profile.margins) for profile in profiles]
    return sum(cycles) / len(cycles) if cycles else float("nan")
