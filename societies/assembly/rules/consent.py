"""Yes-or-no decisions: quorum and supermajority, two chambers, vetoes, and votes that were delegated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from societies.assembly.rules.profile import FloatArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """Whether a proposal passed, and the shares that decided it. turnout: weight that voted, abstentions included."""

    passed: bool
    share: float
    turnout: float
    reason: str


def decide(
    yes: float,
    no: float,
    abstain: float = 0.0,
    *,
    eligible: float | None = None,
    majority: float = 0.5,
    quorum: float = 0.0,
    strict: bool = True,
) -> Passage:
    """Decide one proposal from weights.

    eligible: weight that could have voted, by default all who did. majority: share of yes among yes and no that must
    be exceeded (strict) or reached. quorum: least share of the eligible that must vote. Nobody voting is not passing.
    """
    cast = yes + no + abstain
    able = cast if eligible is None else eligible
    if min(yes, no, abstain) < 0 or able < cast:
        raise ValueError(f"{yes} yes, {no} no and {abstain} abstentions of {able} eligible do not add up")
    turnout = cast / able if able else 0.0
    share = yes / (yes + no) if yes + no else 0.0
    if turnout < quorum:
        return Passage(passed=False, share=share, turnout=turnout, reason="no quorum")
    passed = yes + no > 0 and (share > majority if strict else share >= majority)
    return Passage(passed=passed, share=share, turnout=turnout, reason="majority" if passed else "no majority")


def two_chambers(first: Passage, second: Passage, *, override: float | None = None) -> Passage:
    """Pass what both chambers pass. override: share in the first chamber that overcomes the second's refusal."""
    if first.passed and second.passed:
        return Passage(passed=True, share=first.share, turnout=first.turnout, reason="both chambers")
    if first.passed and override is not None and first.share >= override:
        return Passage(passed=True, share=first.share, turnout=first.turnout, reason="override")
    refused = "second chamber" if first.passed else "first chamber"
    return Passage(passed=False, share=first.share, turnout=first.turnout, reason=f"refused by the {refused}")


def with_veto(passage: Passage, objecting: float, *, threshold: float) -> Passage:
    """Refuse a proposal when the share of those who object outright reaches the threshold."""
    if passage.passed and objecting >= threshold:
        return Passage(passed=False, share=passage.share, turnout=passage.turnout, reason="veto")
    return passage


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Delegated:
    """Weights after delegation. power: [voter], whose own vote carries how much. lost: weight stuck in circles or on
    people who neither vote nor delegate. longest: most hops that a vote travelled.
    """

    power: FloatArray
    lost: float
    longest: int


def delegate(votes_self: Sequence[bool], to: Sequence[int | None], weights: FloatArray | None = None) -> Delegated:
    """Hand each non-voter's weight along the chain of delegates to the first who votes (liquid democracy).

    votes_self: whether a voter casts a ballot, which overrides the delegation. to: the delegate's number or None.
    Source: Blum and Zuber 2016; weight in circles is lost and counted, never reassigned silently.
    """
    n = len(votes_self)
    w = np.ones(n) if weights is None else np.asarray(weights, dtype=np.float64)
    last, hops = speakers(votes_self, to)
    heard = last >= 0
    power = np.bincount(last[heard], weights=w[heard], minlength=n).astype(np.float64)
    longest = int(hops[heard].max(initial=0))
    return Delegated(power=power, lost=float(w[~heard].sum()), longest=longest)


def speakers(votes_self: Sequence[bool], to: Sequence[int | None]) -> tuple[IntArray, IntArray]:
    """Return who casts each one's vote in the end, int64 (n,), -1 for nobody, and over how many hops."""
    n = len(votes_self)
    last, hops = np.full(n, -1, dtype=np.int64), np.zeros(n, dtype=np.int64)
    for voter in range(n):
        at: int | None = voter
        steps = 0
        while at is not None and not votes_self[at] and steps <= n:
            at, steps = to[at], steps + 1
        if at is not None and steps <= n:
            last[voter], hops[voter] = at, steps
    return last, hops
