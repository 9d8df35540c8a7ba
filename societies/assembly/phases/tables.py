"""Deliberation: rotating tables, one speech after another; between tables nothing waits until the round ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from agents.asking import Answer
from agents.requests import Fork, Script
from societies.assembly import parsing
from societies.assembly.clerk import Clerk, distribution, first
from societies.assembly.hall import Hall, Sitting
from societies.assembly.phases.guardian import guard
from societies.assembly.phases.protocols import ASSIGNED, TASKS, assigned, heard, is_named, order, speak_prompt
from societies.assembly.phases.survey import probe, survey_before
from societies.assembly.records import Citizen, Turn
from societies.assembly.seats import seats_of

YES_NO = ("yes", "no")


@dataclass(slots=True, kw_only=True)
class Table:
    """One table in one round."""

    round_: int
    number: int
    citizens: list[Citizen]
    turns: list[Turn] = field(default_factory=list)
    num_spoken: dict[str, int] = field(default_factory=dict)


def deliberate(clerk: Clerk, hall: Hall) -> Script[None]:
    """Play all rounds: seat, talk, probe in private, note. The arm without interaction has none of it."""
    if clerk.arm == "no_interaction":
        return
    # The arm `reseated` differs from `full` in this seed alone.
    plan = seats_of(hall.citizens, clerk.config, clerk.rng("seats", *(("again",) if clerk.arm == "reseated" else ())))
    for round_, seated in enumerate(plan, start=1):
        tables = [
            Table(round_=round_, number=number, citizens=citizens) for number, citizens in enumerate(seated, start=1)
        ]
        hall.sittings = [
            Sitting(round_=round_, table=one.number, num_notes={c.citizen_id: len(c.notes) for c in one.citizens})
            for one in tables
        ]
        for table in tables:
            for citizen in table.citizens:
                yield clerk.event("seats", round=round_, table=table.number, citizen=citizen.citizen_id)
        yield Fork(tuple((f"round-{round_}.table-{table.number}", talk(clerk, hall, table)) for table in tables))
        for table in tables:
            hall.turns.update({turn.turn_id: turn for turn in table.turns})
            for citizen in table.citizens:
                citizen.heard += [turn.turn_id for turn in table.turns]
        yield from _afterwards(clerk, hall, tables)
        yield from guard(clerk, hall, f"round-{round_}", call=round_ < len(plan))


def talk(clerk: Clerk, hall: Hall, table: Table) -> Script[None]:
    """Play one table for one round."""
    config = clerk.config
    num_speeches = config.num_turns * len(table.citizens)
    lean = [citizen.levels[f"{survey_before(table.round_)}/affirming"] for citizen in table.citizens]
    speakers = order(config.protocol, len(table.citizens), config.num_turns, round_=table.round_, lean=lean)
    told = _told(clerk, table, speakers)
    tasks = assigned(config.protocol, num_speeches, round_=table.round_, table=table.number)
    prompted = yield from _prompt(clerk, table)
    for ordinal in range(num_speeches):
        if ordinal and ordinal % len(table.citizens) == 0:
            prompted = yield from _prompt(clerk, table)
        citizen, bid = yield from _next(clerk, table, ordinal, table.citizens[speakers[ordinal]])
        table.num_spoken[citizen.citizen_id] = table.num_spoken.get(citizen.citizen_id, 0) + 1
        shown = _shown(clerk, table, ordinal) if tasks[ordinal] != "host" else _before(clerk, hall, table)
        seated, told_task = told
        task = tasks[ordinal] or (told_task if citizen.citizen_id == seated else "")
        more: dict[str, Any] = {"task": task}
        if config.protocol not in TASKS and config.protocol not in ASSIGNED:
            more = {"devil": bool(task)}
        request = clerk.of(
            citizen,
            speak_prompt(config.protocol),
            max_tokens=config.max_tokens.turn,
            testimony=[{"name": one.name, "text": one.text} for one in hall.testimony],
            turns=shown,
            prompted=prompted,
            **more,
        )
        (answer,) = yield from clerk.hear_all([(f"turn-{ordinal:02d}", request, parsing.said)])
        yield from _spoken(clerk, table, citizen, ordinal, answer, bid, task)


def _spoken(
    clerk: Clerk, table: Table, citizen: Citizen, ordinal: int, answer: Answer[str], bid: float, task: str
) -> Script[None]:
    if answer.value is None:
        yield clerk.degrade("turn", f"{citizen.citizen_id} said nothing usable; the talk goes on")
        return
    known = {turn.turn_id for turn in table.turns}
    evidence = {one.evidence_id for one in clerk.evidence}
    turn = Turn(
        turn_id=f"T{table.round_}.{table.number}.{len(table.turns) + 1}",
        round_=table.round_,
        table=table.number,
        ordinal=ordinal,
        speaker=citizen.citizen_id,
        name=citizen.name,
        text=answer.value,
        identity=answer.identities[-1],
        task=task,
        cites=parsing.cited(answer.value, evidence),
        replies_to=parsing.cited(answer.value, known),
    )
    table.turns.append(turn)
    yield turn_event(clerk, turn, bid)


def turn_event(clerk: Clerk, turn: Turn, bid: float) -> object:
    """Return the row of a speech."""
    return clerk.event(
        "turns",
        turn=turn.turn_id,
        round=turn.round_,
        table=turn.table,
        ordinal=turn.ordinal,
        speaker=turn.speaker,
        kind=turn.kind,
        task=turn.task,
        text=turn.text,
        cites=list(turn.cites),
        replies_to=list(turn.replies_to),
        bid=bid,
        identity=turn.identity,
    )


def _next(clerk: Clerk, table: Table, ordinal: int, due: Citizen) -> Script[tuple[Citizen, float]]:
    """Return who speaks next and how much they wanted to (1 where nobody was asked). due: whose turn it is."""
    if clerk.facilitator != "bids":
        return due, 1.0
    shown = _shown(clerk, table, ordinal)
    found = yield from clerk.weigh([clerk.poll(citizen, "bid.v1", YES_NO, turns=shown) for citizen in table.citizens])
    bids = [first(scores) for scores in found]
    # Airtime is equalised: each speech so far halves the bid, and the order of seats decides between equals.
    standing = [bid / 2 ** table.num_spoken.get(c.citizen_id, 0) for bid, c in zip(bids, table.citizens, strict=True)]
    best = max(range(len(bids)), key=lambda k: (standing[k], -k))
    return table.citizens[best], bids[best]


def _prompt(clerk: Clerk, table: Table) -> Script[str]:
    """Return the facilitator's question; "" where nobody leads or the question could not be used."""
    if clerk.facilitator == "none":
        return ""
    silent = [one.name for one in table.citizens if table.turns and one.citizen_id not in table.num_spoken]
    if not is_named(clerk.arm, clerk.config.protocol):
        silent = []
    request = clerk.text(
        "facilitate.v1",
        clerk.view(turns=_seen(clerk, table, table.turns, "lead", len(table.turns)), silent=silent),
        policy=clerk.policy("facilitator"),
        max_tokens=clerk.config.max_tokens.note,
        one_line=True,
    )
    (answer,) = yield from clerk.hear_all([(f"facilitator-{len(table.turns):02d}", request, parsing.sentence)])
    if answer.value is None:
        yield clerk.degrade("facilitator", f"no usable question at table {table.number}; the talk goes on without")
        return ""
    turn = Turn(
        turn_id=f"F{table.round_}.{table.number}.{len(table.turns) + 1}",
        round_=table.round_,
        table=table.number,
        ordinal=len(table.turns),
        speaker="facilitator",
        name="facilitator",
        text=answer.value,
        identity=answer.identities[-1],
        kind="facilitator",
    )
    yield turn_event(clerk, turn, 1.0)
    return turn.text


def _told(clerk: Clerk, table: Table, speakers: Sequence[int]) -> tuple[str, str]:
    """Return which citizen of a table has a task besides their own view, and the task; ("", "") for nobody.

    speakers: seats of those who speak in this round; whoever only listens can have no task.
    """
    task = TASKS.get(clerk.config.protocol, "")
    if clerk.facilitator == "devils_advocate":
        task = task or "devil"
    if not task:
        return "", ""
    seats = sorted(set(speakers))
    return table.citizens[seats[(table.round_ + table.number) % len(seats)]].citizen_id, task


def _shown(clerk: Clerk, table: Table, ordinal: int) -> list[dict[str, str]]:
    """Return the speeches that the next speaker reads; a protocol may let less be heard."""
    num = len(table.citizens)
    by_then = heard(clerk.config.protocol, ordinal, num)
    if by_then == "nothing":
        return []
    known = table.turns if by_then == "all" else [t for t in table.turns if t.ordinal < ordinal - ordinal % num]
    return _seen(clerk, table, known, ordinal)


def _before(clerk: Clerk, hall: Hall, table: Table) -> list[dict[str, str]]:
    """Return what was said at this table in the round before, which its host carries on."""
    place = (table.round_ - 1, table.number)
    return _seen(clerk, table, [t for t in hall.turns.values() if (t.round_, t.table) == place], "host")


def _seen(clerk: Clerk, table: Table, turns: list[Turn], *moment: object) -> list[dict[str, str]]:
    """Return the latest speeches as whoever reads them sees them: speakers, the facilitator, and writers of notes.

    The control arm `shuffled` gives them in a random order without names: what was said is there, who answered whom
    is not. The arm `hidden_authors` and protocols without names only leave out the names. moment: when it is read.
    """
    latest = turns[-clerk.config.num_heard :]
    if clerk.arm == "shuffled":
        mixed = clerk.rng("shuffle", table.round_, table.number, *moment).permutation(len(latest))
        latest = [latest[k] for k in mixed]
    return listed(clerk, latest)


def listed(clerk: Clerk, turns: Sequence[Turn]) -> list[dict[str, str]]:
    """Return speeches as a prompt lists them, without names where the arm or the form of talk gives none."""
    named = is_named(clerk.arm, clerk.config.protocol)
    return [{"id": turn.turn_id, "name": turn.name if named else "somebody", "text": turn.text} for turn in turns]


def _afterwards(clerk: Clerk, hall: Hall, tables: list[Table]) -> Script[None]:
    """Probe everybody in private, ask which speech mattered, and let each write a note for themselves."""
    round_ = tables[0].round_
    yield from probe(clerk, hall, f"round-{round_}")
    yield from _influence(clerk, tables, survey_before(round_))
    seated = [(table, citizen) for table in tables for citizen in table.citizens]
    answers = yield from clerk.hear_all(
        [
            (
                f"note-{round_}-{citizen.citizen_id}",
                clerk.of(
                    citizen,
                    "note.v1",
                    max_tokens=clerk.config.max_tokens.note,
                    one_line=True,
                    turns=_seen(clerk, table, table.turns, "note", citizen.citizen_id),
                ),
                parsing.sentence,
            )
            for table, citizen in seated
        ]
    )
    for (_, citizen), answer in zip(seated, answers, strict=True):
        if answer.value is None:
            yield clerk.degrade("note", f"{citizen.citizen_id} noted nothing in round {round_}")
            continue
        citizen.notes.append(answer.value)
        yield clerk.event(
            "notes", citizen=citizen.citizen_id, round=round_, text=answer.value, identity=answer.identities[-1]
        )


def _influence(clerk: Clerk, tables: list[Table], earlier: str) -> Script[None]:
    """Ask everybody which speech of the others mattered most: the citation of the turn that changed a mind."""
    asked: list[tuple[Table, Citizen, dict[str, Turn]]] = []
    for table in tables:
        for citizen in table.citizens:
            others = {t.text[:200]: t for t in table.turns if t.speaker != citizen.citizen_id}
            if len(others) > 1:
                asked.append((table, citizen, dict(list(others.items())[-8:])))
    found = yield from clerk.weigh([clerk.poll(citizen, "influence.v1", tuple(texts)) for _, citizen, texts in asked])
    for (table, citizen, texts), scores in zip(asked, found, strict=True):
        shares = distribution(scores)
        best = max(range(len(shares)), key=lambda k: (shares[k], -k))
        turn = texts[scores.options[best]]
        now, then = citizen.levels[f"round-{table.round_}/affirming"], citizen.levels[f"{earlier}/affirming"]
        yield clerk.event(
            "influences",
            citizen=citizen.citizen_id,
            round=table.round_,
            turn=turn.turn_id,
            speaker=turn.speaker,
            p=shares[best],
            change=now - then,
            identity=scores.identity,
        )
