"""The oracle checks of the specification: responders whose scores are known before anything is asked."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.instruments import Admin, Item, Subject
from agents.instruments.administer import administer, administer_all
from agents.instruments.arrays import card_information, first_slot_shares, marginals, probabilities
from agents.instruments.moralchoice import MoralChoiceConfig
from agents.instruments.moralchoice import instrument as moralchoice
from agents.instruments.oracles import always_first, answering, human_resample, mode_only, slot_biased, uniform
from agents.requests import Message, Orders, Reply, Scores
from agents.scoring import permutations
from agents.statistics.distances import jsd, noise_floor, skill, total_variation
from tests.instruments.playing import returned

OPTIONS = ("agree", "neither", "disagree", "never thought of it")
PEOPLE = {"Q1": (0.5, 0.2, 0.2, 0.1), "Q2": (0.1, 0.1, 0.7, 0.1), "Q3": (0.25, 0.35, 0.3, 0.1)}


@dataclass(frozen=True)
class Survey:
    items: tuple[Item, ...]
    name: str = "survey"
    version: str = "v"
    scales: tuple = field(default=())
    min_n: int = 1


ONE = (Subject(),)
SURVEY = Survey(tuple(Item(id=q, instrument="survey", text=q, options=OPTIONS) for q in PEOPLE))


def people(request):
    return PEOPLE[request.messages[-1].content]


def by_card(request):
    """Everything follows from the card: what the subject's prefix says is certain."""
    return [float(option == request.messages[0].content) for option in request.options]


def ask(responder, *, orders=Orders.CYCLIC, subjects=ONE):
    return returned(administer(subjects, SURVEY, Admin(orders=orders)), responder)


def test_a_uniform_responder_has_no_skill_and_no_card_information():
    response = ask(uniform(), subjects=tuple(Subject(name=f"s{k}") for k in range(3)))
    p = marginals(response)
    for question, row in zip(PEOPLE.values(), p, strict=True):
        distance = total_variation(row, question)
        assert skill(distance, total_variation([1] * 4, question)) == pytest.approx(0)
    assert card_information(response) == pytest.approx(np.zeros(3), abs=1e-12)


def test_always_first_is_uniform_under_cyclic_orders():
    for average in ("log", "probability"):
        assert probabilities(ask(always_first()), average=average) == pytest.approx(0.25, abs=1e-9)


def test_always_first_is_half_on_each_end_under_forward_and_reversed():
    response = ask(always_first(), orders=Orders.REVERSED)
    expected = np.array([0.5, 0, 0, 0.5])
    assert probabilities(response, average="probability")[0] == pytest.approx(np.tile(expected, (3, 1)), abs=1e-6)
    assert probabilities(response)[0] == pytest.approx(np.tile(expected, (3, 1)), abs=1e-6)
    excess = first_slot_shares(response, permutations(4, Orders.REVERSED))
    assert excess == pytest.approx(0.75, abs=1e-6)


@settings(deadline=None)
@given(bias=st.lists(st.floats(-3, 3), min_size=4, max_size=4))
def test_a_slot_bias_in_log_space_is_removed_exactly_by_cyclic_log_averaging(bias):
    found = probabilities(ask(slot_biased(people, bias)))[0]
    assert found == pytest.approx(np.array(list(PEOPLE.values())), abs=1e-9)


def test_averaging_probabilities_does_not_remove_it():
    found = probabilities(ask(slot_biased(people, [2.0, 0, 0, 0])), average="probability")[0]
    assert np.abs(found - np.array(list(PEOPLE.values()))).max() > 0.02


def test_a_human_resample_is_at_the_noise_floor():
    distances = [
        jsd(row, question)
        for seed in range(60)
        for row, question in zip(
            probabilities(ask(human_resample(people, 1000, seed=seed)))[0], PEOPLE.values(), strict=True
        )
    ]
    floor = np.mean([noise_floor(question, 1000) for question in PEOPLE.values()])
    assert np.mean(distances) == pytest.approx(floor, rel=0.15)


def test_the_mode_alone_has_no_entropy_and_a_card_that_settles_all_has_full_information():
    assert probabilities(ask(mode_only(people)))[0].max(axis=1) == pytest.approx(1.0)
    cards = tuple(Subject(name=option, prefix=(Message("system", option),)) for option in OPTIONS)
    assert card_information(ask(answering(by_card), subjects=cards)) == pytest.approx(1.0, abs=1e-6)


def test_weights_count_in_marginals_and_unanswered_cells_do_not():
    cards = tuple(
        Subject(name=option, prefix=(Message("system", option),), weight=weight)
        for option, weight in zip(OPTIONS, (3.0, 1.0, 0.0001, 0.0001), strict=True)
    )
    assert marginals(ask(answering(by_card), subjects=cards))[0][:2] == pytest.approx([0.75, 0.25], abs=1e-3)

    def half_silent(request):
        if request.messages[-1].content == "Q1":
            return Scores(options=request.options, logp=((-math.inf,) * 4,) * 4)
        return uniform()(request)

    response = ask(half_silent)
    assert not response.mask[0, 0].any()
    assert np.isnan(probabilities(response)[0, 0]).all()
    assert probabilities(response)[0, 1] == pytest.approx(0.25)


def test_administering_refuses_equal_names_and_free_text_instruments():
    with pytest.raises(ValueError, match="different names"):
        next(administer((Subject(), Subject()), SURVEY))
    with pytest.raises(ValueError, match="no item with options"):
        next(administer((Subject(),), Survey((Item(id="a", instrument="x", text="t"),))))


def test_an_instruments_own_scripts_can_be_played_for_personas_inside_a_script():
    loaded = moralchoice.load(MoralChoiceConfig(num=4))
    subjects = (Subject(name="a"), Subject(name="b"))
    outcomes = returned(administer_all(subjects, loaded), uniform())
    rows = {row.scale: row for row in loaded.score(outcomes)}
    assert rows["consistency"].n == 8
    assert rows["consistency"].subject == "2 subjects"
    assert loaded.per_item(outcomes).keys() == {item.id for item in loaded.items}


def test_oracles_answer_text_with_text():
    from agents.requests import Generate

    assert isinstance(uniform()(Generate(messages=(), purpose="x")), Reply)
