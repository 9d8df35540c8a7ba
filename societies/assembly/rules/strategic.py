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

from agents.statistics.intervals import z_value
from societies.assembly.rules.outcome import Outcome, break_ties
from societies.assembly.rules.profile import FloatArray, IntArray, Profile, profile_of, with_ranks

Tactic = Literal["both", "compromise", "bury"]
NUM_DRAWS = 100
NUM_RESAMPLES = 100
"""Panels drawn again from the citizens for the intervals of the gains."""
RESAMPLE_DRAWS = 2
"""Sets of strategic voters on each of them: two tell the chance of the draws apart from that of the citizens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recount:
    """What random sets of strategic voters do to one vote. Shares and means are over the draws of who is strategic.

    winner: on sincere ballots. num: strategic voters in a draw. num_able: voters with something to gain, of all.
    changes: share of draws in which another candidate wins; by_chance: the same when as many ballots are shuffled.
    favours: who wins most often instead; None when nobody does. gain: mean sincere level of the new winner less that
    of the old one, of the strategic voters; gain_others, gain_all: of the others, of all. 0 where nothing changes, and
    0 is what voting truthfully again gives. gain_by_chance: gain when as many ballots are shuffled. gain_band,
    gain_others_band: 95 % intervals over citizens drawn again, everything counted anew; nan without draws.
    num_voters: citizens whom the gains rest on.
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
    gain_by_chance: float
    gain_band: tuple[float, float]
    gain_others_band: tuple[float, float]
    num_voters: int


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
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
) -> Recount:
    """Count a vote again with random sets of strategic voters; ties are broken as in the vote, with this seed.

    levels: sincere, (voters, candidates), higher is better. share: of strategic voters, rounded to whole ones.
    num_resamples: 0 leaves the intervals of the gains out.
    """
    x = np.asarray(levels, dtype=np.float64)
    sincere = profile_of(-x)
    poll = _order(rule, sincere, seed)
    winner, num = poll[0], round(share * len(x))
    rng = np.random.default_rng(seed)
    found, chance = [], 0
    gains: list[tuple[float, float, float]] = []
    by_chance: list[float] = []
    for _ in range(num_draws if num else 0):
        who = rng.permutation(len(x))[:num]
        now = _order(rule, strategic_profile(sincere, who, poll, tactic), seed)[0]
        found.append(now)
        gains.append(_gains(x, who, now, winner))
        mixed: FloatArray = x.copy()
        mixed[who] = rng.permuted(x[who], axis=1)
        shuffled = _order(rule, profile_of(-mixed), seed)[0]
        chance += shuffled != winner
        by_chance.append(_gains(x, who, shuffled, winner)[0])
    others = Counter(now for now in found if now != winner)
    gain, gain_others, gain_all = np.mean(gains, axis=0) if gains else np.zeros(3)
    se = _errors(x, rule, num, tactic, num_resamples if found else 0, len(found), seed)
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
        gain_by_chance=float(np.mean(by_chance)) if by_chance else 0.0,
        gain_band=_band(gain, se[0]),
        gain_others_band=_band(gain_others, se[1]),
        num_voters=len(x),
    )


def _gains(x: FloatArray, who: IntArray, now: int, winner: int) -> tuple[float, float, float]:
    """Return what another winner is worth, sincerely, to these voters, to the others and to all."""
    change = x[:, now] - x[:, winner]
    rest = np.delete(change, who)
    return float(change[who].mean()), float(rest.mean()) if rest.size else 0.0, float(change.mean())


def _errors(
    x: FloatArray,
    rule: Callable[[Profile], Outcome],
    num: int,
    tactic: Tactic,
    num_resamples: int,
    num_draws: int,
    seed: int,
) -> FloatArray:
    """Return standard errors of the gain of the strategic and of the others, over citizens with replacement.

    Poll, winner and strategic voters are found anew on each resample: which statement wins hangs on who votes. The few
    draws on a resample vary by themselves, which is taken out, and put back as the mean over num_draws has it: the
    variance components of a one-way layout (Searle, Casella and McCulloch 1992, chapter 3; not verified).
    """
    if num_resamples < 2:
        return np.full(2, np.nan)
    rng = np.random.default_rng([seed, 1])
    gains = np.empty((num_resamples, RESAMPLE_DRAWS, 2))
    for one in range(num_resamples):
        y = x[rng.integers(len(x), size=len(x))]
        sincere = profile_of(-y)
        poll = _order(rule, sincere, seed)
        for draw in range(RESAMPLE_DRAWS):
            who = rng.permutation(len(y))[:num]
            now = _order(rule, strategic_profile(sincere, who, poll, tactic), seed)[0]
            gains[one, draw] = _gains(y, who, now, poll[0])[:2]
    within = gains.var(axis=1, ddof=1).mean(axis=0)
    between = np.maximum(0.0, gains.mean(axis=1).var(axis=0, ddof=1) - within / RESAMPLE_DRAWS)
    return np.asarray(np.sqrt(between + within / num_draws))


def _band(point: float, se: float) -> tuple[float, float]:
    half = z_value(0.95) * float(se)
    return float(point) - half, float(point) + half


def _order(rule: Callable[[Profile], Outcome], profile: Profile, seed: int) -> tuple[int, ...]:
    return break_ties(rule(profile), profile, seed).order
