"""Votes, the opinion space and groups: brute force, laws, and what must not matter."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from societies.assembly import polis
from societies.assembly.polis.groups import base_clusters, best_number
from societies.assembly.polis.votes import FloatArray, IntArray

NAN = float("nan")
TABLES = arrays(
    np.float64, st.tuples(st.integers(3, 12), st.integers(2, 7)), elements=st.sampled_from([1.0, -1, 0, NAN])
)
QUICK = settings(max_examples=40, deadline=None, derandomize=True)


def camps(sizes: tuple[int, ...], num_statements: int, seed: int, missing: float = 0.4) -> tuple[FloatArray, IntArray]:
    """Return votes of planted camps: everybody follows the camp's line four times in five."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(sizes)), sizes)
    lines = rng.choice([-1.0, 1.0], size=(len(sizes), num_statements))
    noise = rng.choice([1.0, -1.0, 0.0], p=[0.8, 0.1, 0.1], size=(len(labels), num_statements))
    values = lines[labels] * noise
    values[rng.random(values.shape) < missing] = NAN
    return values, labels


def places(values: FloatArray, moderated: np.ndarray | None = None) -> FloatArray:
    return polis.positions(values, polis.find_space(values, moderated), moderated)


def test_a_vote_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match=r"2\.0 is no vote"):
        polis.check_votes(np.array([[2.0, 1.0]]))
    with pytest.raises(ValueError, match="have the shape"):
        polis.check_votes(np.array([1.0, 0.0]))
    with pytest.raises(ValueError, match="labels do not fit"):
        polis.count_votes(np.array([[1.0]]), np.array([0, 1]))


def test_the_sign_of_the_interface_is_turned_and_unseen_stays_unseen() -> None:
    turned = polis.from_api(np.array([[-1.0, 1.0, 0.0, NAN]]))
    assert turned[0, :3].tolist() == [1.0, -1.0, 0.0]
    assert np.isnan(turned[0, 3])
    assert not np.signbit(turned[0, 2])


def test_passing_is_an_answer_and_not_seeing_is_none() -> None:
    passed, unseen = (polis.count_votes(np.array([[value], [1.0]])) for value in (0.0, NAN))
    assert passed.seen[0, 0] == 2
    assert unseen.seen[0, 0] == 1
    assert passed.passed[0, 0] == 1
    assert polis.consensus(passed).product[0] == pytest.approx(2 / 4)
    assert polis.consensus(unseen).product[0] == pytest.approx(2 / 3)


def test_the_map_takes_people_with_enough_votes_tops_up_and_keeps_who_was_on_it() -> None:
    values = np.full((40, 10), NAN)
    values[:20, :7] = 1.0
    values[20:, :3] = 1.0
    assert polis.included(values).tolist() == [True] * 20 + [False] * 20
    few = values[15:]
    assert polis.included(few).sum() == 15
    assert polis.included(few)[:5].all()
    silent = np.full((5, 10), NAN)
    assert not polis.included(silent).any()
    before = np.zeros(30, dtype=bool)
    before[25] = True
    assert polis.included(values, before)[25]


@QUICK
@given(TABLES)
def test_axes_are_those_of_a_singular_value_decomposition(values: FloatArray) -> None:
    seen = ~np.isnan(values)
    center = np.where(seen, values, 0).sum(axis=0) / np.maximum(1, seen.sum(axis=0))
    filled = np.where(seen, values - center, 0.0)
    strengths = np.linalg.svd(filled, compute_uv=False) ** 2
    space = polis.find_space(values)
    np.testing.assert_allclose(space.center, center)
    if strengths.sum() == 0:
        assert not space.axes.any()
        assert space.explained.tolist() == [0, 0]
        return
    assert space.explained[0] <= strengths[0] / strengths.sum() + 1e-9
    assert abs(space.axes[0] @ space.axes[1]) < 1e-8
    if strengths[1] < 0.8 * strengths[0] and strengths[2:].sum() < 0.8 * strengths[1]:
        np.testing.assert_allclose(space.explained, (strengths[:2] / strengths.sum()), atol=1e-6)


def test_an_axis_that_is_at_right_angles_to_the_start_is_still_found() -> None:
    values = np.array([[1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [-1.0, 1.0]])
    space = polis.find_space(values)
    assert space.explained[0] == pytest.approx(1.0)


def test_positions_scale_up_those_who_voted_little() -> None:
    values = np.array([[1.0, 1.0, -1.0, 1.0], [-1.0, -1.0, 1.0, -1.0], [1.0, NAN, NAN, NAN]])
    space = polis.find_space(values)
    point = polis.positions(values, space)[2]
    np.testing.assert_allclose(point, np.sqrt(4 / 1) * (1.0 - space.center[0]) * space.axes[:, 0])
    nobody = np.full((1, 4), NAN)
    assert polis.positions(nobody, space).tolist() == [[0.0, 0.0]]


def test_moderated_statements_move_nobody() -> None:
    values, _ = camps((20, 20), 12, seed=1)
    hidden = np.zeros(12, dtype=bool)
    hidden[3] = True
    turned = values.copy()
    turned[:, 3] *= -1
    np.testing.assert_allclose(places(values, hidden), places(turned, hidden))
    assert polis.extremity(polis.find_space(values, hidden))[3] == 0
    with pytest.raises(ValueError, match="marks do not fit"):
        polis.find_space(values, np.array([True]))


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.integers(0, 1000))
def test_neither_the_order_of_people_nor_of_statements_nor_the_sign_of_an_axis_changes_the_groups(seed: int) -> None:
    values, _ = camps((25, 18), 14, seed)
    rng = np.random.default_rng(seed)
    people, statements = rng.permutation(43), rng.permutation(14)
    labels = polis.find_groups(places(values)).labels
    moved = polis.find_groups(places(values[people][:, statements])).labels
    assert polis.adjusted_rand(labels[people], moved) == 1.0
    mirrored = polis.find_groups(-places(values)).labels
    assert polis.adjusted_rand(labels, mirrored) == 1.0


@pytest.mark.parametrize("sizes", [(40, 40), (60, 12), (30, 25, 20)])
def test_planted_camps_are_found(sizes: tuple[int, ...]) -> None:
    values, truth = camps(sizes, 30, seed=3)
    found = polis.find_groups(places(values))
    assert found.num_groups == len(sizes)
    assert polis.adjusted_rand(found.labels, truth) > 0.9
    assert np.bincount(found.labels).tolist() == sorted(np.bincount(found.labels).tolist(), reverse=True)


def test_a_small_camp_is_found_from_far_starts_and_missed_from_first_ones() -> None:
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.normal(0, 1, (160, 2)), rng.normal(9, 0.5, (8, 2))])
    truth = np.repeat([0, 1], [160, 8])
    assert polis.adjusted_rand(polis.find_groups(points).labels, truth) == 1.0
    assert polis.adjusted_rand(polis.find_groups(points, num_groups=2, start="first").labels, truth) <= 1.0
    assert polis.find_groups(points, num_groups=3).num_groups == 3


def test_people_in_one_place_are_one_group() -> None:
    found = polis.find_groups(np.zeros((9, 2)))
    assert found.num_groups == 1
    assert np.isnan(found.silhouette)
    assert polis.find_groups(np.zeros((9, 2)), num_groups=3).num_groups == 1
    assert best_number(polis.groupings(np.zeros((0, 2)))) == 1


def test_the_silhouette_is_that_of_people() -> None:
    rng = np.random.default_rng(4)
    spots = rng.normal(size=(12, 2)) + np.repeat([[0, 0], [4, 0]], 6, axis=0)
    weights = rng.integers(1, 5, 12)
    labels = np.repeat([0, 1], 6)
    people, who = np.repeat(spots, weights, axis=0), np.repeat(labels, weights)
    scores = []
    for i in range(len(people)):
        away = np.linalg.norm(people - people[i], axis=1)
        own, other = (who == who[i]), (who != who[i])
        inside, outside = away[own].sum() / (own.sum() - 1), away[other].mean()
        scores.append((outside - inside) / max(inside, outside))
    assert polis.mean_silhouette(spots, labels, weights.astype(float)) == pytest.approx(np.mean(scores))


def test_more_than_a_hundred_places_become_base_clusters() -> None:
    points = np.random.default_rng(5).normal(size=(300, 2))
    labels, centers = base_clusters(points)
    assert len(centers) <= 100
    assert set(labels) == set(range(len(centers)))
    for cluster in range(len(centers)):
        np.testing.assert_allclose(centers[cluster], points[labels == cluster].mean(axis=0))


def test_adjusted_rand_is_one_for_renamed_groups_and_about_zero_for_chance() -> None:
    first = np.array([0, 0, 1, 1, 2, 2])
    assert polis.adjusted_rand(first, np.array([5, 5, 3, 3, 9, 9])) == 1.0
    assert polis.adjusted_rand(np.zeros(4, dtype=int), np.zeros(4, dtype=int)) == 1.0
    # Two groups of three against (2, 1 | 1, 2): 2 pairs together in both, 6 and 6 in each, 15 in all.
    assert polis.adjusted_rand(np.array([0, 0, 0, 1, 1, 1]), np.array([0, 0, 1, 0, 1, 1])) == pytest.approx(
        (2 - 36 / 15) / (6 - 36 / 15)
    )
    rng = np.random.default_rng(0)
    drawn = [polis.adjusted_rand(rng.integers(0, 3, 200), rng.integers(0, 3, 200)) for _ in range(200)]
    assert abs(np.mean(drawn)) < 0.01
    with pytest.raises(ValueError, match="same people"):
        polis.adjusted_rand(first, first[:3])


def test_standing_tells_the_middle_from_the_edge() -> None:
    points = np.array([[-2.0, 0], [-1.0, 0], [-3.0, 0], [2.0, 0], [0.0, 5.0]])
    found = polis.standing(points, np.array([0, 0, 0, 1, -1]))
    assert np.isnan(found.coreness[4])
    assert found.coreness[0] == 1.0
    assert found.extremeness[2] > 0 > found.extremeness[1]
    middle = points[:4].mean(axis=0)
    assert found.centricness[1] == pytest.approx(1 - np.linalg.norm(points[1] - middle))
    assert np.isnan(polis.standing(points, np.full(5, -1)).centricness).all()


def test_subgroups_are_the_same_search_inside_a_group() -> None:
    rng = np.random.default_rng(6)
    centers = np.array([[-9.0, 1], [-9.0, -1], [9.0, 0]])
    points = np.concatenate([rng.normal(c, 0.1, (15, 2)) for c in centers])
    inner = polis.find_subgroups(points, np.repeat([0, 0, 1], 15))
    assert polis.adjusted_rand(inner[0].labels, np.repeat([0, 1], 15)) == 1.0
    assert len(inner[1].labels) == 15


def test_shuffling_keeps_who_voted_and_how_often_and_takes_the_structure_away() -> None:
    values, _ = camps((40, 40), 20, seed=7)
    mixed = polis.shuffled(values, np.random.default_rng(0))
    assert (np.isnan(mixed) == np.isnan(values)).all()
    np.testing.assert_allclose(np.nansum(mixed, axis=0), np.nansum(values, axis=0))
    chance = polis.by_chance(values, num_shuffles=5)
    assert polis.find_space(values).explained.sum() > 1.5 * chance.explained.max()
    assert polis.find_groups(places(values)).silhouette > chance.silhouette.max()
    assert (polis.by_chance(values, num_shuffles=5).explained == chance.explained).all()
