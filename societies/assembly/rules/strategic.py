"""Strategic ballots: what some voters could gain by misreporting, counted from sincere ballots alone.

Everybody knows a poll, the order in which the rule puts the candidates on sincere ballots. A strategic voter who would
rather have somebody else than its front-runner puts the best placed such hope first (compromise), the front-runner last
(bury), or does both; whoever likes the front-runner best votes sincerely. Tactics: Brams and Fishburn 1983; the
reading of polls and the null, as many ballots rewritten in a random order, are ours.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from societies.assembly.rules.outcome import Outcome, break_ties
from societies.assembly.rules.profile import FloatArray, IntArray, Profile, profile_of, with_ranks

Tactic = Literal["both", "compromise", "bury"]
NUM_DRAWS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Recount:
    """What random sets of strategic voters do to one vote. Shares and means are over the draws of who is strategic.

    winner: on sincere ballots. num: strategic voters in a draw. num_able: voters with something to gain, of all.
    changes: share of draws in which another candidate wins; by_chance: the same when as many ballots are shuffled.
    favours: who wins most often instead; None when nobody does. gain: mean sincere level of the new winner less that
    of the old one, of the strategic voters; gain_others, gain_all: of the others, of all. 0 where nothing changes.
    """

    winner: int
    num: int
    num_able: int
    num_draws: int
    changes: float
    by_chance: float
    favours: int | None
    gain: float
    gain_others: float
    gain_all: float


def strategic_profile(profile: Profile, voters: IntArray, poll: Sequence[int], tactic: Tactic) -> Profile:
    """Return the profile after these voters cast strategic ballots. poll: candidates from first to last."""
    leader = poll[0]
    ranks, ranked = profile.ranks.copy(), profile.ranked.copy()
    for voter in voters.tolist():
        hope = next((c for c in poll[1:] if profile.ranks[voter, c] < profile.ranks[voter, leader]), None)
        if hope is None:
            continue
        if tactic != "bury":
            ranks[voter, hope], ranked[voter, hope] = -1, True
        if tactic != "compromise":
            ranked[voter, leader] = False
    return with_ranks(profile, ranks, ranked)


def recount(
    levels: npt.ArrayLike,
    rule: Callable[[Profile], Outcome],
    share: float,
    *,
    tactic: Tactic = "both",
    num_draws: int = NUM_DRAWS,
    seed: int = 0,
) -> Recount:
    """Count a vote again with random sets of strategic voters; ties are broken as in the vote, with this seed.

    levels: sincere, (voters, candidates), higher is better. share: of strategic voters, rounded to whole ones.
    """
    x = np.asarray(levels, dtype=np.float64)
    sincere = profile_of(-x)
    poll = _order(rule, sincere, seed)
    winner, num = poll[0], round(share * len(x))
    rng = np.random.default_rng(seed)
    found, chance = [], 0
    gains: list[tuple[float, float, float]] = []
    for _ in range(num_draws if num else 0):
        who = rng.permutation(len(x))[:num]
        now = _order(rule, strategic_profile(sincere, who, poll, tactic), seed)[0]
        found.append(now)
        change = x[:, now] - x[:, winner]
        rest = np.delete(change, who)
        gains.append((float(change[who].mean()), float(rest.mean()) if rest.size else 0.0, float(change.mean())))
        mixed: FloatArray = x.copy()
        mixed[who] = rng.permuted(x[who], axis=1)
        chance += _order(rule, profile_of(-mixed), seed)[0] != winner
    others = Counter(now for now in found if now != winner)
    gain, gain_others, gain_all = np.mean(gains, axis=0) if gains else np.zeros(3)
    return Recount(
        winner=winner,
        num=num,
        num_able=int((sincere.ranks < sincere.ranks[:, [winner]]).any(axis=1).sum()),
        num_draws=len(found),
        changes=sum(others.values()) / len(found) if found else 0.0,
        by_chance=chance / len(found) if found else 0.0,
        favours=min(others, key=lambda c: (-others[c], c)) if others else None,
        gain=float(gain),
        gain_others=float(gain_others),
        gain_all=float(gain_all),
    )


def _order(rule: Callable[[Profile], Outcome], profile: Profile, seed: int) -> tuple[int, ...]:
    return break_ties(rule(profile), profile, seed).order
