"""The weighted index: weights as given, weights as fitted, and lay people who rate by coin."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.errors import UserError
from societies.assembly.aqua import fit_weights, shares, weighted_index, weighted_quality
from societies.assembly.dqi import RUBRIC, Judged, total

NAMES = [scale.name for scale in RUBRIC]


def turns(num: int, rng: np.random.Generator, judges: int = 2) -> list[Judged]:
    return [
        Judged(
            turn=f"t{turn:03d}",
            judge=f"j{judge}",
            codes={scale.name: int(rng.choice([level.code for level in scale.levels])) for scale in RUBRIC},
        )
        for turn in range(num)
        for judge in range(judges)
    ]


def test_equal_weights_of_the_published_scales_are_the_total() -> None:
    judged = turns(5, np.random.default_rng(0), judges=1)
    _, scores = shares(judged)
    equal = {scale.name: 1.0 for scale in RUBRIC if not scale.lay}
    assert weighted_index(scores, equal) == pytest.approx([total(one) for one in judged])
    assert weighted_quality(judged, equal).point == pytest.approx(np.mean([total(one) for one in judged]))


@settings(deadline=None, max_examples=60)
@given(
    st.dictionaries(st.sampled_from(NAMES), st.floats(-2, 2).filter(lambda w: abs(w) > 0.01), min_size=1),
    st.integers(0, 9),
)
def test_the_index_stays_between_nothing_and_one_and_moves_with_the_sign(weights: dict[str, float], seed: int) -> None:
    _, scores = shares(turns(6, np.random.default_rng(seed)))
    index = weighted_index(scores, weights)
    assert (index >= -1e-9).all() and (index <= 1 + 1e-9).all()
    name = next(iter(weights))
    raised = scores.copy()
    raised[:, NAMES.index(name)] = 1.0
    assert ((weighted_index(raised, weights) - index) * np.sign(weights[name]) >= -1e-9).all()
    assert weighted_index(scores, {k: 3 * w for k, w in weights.items()}) == pytest.approx(index)


def test_fitted_weights_find_what_lay_people_value_and_what_they_mind() -> None:
    rng = np.random.default_rng(1)
    judged = turns(120, rng)
    names, scores = shares(judged)
    value = scores[:, NAMES.index("justification")] - scores[:, NAMES.index("storytelling")]
    lay = {name: float(v + 0.1 * rng.normal()) for name, v in zip(names, value, strict=True)}
    found = fit_weights(judged, lay)
    assert found.weights["justification"] > 0.4 and found.weights["storytelling"] < -0.4
    assert found.foretells.value.lo > 0.5 and found.foretells.n == 120
    weak = [one for one in found.detail if one.index not in ("justification", "storytelling")]
    assert sum(one.correlation.value.lo <= 0 <= one.correlation.value.hi for one in weak) >= len(weak) - 2


def test_lay_people_who_rate_by_coin_are_foretold_no_better_than_chance() -> None:
    covered = 0
    for seed in range(10):
        rng = np.random.default_rng(seed)
        judged = turns(40, rng, judges=1)
        lay = {one.turn: float(rng.normal()) for one in judged}
        covered += fit_weights(judged, lay).foretells.value.lo <= 0
    assert covered >= 9


def test_a_turn_is_foretold_by_the_weighted_index_under_weights_of_the_others() -> None:
    rng = np.random.default_rng(3)
    judged = turns(14, rng, judges=1)
    lay = {one.turn: float(rng.normal()) for one in judged}
    names, scores = shares(judged)
    told = []
    for name, row in zip(names, scores, strict=True):
        others = fit_weights([one for one in judged if one.turn != name], lay)
        told.append(weighted_index(row, others.weights))
    expected = np.corrcoef(told, [lay[name] for name in names])[0, 1]
    assert fit_weights(judged, lay).foretells.value.point == pytest.approx(expected)


def test_what_cannot_be_weighted_says_why() -> None:
    judged = turns(12, np.random.default_rng(0), judges=1)
    with pytest.raises(UserError, match="9 turns have both"):
        fit_weights(judged, {f"t{n:03d}": float(n) for n in range(9)})
    with pytest.raises(UserError, match="every turn alike"):
        fit_weights(judged, {one.turn: 3.0 for one in judged})
    with pytest.raises(UserError, match="Did you mean"):
        weighted_index(shares(judged)[1], {"justifcation": 1.0})
    with pytest.raises(UserError, match="No weight differs"):
        weighted_index(shares(judged)[1], {"empathy": 0.0})


def test_an_index_on_which_every_turn_scores_alike_is_left_out_and_named() -> None:
    judged = [
        Judged(turn=one.turn, judge=one.judge, codes={**one.codes, "participation": 1})
        for one in turns(15, np.random.default_rng(2), judges=1)
    ]
    found = fit_weights(judged, {one.turn: float(n) for n, one in enumerate(judged)})
    assert found.left_out == ("participation",) and "participation" not in found.weights
