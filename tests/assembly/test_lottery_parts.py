"""Around the lottery: rounding, diagnosis, recruitment, alternates, representation, certificate, refused input."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.errors import UserError
from societies.assembly.lottery import (
    Quota,
    alternates,
    attitude_gaps,
    certificate,
    diagnose,
    diversimax,
    draw,
    draw_up,
    end_to_end,
    instance,
    invite,
    leximin,
    rebalance,
    respond,
    response_chance,
    share_gaps,
    tickets,
    total_variation,
)
from societies.assembly.lottery.certificate import digest
from societies.assembly.lottery.tickets import pipage
from tests.assembly.lottery_brute import all_panels, small_pool


@settings(max_examples=40, derandomize=True, deadline=None)
@given(st.lists(st.floats(0.001, 1.0), min_size=1, max_size=12), st.integers(1, 50), st.integers(0, 99))
def test_rounding_keeps_the_sum_and_moves_nobody_by_one(weights: list[float], total: int, seed: int) -> None:
    shares = np.array(weights) / sum(weights) * total
    rounded = pipage(shares, np.random.default_rng(seed))
    assert rounded.sum() == total
    assert (np.abs(rounded - shares) < 1).all()


def test_rounding_is_fair() -> None:
    shares = np.array([0.25, 0.25, 0.7, 1.8])
    mean = np.mean([pipage(shares, np.random.default_rng(seed)) for seed in range(3000)], axis=0)
    assert mean == pytest.approx(shares, abs=4 * 0.5 / np.sqrt(3000))


def test_tickets_state_their_largest_deviation_and_shrink_it() -> None:
    found = leximin(small_pool(5))
    few, many = tickets(found, 20), tickets(found, 2000)
    for printed in (few, many):
        share = np.bincount(printed.panels.ravel(), minlength=found.pool.n) / len(printed.panels)
        assert printed.deviation == pytest.approx(np.abs(share - found.pi).max())
    assert many.deviation < 0.01
    with pytest.raises(UserError, match="tickets"):
        tickets(found, 0)


def smallest_relaxation_by_brute_force(pool_quotas: tuple[Quota, ...], member: np.ndarray, k: int) -> int:
    best = 10**9
    for bits in product((0, 1), repeat=len(member)):
        if sum(bits) == k:
            counts = np.array(bits) @ member
            below = sum(max(0, q.least - c) for q, c in zip(pool_quotas, counts, strict=True))
            above = sum(max(0, c - q.most) for q, c in zip(pool_quotas, counts, strict=True))
            best = min(best, int(below + above))
    return best


@pytest.mark.parametrize("seed", range(5))
def test_the_relaxation_named_is_the_smallest_and_it_works(seed: int) -> None:
    pool = small_pool(seed)
    rng = np.random.default_rng(seed)
    quotas = tuple(
        replace(quota, least=int(low := rng.integers(0, 5)), most=int(low + rng.integers(0, 2)))
        for quota in pool.quotas
    )
    hard = replace(pool, quotas=quotas)
    found = diagnose(hard)
    assert found.num_seats == smallest_relaxation_by_brute_force(quotas, hard.member, hard.k)
    changed = {change.quota: replace(change.quota, least=change.least, most=change.most) for change in found.changes}
    assert len(all_panels(replace(hard, quotas=tuple(changed.get(quota, quota) for quota in quotas))))


def test_the_relaxation_stays_inside_the_flexible_range_when_it_can() -> None:
    columns = {"f": list("aaabbb")}
    stiff = Quota(feature="f", value="a", least=2, most=2, flex_least=2, flex_most=2)
    loose = Quota(feature="f", value="b", least=0, most=0, flex_least=0, flex_most=3)
    found = diagnose(instance(list("123456"), columns, [stiff, loose], 3))
    assert found.within_flex
    assert [str(change) for change in found.changes] == ["raise the maximum of f = b from 0 to 1"]
    outside = diagnose(instance(list("123456"), columns, [stiff, replace(loose, flex_most=0)], 3))
    assert not outside.within_flex and outside.num_seats == 1


def test_quotas_that_cannot_be_met_say_what_to_change() -> None:
    quotas = [Quota(feature="f", value="a", least=3, most=4), Quota(feature="f", value="b", least=2, most=4)]
    with pytest.raises(UserError) as refused:
        draw_up(instance(list("123456"), {"f": list("aabbbb")}, quotas, 4))
    text = str(refused.value)
    assert "No panel of 4 meets all 2 quotas" in text
    assert "f = a asks for at least 3, the pool has 2" in text
    assert "add up to 5, above the 4 seats" in text
    assert "lower the minimum of f = a from 3 to 2" in text


def test_too_few_households_is_said_as_such() -> None:
    with pytest.raises(UserError, match="2 households"):
        draw_up(instance(list("1234"), {}, [], 3, ["h", "h", "i", "i"]))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"people": ["a", "b", "a"]}, "stand twice"),
        ({"people": []}, "pool is empty"),
        ({"columns": {"f": ["x", " ", "y"]}}, "missing for 1 people"),
        ({"columns": {"f": ["x", "y"]}}, "2 values for 3 people"),
        ({"columns": {"f": ["x", "Y", "y"]}}, "do not list"),
        ({"columns": {"F": ["x", "y", "y"]}}, "no such column"),
        ({"k": 9}, "panel of 9"),
        ({"quotas": [Quota(feature="f", value="x", least=2, most=1)]}, "asks for 2 to 1"),
        ({"quotas": [Quota(feature="f", value="x", least=0, most=1)] * 2}, "given twice"),
        ({"quotas": [Quota(feature="f & g", value="x", least=0, most=1)]}, "joins 2 features and 1"),
        ({"quotas": [Quota(feature="f", value="x", least=1, most=1, flex_least=2)]}, "flexible range"),
    ],
)
def test_input_that_cannot_be_is_refused(change: dict[str, object], said: str) -> None:
    quotas = [Quota(feature="f", value="x", least=0, most=1), Quota(feature="f", value="y", least=0, most=2)]
    given_: dict[str, object] = {"people": ["a", "b", "c"], "columns": {"f": ["x", "y", "y"]}, "quotas": quotas, "k": 2}
    with pytest.raises(UserError, match=said):
        instance(**(given_ | change))  # type: ignore[arg-type]


def test_letters_go_to_strata_by_share_and_never_twice() -> None:
    strata = np.repeat([0, 1, 2], [50, 30, 20])
    chosen, chance = invite(strata, 20, seed=1)
    assert chosen.sum() == 20
    assert np.bincount(strata[chosen]).tolist() == [10, 6, 4]
    assert chance == pytest.approx(0.2)
    _, skewed = invite(strata, 20, shares=np.array([1.0, 1.0, 2.0]), seed=1)
    assert np.bincount(strata, skewed) == pytest.approx([5, 5, 10])
    with pytest.raises(UserError, match="Stratum 2"):
        invite(strata, 60, shares=np.array([1.0, 1.0, 2.0]))


def test_a_chance_from_end_to_end_is_the_product_of_its_stages() -> None:
    features = np.column_stack([np.ones(4), [0.0, 1.0, -800.0, 800.0]])
    chance = response_chance(features, np.array([0.0, 1.0]))
    assert chance == pytest.approx([0.5, 1 / (1 + np.exp(-1)), 0.0, 1.0])
    assert end_to_end(0.1 * chance, np.full(4, 0.5)) == pytest.approx(0.05 * chance)
    answers = respond(np.full(20_000, 0.3), seed=2)
    assert answers.mean() == pytest.approx(0.3, abs=0.02)


def test_alternates_replace_the_kinds_of_people_who_may_drop_out() -> None:
    columns = {"f": list("aaaaabbbbbbb")}
    quotas = [Quota(feature="f", value="a", least=2, most=2), Quota(feature="f", value="b", least=2, most=2)]
    pool = instance([str(i) for i in range(12)], columns, quotas, 4)
    panel = np.array([0, 1, 5, 6])
    dropout = np.where(pool.codes[:, 0] == 0, 0.9, 0.0)
    reserve = alternates(pool, panel, 2, dropout)
    assert [columns["f"][i] for i in reserve.people] == ["a", "a"]
    assert not set(reserve.people) & set(panel)
    assert reserve.loss == pytest.approx(0.0, abs=1e-9) and reserve.loss_without > 1
    again, loss = rebalance(pool, panel, np.array([1]), reserve.people)
    assert len(again) == 4 and loss == pytest.approx(0.0) and 1 not in again
    with pytest.raises(UserError, match="8 others"):
        alternates(pool, panel, 9, dropout)


def test_alternates_leave_the_panels_households_alone() -> None:
    pool = instance(list("abcdef"), {}, [], 2, ["h", "i", "h", "i", "j", "j"])
    reserve = alternates(pool, np.array([0, 1]), 1, np.full(6, 0.5))
    assert set(reserve.people) <= {4, 5}
    with pytest.raises(UserError, match="1 others"):
        alternates(pool, np.array([0, 1]), 2, np.full(6, 0.5))


def test_diversimax_finds_the_most_even_panel() -> None:
    pool = small_pool(7)
    found = diversimax(pool)

    def uneven(panel: np.ndarray) -> float:
        total = 0.0
        for a, b in ((0, 1), (0, 2), (1, 2)):
            cells = product(range(len(pool.values[a])), range(len(pool.values[b])))
            goal = pool.k / (len(pool.values[a]) * len(pool.values[b]))
            both = pool.codes[panel > 0]
            total += sum(abs(((both[:, a] == x) & (both[:, b] == y)).sum() - goal) for x, y in cells)
        return total

    best = min(uneven(row) for row in all_panels(pool))
    mine = np.zeros(pool.n)
    mine[draw(found, 0)] = 1
    assert uneven(mine) == pytest.approx(best)
    assert dict(found.log)["unevenness"] == pytest.approx(best)


def test_representation_gaps_of_a_known_pool() -> None:
    pool = instance(list("abcd"), {"f": list("xxyy"), "g": list("uvuv")}, [], 2)
    weights = np.array([1.0, 1.0, 0.0, 0.0])
    gaps = share_gaps(pool, weights, np.ones(4))
    assert total_variation(gaps) == pytest.approx({"f": 0.5, "g": 0.0})
    pairs = share_gaps(pool, weights, np.ones(4), pairs=True)
    assert {gap.value: gap.gap for gap in pairs} == pytest.approx(
        {"x & u": 0.25, "x & v": 0.25, "y & u": -0.25, "y & v": -0.25}
    )
    (attitude,) = attitude_gaps(("left",), np.array([[1.0], [1.0], [0.0], [0.0]]), weights, np.ones(4))
    assert (attitude.mean, attitude.reference, attitude.standardised) == (1.0, 0.5, 1.0)
    with pytest.raises(ValueError, match="positive sum"):
        share_gaps(pool, np.zeros(4), np.ones(4))


def test_the_certificate_notices_a_changed_pool_or_lottery() -> None:
    pool = small_pool(1)
    found = leximin(pool)
    said = certificate(found, tickets(found, 10))
    assert all(said["checks"].values())
    assert said["digest"] == digest({key: value for key, value in said.items() if key != "digest"})
    other = leximin(replace(pool, people=tuple(f"q{i}" for i in range(pool.n))))
    assert certificate(other)["pool_digest"] != said["pool_digest"]
    broken = replace(found, panels=found.panels + 1)
    assert not certificate(broken)["checks"]["every_panel_meets_size_quotas_and_households"]
    assert certificate(broken)["lottery_digest"] != said["lottery_digest"]
