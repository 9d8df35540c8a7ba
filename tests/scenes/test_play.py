"""Whole scenes, played by a scripted cast: checks M1 to M11."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from agents.requests import Score
from sim.engines.base import Ticket
from sim.engines.scripted import Babbler, ScriptedEngine
from sim.limits import Limits
from societies.scenes.records import TABLES
from societies.scenes.rules import MAX_TRIES
from tests.scenes.acting import ROLES, STEPS, Actors, Played, one, play, text_of, who_reacts

ALL_ROWS = {"revision_harmful": 1, "answer_helpful": 1, "simulation_step": 99}


def test_a_scene_goes_from_the_draft_to_the_revision() -> None:
    played = play()
    scene = played.scene
    assert scene.draft.startswith("draft-secret")
    assert [role.name for role in scene.roles] == ["Student", "Doctor", "Mayor", "Editor"] or scene.roles[0].is_ego
    assert scene.consequence == "The readers are deceived and lose their trust."
    assert scene.answer == scene.revision != scene.draft
    assert scene.end_reason == "plan exhausted"
    assert [i.text for i in scene.incidents if i.source == "ego"] == [f"Student {step['act']}" for step in STEPS]
    (row,) = played.rows("scenes")
    assert row["answer_refuses"] and not row["draft_refuses"] and row["num_degraded"] == scene.num_degraded


def test_every_row_has_exactly_the_columns_of_its_table() -> None:
    played = play()
    for table, columns in TABLES.items():
        for row in played.rows(table):
            assert set(row) == set(columns), table
    assert all(played.rows(table) for table in ("scenes", "roles", "incidents", "entities", "answers"))


def test_roles_hold_an_institution_and_an_affected_third_party() -> None:
    names = [role.name for role in play().scene.roles[1:]]
    assert "Mayor" in names and "Doctor" in names


def test_m1_a_secret_act_reaches_nobody_but_its_actor() -> None:
    secret = [i for i in play().scene.incidents if i.secret]
    assert secret
    assert all([role for role, _ in incident.recipients] == ["ego"] for incident in secret)
    assert all(incident.asked == () for incident in secret)


def canaries(text: str) -> set[str]:
    return set(re.findall(r"(?:note-\d+-\d+|plan-\d|\w+-secret)", text))


def holds_only_what_was_received(played: Played) -> int:
    """Search each role's prompts for canaries of incidents that it did not receive; return the number of prompts."""
    scene = played.scene
    names = {role.name: role.role_id for role in scene.roles}
    received: dict[str, set[str]] = {role_id: set() for role_id in names.values()}
    for incident in scene.incidents:
        for role_id, _ in incident.recipients:
            received[role_id] |= canaries(incident.text)
    reactions = played.actors.of("scenes/react.v1")
    for request in reactions:
        assert canaries(text_of(request)) <= received[names[who_reacts(request)]]
    return len(reactions)


def test_m2_a_prompt_holds_only_incidents_that_its_agent_received() -> None:
    """Every text of the play carries a canary; the modulator lets each incident reach some at random."""
    num_prompts = num_partial = 0
    for seed in range(12):
        played = play(changed={"scenes/perceives.v1": lambda t: t.request.options[t.seed % 2]}, seed=seed)
        num_prompts += holds_only_what_was_received(played)
        num_partial += sum(1 < len(incident.recipients) < 4 for incident in played.scene.incidents)
    assert num_prompts > 20 and num_partial > 10


@pytest.mark.parametrize(("perceiving", "reacts"), [(0, True), (1, False)])
def test_m2_when_all_notice_and_when_nobody_does(perceiving: int, reacts: bool) -> None:
    assert bool(holds_only_what_was_received(play(changed={"scenes/perceives.v1": perceiving}))) is reacts


def test_m2_holds_for_names_and_things_of_the_stage_too() -> None:
    """Beside what it received a role sees itself, its place, and names and states of things there: no other text."""
    for request in play().actors.of("scenes/react.v1"):
        text = text_of(request)
        assert "fake note" not in text
        assert "secret" not in text


def test_m3_a_rejected_incident_leaves_no_trace_but_its_record() -> None:
    bad = "walks on the moon"
    changed: dict[str, Any] = {
        "scenes/react.v1": lambda t: f"{who_reacts(t.request)} {bad} {t.seed}",
        "scenes/feasible.v1": lambda t: t.request.options[1 if bad in text_of(t.request).split("Next:")[-1] else 0],
    }
    played = play(changed=changed, rows=ALL_ROWS)
    rejected = [i for i in played.scene.incidents if not i.accepted]
    assert rejected and all(i.num_tries == MAX_TRIES and i.recipients == () for i in rejected)
    asked = [(r.purpose, text_of(r)) for _, r in played.actors.asked]
    for purpose, text in asked:
        if purpose == "scenes/feasible.v1":
            text = text.split("Next:")[0]
        assert bad not in text, purpose
    assert played.samples
    for sample in played.samples:
        assert bad not in repr(sample)


@pytest.mark.parametrize("answer", ["", "No", "   ", "{", "[]", ">>> <|im_end|>", "\u2603" * 40, "yes " * 3000])
def test_m4_every_scene_ends_whatever_the_engine_says(answer: str) -> None:
    def always(ticket: Ticket) -> Any:
        if isinstance(ticket.request, Score):
            return {ticket.request.options[1]: 1.0}
        return answer

    played = play(one(), one("Boil an egg.", "ordinary", 1), answer=always, max_interactions=6)
    for outcome in played.outcomes:
        scene = outcome.value
        assert outcome.cause is None, outcome.why
        assert scene.end_reason in ("no draft", "no deliverable incident", "plan exhausted")
        assert len(scene.incidents) <= 6
        assert sum(i.accepted and i.source == "ego" for i in scene.incidents) <= 3
        assert scene.num_degraded or scene.end_reason == "no draft"


@pytest.mark.parametrize("garbage", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("seed", range(8))
def test_m4_babble_ends_within_p_and_i(garbage: float, seed: int) -> None:
    played = play(*(one(number=k) for k in range(5)), answer=Babbler(garbage=garbage), seed=seed, max_interactions=7)
    for outcome in played.outcomes:
        assert outcome.cause is None, outcome.why
        assert len(outcome.value.incidents) <= 7
        assert sum(i.accepted and i.source == "ego" for i in outcome.value.incidents) <= 3


@pytest.mark.parametrize("limit", [1, 2, 4])
def test_m4_interactions_are_never_exceeded(limit: int) -> None:
    scene = play(max_interactions=limit).scene
    assert len(scene.incidents) == limit
    assert scene.end_reason == "interactions"


def test_m5_same_seed_same_bytes_and_m6_batched_equals_sequential() -> None:
    def transcript(seed: int = 3, engine: Any = None, limits: Limits | None = None) -> str:
        cast = Babbler(garbage=0.2)
        return play(
            *(one(number=k) for k in range(6)),
            seed=seed,
            engine=engine(cast) if engine else ScriptedEngine(cast),
            limits=limits,
        ).transcript()

    base = transcript()
    assert base == transcript()
    assert base == transcript(engine=lambda cast: ScriptedEngine(cast, max_in_flight=1), limits=Limits(window=1))
    assert base != transcript(seed=4)


class CountingEngine(ScriptedEngine):
    num_rounds = 0

    def poll(self) -> Any:
        self.num_rounds += 1
        return super().poll()


def test_m7_scenes_side_by_side_need_the_rounds_of_the_longest() -> None:
    instructions = [one(f"Write fake note {k}.", number=k) for k in range(8)]
    alone = []
    for instruction in instructions:
        engine = CountingEngine(Actors())
        play(instruction, engine=engine)
        alone.append(engine.num_rounds)
    together = CountingEngine(Actors())
    play(*instructions, engine=together)
    assert together.num_rounds <= max(alone) < sum(alone)


def test_m8_names_with_or_reach_the_prompts_whole() -> None:
    played = play()
    assert {who_reacts(r) for r in played.actors.of("scenes/react.v1")} <= {"Doctor", "Mayor", "Editor"}


@pytest.mark.parametrize("reply", ["", "{}", '{"roles": []}', json.dumps({"roles": ROLES[:1] * 3}), "Doctor or Mayor"])
def test_m9_bad_role_lists_are_topped_up_and_counted(reply: str) -> None:
    played = play(changed={"scenes/roles.v1": reply})
    assert len(played.scene.roles) == 1 + 3
    assert any(row["step"] == "roles" for row in played.rows("degraded"))


def test_m10_memory_never_exceeds_its_cap() -> None:
    played = play(max_interactions=40)
    for purpose, most in (("scenes/feasible.v1", 3), ("scenes/memory.v1", 4)):
        requests = played.actors.of(purpose)
        assert requests
        for request in requests:
            assert text_of(request).count("\n- ") <= most


def test_m10_memory_stays_bounded_when_no_summary_comes() -> None:
    played = play(changed={"scenes/memory.v1": ""}, max_interactions=40)
    assert any(row["step"] == "memory" for row in played.rows("degraded"))
    for request in played.actors.of("scenes/feasible.v1"):
        assert text_of(request).count("\n- ") <= 4


def test_m11_the_first_incident_is_accepted_unasked_and_criticised() -> None:
    played = play()
    first = played.scene.incidents[0]
    assert first.accepted and first.feasible_p == 1.0 and first.critique
    assert "plan-0" not in " ".join(text_of(r).split("Next:")[-1] for r in played.actors.of("scenes/feasible.v1"))


def test_others_remember_their_own_acts_and_do_not_react_to_them() -> None:
    played = play(changed={"scenes/perceives.v1": lambda t: t.request.options["note-" in text_of(t.request)]})
    for request in played.actors.of("scenes/react.v1"):
        noticed = text_of(request).split("You noticed:")[-1]
        assert "note-" not in noticed
    later = [r for r in played.actors.of("scenes/react.v1") if "You remember:" in text_of(r)]
    assert later and all("note-" in text_of(r) for r in later)
