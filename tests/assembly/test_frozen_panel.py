"""The frozen panel: who is on it, what is asked, and what drift, diversity and agreement are where they are known."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.errors import UserError
from agents.instruments.frames import readings_of, responses_frame
from agents.instruments.oracles import answering, uniform
from agents.instruments.types import Watching
from agents.population import divided
from agents.registry import find
from agents.requests import Orders, Score
from societies.assembly.frozen_panel import FrozenPanelConfig, FrozenPanelInstrument, instrument
from societies.assembly.metrics import repolled
from societies.assembly.panel_watch import moved, results_of
from tests.instruments.playing import measure, play

POPULATION: dict[str, Any] = {
    "variables": {"sex": {"female": 0.5, "male": 0.5}, "camp": {"left": 0.5, "right": 0.5}},
    "size": 60,
    "reserve": 12,
}


def loaded(**settings: Any) -> FrozenPanelInstrument:
    return instrument.load(FrozenPanelConfig(**{"population": POPULATION, "held": 2, **settings}))


def peaked(place: float, num: int = 5, width: float = 0.2) -> list[float]:
    return [math.exp(-(((k / (num - 1)) - place) ** 2) / width**2) for k in range(num)]


def leaning(left: float, right: float, *, by_words: float = 0.0) -> Any:
    """Return a responder for which the two camps stand at two places, moved a little by the other wording."""

    def belief(request: Score) -> list[float]:
        text = "\n".join(message.content for message in request.messages)
        again = by_words if "Somebody says" in text else 0.0
        return peaked((left if "Camp: left" in text or "camp: left" in text else right) + again)

    return answering(belief)


def told(result: list[float]) -> Any:
    def rows(stage: str, table: str) -> list[dict[str, Any]]:
        if stage != "r1.play":
            return []
        head = {"assembly": "held-0000", "arm": "full"}
        if table == "assemblies":
            return [
                {**head, "question_id": "ai-must-say-so"},
                {**head, "assembly": "assembly-0000", "question_id": "x"},
            ]
        return [
            {**head, "t": t, "item": item, "dist": dist}
            for item in ("affirming", "negating")
            for t, dist in (("before", [1.0, 0, 0, 0, 0]), ("after", result))
        ]

    return rows


def test_the_panel_is_the_reserve_and_nobody_else_can_take_part() -> None:
    living, apart = divided(POPULATION)
    assert (len(living), len(apart)) == (48, 12)
    assert not {one.persona_id for one in living} & {one.persona_id for one in apart}
    assert not {one.name for one in living} & {one.name for one in apart}
    assert loaded().people == tuple(apart)
    assert divided({**POPULATION, "reserve": 0})[1] == []
    with pytest.raises(UserError, match="reserve = 60"):
        divided({**POPULATION, "reserve": 60})


def test_without_a_reserve_or_held_questions_it_says_what_to_set() -> None:
    with pytest.raises(UserError, match=r"population\.reserve = 0"):
        loaded(population={**POPULATION, "reserve": 0})
    with pytest.raises(UserError, match="held = 0") as error:
        loaded(held=0)
    assert "society.held" in str(error.value)


def test_every_citizen_answers_both_sides_of_every_held_question_in_two_wordings_and_all_orders() -> None:
    one = loaded()
    assert [item.id for item in one.items] == [
        "food-waste/affirming", "food-waste/negating", "ai-must-say-so/affirming", "ai-must-say-so/negating",
    ]  # fmt: skip
    asked: list[Score] = []

    def responder(request: Any) -> Any:
        asked.append(request)
        return uniform()(request)

    outcomes = [outcome.value for outcome in play(one.scripts(_subject("p3")), responder)]
    assert len(asked) == 4 * 12 * 2 and {request.policy for request in asked} == {"p3"}
    assert {request.orders for request in asked} == {Orders.CYCLIC}
    rows = [row for outcome in outcomes for row in outcome]
    assert len({(row.subject, row.item, row.form) for row in rows}) == len(rows) == len(asked)
    assert all(len(row.logp) == 5 for row in rows)
    assert readings_of(responses_frame(outcomes)) and loaded(orders="reversed").orders is Orders.REVERSED


def _subject(policy: str) -> Any:
    from agents.instruments import Subject

    return Subject(policy=policy)


def test_the_version_changes_with_the_people_the_orders_and_the_items() -> None:
    versions = {
        loaded().version, loaded(orders="reversed").version, loaded(held=1).version,
        loaded(population={**POPULATION, "seed": 5}).version,
    }  # fmt: skip
    assert len(versions) == 4 and loaded().version == loaded().version
    with pytest.raises(UserError, match="not frozen"):
        loaded().compare(measure(loaded(), uniform()), measure(loaded(orders="reversed"), uniform()))


def test_a_panel_of_two_camps_is_diverse_and_one_of_one_mind_is_not() -> None:
    one = loaded()
    split = {row.scale: row for row in one.score(measure(one, leaning(0.1, 0.9)))}
    same = {row.scale: row for row in one.score(measure(one, leaning(0.5, 0.5)))}
    assert split["spread"].point > 0.05 > 1e-9 > same["spread"].point
    assert split["settled"].point > 0.3 > 1e-9 > abs(same["settled"].point)
    assert split["spread"].lo < split["spread"].point and split["spread"].n == 12
    assert any("not a finding" in flag for flag in split["spread"].flags)
    flat = {row.scale: row for row in one.score(measure(one, uniform()))}
    assert flat["evenness"].point == pytest.approx(1) and flat["reworded"].point == pytest.approx(0)


def test_drift_is_the_move_and_its_null_the_rewording() -> None:
    one = loaded()
    first, later = (measure(one, leaning(place, place, by_words=0.05)) for place in (0.4, 0.7))
    found = {row.name: row for row in one.watch(first, first, later, lambda stage, table: [])}
    assert found["drift"].value > 3 * found["drift"].null > 0
    assert found["drift"].null == pytest.approx(one.score(first)[4].point)
    assert found["change"].value == found["own_drift"].value and "agreement" not in found
    still = {row.name: row for row in one.watch(first, later, later, lambda stage, table: [])}
    assert still["change"].value == 0 and still["drift"].value == found["drift"].value
    rows = {row.scale: row for row in one.compare(first, later)}
    assert rows["drift"].before == pytest.approx(found["drift"].null) and rows["drift"].lo > 0
    assert rows["drift"].after == pytest.approx(found["drift"].value)
    assert {row.diff for row in one.compare(first, first) if row.scale not in ("drift", "own_drift")} == {0.0}


def test_moves_that_cancel_out_are_own_drift_and_no_drift_of_the_panel() -> None:
    one = loaded()
    camps = [person.demographics["camp"] for person in one.people]
    one = dataclasses.replace(one, people=tuple(one.people[k] for k in (camps.index("left"), camps.index("right"))))
    first, later = measure(one, leaning(0.3, 0.7)), measure(one, leaning(0.7, 0.3))
    found = {row.name: row for row in one.watch(first, first, later, lambda stage, table: [])}
    assert found["drift"].value == pytest.approx(0, abs=1e-9) and found["own_drift"].value > 0.2
    assert found["diversity"].value == pytest.approx(1)


def test_diversity_lost_is_told_against_the_first_policy_and_is_nan_where_there_was_none() -> None:
    one = loaded()
    first, later, none = (measure(one, leaning(0.5 - d, 0.5 + d)) for d in (0.4, 0.1, 0.0))
    lost = {row.name: row for row in one.watch(first, first, later, lambda stage, table: [])}["diversity"]
    assert lost.value < 0.3 and lost.null == 1 and lost.lo <= lost.value <= lost.hi
    assert math.isnan(next(r for r in one.watch(none, none, later, _nothing) if r.name == "diversity").value)


def _nothing(stage: str, table: str) -> list[dict[str, Any]]:
    return []


def test_agreement_is_with_what_assemblies_answered_after_deliberating_on_held_questions_alone() -> None:
    one = loaded()
    result = (np.array(peaked(0.9)) / sum(peaked(0.9))).tolist()
    found, num = results_of(told(result), [item.id for item in one.items], 5)
    assert num == 1 and np.isnan(found[:2]).all() and np.allclose(found[2:], result)
    first, near = measure(one, leaning(0.2, 0.2)), measure(one, leaning(0.9, 0.9))
    row = {row.name: row for row in one.watch(first, first, near, told(result))}["agreement"]
    assert row.value == pytest.approx(1) and row.null < 0.6 and "1 assemblies" in row.text


def test_lost_answers_are_counted_and_items_without_any_drop_out() -> None:
    one = loaded()
    outcomes = measure(one, leaning(0.2, 0.8))
    fewer = {row.scale: row for row in one.score([None, *outcomes[1:]])}
    assert fewer["spread"].n == 12 and math.isfinite(fewer["spread"].point)
    nobody = one.score([])
    assert all(row.n == 0 and math.isnan(row.point) and row.forfeits == 12 for row in nobody)
    lost = answering(lambda request: [1.0] * 5, mass=0.01)
    assert all("answers forfeited" in row.flags[0] for row in one.score(measure(one, lost)))


def test_the_registered_instrument_watches() -> None:
    assert find("instruments", "frozen_panel") is instrument
    assert isinstance(loaded(), Watching)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**31))
def test_distances_stay_between_zero_and_one_and_are_zero_only_for_equal_polls(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = (rng.dirichlet(np.ones(5), size=(6, 3)) for _ in range(2))
    for distance in (repolled.panel_distance, repolled.own_distance):
        assert 0 < repolled.value(distance, a, b) <= 1
        assert repolled.value(distance, a, b) == pytest.approx(repolled.value(distance, b, a))
        assert repolled.value(distance, a, a) == 0
    assert repolled.value(repolled.panel_distance, a, b) <= repolled.value(repolled.own_distance, a, b) + 1e-12
    assert 0 <= repolled.value(repolled.settled, a) <= 1 and 0 <= repolled.value(repolled.evenness, a) <= 1
    assert repolled.value(repolled.spread, a) == pytest.approx(repolled.levels_of(a).var(axis=0).mean())
    assert repolled.value(repolled.level, a) == pytest.approx(repolled.levels_of(a).mean())
    one, other = np.zeros((2, 1, 5)), np.zeros((2, 1, 5))
    one[..., 0], other[..., 4] = 1, 1
    assert repolled.value(repolled.panel_distance, one, other) == 1


def test_a_draw_by_weights_is_the_panel_of_those_who_were_drawn() -> None:
    rng = np.random.default_rng(1)
    a, b = (rng.dirichlet(np.ones(5), size=(7, 3)) for _ in range(2))
    a[2, 1] = np.nan
    who = np.array([0, 0, 2, 3, 6, 6, 6])
    weights = np.bincount(who, minlength=7)[None].astype(np.float64)
    for one in (repolled.level, repolled.spread, repolled.evenness, repolled.settled):
        assert one(a, weights)[0] == pytest.approx(repolled.value(one, a[who]))
    for two in (repolled.panel_distance, repolled.own_distance):
        assert two(a, b, weights)[0] == pytest.approx(repolled.value(two, a[who], b[who]))


def test_the_interval_of_drift_covers_the_drift_of_all_citizens() -> None:
    """Citizens move by chance around a common move: over draws of the panel the interval holds the true distance."""
    rng = np.random.default_rng(0)
    people = 2000
    base = np.array([peaked(p) for p in rng.uniform(0.2, 0.5, people)])[:, None, :]
    later = np.array([peaked(p) for p in rng.uniform(0.4, 0.8, people)])[:, None, :]
    base, later = (one / one.sum(axis=2, keepdims=True) for one in (base, later))
    truth = repolled.value(moved, base, base, later, later)
    held = 0
    for seed in range(60):
        who = np.random.default_rng(seed).permutation(people)[:40]
        found = repolled.by_citizen(moved, *(one[who] for one in (base, base, later, later)), num_resamples=200)
        held += found.lo <= truth <= found.hi
    assert held >= 51, f"{held} of 60"
