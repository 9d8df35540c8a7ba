"""The numeric population: its drift is known, talking moves no mean, and cost follows blocks of people."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from agents.statistics.drift import steps, stream
from societies.coevolution.humans import Folk, NumericHumans, Poll
from societies.coevolution.network import influence_matrix, small_world
from societies.coevolution.play import alone
from societies.coevolution.protocols import Pulls
from societies.coevolution.votes import even_bank
from tests.coevolution.toys import DIMS, calm_folk, readings


def humans(folk: Folk, **options: Any) -> NumericHumans:
    return NumericHumans(folk, options.pop("bank", readings()), options.pop("poll", Poll()), seed=3, **options)


def mean(people: NumericHumans, **which: str) -> np.ndarray:
    return np.asarray(alone(people.measure(**which))[0].values)


def test_the_mean_moves_by_the_known_drift_whoever_talks_to_whom() -> None:
    people = humans(calm_folk(500, influence=0.5))
    before, spread = mean(people), people.spread()
    for timestep in range(1, 9):
        alone(people.tick())
        before = before + people.steps[0, timestep]
        assert mean(people) == pytest.approx(before, abs=1e-4)
    assert people.spread() < 0.5 * spread


def test_influence_rows_and_columns_sum_to_one_over_a_symmetric_network() -> None:
    ties = small_world(300, 10, 0.2, np.random.default_rng(0))
    assert abs(ties - ties.T).nnz == 0 and ties.diagonal().sum() == 0 and set(ties.data) == {1.0}
    assert ties.nnz / 300 == pytest.approx(10, abs=0.3)
    matrix = influence_matrix(ties, 0.4)
    assert matrix.sum(axis=0) == pytest.approx(np.ones(300), abs=1e-5)
    assert matrix.sum(axis=1) == pytest.approx(np.ones(300), abs=1e-5)
    assert matrix.data.min() >= 0 and matrix.dtype == np.float32


@pytest.mark.parametrize("num, degree", [(3, 10), (4, 2), (11, 10)])
def test_tiny_networks_have_no_loops_and_as_many_ties_as_there_is_room_for(num: int, degree: int) -> None:
    ties = small_world(num, degree, 0.0, np.random.default_rng(0))
    assert ties.diagonal().sum() == 0
    assert (np.diff(ties.indptr) <= num - 1).all() and ties.nnz > 0


def test_seats_put_other_people_beside_each_other() -> None:
    seats = np.random.default_rng(1).permutation(100)
    ring = small_world(100, 4, 0.0, np.random.default_rng(0))
    moved = small_world(100, 4, 0.0, np.random.default_rng(0), seats=seats)
    assert (moved[seats][:, seats] != ring).nnz == 0


def test_drifts_have_the_shape_that_they_are_named_after() -> None:
    kinds = {}
    for kind in ("none", "linear", "wave", "walk"):
        rng = np.random.default_rng(0)
        kinds[kind] = steps(kind, num_timesteps=41, num_dims=5, sd=0.2, period=40.0, rng=rng)  # type: ignore[arg-type]
        assert (kinds[kind][0] == 0).all()
    assert not kinds["none"].any()
    assert np.ptp(kinds["linear"][1:], axis=0).max() < 1e-12
    assert kinds["wave"].sum(axis=0) == pytest.approx(np.zeros(5), abs=1e-12)
    assert kinds["wave"][1] == pytest.approx(kinds["linear"][1], rel=0.01)
    assert np.std(kinds["walk"][1:]) == pytest.approx(0.2, abs=0.03)


def test_streams_depend_on_seed_and_words_and_on_nothing_else() -> None:
    assert stream(1, "a", 2).random() == stream(1, "a", 2).random()
    assert len({stream(*key).random() for key in ((1, "a", 2), (2, "a", 2), (1, "b", 2), (1, "a2"))}) == 4


def test_arms_share_panel_and_shock_and_differ_by_their_ai_alone() -> None:
    bank = even_bank("shares", num_dims=DIMS, pairs_per_dim=5, span=8.0)
    people = humans(calm_folk(400, influence=0.2), bank=bank, poll=Poll(num_voters=50, noise=0.1), arms=("a", "b", "c"))
    pairs = np.arange(bank.num_pairs)
    alone(people.tick())
    alone(people.pull({"a": None, "b": None, "c": np.ones(DIMS)}, Pulls(spread=0.5)))
    alone(people.disturb(["a", "b"], np.full(DIMS, 2.0), 0.5))
    asked = {arm: alone(people.ask(pairs, arm=arm))[0] for arm in "abc"}
    assert asked["a"].value.tolist() == asked["b"].value.tolist() != asked["c"].value.tolist()
    assert asked["a"].num_voters == 50
    assert mean(people, arm="a") == pytest.approx(people._copies[:, 0].mean(axis=0), abs=1e-4)


def test_groups_drift_apart_and_weigh_by_their_size() -> None:
    people = humans(calm_folk(1000, influence=0.1), minority=0.3, arms=("a",))
    for _ in range(5):
        alone(people.tick())
    major, minor = (mean(people, group=group) for group in people.groups)
    assert np.linalg.norm(major - minor) > 1
    assert 0.7 * major + 0.3 * minor == pytest.approx(mean(people))
    assert humans(calm_folk(1000)).groups == ()


def test_numbers_cannot_listen_to_the_name_of_a_policy() -> None:
    people = humans(calm_folk(20), arms=("a",))
    with pytest.raises(ValueError, match="policy name"):
        alone(people.pull({"a": "base"}, Pulls()))


def test_people_who_listen_unequally_hear_the_same_on_average() -> None:
    def after(spread: float) -> NumericHumans:
        people = humans(calm_folk(20_000, person_sd=0.1), arms=("a",))
        alone(people.tick())
        alone(people.pull({"a": np.full(DIMS, 5.0)}, Pulls(spread=spread)))
        return people

    equal, unequal = after(0.0), after(0.8)
    assert mean(unequal, arm="a") == pytest.approx(mean(equal, arm="a"), abs=0.1)
    assert unequal.spread(arm="a") > 3 * equal.spread(arm="a")
