"""What each arm changes against the assembly itself, and what strategic voters could do to its votes.

Arms of one assembly seat the same citizens, so differences from `full` are paired by citizen. What strategic voters
could do was recounted by the run from sincere ballots; nobody was asked for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from agents.statistics.intervals import wilson
from dashboards.assembly_numbers import Number, number_of
from dashboards.assembly_signs import SIGNS, Sign, num_resamples, number_over
from dashboards.assembly_source import MAIN, Archive, Key, Poll
from dashboards.sources import number, text, whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A sign in an arm less the same in `full`, paired by citizen; its null is 0, or 1 for a ratio."""

    arm: str
    sign: str
    found: Number
    ratio: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Manipulation:
    """One vote recounted with random sets of strategic voters.

    changes: share of sets with which another statement wins; its null: as many ballots shuffled. gain, gain_others:
    mean sincere agreement with the winner then less that with the sincere one, of those voters and of the others, over
    citizens drawn again; null 0, as truthful ballots elect the same again. gain_shuffled: of as many shuffled ballots.
    counted: what won in this arm. voters: who voted strategically there, empty in `full`.
    """

    stage: str
    assembly: str
    arm: str
    vote: str
    rule: str
    tactic: str
    sincere: str
    counted: str
    favours: str
    voters: tuple[str, ...]
    num_strategic: int
    num_able: int
    changes: Number
    gain: Number
    gain_others: Number
    gain_shuffled: float | None


def differences_of(polls: Mapping[Key, Poll]) -> tuple[Difference, ...]:
    """Return every sign that can be paired, of every arm but `full`, in the order of the arms."""
    main = {key.where: poll for key, poll in polls.items() if key.arm == MAIN}
    found = []
    for arm in dict.fromkeys(key.arm for key in polls if key.arm != MAIN):
        pairs = [(poll, main[key.where]) for key, poll in polls.items() if key.arm == arm and key.where in main]
        pairs = [(poll, other) for poll, other in pairs if poll.citizens == other.citizens]
        for sign in SIGNS:
            one = _difference(sign, pairs)
            if one is not None:
                found.append(Difference(arm=arm, sign=sign.name, found=one, ratio=sign.against_control))
    return tuple(found)


def _difference(sign: Sign, pairs: list[tuple[Poll, Poll]]) -> Number | None:
    if not sign.pairs:
        return None
    return number_over(sign, pairs, num_resamples(len(pairs)))


def manipulations_of(archive: Archive) -> tuple[Manipulation, ...]:
    """Return every vote that was recounted, in the order of playing."""
    return tuple(
        _manipulation(key, row)
        for key in archive.summaries
        for row in sorted(archive.rows(key, "recounts"), key=lambda row: text(row.get("vote")))
    )


def _manipulation(key: Key, row: Mapping[str, object]) -> Manipulation:
    draws, share = whole(row.get("num_draws")), number(row.get("changes"))
    voters = row.get("voters")
    return Manipulation(
        stage=key.stage,
        assembly=key.assembly,
        arm=key.arm,
        vote=text(row.get("vote")),
        rule=text(row.get("rule")),
        tactic=text(row.get("tactic")),
        sincere=text(row.get("sincere")),
        counted=text(row.get("counted")),
        favours=text(row.get("favours")),
        voters=tuple(map(text, voters)) if isinstance(voters, list) else (),
        num_strategic=whole(row.get("num_strategic")),
        num_able=whole(row.get("num_able")),
        changes=number_of(wilson(round((share or 0.0) * draws), draws), number(row.get("by_chance")), draws),
        gain=_gain(row, "gain"),
        gain_others=_gain(row, "gain_others"),
        gain_shuffled=number(row.get("gain_by_chance")),
    )


def _gain(row: Mapping[str, object], name: str) -> Number:
    """Return a gain with its interval; None where a run of before recorded none."""
    low, high = number(row.get(f"{name}_lo")), number(row.get(f"{name}_hi"))
    return Number(value=number(row.get(name)), lo=low, hi=high, null=0.0, n=whole(row.get("num_voters")))
