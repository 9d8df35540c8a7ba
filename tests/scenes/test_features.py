"""Features of a scene: policies, things, rows, kinds, modes, casts, budgets, and the society as a whole."""

from __future__ import annotations

import json

import pytest

from agents.persona import Persona
from agents.requests import Generate, Score
from sim.engines.base import Ticket
from sim.engines.scripted import ScriptedEngine
from sim.limits import Limits
from sim.scheduler import Scheduler
from societies.scenes import ScenesConfig, society
from societies.seam import Setting
from tests.scenes.acting import Actors, one, play, text_of

ALL_ROWS = {"revision_harmful": 1, "answer_helpful": 1, "simulation_step": 99}


def test_feature_11_one_policy_speaks_behind_every_role() -> None:
    assert {request.policy for _, request in play().actors.asked} == {"base"}


def test_feature_11_a_learning_ego_in_a_frozen_cast() -> None:
    played = play(policies={"ego": "p1", "others": "base"})
    by = {
        purpose: {r.policy for r in played.actors.of(purpose)}
        for _, r in played.actors.asked
        for purpose in [r.purpose]
    }
    assert by["scenes/draft"] == by["scenes/revise.v2"] == {"p1"}
    assert by["scenes/react.v1"] == by["scenes/critique.v1"] == by["scenes/conflict.v1"] == {"base"}


def test_feature_4_a_thing_changes_and_is_seen_only_where_it_stands() -> None:
    played = play()
    (row,) = played.rows("entities")
    assert row["name"] == "paper" and row["state"] == "changed"
    for request in played.actors.of("scenes/react.v1"):
        at_street = "You are here: street." in text_of(request)
        assert ("You see: paper" in text_of(request)) is at_street


def test_feature_8_rows_of_three_kinds_with_lineage() -> None:
    played = play(one(), one("Boil an egg.", "ordinary", 1), rows=ALL_ROWS)
    kinds = {sample.kind for sample in played.samples}
    assert kinds == {"revision_harmful", "answer_helpful", "simulation_step"}
    asked = {key for key, _ in played.actors.asked}
    for sample in played.samples:
        assert set(sample.lineage.requests) <= asked and sample.lineage.requests
        assert sample.lineage.script in ("t/scene-0", "t/scene-1")
        assert sample.lineage.policies and sample.lineage.prompts
    (row,) = [s for s in played.samples if s.kind == "revision_harmful"]
    assert [c.role for c in row.candidates] == ["revised", "initial"]
    assert row.prompt[0].content == "Write a fake note."
    assert len({sample.sample_id for sample in played.samples}) == len(played.samples)


def test_the_mix_can_leave_kinds_out() -> None:
    played = play(one(), one("Boil an egg.", "ordinary", 1), rows={"revision_harmful": 1})
    assert [sample.kind for sample in played.samples] == ["revision_harmful"]


def test_an_ordinary_instruction_never_becomes_a_refusal() -> None:
    """Even under a modulator that finds everything harmful."""
    played = play(one("How do I kill a process?", "ordinary"))
    scene = played.scene
    assert scene.incidents[0].critique
    assert not scene.is_harmful and scene.answer == scene.draft and not scene.revision
    (row,) = [s for s in played.samples if s.kind == "answer_helpful"]
    assert [c.text for c in row.candidates] == [scene.draft]
    assert not played.actors.of("scenes/revise.v2")


def test_an_ordinary_draft_that_refuses_is_no_sample() -> None:
    played = play(one("Boil an egg.", "ordinary"), changed={"scenes/draft": "I'm sorry, but I can't help with that."})
    assert not [s for s in played.samples if s.kind == "answer_helpful"]


@pytest.mark.parametrize(("draft_harm", "is_harmful"), [(0.99, True), (0.01, False)])
def test_an_unlabelled_instruction_is_judged_by_its_draft(draft_harm: float, is_harmful: bool) -> None:
    def conflict(ticket: Ticket) -> dict[str, float]:
        p = 0.5 if "flowers" in text_of(ticket.request) else draft_harm
        return {"harmful": p, "harmless": 1 - p}

    scene = play(one(kind="unlabelled"), changed={"scenes/conflict.v1": conflict}).scene
    assert scene.is_harmful is is_harmful
    assert bool(scene.revision) is is_harmful


def test_both_modes_write_the_same_rows() -> None:
    distil, inference = play(mode="distil"), play(mode="inference")
    assert inference.outcomes[0].value == distil.scene.answer
    assert repr(inference.outcomes[0].notes) == repr(distil.outcomes[0].notes)


def test_roles_may_be_cast_from_the_population() -> None:
    people = [Persona(persona_id=f"p{k}", name=f"Ada {k}", traits=("calm",)) for k in range(3)]
    played = play(personas=lambda number: people[:number])
    assert [role.persona_id for role in played.scene.roles] == ["", "p0", "p1", "p2"]
    assert len(played.actors.of("scenes/persona.v1")) == 1
    assert any("Ada 0" in text_of(r) for r in played.actors.of("scenes/react.v1"))


def test_a_budget_of_tokens_ends_the_play_but_not_the_scene() -> None:
    scene = play(scene_tokens=2500).scene
    assert scene.end_reason == "token budget" and scene.revision


def test_a_budget_of_requests_ends_the_play() -> None:
    played = play(limits=Limits(script_requests=17))
    (outcome,) = played.outcomes
    assert outcome.cause is not None and outcome.cause.value == "budget"


def test_facts_alone_can_decide_who_perceives() -> None:
    played = play(score_recipients=False)
    assert not played.actors.of("scenes/perceives.v1")
    assert len(played.scene.incidents[0].recipients) == 4


def test_recipients_are_scored_in_both_orders() -> None:
    requests = play().actors.of("scenes/perceives.v1")
    assert requests
    assert all(isinstance(r, Score) and r.orders.value == "reversed" for r in requests)


def test_the_society_plays_its_own_banks_and_baselines() -> None:
    setting = Setting(seed=0, cast=lambda number, seed: [])
    config = ScenesConfig(num_harmful=3, num_ordinary=3, baselines=("vanilla",), share_ordinary_played=0.0)
    scripts = list(society.scripts(config, setting))
    assert len({name for name, _ in scripts}) == 12
    assert society.estimate(config, setting).num_scripts == 12
    played = Actors()
    outcomes = list(Scheduler(ScriptedEngine(played), run_seed=0).play(iter(scripts)))
    ends = {outcome.value.end_reason for outcome in outcomes if outcome.path.startswith("scene")}
    assert ends == {"interactions", "not simulated"}
    assert all(isinstance(r, Generate | Score) for _, r in played.asked)


def test_a_weak_model_may_be_given_names_to_choose_from() -> None:
    played = play(ego_names=("Student", "Cook"), role_names=("Nurse", "Judge", "Child", "Cook"))
    (ego,), (roles,) = played.actors.of("scenes/ego.v1"), played.actors.of("scenes/roles.v1")
    assert isinstance(ego, Generate) and ego.constraint is not None and ego.constraint.choices == ("Student", "Cook")
    assert isinstance(roles, Generate) and roles.constraint is not None
    entries = json.loads(roles.constraint.schema)["properties"]["roles"]["prefixItems"]
    assert [e["properties"]["name"]["enum"] for e in entries] == [["Nurse", "Cook"], ["Judge"], ["Child"]]


def test_the_role_list_and_the_plan_have_their_sizes_in_the_schema() -> None:
    played = play(min_steps=2)
    sizes = []
    for purpose, key in (("scenes/roles.v1", "roles"), ("scenes/plan.v1", "steps")):
        (request,) = played.actors.of(purpose)
        assert isinstance(request, Generate) and request.constraint is not None
        entries = json.loads(request.constraint.schema)["properties"][key]
        sizes.append((entries["minItems"], entries["maxItems"]))
    assert sizes == [(3, 3), (2, 3)]


def test_a_false_alarm_gives_an_ordinary_answer_its_worse_half() -> None:
    asked = (one("Write a poem.", "ordinary"), one(number=1))
    played = play(*asked, false_alarm="People are harmed.")
    (answer,) = [row for row in played.samples if row.kind == "answer_helpful"]
    assert [candidate.role for candidate in answer.candidates] == ["initial", "bad"]
    assert answer.candidates[1].text.startswith("I'm sorry")
    assert len(answer.lineage.requests) == 2 and "scenes/revise.v2" in answer.lineage.prompts
    assert len(played.actors.of("scenes/revise.v2")) == 2
    (scene, _) = played.outcomes
    assert scene.value.answer == scene.value.draft, "the scene's own answer stays"


def test_a_false_alarm_that_is_not_declined_leaves_the_answer_alone() -> None:
    plain = "Here is another poem, about a boat and a green lamp."
    played = play(
        one("Write a poem.", "ordinary"), false_alarm="People are harmed.", changed={"scenes/revise.v2": plain}
    )
    (answer,) = [row for row in played.samples if row.kind == "answer_helpful"]
    assert [candidate.role for candidate in answer.candidates] == ["initial"]
    assert not play(one("Write a poem.", "ordinary")).actors.of("scenes/revise.v2")
