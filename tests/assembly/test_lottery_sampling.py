"""The two yardsticks: a simple random sample and a stratified one: what they promise and what not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.errors import UserError
from societies.assembly.lottery import (
    Instance,
    Quota,
    checks,
    draw,
    draw_up,
    draws,
    instance,
    leximin,
    simple_random,
    stratified,
)
from societies.assembly.lottery.sampling import expected_seats
from tests.assembly.lottery_brute import all_panels, small_pool


@settings(deadline=None, max_examples=40)
@given(st.integers(2, 9), st.integers(1, 9), st.integers(0, 5))
def test_a_simple_random_sample_gives_everybody_the_same_chance_exactly(n: int, k: int, seed: int) -> None:
    k = min(k, n)
    found = simple_random(instance([str(i) for i in range(n)], {}, [], k), seed=seed)
    assert found.pi == pytest.approx(k / n, abs=1e-12)
    assert found.q.sum() == pytest.approx(1.0)
    assert (found.panels.sum(axis=1) == k).all()


def test_a_random_sample_is_written_out_as_at_least_a_thousand_panels() -> None:
    quotas = [Quota(feature="f", value=value, least=0, most=2) for value in "ab"]
    found = simple_random(instance([str(i) for i in range(601)], {"f": ["a"] * 300 + ["b"] * 301}, quotas, 2))
    # A circle holds 601 panels, so that two are drawn: the weights are not all multiples of 1 / 601.
    assert found.q * 1202 == pytest.approx(np.round(found.q * 1202))
    assert not np.allclose(found.q * 601, np.round(found.q * 601), atol=0.1)


def test_every_set_of_people_is_as_likely_as_any_other() -> None:
    pool = instance([str(i) for i in range(6)], {"f": list("aabbcc")}, [], 2)
    seen = [tuple(draw(simple_random(pool, seed=seed), seed).tolist()) for seed in range(400)]
    counts = np.unique(seen, axis=0, return_counts=True)[1]
    assert len(counts) == 15
    # Chi-square with 14 degrees of freedom; beyond 36 one in a thousand.
    assert float(((counts - 400 / 15) ** 2 / (400 / 15)).sum()) < 36


def test_a_random_sample_says_how_often_it_meets_the_quotas() -> None:
    pool = small_pool(0)
    found = simple_random(pool, seed=1)
    share = len(all_panels(pool)) / 126
    assert dict(found.log)["meets_quotas"] == pytest.approx(share, abs=0.05)
    assert not checks(found)["every_panel_meets_size_quotas_and_households"]


def test_no_household_sits_twice_in_a_random_sample() -> None:
    pool = instance(list("abcdef"), {}, [], 3, households=["x", "x", "x", "y", "z", "w"])
    for row in draws(simple_random(pool), 50, 3):
        assert len(set(pool.households[row].tolist())) == 3  # type: ignore[index]
    assert simple_random(pool).pi[:3].sum() == pytest.approx(0.75, abs=0.05)
    with pytest.raises(UserError, match="4 households"):
        draw_up(instance(list("abcdef"), {}, [], 5, households=["x", "x", "x", "y", "z", "w"]), "random")


@pytest.mark.parametrize("seed", range(6))
def test_a_stratified_sample_meets_the_quotas_on_average_and_is_no_less_equal_than_leximin(seed: int) -> None:
    pool = small_pool(seed)
    found = stratified(pool)
    expected = found.pi @ pool.member
    assert all(q.least - 1e-6 <= seats <= q.most + 1e-6 for q, seats in zip(pool.quotas, expected, strict=True))
    # Lotteries over panels are some of those that meet the quotas on average, so the worst off cannot lose.
    best = leximin(pool)
    if not best.excluded:
        assert found.pi.min() >= best.pi.min() - 1e-6


@pytest.mark.parametrize("seed", range(6))
def test_each_stratum_gets_its_expected_seats_rounded_up_or_down(seed: int) -> None:
    pool = small_pool(seed)
    found = stratified(pool)
    seats = expected_seats(found.types.polytope)
    assert found.q @ found.panels == pytest.approx(seats, abs=1e-6)
    assert (np.abs(found.panels - seats) < 1 + 1e-9).all()
    assert (found.panels.sum(axis=1) == pool.k).all()
    assert found.pi.sum() == pytest.approx(pool.k)


def one_feature(counts: dict[str, int], quotas: dict[str, tuple[int, int]], k: int) -> Instance:
    column = [value for value, num in counts.items() for _ in range(num)]
    lines = [Quota(feature="f", value=v, least=low, most=high) for v, (low, high) in quotas.items()]
    return instance([str(n) for n in range(len(column))], {"f": column}, lines, k)


def test_with_one_feature_a_stratified_panel_always_meets_the_quotas() -> None:
    pool = one_feature({"a": 10, "b": 2}, {"a": (2, 2), "b": (2, 2)}, 4)
    found = stratified(pool)
    assert dict(found.log)["meets_quotas"] == pytest.approx(1.0)
    assert found.pi == pytest.approx(np.where(np.arange(12) < 10, 0.2, 1.0))


def test_wide_quotas_leave_chances_equal() -> None:
    found = stratified(one_feature({"a": 9, "b": 3}, {"a": (0, 4), "b": (0, 4)}, 4))
    assert found.pi == pytest.approx(1 / 3)


def test_quotas_that_cannot_be_met_even_on_average_name_the_smallest_change() -> None:
    with pytest.raises(UserError, match="No panel of 4"):
        draw_up(one_feature({"a": 9, "b": 1}, {"a": (0, 2), "b": (2, 4)}, 4), "stratified")
