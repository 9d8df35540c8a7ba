"""The six baselines as scripts fed with texts."""

from __future__ import annotations

from typing import Any

import pytest

from agents.requests import Event, Generate, Script
from agents.sample import Sample
from sim.engines.base import Ticket
from sim.engines.scripted import Babbler, ScriptedEngine
from sim.scheduler import Scheduler
from sim.task import Outcome
from societies.scenes.baselines import METHODS, baseline
from societies.scenes.teller import Teller
from tests.scenes.acting import Actors, one, small, text_of


def run(name: str, answer: Any = None, **settings: Any) -> tuple[Outcome, Any]:
    actors = answer or Actors()
    teller = Teller(config=small(**settings), scene_id=f"s.{name}", seed=0, policies={"ego": "p1", "others": "base"})
    script: Script[str] = baseline(name, one(), teller=teller)
    (outcome,) = Scheduler(ScriptedEngine(actors), run_seed=0).play([(name, script)])
    return outcome, actors


@pytest.mark.parametrize("name", METHODS)
def test_a_baseline_writes_one_answer_and_speaks_as_the_policy_under_test(name: str) -> None:
    outcome, actors = run(name)
    (event,) = [note for _, _, note in outcome.notes if isinstance(note, Event)]
    assert event.table == "answers" and event.row["method"] == name and event.row["answer"] == outcome.value != ""
    assert {request.policy for _, request in actors.asked} == {"p1"}


@pytest.mark.parametrize(
    ("name", "num"),
    [
        ("vanilla", 1),
        ("critique_revise", 3),
        ("context_distillation", 1),
        ("self_align", 1),
        ("debate", 6),
        ("best_of_n", 8),
    ],
)
def test_what_a_baseline_costs(name: str, num: int) -> None:
    assert len(run(name)[1].asked) == num


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("reply", ["", "No"])
def test_a_baseline_ends_whatever_the_engine_says(name: str, reply: str) -> None:
    def always(ticket: Ticket) -> Any:
        return reply if isinstance(ticket.request, Generate) else {ticket.request.options[1]: 1.0}

    outcome, _ = run(name, always)
    assert outcome.cause is None and isinstance(outcome.value, str)
    assert outcome.value in ("", reply)


@pytest.mark.parametrize("name", METHODS)
def test_a_baseline_survives_garbage(name: str) -> None:
    assert run(name, Babbler(garbage=0.7))[0].cause is None


def test_best_of_n_keeps_the_answer_that_scores_best() -> None:
    def answer(ticket: Ticket) -> Any:
        if isinstance(ticket.request, Generate):
            return f"answer {ticket.path[-1]}"
        good = 0.9 if "answer 2" in text_of(ticket.request) else 0.4
        return {"good": good, "bad": 1 - good}

    assert run("best_of_n", answer)[0].value == "answer 2"


def test_a_lost_step_is_an_empty_answer_and_never_the_draft() -> None:
    outcome, _ = run("critique_revise", Actors({"scenes/fixed_critique.v1": ""}))
    assert outcome.value == ""


def test_self_align_keeps_its_thought_out_of_the_answer() -> None:
    outcome, _ = run("self_align", Actors({"scenes/self_align.v1": "Thought: rule 1. Answer: I can't help with that."}))
    assert outcome.value == "I can't help with that."


def test_baseline_rows_are_written_on_demand_only() -> None:
    def samples(wanted: bool) -> list[Sample]:
        notes = run("context_distillation", baseline_rows=wanted)[0].notes
        return [note for _, _, note in notes if isinstance(note, Sample)]

    assert not samples(False)
    (sample,) = samples(True)
    assert sample.kind == "baseline_context_distillation" and sample.lineage.requests
