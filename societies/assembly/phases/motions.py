"""Motions to change the text: who moves what and why, and who seconds it. What nobody seconds is not voted on.

Three kinds. Replace: whoever opposed a failed clause most words it anew. Strike: whoever opposed an adopted clause most
asks to take it out again, where at least the share of a minority was against it. Add: whoever could sign the winning
statement least says what is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from agents.requests import Generate, Script
from societies.assembly import parsing
from societies.assembly.clauses import ClauseVote, Motion
from societies.assembly.clerk import Clerk, first
from societies.assembly.hall import Hall
from societies.assembly.phases.caucus import statement_event
from societies.assembly.phases.clause_vote import passes
from societies.assembly.records import Citizen, Statement

YES_NO = ("yes", "no")
Asked = tuple[str, Generate, Callable[[str], Any]]


def move(clerk: Clerk, hall: Hall) -> Script[list[Motion]]:
    """Return every motion with its text and its reason, in the order of the clauses, additions last."""
    replaced = [vote for vote in hall.votes if not passes(clerk, vote)]
    struck = [vote for vote in hall.votes if passes(clerk, vote) and _share_against(vote) >= clerk.config.minority]
    texts = yield from _texts(clerk, hall, replaced)
    motions = [*texts, *(_strike(hall, vote) for vote in struck)]
    place = {one.statement_id: k for k, one in enumerate(hall.clauses)}
    motions.sort(key=lambda one: place[one.clause.statement_id] if one.clause else len(place))
    return (yield from _reasons(clerk, motions))


def _share_against(vote: ClauseVote) -> float:
    return vote.counts["no"] / len(vote.choices)


def opponents(hall: Hall, vote: ClauseVote) -> list[Citizen]:
    """Return whoever said no, the surest first; where nobody did, the least sure of yes."""
    order = sorted(range(len(hall.citizens)), key=lambda n: (vote.p_yes[n], n))
    against = [n for n in order if vote.choices[n] == "no"]
    return [hall.citizens[n] for n in against or order[:1]]


def _strike(hall: Hall, vote: ClauseVote) -> Motion:
    return Motion(kind="strike", text=vote.clause, clause=vote.clause, mover=opponents(hall, vote)[0])


def _texts(clerk: Clerk, hall: Hall, failed: Sequence[ClauseVote]) -> Script[list[Motion]]:
    """Let those who opposed failed clauses write them anew, and those whom the winner left out write clauses."""
    asked: list[tuple[str, ClauseVote | None, Citizen]] = []
    asked += [(f"{one.clause.statement_id}a", one, opponents(hall, one)[0]) for one in failed]
    start = len(hall.clauses) + len(hall.merged) + 1
    asked += [(f"K{k}", None, mover) for k, mover in enumerate(_left_out(clerk, hall), start=start)]
    answers = yield from clerk.hear_all([_request(clerk, hall, *one) for one in asked])
    motions = []
    for (name, vote, mover), answer in zip(asked, answers, strict=True):
        if answer.value is None or (vote is not None and answer.value == vote.clause.text):
            what = f"none for {vote.clause.statement_id}" if vote else f"{mover.citizen_id} moved no usable clause"
            yield clerk.degrade("amendment", what)
            continue
        behind = vote.clause.statement_id if vote else hall.winner.statement_id
        one = Statement(
            statement_id=name,
            text=answer.value,
            author=mover.citizen_id,
            kind="amendment" if vote else "addition",
            parents=(behind, mover.opinion_id) if mover.opinion_id else (behind,),
            identity=answer.identities[-1],
        )
        hall.statements[one.statement_id] = one
        yield statement_event(clerk, one, heard=mover.heard)
        motions.append(
            Motion(kind="replace" if vote else "add", text=one, clause=vote.clause if vote else None, mover=mover)
        )
    return motions


def _left_out(clerk: Clerk, hall: Hall) -> list[Citizen]:
    """Return those who could sign the winning statement least."""
    last = hall.tallies[-1]
    levels = last.levels[:, last.winner]
    order = sorted(range(len(hall.citizens)), key=lambda n: (levels[n], n))
    return [hall.citizens[n] for n in order[: clerk.config.num_additions]]


def _request(clerk: Clerk, hall: Hall, name: str, vote: ClauseVote | None, mover: Citizen) -> Asked:
    shown = {"clause": vote.clause.text} if vote else {"winner": hall.winner.text}
    request = clerk.of(
        mover,
        "amend.v1" if vote else "add_clause.v1",
        max_tokens=clerk.config.max_tokens.clause,
        one_line=True,
        opinion=mover.opinion,
        **shown,
    )
    return f"amend-{vote.clause.statement_id}" if vote else f"add-{name}", request, parsing.sentence


def _reasons(clerk: Clerk, motions: Sequence[Motion]) -> Script[list[Motion]]:
    answers = yield from clerk.hear_all(
        [
            (
                f"why-{one.motion_id}",
                clerk.of(
                    one.mover,
                    "move_why.v1",
                    max_tokens=clerk.config.max_tokens.clause,
                    one_line=True,
                    opinion=one.mover.opinion,
                    **described(one),
                ),
                parsing.sentence,
            )
            for one in motions
        ]
    )
    told = []
    for one, answer in zip(motions, answers, strict=True):
        if answer.value is None:
            yield clerk.degrade("reason", f"{one.mover.citizen_id} gave no usable reason for {one.motion_id}")
        told.append(replace(one, why=answer.value or ""))
    return told


def described(one: Motion) -> dict[str, str]:
    """Return a motion as a prompt shows it, without its reason."""
    old = one.clause.text if one.kind == "replace" and one.clause else ""
    return {"kind": one.kind, "old": old, "clause": one.text.text}


def second(clerk: Clerk, hall: Hall, motions: Sequence[Motion]) -> Script[list[Citizen | None]]:
    """Ask everybody but the mover, and return whoever wants the vote most; None where nobody is for it."""
    cells = [(one, citizen) for one in motions for citizen in hall.citizens if citizen is not one.mover]
    found = yield from clerk.weigh(
        [
            clerk.poll(
                citizen, "second.v2", YES_NO, opinion=citizen.opinion, briefing=[], why=one.why, **described(one)
            )
            for one, citizen in cells
        ]
    )
    best: dict[str, tuple[float, Citizen]] = {}
    for (one, citizen), scores in zip(cells, found, strict=True):
        share = first(scores)
        if share >= 0.5 and share > best.get(one.motion_id, (0.0, citizen))[0]:
            best[one.motion_id] = share, citizen
        yield clerk.event(
            "ballots",
            citizen=citizen.citizen_id,
            vote="seconds",
            kind="second" if share >= 0.5 else "pass",
            item=one.motion_id,
            value=share,
            dist=[share, 1 - share],
            weight=citizen.weight,
            identity=scores.identity,
        )
    return [best[one.motion_id][1] if one.motion_id in best else None for one in motions]
