"""Diversity, lineage, entrenchment, hysteresis and the trackers, on inputs whose answers are known."""

from __future__ import annotations

import itertools
import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.errors import UserError
from societies.coevolution.lockin import (
    BeliefRecord,
    belief_entropy,
    beliefs_frame,
    bimodality,
    depth_diversity,
    diversity_weights,
    drift_speed,
    entrenchment_slope,
    first_component_share,
    hill,
    hysteresis,
    jaccard_distance,
    lineage_diversity,
    lockin_metrics,
    loop_area,
    mean_jaccard_distance,
    self_confirmation,
    shannon,
    shared_information,
    tree,
)

TOPICS = tree(
    {"animals": "all", "plants": "all", "cats": "animals", "dogs": "animals", "oaks": "plants", "roses": "plants"}
)
COUNTS = st.lists(st.integers(1, 50), min_size=1, max_size=8)


def test_entropy_and_hill_numbers_of_known_counts():
    assert shannon(["a", "a", "b", "b"]) == pytest.approx(math.log(2))
    assert math.isnan(shannon([]))
    assert hill([5, 5, 5, 5], 0) == hill([5, 5, 5, 5], 2) == pytest.approx(4)
    assert hill([0.5, 0.3, 0.2], 2) == pytest.approx(1 / 0.38)
    assert hill([3, 0, 1], 0) == pytest.approx(2)
    assert hill([3, 1], math.inf) == pytest.approx(4 / 3)
    with pytest.raises(ValueError, match="order -1"):
        hill([1], -1)


@given(counts=COUNTS)
@settings(max_examples=40, deadline=None)
def test_hill_numbers_fall_with_their_order_and_double_with_copies(counts):
    orders = (0, 0.5, 1, 2, 5, math.inf)
    numbers = [hill(counts, q) for q in orders]
    assert all(a >= b - 1e-9 for a, b in itertools.pairwise(numbers))
    assert numbers[2] == pytest.approx((hill(counts, 1 - 1e-6) + hill(counts, 1 + 1e-6)) / 2, rel=1e-4)
    assert [hill(counts * 2, q) for q in orders] == pytest.approx([2 * number for number in numbers])


def test_belief_entropy_stands_on_a_grid_that_does_not_move():
    assert belief_entropy([0.05, 0.15, 0.95, 1.5], width=0.1) == pytest.approx(1.5 * math.log(2))
    assert belief_entropy([0.501, 0.502], width=0.1) == 0
    assert belief_entropy([1.0, 0.95], width=0.1) == 0
    assert math.isnan(belief_entropy([], width=0.1))
    with pytest.raises(ValueError, match="no bins"):
        belief_entropy([0.5], width=0)


def test_two_camps_are_bimodal_and_one_is_not():
    rng = np.random.default_rng(0)
    camps = np.concatenate([rng.normal(-1, 0.1, 200), rng.normal(1, 0.1, 200)])
    assert bimodality(camps) > 0.8
    assert bimodality(rng.normal(size=2000)) == pytest.approx(1 / 3, abs=0.05)
    assert bimodality(np.linspace(0, 1, 4001)) == pytest.approx(5 / 9, abs=0.01)
    assert math.isnan(bimodality([1, 1, 1, 1, 1]))


def test_jaccard_distance():
    assert jaccard_distance({"a", "b"}, {"b", "c"}) == pytest.approx(2 / 3)
    assert jaccard_distance({"a"}, ["a", "a"]) == 0
    assert math.isnan(jaccard_distance([], []))
    assert mean_jaccard_distance([{"a"}, {"a"}, {"b"}]) == pytest.approx(2 / 3)
    assert math.isnan(mean_jaccard_distance([{"a"}]))


def test_lineage_diversity_is_one_where_all_meet_at_the_root_and_zero_where_all_are_one_leaf():
    assert lineage_diversity(["cats", "oaks"], TOPICS) == pytest.approx(1)
    assert lineage_diversity(["cats"] * 5, TOPICS) == pytest.approx(0)
    star = tree(dict.fromkeys("abcdef", "root"))
    assert lineage_diversity(list("abcdef"), star) == pytest.approx(1)
    assert math.isnan(lineage_diversity(["cats"], TOPICS))
    # One pair meets at "animals", a subtree of 3 of the 7 nodes.
    assert lineage_diversity(["cats", "dogs"], TOPICS) == pytest.approx(1 - math.log(7 / 3) / math.log(7))


def naive(concepts):
    parents = {name: TOPICS.names[p] for name, p in zip(TOPICS.names, TOPICS.parents, strict=True) if p >= 0}
    size = dict(zip(TOPICS.names, TOPICS.sizes, strict=True))

    def line(name):
        return [name, *line(parents[name])] if name in parents else [name]

    ratios = [
        7 / size[next(x for x in line(a) if x in line(b))] for k, a in enumerate(concepts) for b in concepts[k + 1 :]
    ]
    return (math.log(7) - math.log(sum(ratios) / len(ratios))) / math.log(7)


@given(concepts=st.lists(st.sampled_from(TOPICS.names), min_size=2, max_size=12))
@settings(max_examples=50, deadline=None)
def test_lineage_diversity_equals_the_sum_over_pairs(concepts):
    found = lineage_diversity(concepts, TOPICS)
    assert found == pytest.approx(naive(concepts), abs=1e-9)
    assert -1e-9 <= found <= 1 + 1e-9


def test_depth_diversity_has_the_same_ends():
    assert depth_diversity(["cats", "oaks", "cats"], TOPICS) == pytest.approx(1 - (2 / 3) / 2)
    assert depth_diversity(["cats", "roses"], TOPICS) == 1
    assert depth_diversity(["cats", "cats"], TOPICS) == 0
    assert math.isnan(depth_diversity(["all", "all"], TOPICS))


def test_unusable_trees_and_unknown_concepts_are_refused():
    with pytest.raises(UserError, match="one root, not 2"):
        tree({"a": "x", "b": "y"})
    with pytest.raises(UserError, match="one root, not 0"):
        tree({"a": "b", "b": "a"})
    with pytest.raises(UserError, match="not below the root"):
        tree({"c": "root", "a": "b", "b": "a"})
    with pytest.raises(UserError, match='"fish" is not in the tree'):
        lineage_diversity(["fish", "cats"], TOPICS)


def bayesians(num, count_twice):
    """Beliefs of a fair prior about a coin of bias .7 or .3, before and after the third toss."""
    rng = np.random.default_rng(1)
    bias = np.where(rng.random(num) < 0.5, 0.7, 0.3)
    tosses = np.where(rng.random((num, 3)) < bias[:, None], 1, -1) * math.log(0.7 / 0.3)
    before = tosses[:, :2].sum(axis=1)
    after = before * (2 if count_twice else 1) + tosses[:, 2]
    return 1 / (1 + np.exp(-before)), 1 / (1 + np.exp(-after))


def test_a_calibrated_updater_has_slope_zero_and_one_that_counts_itself_again_is_entrenched():
    calibrated = entrenchment_slope(*bayesians(8_000, count_twice=False))
    assert calibrated.lo < 0 < calibrated.hi
    assert abs(calibrated.slope) < 0.03
    assert not calibrated.entrenched
    twice = entrenchment_slope(*bayesians(8_000, count_twice=True))
    assert twice.slope > 0.1
    assert twice.entrenched


def test_the_slope_is_exact_on_a_line_and_its_interval_resamples_groups():
    x = np.linspace(0, 1, 40)
    assert entrenchment_slope(x, x + 0.3 * (x - 0.2)).slope == pytest.approx(0.3)
    rng = np.random.default_rng(0)
    x = np.repeat(rng.normal(size=20), 30) + 0.01 * rng.normal(size=600)
    y = x + np.repeat(rng.normal(size=20), 30)
    groups = np.repeat(np.arange(20), 30).tolist()
    together, apart = entrenchment_slope(x, y, groups), entrenchment_slope(x, y)
    assert together.slope == pytest.approx(apart.slope)
    assert together.num_groups == 20
    assert together.se > 3 * apart.se


def test_an_undefined_slope_is_nan_and_says_why():
    equal = entrenchment_slope([0.5] * 4, [0.1, 0.2, 0.3, 0.4])
    assert math.isnan(equal.slope)
    assert equal.flag == "all prior beliefs are equal"
    assert entrenchment_slope([0.1, 0.2], [0.1, 0.2]).flag == "fewer than three pairs"
    assert entrenchment_slope([], []).n == 0
    one = entrenchment_slope([0.1, 0.2, 0.4], [0.1, 0.3, 0.4], ["g"] * 3)
    assert math.isnan(one.lo)
    assert one.flag
    assert not one.entrenched
    with pytest.raises(ValueError, match="2 groups for 3"):
        entrenchment_slope([0.1, 0.2, 0.4], [0.1, 0.3, 0.4], ["g"] * 2)


def test_what_comes_back_has_no_hysteresis_and_what_stays_has_all_of_it():
    rng = np.random.default_rng(0)
    base, later = rng.normal(size=30), rng.normal(size=30)
    noise = 0.1 * rng.normal(size=30)
    back = hysteresis(base, base + 2, later, later + noise)
    stays = hysteresis(base, base + 2, later, later + 2 + noise)
    assert not back.lasting
    assert back.share_left == pytest.approx(0, abs=0.05)
    assert stays.lasting
    assert stays.share_left == pytest.approx(1, abs=0.05)
    assert stays.p < 0.001 < back.p
    assert math.isnan(hysteresis(base, base, later, later).share_left)
    with pytest.raises(ValueError, match="same length"):
        hysteresis(base, base, later, later[:-1])


def test_the_area_of_a_loop():
    up, down = np.linspace(0, 1, 11), np.linspace(1, 0, 11)
    x = np.concatenate([up, down])
    assert loop_area(x, 3 * x) == pytest.approx(0)
    assert loop_area(x, np.concatenate([up, down + 0.5])) == pytest.approx(0.5)
    with pytest.raises(ValueError, match="ends at the control value"):
        loop_area(up, up)


def test_trackers_read_any_frame_of_beliefs():
    records = [
        BeliefRecord(agent=f"a{k}", timestep=t, belief=0.5 + (k - 2) * 0.06 * (3 - t), log_precision=1.5 * t)
        for t in (1, 2, 3)
        for k in range(5)
    ]
    talk = pl.DataFrame({"timestep": [1, 1, 3, 3], "concept": ["cats", "oaks", "cats", "cats"]})
    found = lockin_metrics(
        beliefs_frame(records), width=0.1, truth={1: 0.5, 2: 0.4, 3: 0.3}, talk=talk, concepts=TOPICS, rho=1.2
    )
    assert [one.timestep for one in found] == [1, 2, 3]
    assert [one.n for one in found] == [5, 5, 5]
    assert [one.lag for one in found] == pytest.approx([0, 0.1, 0.2])
    assert found[0].entropy > found[1].entropy > found[2].entropy == 0
    assert found[2].effective == 1
    assert [one.lineage_diversity for one in found] == pytest.approx([1, math.nan, 0], nan_ok=True)
    assert [one.topic_entropy for one in found] == pytest.approx([math.log(2), math.nan, 0], nan_ok=True)
    assert [one.log_precision_slope for one in found] == pytest.approx([math.nan, 1.5, 1.5], nan_ok=True)
    assert found[0].rho == 1.2


def test_trackers_need_no_precision_no_truth_and_no_talk_and_name_a_missing_column():
    frame = pl.DataFrame({"round": [2, 1], "answer": [0.2, None]})
    found = lockin_metrics(frame, belief="answer", timestep="round")
    assert [(one.timestep, one.n) for one in found] == [(1, 0), (2, 1)]
    assert math.isnan(found[0].entropy)
    assert math.isnan(found[1].lag)
    with pytest.raises(UserError, match='no column "timestep"'):
        lockin_metrics(frame)


def test_speed_self_confirmation_and_components():
    assert drift_speed(np.array([[0.0, 0], [3, 4], [3, 4]])) == pytest.approx([5, 0])
    rng = np.random.default_rng(0)
    policy = rng.normal(size=(30, 3))
    pulled, free = [np.zeros(3)], [np.zeros(3)]
    for t in range(29):
        pulled.append(pulled[-1] + 0.3 * (policy[t] - pulled[-1]))
        free.append(rng.normal(size=3))
    assert self_confirmation(policy, np.array(pulled)) == pytest.approx(1)
    assert math.isnan(self_confirmation(policy, np.zeros((30, 3))))
    one = rng.normal(size=(200, 1))
    assert first_component_share(np.hstack([one, one, -one])) == pytest.approx(1)
    assert first_component_share(rng.normal(size=(4000, 4))) == pytest.approx(0.25, abs=0.03)
    assert math.isnan(first_component_share(np.ones((10, 3))))


def test_shared_information_beats_its_shuffled_null_only_where_there_is_some():
    rng = np.random.default_rng(0)
    policy = rng.integers(0, 3, 600).tolist()
    information, null = shared_information(policy, policy)
    assert information == pytest.approx(math.log(3), abs=0.02)
    assert null < 0.02
    information, null = shared_information(policy, rng.integers(0, 3, 600).tolist())
    assert abs(information - null) < 0.01
    assert math.isnan(shared_information([], [])[0])


def test_diversity_weights_give_every_kind_the_same_say():
    weights = diversity_weights(["a"] * 8 + ["b"] * 2)
    assert weights.sum() == pytest.approx(1)
    assert weights[:8].sum() == pytest.approx(0.5)
    assert diversity_weights(["a", "a", "b"], 0) == pytest.approx(1 / 3)
