"""Seating: table sizes, hard rules, incremental cost against the whole one, and plans that are known to be perfect."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.errors import UserError
from societies.assembly import seating
from societies.assembly.seating import Weights, seat_tables


def whole_cost(tables: np.ndarray, features: np.ndarray, leads: np.ndarray, weights: Weights) -> float:
    rounds, num = tables.shape
    repeats = sum(
        max(0, int((tables[:, i] == tables[:, j]).sum()) - 1) ** 2 for i in range(num) for j in range(i + 1, num)
    )
    uneven = 0.0
    for row in tables:
        for table in np.unique(row):
            here = features[row == table]
            for column in range(features.shape[1]):
                for value in np.unique(features[:, column]):
                    even = len(here) * (features[:, column] == value).mean()
                    uneven += ((here[:, column] == value).sum() - even) ** 2
    again = 0
    for person in range(num):
        met = [leads[r, tables[r, person]] for r in range(rounds)]
        again += sum(met.count(lead) - 1 for lead in set(met))
    return weights.repeats * repeats + weights.diversity * uneven + weights.facilitator * again


@settings(max_examples=15, derandomize=True, deadline=None)
@given(st.integers(4, 14), st.integers(1, 4), st.integers(1, 4), st.integers(0, 1000))
def test_the_cost_kept_swap_by_swap_is_the_cost_of_the_plan(num: int, tables: int, rounds: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    features = rng.integers(0, 3, (num, 2))
    leads = rng.integers(0, 3, (rounds, tables))
    weights = Weights(repeats=1.0, diversity=0.7, facilitator=0.4)
    plan = seat_tables(features, tables, rounds, facilitators=leads, weights=weights, num_steps=200, seed=seed)
    assert plan.cost == pytest.approx(whole_cost(plan.tables, features, leads, weights))
    assert plan.cost <= plan.start_cost + 1e-9
    for row in plan.tables:
        sizes = np.bincount(row, minlength=tables)
        assert sizes.max() - sizes.min() <= 1


def test_nine_people_meet_everybody_once_in_four_rounds_of_three_tables() -> None:
    # The affine plane of order 3: a plan without any repeat exists.
    plan = seat_tables(np.zeros((9, 0), dtype=np.int64), 3, 4, weights=Weights(facilitator=0.0), seed=1)
    assert plan.num_repeats == 0
    assert plan.num_pairs_met == 36


def test_features_are_spread_evenly() -> None:
    features = np.repeat([[0], [1]], 12, axis=0)
    plan = seat_tables(features, 4, 1, num_steps=3000, seed=0)
    assert plan.worst_imbalance == 0.0
    assert plan.start_cost > plan.cost


def test_the_first_person_counts_like_anybody() -> None:
    plan = seat_tables(np.zeros((8, 0), dtype=np.int64), 2, 3, num_steps=2000, seed=3)
    expected = sum((row[:, None] == row[None, :]).astype(int) for row in plan.tables)
    np.fill_diagonal(expected, 0)
    assert (plan.met == expected).all()
    assert plan.met[0].sum() == 3 * 3


def test_fixed_seats_and_clusters_are_never_broken() -> None:
    features = np.random.default_rng(0).integers(0, 2, (20, 1))
    plan = seat_tables(
        features, 4, 5, fixed={0: 2, 7: 1}, clusters=[(3, 4), (7, 8, 9), (12, 13)], num_steps=3000, seed=5
    )
    assert (plan.tables[:, 0] == 2).all()
    assert (plan.tables[:, [7, 8, 9]] == 1).all()
    assert (plan.tables[:, 3] == plan.tables[:, 4]).all()
    assert (plan.tables[:, 12] == plan.tables[:, 13]).all()
    assert len(set(plan.tables[:, 3])) > 1  # the pair moves, together


def test_the_same_seed_gives_the_same_plan() -> None:
    features = np.arange(12)[:, None] % 3
    first, again = (seat_tables(features, 3, 2, num_steps=300, seed=9).tables for _ in range(2))
    assert (first == again).all()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"num_tables": 0}, "cannot sit"),
        ({"clusters": [(0, 1), (1, 2)]}, "two clusters"),
        ({"clusters": [tuple(range(9))]}, "do not fit"),
        ({"fixed": dict.fromkeys(range(8), 0)}, "fixed seats"),
        ({"fixed": {99: 0}}, "not there"),
        ({"fixed": {0: 0, 1: 1}, "clusters": [(0, 1)]}, "different tables"),
    ],
)
def test_plans_that_cannot_be_are_refused(arguments: dict[str, object], said: str) -> None:
    options: dict[str, object] = {"num_tables": 3, "num_rounds": 2, **arguments}
    with pytest.raises(UserError, match=said):
        seat_tables(np.zeros((12, 0), dtype=np.int64), **options)  # type: ignore[arg-type]


def test_one_table_needs_no_swaps() -> None:
    assert seating.seat_tables(np.zeros((3, 1), dtype=np.int64), 1, 2, num_steps=50).num_repeats == 3
