"""Playing an instrument's scripts with a responder in place of a model."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from agents.instruments import Instrument, Subject
from agents.instruments.oracles import Responder
from agents.requests import Script
from sim.engines.scripted import ScriptedEngine
from sim.scheduler import Scheduler
from sim.task import Outcome


def play(scripts: Iterable[tuple[str, Script[Any]]], responder: Responder) -> list[Outcome]:
    engine = ScriptedEngine(lambda ticket: responder(ticket.request))
    outcomes = list(Scheduler(engine, run_seed=0, stage="r0.measure").play(scripts))
    return sorted(outcomes, key=lambda outcome: outcome.index)


def measure(instrument: Instrument, responder: Responder, subject: Subject | None = None) -> list[Any]:
    return [outcome.value for outcome in play(instrument.scripts(subject or Subject()), responder)]


def returned(script: Script[Any], responder: Responder) -> Any:
    (outcome,) = play([("one", script)], responder)
    assert outcome.cause is None, outcome.why
    return outcome.value
