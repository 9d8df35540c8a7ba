"""What would a table think without one of its speakers? When all is over, its last round is read again, less them.

Each table-mate answers in private, how far they agree with the first side, to three versions of what they heard: whole,
without the speaker's speeches, and whole in another order, which tells what mere order does. Nobody's notes, ballots
or surveys know of it. It is reading that is replayed, not the talk: what others said because of the speaker stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from agents.requests import HUMAN, Score, Script
from societies.assembly.clerk import Clerk, expected
from societies.assembly.hall import Hall, Sitting
from societies.assembly.metrics.influence import pull
from societies.assembly.phases.survey import LEVELS, survey_before
from societies.assembly.phases.tables import listed
from societies.assembly.records import Citizen, Turn

LEAST_OTHERS = 2
"""Table-mates below which a table is left out: with fewer there is hardly a table without the speaker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """A speaker to be taken out, and who reads on.

    whole: the speeches of the round that notes were written from. reordered: the same in another order.
    """

    sitting: Sitting
    speaker: Citizen
    listeners: tuple[Citizen, ...]
    whole: tuple[Turn, ...]
    reordered: tuple[Turn, ...]

    @property
    def without(self) -> tuple[Turn, ...]:
        """The speeches of everybody else; none comes in for those taken out."""
        return tuple(turn for turn in self.whole if turn.speaker != self.speaker.citizen_id)

    @property
    def tasked(self) -> bool:
        """Whether the speaker spoke as something else than themselves, so that their own level is not what was said."""
        return any(turn.task for turn in self.whole if turn.speaker == self.speaker.citizen_id)


def leave_out(clerk: Clerk, hall: Hall) -> Script[None]:
    """Ask the table-mates of each drawn speaker, in the arm `full` alone, and write every answer down."""
    if clerk.arm != "full" or not clerk.config.num_dropped:
        return
    cells = [(one, listener) for one in drawn(clerk, hall) for listener in one.listeners]
    # Whoever sits with several of those drawn reads the round whole once.
    readers = {listener.citizen_id: (one, listener) for one, listener in cells}
    asked = [_reading(clerk, one, listener, one.whole) for one, listener in readers.values()]
    asked += [_reading(clerk, one, who, version) for one, who in cells for version in (one.without, one.reordered)]
    found = yield from clerk.weigh(asked)
    wholes = dict(zip(readers, found, strict=False))
    for number, (one, listener) in enumerate(cells):
        at = len(readers) + 2 * number
        answers = (wholes[listener.citizen_id], *found[at : at + 2])
        whole, without, reordered = map(expected, answers)
        earlier = f"{survey_before(one.sitting.round_)}/affirming"
        own, theirs = listener.levels[earlier], one.speaker.levels[earlier]
        others = [other.levels[earlier] for other in one.listeners if other is not listener]
        yield clerk.event(
            "replays",
            citizen=listener.citizen_id,
            speaker=one.speaker.citizen_id,
            round=one.sitting.round_,
            table=one.sitting.table,
            num_heard=len(one.whole),
            num_dropped=len(one.whole) - len(one.without),
            own=own,
            theirs=None if one.tasked else theirs,
            whole=whole,
            without=without,
            reordered=reordered,
            pull=None if one.tasked else float(pull(whole, without, own, theirs)),
            aside=None if one.tasked else float(pull(whole, without, own, others).mean()),
            identities=[scores.identity for scores in answers],
        )


def _reading(clerk: Clerk, one: Replay, listener: Citizen, turns: Sequence[Turn]) -> Score:
    return clerk.poll(
        listener,
        "heard.v1",
        LEVELS[clerk.config.scale],
        notes=_notes_before(one.sitting, listener),
        turns=listed(clerk, turns),
        statement=clerk.question.affirming,
    )


def drawn(clerk: Clerk, hall: Hall) -> list[Replay]:
    """Return whose speeches are taken out: by lot, somebody at every table before a second at any.

    Drawn are those who spoke in the last round at a table where somebody else spoke too and others can read on. A
    person who took a seat can be taken out, but not asked: they cannot unhear a speech.
    """
    rng = clerk.rng("replays")
    lots: list[tuple[int, float, Replay]] = []
    for sitting in hall.sittings:
        turns = [t for t in hall.turns.values() if (t.round_, t.table) == (sitting.round_, sitting.table)]
        whole = tuple(turns[-clerk.config.num_heard :])
        spoke = {turn.speaker for turn in whole}
        seated = [citizen for citizen in hall.citizens if citizen.citizen_id in sitting.num_notes]
        able = []
        for speaker in seated:
            listeners = tuple(one for one in seated if one is not speaker and not _is_person(one))
            if speaker.citizen_id in spoke and len(spoke) > 1 and len(listeners) >= LEAST_OTHERS:
                mixed = _mixed(clerk.rng("reordered", sitting.table, speaker.citizen_id), whole)
                able.append(Replay(sitting=sitting, speaker=speaker, listeners=listeners, whole=whole, reordered=mixed))
        lots += [(place, rng.random(), able[k]) for place, k in enumerate(rng.permutation(len(able)))]
    return [one for _, _, one in sorted(lots, key=lambda lot: lot[:2])[: clerk.config.num_dropped]]


def _mixed(rng: np.random.Generator, turns: Sequence[Turn]) -> tuple[Turn, ...]:
    """Return speeches in an order drawn by lot, never that in which they were made."""
    order = rng.permutation(len(turns))
    if (order == np.arange(len(order))).all():
        order = np.roll(order, 1)
    return tuple(turns[k] for k in order)


def _notes_before(sitting: Sitting, listener: Citizen) -> list[str]:
    """Return the notes that a citizen had when the round began, as many as a prompt holds: later ones know its talk."""
    return listener.notes[: sitting.num_notes[listener.citizen_id]][-3:]


def _is_person(citizen: Citizen) -> bool:
    return citizen.policy.partition(":")[0] == HUMAN
