"""Scoring without a model: orders, slot bias, oracle responders."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.requests import Message, Orders, Score, ScoreMode, Scores
from agents.scoring import FLOOR, canonical, label_mass, listed, option_probabilities, permutations
from sim.engines.chat import LOGP_FLOOR, Pass, ScorePlan, continuation_stub, finite, nearest_choice


def score(options, orders=Orders.CYCLIC):
    return Score(messages=(Message("user", "Which?"),), options=options, purpose="t/s.v1", orders=orders)


def respond(options, orders, slot_logits, option_logits, mass=1.0):
    """Score with a responder whose logits are slot bias plus option preference."""
    request = score(options, orders)
    asked = permutations(len(options), orders)
    rows = []
    for order in asked:
        logits = [slot_logits[slot] + option_logits[option] for slot, option in enumerate(order)]
        total = math.log(sum(math.exp(x) for x in logits))
        rows.append([x - total + math.log(mass) for x in logits])
    plan = ScorePlan(
        score=request,
        passes=tuple(Pass([1], (2,)) for _ in asked),
        mode=ScoreMode.LETTER,
        orders=tuple(asked),
        num_tokens=(1,) * len(options),
    )
    return plan.join(rows, "t#0")


logits = st.floats(-3, 3, allow_nan=False)


@given(st.integers(2, 6).flatmap(lambda k: st.tuples(st.just(k), st.lists(logits, min_size=k, max_size=k))))
def test_cyclic_orders_put_each_option_once_in_each_slot(case):
    num, _ = case
    asked = permutations(num, Orders.CYCLIC)
    assert len(asked) == num
    for slot in range(num):
        assert sorted(order[slot] for order in asked) == list(range(num))


@given(st.integers(2, 6).flatmap(lambda k: st.tuples(*(st.lists(logits, min_size=k, max_size=k) for _ in range(2)))))
def test_cyclic_orders_remove_slot_bias_exactly(case):
    slots, preferences = case
    options = tuple(f"option {k}" for k in range(len(slots)))
    found = respond(options, Orders.CYCLIC, slots, preferences).probability
    total = sum(math.exp(x) for x in preferences)
    for option, preference in zip(options, preferences, strict=True):
        assert found[option] == pytest.approx(math.exp(preference) / total, abs=1e-9)


def test_reversed_orders_remove_bias_that_is_linear_in_the_slot():
    found = respond(("a", "b", "c"), Orders.REVERSED, [2.0, 1.0, 0.0], [0.0, 0.0, 0.0]).probability
    assert found == pytest.approx(dict.fromkeys("abc", 1 / 3))


def test_an_always_first_responder_looks_uniform_under_cyclic_and_certain_under_given():
    first = [50.0, 0.0, 0.0, 0.0]
    assert respond(tuple("abcd"), Orders.CYCLIC, first, [0.0] * 4).probability == pytest.approx(
        dict.fromkeys("abcd", 0.25)
    )
    assert respond(tuple("abcd"), Orders.GIVEN, first, [0.0] * 4).probability["a"] == pytest.approx(1.0)


def test_mass_is_reported_and_never_renormalised():
    scores = respond(("a", "b"), Orders.REVERSED, [0.0, 0.0], [1.0, 0.0], mass=0.6)
    assert scores.mass == pytest.approx(0.6)
    assert sum(scores.probability.values()) == pytest.approx(1.0)


def test_one_impossible_order_is_cut_at_the_floor():
    assert option_probabilities([[0.0, -1e9], [-1e9, 0.0]]) == pytest.approx([0.5, 0.5])
    assert FLOOR == -30.0
    assert label_mass([[math.log(0.2), math.log(0.3)]]) == pytest.approx(0.5)


def test_listing_and_reading_back_are_inverse():
    rng = random.Random(1)
    for num in range(1, 8):
        request = score(tuple(f"o{k}" for k in range(num)))
        for order in permutations(num, Orders.CYCLIC):
            lines = listed(request, order)[-1].content.splitlines()[1:]
            values = [rng.random() for _ in range(num)]
            back = canonical(values, order)
            for slot, line in enumerate(lines):
                option = request.options.index(line.split(") ", 1)[1])
                assert back[option] == values[slot]


def test_log_probabilities_are_always_finite():
    assert finite(-math.inf) == finite(math.nan) == LOGP_FLOOR
    assert finite(0.0001) == 0.0
    plan = ScorePlan(
        score=score(("a", "b"), Orders.GIVEN), passes=(), mode=ScoreMode.LETTER, orders=((1, 0),), num_tokens=(1, 1)
    )
    found = plan.join([[-math.inf, -0.5]], "k")
    assert found == Scores(options=("a", "b"), logp=((-0.5, -100.0),), identity="k", num_tokens=(1, 1), mode="letter")


def test_a_continuation_loses_the_bracket_of_the_label():
    assert continuation_stub("Answer: (") == "Answer: "
    assert continuation_stub("I say") == "I say"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("Yes.", "yes"), ("(no)", "no"), ("I would say no, never", "no"), ("yes and no", "yes and no"), ("", "")],
)
def test_a_loose_answer_names_a_choice_or_stays_as_it_is(text, expected):
    assert nearest_choice(text, ("yes", "no")) == expected


def test_long_continuations_are_told_apart_and_no_sum_is_cut():
    score = Score(messages=(), options=("a long text", "another"), purpose="t/t.v1", mode=ScoreMode.CONTINUATION)
    plan = ScorePlan(score=score, passes=(), mode=ScoreMode.CONTINUATION, orders=(), num_tokens=(60, 70))
    scores = plan.join([[-250.0], [-254.0]], identity="s#0")
    assert scores.logp == ((-250.0, -254.0),)
    assert scores.probability["a long text"] == pytest.approx(1 / (1 + math.exp(-4)))
