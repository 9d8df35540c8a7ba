"""Juries: the draw, the median of means, and the fewest swaps of seats that turn a verdict."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.errors import UserError
from societies.assembly.jury import draw_juries, fewest_swaps, jury, median_of_means, seats_by_group

GROUPS = ["a"] * 10 + ["b"] * 8


def test_juries_follow_the_plan_and_nobody_sits_twice() -> None:
    members = seats_by_group(GROUPS, {"a": 7, "b": 5})
    seated = draw_juries(members, {"a": 7, "b": 5}, 50, np.random.default_rng(0))
    assert seated.shape == (50, 12)
    assert (seated[:, :7] < 10).all() and (seated[:, 7:] >= 10).all()
    assert all(len(set(row)) == 12 for row in seated.tolist())


def test_the_verdict_is_the_median_over_juries_of_their_means() -> None:
    x = np.array([[0.0], [1.0], [1.0]])
    assert median_of_means(x, np.array([[0, 1], [1, 2], [0, 2]])).tolist() == [0.5]
    assert median_of_means(x, np.array([[0, 0], [1, 2], [1, 2]])).tolist() == [1.0]


def test_a_full_bench_has_no_luck_in_it() -> None:
    x = np.column_stack([np.r_[np.ones(10), np.zeros(8)], np.full(18, 0.25)])
    steady, other = jury(x, GROUPS, {"a": 10, "b": 8}, threshold=0.5, num_juries=5, num_resamples=20)
    assert steady.value == pytest.approx(10 / 18) and steady.dissent == pytest.approx(8 / 18)
    # Resampling within groups cannot change judgements that are equal within groups.
    assert (steady.lo, steady.hi) == pytest.approx((10 / 18, 10 / 18))
    assert steady.by_group == {"a": 1.0, "b": 0.0}
    assert steady.swaps.num == 2 and steady.swaps.moves == (("a", "b"),) * 2
    assert other.value == 0.25 and other.swaps.num is None


def test_the_interval_covers_the_pool_mean_and_the_seed_fixes_it() -> None:
    rng = np.random.default_rng(1)
    x = rng.random((60, 3))
    groups = ["a", "b", "c"] * 20
    plan = {"a": 4, "b": 4, "c": 4}
    one = jury(x, groups, plan, threshold=0.5, num_resamples=100, seed=2)
    assert one == jury(x, groups, plan, threshold=0.5, num_resamples=100, seed=2)
    for item, verdict in enumerate(one):
        assert verdict.lo <= verdict.value <= verdict.hi
        assert verdict.lo < x[:, item].mean() < verdict.hi and verdict.hi - verdict.lo > 0.05


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 10**6))
def test_fewest_swaps_equal_all_seatings_tried(seed: int) -> None:
    rng = np.random.default_rng(seed)
    means = {g: float(rng.integers(0, 9)) / 8 for g in "abc"}
    plan = {g: int(rng.integers(0, 4)) for g in "abc"}
    total = sum(plan.values())
    if not total:
        return
    threshold = float(rng.integers(1, 8)) / 8 + 0.01

    def verdict(seats: tuple[int, ...]) -> bool:
        return sum(means[g] * s for g, s in zip("abc", seats, strict=True)) / total >= threshold

    now = tuple(plan[g] for g in "abc")
    turned = [
        sum(max(0, a - b) for a, b in zip(now, seats, strict=True))
        for seats in product(range(total + 1), repeat=3)
        if sum(seats) == total and verdict(seats) != verdict(now)
    ]
    found = fewest_swaps(means, plan, threshold)
    assert found.num == (min(turned) if turned else None)


def test_plans_that_cannot_be_seated_say_why() -> None:
    with pytest.raises(UserError, match="Did you mean"):
        seats_by_group(["women", "men"], {"womn": 1})
    with pytest.raises(UserError, match="Nobody sits twice"):
        seats_by_group(["a"], {"a": 2})
    with pytest.raises(UserError, match="no seats"):
        seats_by_group(["a"], {"a": 0})
    with pytest.raises(ValueError, match="finite"):
        jury(np.array([[np.nan]]), ["a"], {"a": 1}, threshold=0.5)
