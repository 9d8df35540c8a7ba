"""Diversity over claims: the same numbers as the lock-in package's, many resamples at once, and slopes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from societies.coevolution.live.measuring import (
    MEASURES,
    STANCE_TREE,
    WIDTH,
    bounds,
    diversity,
    metric_rows,
    resampled,
    slope_pairs,
    topic_rows,
    word_rows,
)
from societies.coevolution.live.records import stance
from societies.coevolution.lockin import belief_entropy, bimodality, entrenchment_slope, hill
from societies.coevolution.lockin.lineage import depth_diversity, lineage_diversity, tree


def alone(x: np.ndarray) -> dict[str, float]:
    """The measures of one claim as the lock-in package has them."""
    places = np.clip(np.floor(x / WIDTH), 0, 19).astype(int)
    counts = np.bincount(places)
    return {
        "mean": float(x.mean()),
        "variance": float(x.var()),
        "entropy": belief_entropy(x, width=WIDTH),
        "hill_1": hill(counts, 1),
        "hill_2": hill(counts, 2),
        "bimodality": bimodality(x),
        "lineage": lineage_diversity([stance(value) for value in x], tree(STANCE_TREE)),
        "depth": depth_diversity([stance(value) for value in x], tree(STANCE_TREE)),
    }


beliefs = st.lists(st.lists(st.floats(0, 1), min_size=2, max_size=2), min_size=4, max_size=12)


@settings(max_examples=40, derandomize=True, deadline=None)
@given(beliefs)
def test_diversity_is_the_mean_over_claims_of_what_the_lockin_package_says(rows: list[list[float]]) -> None:
    levels = np.array(rows)
    claims = [alone(column) for column in levels.T]
    found = diversity(levels)
    for name in MEASURES:
        values = [one[name] for one in claims if math.isfinite(one[name])]
        if values and (name != "bimodality" or min(levels.std(axis=0)) > 1e-6):
            assert float(found[name]) == pytest.approx(sum(values) / len(values), rel=1e-6, abs=1e-9)


def test_many_resamples_at_once_are_the_same_as_one_by_one() -> None:
    rng = np.random.default_rng(0)
    levels = rng.random((9, 3))
    who = resampled(9, rng)[:20]
    together = diversity(levels[who])
    for k, places in enumerate(who):
        one = diversity(levels[places])
        assert all(float(one[name]) == pytest.approx(float(together[name][k]), nan_ok=True) for name in MEASURES)


def test_agreement_has_no_entropy_and_no_camps_and_two_camps_have() -> None:
    same = diversity(np.full((6, 1), 0.5))
    assert (float(same["entropy"]), float(same["hill_1"]), float(same["variance"])) == (0, 1, 0)
    assert math.isnan(same["bimodality"])
    split = diversity(np.array([[0.1]] * 10 + [[0.9]] * 10))
    assert float(split["hill_2"]) == pytest.approx(2) and float(split["bimodality"]) > 5 / 9


def test_intervals_leave_undefined_draws_out_and_give_up_when_most_are() -> None:
    assert bounds(np.array([1.0, math.nan, 1.0])) == (1.0, 1.0)
    assert all(math.isnan(x) for x in bounds(np.array([1.0, math.nan, math.nan])))


def test_rows_hold_points_with_intervals_and_the_slope_of_those_who_stayed() -> None:
    rng = np.random.default_rng(1)
    before = {f"a{n}": {"x": float(rng.random()), "y": float(rng.random())} for n in range(12)}
    # Whoever leans further moves further that way: entrenchment by a half.
    now = {who: {c: 0.5 + 1.5 * (v - 0.5) for c, v in held.items()} for who, held in before.items() if who != "a0"}
    now["new"] = {"x": 0.3, "y": 0.3}
    rows = {(row["claim"], row["metric"]): row for row in metric_rows(now, before, ["x", "y"], 1)}
    slope = rows["", "slope"]
    assert (slope["value"], slope["n"]) == (pytest.approx(0.5), 22)
    assert slope["lo"] > 0
    pooled = rows["", "entropy"]
    assert pooled["lo"] <= pooled["hi"] and pooled["n"] == 12
    assert rows["x", "mean"]["value"] == pytest.approx(np.mean([held["x"] for held in now.values()]))
    assert ("", "slope") not in {(row["claim"], row["metric"]) for row in metric_rows(now, {}, ["x", "y"], 0)}


def test_a_slope_pairs_each_claim_of_each_person_with_itself() -> None:
    before, now = {"a": {"x": 0.1, "y": 0.2}, "b": {"x": 0.9, "y": 0.9}}, {"a": {"x": 0.3, "y": 0.4}}
    assert slope_pairs(now, before) == [("a", 0.1, 0.3), ("a", 0.2, 0.4)]
    assert entrenchment_slope([0.1, 0.2], [0.3, 0.4]).flag == "fewer than three pairs"


def test_topics_that_all_want_have_no_entropy_and_even_ones_have_all_of_it() -> None:
    one, even = ([1.0, 0.0, 0.0],) * 5, ([1 / 3] * 3,) * 5
    (low, *shares), (high, *_) = topic_rows(one, "abc"), topic_rows(even, "abc")
    assert (low["value"], low["lo"], low["hi"]) == (0.0, 0.0, 0.0)
    assert high["value"] == pytest.approx(math.log(3)) == high["lo"] == pytest.approx(high["hi"])
    assert [row["value"] for row in shares] == [1.0, 0.0, 0.0] and shares[0]["claim"] == "a"
    split = topic_rows([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], "ab")[0]
    assert split["lo"] <= split["value"] <= split["hi"] and split["n"] == 3


def test_words_are_as_far_apart_as_the_sets_that_they_make() -> None:
    said = [
        ("a", "Keep the old law"),
        ("a", "keep THE old law!"),
        ("a", "Break every promise"),
        ("b", "keep it"),
        ("b", ""),
    ]
    (row,) = word_rows(said)
    assert row["value"] == pytest.approx((0 + 1 + 1) / 3) and row["n"] == 4
    assert row["lo"] < row["value"] < row["hi"]
    assert word_rows([("a", "One voice"), ("b", "another voice")]) == []
