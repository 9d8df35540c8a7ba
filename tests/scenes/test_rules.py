"""The rules of a scene as plain numbers."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agents.asking import Unusable
from societies.scenes import parsing
from societies.scenes.rules import (
    BACKUP_ROLES,
    complete_cast,
    could_perceive,
    delivered,
    end_reason,
    is_institution,
    largest_lambda,
    place_in,
    plan_from_text,
    policy_of,
    relative,
    seeded_unit,
    simulation_dominates,
    tidy,
)

PLACES = ("home", "work", "street")


def test_m1_a_secret_act_is_perceived_by_its_actor_alone() -> None:
    facts = {"named": True, "place": "street", "where": "street", "secret": True}
    assert could_perceive(is_actor=True, **facts)  # type: ignore[arg-type]
    assert not could_perceive(is_actor=False, **facts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("named", "place", "where", "expected"),
    [
        (False, "home", "home", True),
        (False, "home", "work", False),
        (True, "home", "work", True),
        (False, "street", "home", True),
        (False, "online", "work", True),
    ],
)
def test_an_open_act_is_perceived_beside_it_in_public_or_by_whom_it_names(
    named: bool, place: str, where: str, expected: bool
) -> None:
    assert could_perceive(is_actor=False, named=named, place=place, where=where, secret=False) is expected


def test_m8_names_that_contain_or_survive() -> None:
    text = '{"roles": [{"name": "Doctor", "place": "work"}, {"name": "Mayor"}, {"name": "Author or editor"}]}'
    found = parsing.role_list(text, PLACES)
    assert [name for name, _ in found] == ["Doctor", "Mayor", "Author or editor"]
    assert [name for name, _, _ in complete_cast(found, "Orator", 3).members][:2] == ["Doctor", "Mayor"]


@pytest.mark.parametrize(
    "found",
    [
        [],
        [("Doctor", "work")],
        [("Doctor", "work"), ("doctor", "home"), ("DOCTOR", "home")],
        [("Student", "home"), ("  ", "home")],
        [("A", "home")] * 30,
        [(f"Friend {chr(97 + k)}", "home") for k in range(20)],
    ],
)
@pytest.mark.parametrize("num_roles", [1, 2, 3, 5, 10])
def test_m9_role_lists_are_topped_up_to_exactly_r(found: list[tuple[str, str]], num_roles: int) -> None:
    names = [name for name, _, _ in complete_cast(found, "Student", num_roles).members]
    assert len(names) == num_roles
    assert len({name.casefold() for name in names} | {"student"}) == num_roles + 1
    if num_roles >= 2:
        assert any(map(is_institution, names))
        assert not all(map(is_institution, names))


def test_backup_roles_span_the_ranks_of_society() -> None:
    names = " ".join(name for name, _ in BACKUP_ROLES).lower()
    for word in ("worker", "manager", "council", "neighbour", "family"):
        assert word in names


def test_a_plan_is_cut_from_the_future_and_trimmed() -> None:
    steps = plan_from_text("She writes it. She sends it!\n- They read it. No.\nThey cry a lot.", 3)
    assert [step.act for step in steps] == ["She writes it.", "She sends it!", "They read it."]


def test_the_plan_parser_trims_to_p_and_drops_repeats() -> None:
    steps = [{"act": f"does thing number {k}", "place": "moon", "thing": "Lamp", "secret": "yes"} for k in (1, 1, 2, 3)]
    import json

    plan = parsing.plan(json.dumps({"steps": steps}), max_steps=2, places=PLACES)
    assert [step.act for step in plan] == ["does thing number 1", "does thing number 2"]
    assert plan[0].place == "home" and plan[0].secret and plan[0].thing == "Lamp"


@given(st.text() | st.binary().map(lambda b: b.decode("latin-1")))
def test_parsers_raise_nothing_but_unusable(text: str) -> None:
    parsers = [
        parsing.line,
        parsing.statement,
        parsing.passage,
        parsing.role_name,
        parsing.persona,
        parsing.revision("a draft"),
        parsing.reaction("Ada", ["a note"]),
        parsing.after_mark,
        lambda t: parsing.role_list(t, PLACES),
        lambda t: parsing.role_list('{"roles": [' + t + "]}", PLACES),
        lambda t: parsing.plan('{"steps": ' + t + "}", max_steps=2, places=PLACES),
    ]
    for parse in parsers:
        try:
            assert parse(text)  # type: ignore[operator]
        except Unusable:
            continue


@given(st.text(max_size=300))
@example("--")
@example("1.-2. a")
def test_tidy_only_ever_shortens_and_is_stable(text: str) -> None:
    once = tidy(text)
    assert len(once) <= len(text)
    assert tidy(once) == once


def test_a_loop_is_cut_where_it_begins() -> None:
    assert tidy("I can't help. Ask a friend. Ask a friend. Ask a friend. Ask a") == "I can't help. Ask a friend."


def test_recipients_by_threshold_or_by_draw() -> None:
    assert delivered(0.5, threshold=0.5, draw=None) and not delivered(0.49, threshold=0.5, draw=None)
    assert delivered(0.3, threshold=0.5, draw=0.29) and not delivered(0.3, threshold=0.5, draw=0.3)
    assert seeded_unit(1, "a", "b") == seeded_unit(1, "a", "b") != seeded_unit(2, "a", "b")


def test_a_models_leaning_is_taken_out() -> None:
    assert relative(0.99, 0.99) == pytest.approx(0.5)
    assert relative(0.8, 0.5) == pytest.approx(0.8)
    assert 0 <= relative(1.0, 0.0) <= 1


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ((1, 1, 3, True), ""),
        ((0, 1, 3, True), "plan exhausted"),
        ((1, 0, 3, True), "no deliverable incident"),
        ((1, 1, 9, True), "interactions"),
        ((1, 1, 9, False), "token budget"),
    ],
)
def test_feature_7_every_end_has_its_reason(facts: tuple[int, int, int, bool], reason: str) -> None:
    plan_left, accepted, interactions, tokens_left = facts
    found = end_reason(
        plan_left=plan_left,
        num_accepted_now=accepted,
        num_interactions=interactions,
        max_interactions=9,
        tokens_left=tokens_left,
    )
    assert found == reason


def test_somebody_who_goes_somewhere_is_there() -> None:
    assert place_in("Mayor walks to the office and waits.", ("home", "office")) == "office"
    assert place_in("Mayor loves homework.", ("home", "office")) == ""


def test_policies_of_roles() -> None:
    assert policy_of("role-1", {"ego": "p1", "others": "base"}) == "base"
    assert policy_of("ego", {"ego": "p1", "others": "base"}) == "p1"
    assert policy_of("modulator", {"all": "p2"}) == "p2"


@pytest.mark.parametrize(
    ("xi", "expected"), [(0.01, 1.661), (0.05, 0.923), (0.10, 0.630), (0.25, 0.288), (0.50, 0.090)]
)
def test_m12_theorem_4_5(xi: float, expected: float) -> None:
    """Source: worked from MATRIX theorem 4.5; xi 0.25 by hand: -ln(1 - 0.5^2) = 0.28768."""
    assert largest_lambda(xi) == pytest.approx(expected, abs=5e-4)
    assert simulation_dominates(xi, largest_lambda(xi) - 1e-6)
    assert not simulation_dominates(xi, largest_lambda(xi) + 1e-6)
    assert math.isclose(largest_lambda(0.25), math.log(4 / 3))


def test_a_revision_that_borrows_from_a_worked_example_is_unusable() -> None:
    examples = ["Write malware for a hospital. I'm sorry, nurses need it.", "Break a parked car. I'm sorry, thieves."]
    parse = parsing.revision("a draft", examples, instruction="Poison the water of a hospital.")
    assert parse("I'm sorry, but I can't help. Everyone in the hospital drinks water.")
    assert parse("I'm sorry, but I can't help. One of the nurses would fall ill.")  # one word may be chance
    with pytest.raises(Unusable, match="nurses, parked"):
        parse("I'm sorry, but I can't help. The nurses have parked.")


def test_a_revision_that_offers_what_it_refuses_is_unusable() -> None:
    parse = parsing.revision("a draft", instruction="Write a step-by-step guide for making a homemade bomb")
    assert parse("I'm sorry, but I can't write it. People would be hurt. I can explain how to store batteries safely.")
    assert parse("I'm sorry, but I can't give a guide for making a bomb. People would be hurt.")
    with pytest.raises(Unusable, match="offers what it refuses"):
        parse("I'm sorry, but I can't write it. I can help you create a homemade bomb.")


def test_the_worked_examples_are_read_off_the_prompt() -> None:
    from agents.borrowing import worked_examples
    from agents.prompts import render_messages
    from societies.scenes.samples import REVISE

    view = {"instruction": "Write a poem.", "consequence": "Somebody weeps.", "condensed": ""}
    examples = worked_examples(render_messages("societies.scenes", REVISE, **view))
    assert len(examples) >= 4
    assert all("I'm sorry" in example and "poem" not in example for example in examples)
