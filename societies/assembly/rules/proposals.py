"""Yes, no or abstain on proposals that stand alone: quorum, supermajority, delegates, two chambers and a veto."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from agents.statistics.intervals import NAN, Interval
from societies.assembly.rules.consent import Passage, decide, speakers, two_chambers, with_veto
from societies.assembly.rules.profile import FloatArray

YES, NO, ABSTAIN = 1.0, -1.0, 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What it takes to pass. majority, quorum, strict: as in `decide`.

    veto: share of the eligible whose no refuses a proposal; None for no veto. override: share of yes in the first
    chamber that overcomes the second's refusal; None for never. eligible: weight that could have voted; None: all rows.
    """

    majority: float = 0.5
    strict: bool = True
    quorum: float = 0.0
    veto: float | None = None
    override: float | None = None
    eligible: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Proposals:
    """Votes [voter, proposal]: 1 yes, -1 no, 0 abstain, nan not voted. chambers: one label a voter, or None.

    delegates: for each voter the number of another one who votes where the voter does not, or None.
    """

    names: tuple[str, ...]
    votes: FloatArray
    weights: FloatArray
    chambers: tuple[str, ...] | None = None
    delegates: tuple[int | None, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """One proposal. yes, no, abstain: weights, delegated ones included. chance: bootstrap probability of passing.

    share: of yes among yes and no, with its bootstrap interval. delegated: weight that others cast; lost: weight of
    delegations that reach nobody who votes. chambers: (name, passage) of each, where there are two.
    """

    name: str
    passage: Passage
    yes: float
    no: float
    abstain: float
    share: Interval
    chance: float
    delegated: float
    lost: float
    chambers: tuple[tuple[str, Passage], ...]


def rulings(cast: Proposals, terms: Terms, *, num_resamples: int = 1000, seed: int = 0) -> tuple[Ruling, ...]:
    """Decide every proposal. The bootstrap draws voters again within chambers; delegations go with their voters.

    Raises ValueError for chambers that are not two.
    """
    rooms = _rooms(cast)
    counts = _resamples(rooms, len(cast.weights), num_resamples, np.random.default_rng(seed))
    found = []
    for number, name in enumerate(cast.names):
        votes, delegated, lost = delegated_votes(cast, number)
        passage, parts = _decided(votes, cast.weights, rooms, terms)
        again = [_decided(votes, cast.weights * times, rooms, terms)[0] for times in counts]
        yes, no, abstain = (float(cast.weights[votes == kind].sum()) for kind in (YES, NO, ABSTAIN))
        found.append(
            Ruling(
                name=name,
                passage=passage,
                yes=yes,
                no=no,
                abstain=abstain,
                share=_interval(yes / (yes + no) if yes + no else NAN, votes, cast.weights * counts),
                chance=float(np.mean([one.passed for one in again])) if again else NAN,
                delegated=delegated,
                lost=lost,
                chambers=parts,
            )
        )
    return tuple(found)


def delegated_votes(cast: Proposals, number: int) -> tuple[FloatArray, float, float]:
    """Return everybody's vote on one proposal after delegation, the weight cast by others, and the weight lost."""
    own = cast.votes[:, number]
    if cast.delegates is None:
        return own, 0.0, 0.0
    votes_self = ~np.isnan(own)
    last, _ = speakers(votes_self.tolist(), cast.delegates)
    asked = np.array([to is not None for to in cast.delegates]) & ~votes_self
    votes = np.where(last >= 0, own[last], np.nan)
    reached = asked & (last >= 0)
    return votes, float(cast.weights[reached].sum()), float(cast.weights[asked & (last < 0)].sum())


def _rooms(cast: Proposals) -> list[tuple[str, npt.NDArray[np.bool_]]]:
    if cast.chambers is None:
        return [("", np.ones(len(cast.weights), dtype=np.bool_))]
    names = list(dict.fromkeys(cast.chambers))
    if len(names) != 2:
        raise ValueError(f"{len(names)} chambers instead of two")
    labels = np.asarray(cast.chambers)
    return [(name, np.asarray(labels == name, dtype=np.bool_)) for name in names]


def _decided(
    votes: FloatArray, weights: FloatArray, rooms: Sequence[tuple[str, npt.NDArray[np.bool_]]], terms: Terms
) -> tuple[Passage, tuple[tuple[str, Passage], ...]]:
    parts = []
    for name, member in rooms:
        yes, no, abstain = (float(weights[member & (votes == kind)].sum()) for kind in (YES, NO, ABSTAIN))
        able = float(weights[member].sum())
        if terms.eligible is not None and len(rooms) == 1:
            able = max(terms.eligible, yes + no + abstain)
        found = decide(
            yes, no, abstain, eligible=able, majority=terms.majority, quorum=terms.quorum, strict=terms.strict
        )
        if terms.veto is not None:
            found = with_veto(found, no / able if able else 0.0, threshold=terms.veto)
        parts.append((name, found))
    if len(parts) == 1:
        return parts[0][1], ()
    return two_chambers(parts[0][1], parts[1][1], override=terms.override), tuple(parts)


def _resamples(
    rooms: Sequence[tuple[str, npt.NDArray[np.bool_]]], n: int, num: int, rng: np.random.Generator
) -> FloatArray:
    """Return how often each voter is drawn, [resample, voter], within chambers."""
    counts = np.zeros((num, n))
    for _, member in rooms:
        who = np.flatnonzero(member)
        counts[:, who] = rng.multinomial(who.size, np.full(who.size, 1 / who.size), size=num)
    return counts


def _interval(point: float, votes: FloatArray, weights: FloatArray) -> Interval:
    yes, no = weights @ (votes == YES), weights @ (votes == NO)
    cast = yes + no
    shares = (yes / np.where(cast > 0, cast, 1.0))[cast > 0]
    if shares.size < 2 or np.isnan(point):
        return Interval(point, NAN, NAN, NAN)
    lo, hi = np.quantile(shares, [0.025, 0.975])
    return Interval(point, float(shares.std(ddof=1)), float(lo), float(hi))
