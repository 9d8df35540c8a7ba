"""The single transferable vote: seats for whoever reaches the quota, surpluses passed on, the weakest eliminated."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from societies.assembly.rules.outcome import TOLERANCE, TieBreak, refine
from societies.assembly.rules.profile import BoolArray, FloatArray, Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """One step of the count. votes: one a candidate, 0 for those out of the count. exhausted: weight now unused."""

    elected: tuple[int, ...]
    eliminated: tuple[int, ...]
    votes: tuple[float, ...]
    exhausted: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """Who is elected, in that order, and the whole count. tie_break: set when a tie had to be broken."""

    members: tuple[int, ...]
    order: tuple[int, ...]
    quota: float
    counts: tuple[Count, ...]
    tie_break: TieBreak | None


def single_transferable_vote(
    profile: Profile, k: int, *, quota: Literal["droop", "hare"] = "droop", seed: int = 0
) -> Transfer:
    """Fill k seats by transferable votes with fractional surpluses.

    Every ballot that elects somebody keeps the share surplus / votes of what it gave (Gregory, inclusive and weighted),
    also when tied places split it. quota: floor(total / (k + 1)) + 1 or floor(total / k) for whole-number weights,
    the same without rounding otherwise. Ties are broken by a ranking drawn by random ballots (`refine`).
    """
    m = profile.num_candidates
    if not 1 <= k <= m:
        raise ValueError(f"{k} seats cannot be filled by {m} candidates")
    need = _quota(profile, k, quota)
    held = profile.weights.copy()
    standing = np.ones(m, dtype=np.bool_)
    drawn = refine(np.zeros(m), profile, seed)
    place = np.argsort(np.asarray(drawn.order))
    order: list[int] = []
    counts: list[Count] = []
    tied = False
    while len(order) < k:
        parts = _parts(profile, standing)
        votes = held @ parts
        exhausted = profile.total - need * len(order) - float(votes.sum())
        here = np.flatnonzero(standing)
        if here.size <= k - len(order):
            rest = sorted(here.tolist(), key=lambda c: (-votes[c], place[c]))
            order += rest
            counts.append(_count(tuple(rest), (), votes, exhausted))
            break
        slack = TOLERANCE * profile.total
        over = here[votes[here] >= need - slack]
        if over.size:
            same = over[votes[over] >= votes[over].max() - slack]
            best = int(min(same, key=lambda c: place[c]))
            tied |= same.size > 1
            order.append(best)
            surplus = max(0.0, float(votes[best]) - need) / float(votes[best])
            held = held * (1 - parts[:, best] * (1 - surplus))
            standing[best] = False
            counts.append(_count((best,), (), votes, exhausted))
        else:
            same = here[votes[here] <= votes[here].min() + slack]
            worst = int(max(same, key=lambda c: place[c]))
            tied |= same.size > 1
            standing[worst] = False
            counts.append(_count((), (worst,), votes, exhausted))
    return Transfer(
        members=tuple(sorted(order)),
        order=tuple(order),
        quota=need,
        counts=tuple(counts),
        tie_break=drawn if tied else None,
    )


def _quota(profile: Profile, k: int, kind: str) -> float:
    total = profile.total
    raw = total / (k + 1) if kind == "droop" else total / k
    if not np.array_equal(profile.weights, np.floor(profile.weights)):
        return raw
    return float(math.floor(raw + TOLERANCE) + (1 if kind == "droop" else 0))


def _parts(profile: Profile, standing: BoolArray) -> FloatArray:
    """Return [voter, candidate]: which share of the ballot stands with whom; exhausted ballots with nobody."""
    far = profile.num_candidates + 1
    places = np.where(profile.ranked & standing, profile.ranks, far)
    best = places.min(axis=1, keepdims=True)
    top = (places == best) & (best < far)
    return np.asarray(top / np.maximum(top.sum(axis=1, keepdims=True), 1), dtype=np.float64)


def _count(elected: tuple[int, ...], eliminated: tuple[int, ...], votes: FloatArray, exhausted: float) -> Count:
    return Count(elected=elected, eliminated=eliminated, votes=tuple(votes.tolist()), exhausted=max(0.0, exhausted))
