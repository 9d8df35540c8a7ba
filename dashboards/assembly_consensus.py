"""Is the agreement real? Concentration, variance and movement in every arm, each with interval, null and n.

A number of several assemblies is their mean, of variances the ratio of their sums; its interval says how much other
citizens would change it and takes the assemblies as given. Arms of one assembly have the same citizens, so differences
from the control are paired.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dashboards.assembly_numbers import Number
from dashboards.assembly_signs import SIGNS, Sign, num_resamples, number_over
from dashboards.assembly_source import CONTROL, MAIN, Key, Poll


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsensusLine:
    """One sign of agreement in every arm. versus: the assembly itself minus the control without interaction, paired.

    null_name: what the null is.
    """

    name: str
    about: str
    null_name: str
    by_arm: Mapping[str, Number]
    versus: Number | None


def consensus_lines(polls: Mapping[Key, Poll]) -> tuple[ConsensusLine, ...]:
    """Return every sign that at least one arm has, the three of artificial consensus first."""
    arms = list(dict.fromkeys(key.arm for key in polls))
    lines = []
    for sign in SIGNS:
        by_arm = {arm: found for arm in arms if (found := _in_arm(sign, arm, polls)) is not None}
        if by_arm:
            versus = _versus(sign, polls)
            lines.append(
                ConsensusLine(name=sign.name, about=sign.about, null_name=sign.null_name, by_arm=by_arm, versus=versus)
            )
    return tuple(lines)


def _in_arm(sign: Sign, arm: str, polls: Mapping[Key, Poll]) -> Number | None:
    cells: list[tuple[Poll, Poll | None]] = [(poll, None) for key, poll in polls.items() if key.arm == arm]
    if sign.against_control:
        cells = [] if arm == CONTROL else [*_pairs(polls, arm)]
    return number_over(sign, cells, num_resamples(len(cells)))


def _versus(sign: Sign, polls: Mapping[Key, Poll]) -> Number | None:
    if sign.versus is None:
        return None
    pairs = _pairs(polls, MAIN)
    return number_over(sign, pairs, num_resamples(len(pairs)))


def _pairs(polls: Mapping[Key, Poll], arm: str) -> list[tuple[Poll, Poll]]:
    """Return each assembly's poll of an arm with that of its control, where the same citizens sat in both."""
    control = {key.where: poll for key, poll in polls.items() if key.arm == CONTROL}
    own = [(poll, control[key.where]) for key, poll in polls.items() if key.arm == arm and key.where in control]
    return [(poll, other) for poll, other in own if poll.citizens == other.citizens]
