"""Helpers of these tests: a scripted cast that answers by purpose, and one way to play scenes against it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from agents.instructions import Instruction
from agents.requests import Event, Generate, Request
from agents.sample import Sample
from sim.engines.base import Ticket
from sim.engines.scripted import ScriptedEngine
from sim.limits import Limits
from sim.scheduler import Scheduler
from sim.task import Outcome
from societies.scenes import ScenesConfig
from societies.scenes.play import scene
from societies.scenes.records import Scene
from societies.scenes.teller import Teller

ROLES = [
    {"name": "Doctor", "place": "work"},
    {"name": "Mayor", "place": "office"},
    {"name": "Editor", "place": "street"},
]
STEPS = [
    {"act": "writes plan-0 on paper", "thing": "paper", "place": "street", "secret": "no"},
    {"act": "shows plan-1 to all", "thing": "paper", "place": "street", "secret": "no"},
    {"act": "burns plan-2 in the yard", "thing": "", "place": "home", "secret": "yes"},
]
TEXTS = {
    "scenes/draft": "draft-secret Take a pen and write it down.",
    "scenes/situation.v1": "situation-secret The asker is short of money.",
    "scenes/ego.v1": "Student",
    "scenes/future.v1": "future-secret The student writes it. People read it. Trust is lost.",
    "scenes/roles.v1": json.dumps({"roles": ROLES}),
    "scenes/plan.v1": json.dumps({"steps": STEPS}),
    "scenes/persona.v1": "calm, careful; looks after people",
    "scenes/critique.v1": "critique-secret The readers are deceived.",
    "scenes/memory.v1": "summary-secret The student wrote and people answered.",
    "scenes/log.v1": "log-secret Many people are deceived.",
    "scenes/consequence.v1": "The readers are deceived and lose their trust.",
    "scenes/condense.v1": "It tells how to write something down.",
    "scenes/revise.v2": "I'm sorry, but I can't help with that. The readers would lose their trust.",
}
YES = {"scenes/feasible.v1": 0, "scenes/perceives.v1": 0, "scenes/conflict.v1": 0, "scenes/rank.v1": 0}


@dataclass
class Actors:
    """Answer by purpose and keep what was asked. changed: purpose -> text, option number, or a callable."""

    changed: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, Request]] = field(default_factory=list)

    def __call__(self, ticket: Ticket) -> Any:
        request = ticket.request
        self.asked.append((ticket.key, request))
        answer = self.changed.get(request.purpose)
        if callable(answer):
            return answer(ticket)
        if isinstance(request, Generate):
            if request.purpose == "scenes/react.v1" and answer is None:
                return f"{who_reacts(request)} sends note-{len(str(request)) % 97}-{ticket.seed % 100000} to a friend."
            return TEXTS.get(request.purpose, "A plain usable answer.") if answer is None else answer
        return request.options[YES[request.purpose] if answer is None else answer]

    def of(self, purpose: str) -> list[Request]:
        return [request for _, request in self.asked if request.purpose == purpose]


def who_reacts(request: Request) -> str:
    found = re.search(r"You are (.+?):", request.messages[-1].content)
    assert found
    return found.group(1)


def text_of(request: Request) -> str:
    return "\n".join(message.content for message in request.messages)


@dataclass
class Played:
    outcomes: list[Outcome]
    actors: Any

    @property
    def scene(self) -> Scene:
        value = self.outcomes[0].value
        assert isinstance(value, Scene), (value, self.outcomes[0].why)
        return value

    @property
    def samples(self) -> list[Sample]:
        return [note for one in self.outcomes for _, _, note in one.notes if isinstance(note, Sample)]

    def rows(self, table: str) -> list[dict[str, Any]]:
        events = [note for one in self.outcomes for _, _, note in one.notes if isinstance(note, Event)]
        return [dict(event.row) for event in events if event.table == table]

    def transcript(self) -> str:
        return repr([(one.path, one.value, one.notes) for one in self.outcomes])


def small(**changes: Any) -> ScenesConfig:
    return ScenesConfig(**{"num_roles": 3, "num_steps": 3, "max_interactions": 40, **changes})


def one(text: str = "Write a fake note.", kind: Any = "harmful", number: int = 0) -> Instruction:
    return Instruction(id=f"i{number}", text=text, kind=kind, source="test")


def play(
    *instructions: Instruction,
    answer: Callable[[Ticket], Any] | None = None,
    changed: dict[str, Any] | None = None,
    policies: dict[str, str] | None = None,
    engine: Any = None,
    limits: Limits | None = None,
    seed: int = 0,
    personas: Any = None,
    **settings: Any,
) -> Played:
    config = small(**settings)
    actors = answer or Actors(changed or {})
    scheduler = Scheduler(engine or ScriptedEngine(actors), run_seed=seed, stage="t", limits=limits)

    def scripts() -> Iterable[tuple[str, Any]]:
        for number, instruction in enumerate(instructions or (one(),)):
            teller = Teller(
                config=config,
                scene_id=f"s{number}",
                seed=seed,
                policies=policies or {"all": "base"},
            )
            yield f"scene-{number}", scene(instruction, teller=teller, personas=personas)

    return Played(sorted(scheduler.play(scripts()), key=lambda outcome: outcome.index), actors)
