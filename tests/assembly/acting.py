"""Helpers: citizens with planted ideal points on a line, statements that stand somewhere on it, and one way to play."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from agents.persona import Persona
from agents.requests import Event, Generate, Request
from agents.sample import Sample
from sim.engines.base import Ticket
from sim.engines.scripted import ScriptedEngine
from sim.limits import Limits
from sim.scheduler import Scheduler
from sim.task import Outcome
from societies.assembly.config import AssemblyConfig
from societies.assembly.dqi import RUBRIC
from societies.assembly.society import society
from societies.seam import Setting

PLACE = re.compile(r"at (-?\d\.\d\d)")
MOTIONS = (
    "Somebody moves to strike this clause:",
    "Somebody moves to put this clause in its place:",
    "Somebody moves to add this clause:",
)
TOPICS = ("parks", "buses", "schools", "roads", "clinics", "lights", "markets", "rivers", "housing", "sports")


def town(num: int, place: Callable[[int], float] = lambda n: 0.0) -> list[Persona]:
    """Return personas whose card says where they stand."""
    return [
        Persona(
            persona_id=f"p{n:03d}",
            name=f"Person{n:03d}",
            demographics={
                "sex": ("female", "male")[n % 2],
                "age": ("young", "old")[n // 2 % 2],
                "camp": "left" if place(n) < 0 else "right",
            },
            text=f"I stand at {place(n):.2f}.",
        )
        for n in range(num)
    ]


def text_of(request: Request) -> str:
    return "\n".join(message.content for message in request.messages)


def own_place(request: Request) -> float:
    """Where the reader stands: read off their card."""
    found = re.search(r"I stand at (-?\d\.\d\d)", text_of(request))
    return float(found.group(1)) if found else 0.0


def place_of(text: str) -> float:
    """Where a text stands; the middle where it does not say."""
    found = PLACE.search(text)
    return float(found.group(1)) if found else 0.0


def between(request: Request, start: str) -> str:
    """The fenced text after a line."""
    return text_of(request).split(f"{start}\n<<<\n", 1)[1].split("\n>>>", 1)[0]


def near(distance: float, width: float = 0.5) -> float:
    return math.exp(-((distance / width) ** 2))


@dataclass
class Town:
    """Answer as people with ideal points would: they say where they stand, and sign what is near.

    drafts: where the drafter's statements stand, in turn. changed: purpose -> answer or callable.
    """

    drafts: tuple[float, ...] = (-0.9, -0.5, 0.0, 0.4, 0.8, 0.6)
    changed: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, Request]] = field(default_factory=list)

    def __call__(self, ticket: Ticket) -> Any:
        request = ticket.request
        self.asked.append((ticket.key, request))
        purpose = request.purpose.removeprefix("assembly/")
        answer = self.changed.get(purpose)
        if callable(answer):
            return answer(ticket)
        if answer is not None:
            return answer
        if isinstance(request, Generate):
            return self._text(ticket, purpose)
        return self._weigh(request, purpose)

    def _text(self, ticket: Ticket, purpose: str) -> str:
        mine = own_place(ticket.request)
        if purpose in ("draft.v1", "redraft.v1"):
            number = int(re.findall(r"draft-\d-(\d\d)", ticket.key)[0])
            place = self.drafts[number % len(self.drafts)]
            about = TOPICS[(number + 5 * (purpose == "redraft.v1")) % len(TOPICS)]
            return f"We stand at {place:.2f} on {about}. We ask the town to act on {about} at {place:.2f}."
        if purpose == "dqi.v1":
            return json.dumps({scale.name: scale.levels[ticket.seed % len(scale.levels)].code for scale in RUBRIC})
        if purpose == "card.v1":
            side = "ORDER" if mine < 0 else "FREEDOM"
            return f'{{"title": "{side}", "policies": ["MOMENTS of {side.lower()} that matter to people"]}}'
        if purpose == "ask_witness.v1":
            return f"What do you know about number {ticket.seed % 9973}?"
        if purpose == "statement.v1":
            return f"We should all stand at {mine:.2f}, says {ticket.seed % 9973}."
        return f"I think that we should stand at {mine:.2f}, that is all I say."

    def _weigh(self, request: Request, purpose: str) -> dict[str, float]:
        assert not isinstance(request, Generate)
        options, mine = request.options, own_place(request)
        if purpose in ("survey.v1", "endorse.v2", "statement_vote.v2"):
            place = place_of(between(request, "Statement:"))
        elif purpose == "clause_vote.v2":
            place = place_of(between(request, "Clause:"))
        elif purpose in ("motion_vote.v2", "second.v2"):
            line = next(one for one in MOTIONS if f"\n{one}\n<<<" in text_of(request))
            place = place_of(between(request, line))
        elif purpose == "sign.v1":
            place = place_of(between(request, "You voted no. Somebody who voted no wrote this minority report:"))
        elif purpose == "clause_pair.v1":
            one, other = (place_of(between(request, line)) for line in ("One clause:", "Another clause:"))
            return dict(zip(options, (0.1, 0.9 if abs(one - other) >= 1 else 0.1, 0.6), strict=True))
        elif purpose == "influence.v1":
            return {one: near(place_of(one) - mine) + 1e-6 for one in options}
        else:
            return dict.fromkeys(options, 1 / len(options))
        agree = near(place - mine)
        if purpose in ("second.v2", "sign.v1"):
            return {"yes": agree, "no": 1 - agree}
        if purpose == "motion_vote.v2" and line == MOTIONS[0]:
            agree = 1 - agree
        if purpose == "statement_vote.v2":
            return {"agree": agree, "disagree": 1 - agree, "pass": 0.01}
        if purpose in ("clause_vote.v2", "motion_vote.v2"):
            return {"yes": agree, "no": 1 - agree, "abstain": 0.01}
        top = len(options) - 1
        return {one: math.exp(-((k - agree * top) ** 2) * 4) for k, one in enumerate(options)}


@dataclass
class Played:
    outcomes: list[Outcome]
    town: Any

    def rows(self, table: str, arm: str = "full") -> list[dict[str, Any]]:
        events = [note for one in self.outcomes for _, _, note in one.notes if isinstance(note, Event)]
        return [dict(e.row) for e in events if e.table == table and e.row["arm"] == arm]

    @property
    def samples(self) -> list[Sample]:
        return [note for one in self.outcomes for _, _, note in one.notes if isinstance(note, Sample)]

    def transcript(self) -> str:
        return repr([(one.path, one.notes) for one in self.outcomes])


def small(**changes: Any) -> AssemblyConfig:
    given = {
        "panel": 12,
        "pool": 40,
        "quotas": ("sex",),
        "response_rate": 1.0,
        "num_candidates": 5,
        "num_rounds": 2,
        "arms": ("full",),
        "table_size": 6,
    }
    return AssemblyConfig(**{**given, **changes})


def play(
    people: list[Persona] | None = None,
    *,
    answer: Any = None,
    seed: int = 0,
    engine: Any = None,
    limits: Limits | None = None,
    **settings: Any,
) -> Played:
    cast = people or town(40)
    actors = answer or Town()
    setting = Setting(seed=seed, cast=lambda number, _: cast[:number])
    scheduler = Scheduler(engine or ScriptedEngine(actors), run_seed=seed, stage="t", limits=limits)
    outcomes = sorted(scheduler.play(society.scripts(small(**settings), setting)), key=lambda one: one.index)
    return Played(outcomes, actors)
