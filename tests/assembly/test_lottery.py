"""Lotteries: LEXIMIN against brute force, the properties every lottery must have, and the other methods' own claims."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from agents.errors import UserError
from societies.assembly import lottery as package
from societies.assembly.lottery import (
    METHODS,
    SAMPLES,
    Instance,
    Quota,
    checks,
    draw,
    draw_up,
    draws,
    fairness,
    goldilocks,
    hard_weights,
    instance,
    legacy,
    leximin,
    maximin,
    nash,
    person_panels,
    soft_weights,
    tickets,
    types_of,
)
from tests.assembly.lottery_brute import all_panels, leximin_by_brute_force, small_pool

SEEDS = range(6)


@pytest.mark.parametrize("houses", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
def test_leximin_is_what_brute_force_finds(seed: int, houses: bool) -> None:
    pool = small_pool(seed, houses=houses)
    expected = leximin_by_brute_force(all_panels(pool))
    assert leximin(pool).pi == pytest.approx(expected, abs=2e-6)
    assert leximin(pool, exact=True).pi == pytest.approx(expected, abs=2e-6)


@pytest.mark.parametrize(("seed", "houses"), [(40, False), (11, True), (13, True)])
def test_where_no_lottery_attains_the_bound_columns_are_generated_to_the_end(seed: int, houses: bool) -> None:
    pool = small_pool(seed, n=10, houses=houses)
    found = leximin(pool)
    assert dict(found.log)["proof"] == "column generation"
    assert found.pi == pytest.approx(leximin_by_brute_force(all_panels(pool)), abs=2e-6)


@pytest.mark.parametrize("houses", [False, True])
@pytest.mark.parametrize("method", sorted(set(METHODS) - SAMPLES))
def test_every_lottery_is_one(method: str, houses: bool) -> None:
    pool = small_pool(3, houses=houses)
    found = draw_up(pool, method)
    assert all(checks(found).values())
    assert found.pi.sum() == pytest.approx(pool.k)
    known = {tuple(np.flatnonzero(row)) for row in all_panels(pool)}
    people, weights = person_panels(found)
    assert all(tuple(row) in known for row in people.tolist())
    assert weights.sum() == pytest.approx(1.0)
    pi = np.zeros(pool.n)
    np.add.at(pi, people, weights[:, None])
    assert pi == pytest.approx(found.pi, abs=1e-12)
    assert all(tuple(row) in known for row in draws(found, 30, 5).tolist())
    assert all(tuple(row) in known for row in tickets(found, 40).panels.tolist())


def test_no_other_method_is_fairer_to_the_worst_off_than_leximin() -> None:
    pool = small_pool(4)
    best = np.sort(leximin(pool).pi)
    for method in ("maximin", "nash", "goldilocks"):
        other = np.sort(draw_up(pool, method).pi)
        differs = np.flatnonzero(np.abs(best - other) > 1e-5)
        assert not len(differs) or best[differs[0]] > other[differs[0]]


def test_each_method_is_best_by_its_own_measure() -> None:
    pool = small_pool(5, n=12, k=5)
    even = pool.k / pool.n
    pis = {name: draw_up(pool, name).pi for name in ("leximin", "maximin", "nash", "goldilocks")}
    pis = {name: pi[pis["leximin"] > 1e-9] for name, pi in pis.items()}
    balance = {name: pi.max() / even + even / pi.min() for name, pi in pis.items()}
    assert pis["maximin"].min() == pytest.approx(pis["leximin"].min(), abs=2e-6)
    assert all(np.log(pis["nash"]).mean() >= np.log(pi).mean() - 1e-3 for pi in pis.values())
    assert all(balance["goldilocks"] <= value + 1e-5 for value in balance.values())


def test_the_gap_of_nash_is_proven() -> None:
    log = dict(nash(small_pool(1), gap=1e-4).log)
    assert log["proven_gap"] <= 1e-4


def test_a_large_gamma_turns_goldilocks_to_the_smallest_chance() -> None:
    pool = small_pool(2)
    assert goldilocks(pool, gamma=1e6).pi.min() == pytest.approx(maximin(pool).pi.min(), abs=1e-4)
    with pytest.raises(UserError, match="gamma"):
        goldilocks(pool, gamma=0.0)


def relabelled(pool: Instance, order: np.ndarray) -> Instance:
    return replace(
        pool, people=tuple(pool.people[i] for i in order), codes=pool.codes[order], member=pool.member[order]
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_relabelling_people_moves_their_chances_along(seed: int) -> None:
    pool = small_pool(seed)
    order = np.random.default_rng(seed).permutation(pool.n)
    assert leximin(relabelled(pool, order)).pi == pytest.approx(leximin(pool).pi[order], abs=2e-6)


def test_equal_features_mean_equal_chances() -> None:
    pool = small_pool(0)
    pi = leximin(pool).pi
    for row in np.unique(pool.codes, axis=0):
        alike = pi[(pool.codes == row).all(axis=1)]
        assert alike == pytest.approx(alike[0])


def test_without_quotas_everybody_has_the_same_chance() -> None:
    pool = instance(list("abcdefg"), {}, [], 3)
    for method in ("leximin", "maximin", "nash", "goldilocks", "legacy"):
        assert draw_up(pool, method).pi == pytest.approx(3 / 7)


def test_people_in_no_panel_are_named_and_get_no_chance() -> None:
    columns = {"town": ["a", "a", "a", "b"], "trade": ["x", "x", "x", "y"]}
    quotas = [
        Quota(feature="town", value="a", least=1, most=2),
        Quota(feature="town", value="b", least=0, most=1),
        Quota(feature="trade", value="x", least=2, most=2),
        Quota(feature="trade", value="y", least=0, most=0),
    ]
    found = leximin(instance(list("1234"), columns, quotas, 2))
    assert found.excluded == ("4",)
    assert found.pi == pytest.approx([2 / 3, 2 / 3, 2 / 3, 0])


def test_intersections_can_have_quotas() -> None:
    columns = {"sex": ["f", "f", "m", "m"], "age": ["y", "o", "y", "o"]}
    quotas = [Quota(feature="sex & age", value="f & y", least=1, most=1)]
    assert leximin(instance(list("abcd"), columns, quotas, 2)).pi == pytest.approx([1, 1 / 3, 1 / 3, 1 / 3])


def test_households_never_sit_twice_and_share_types_when_alike() -> None:
    columns = {"sex": ["f", "m", "f", "m", "f", "m"]}
    quotas = [Quota(feature="sex", value="f", least=1, most=2), Quota(feature="sex", value="m", least=1, most=2)]
    pool = instance(list("abcdef"), columns, quotas, 3, ["h", "h", "i", "i", "j", "k"])
    assert types_of(pool).num == 4
    found = leximin(pool)
    assert found.pi[0] == pytest.approx(found.pi[2])
    assert pool.households is not None
    for panel in draws(found, 50, 0):
        assert len(set(pool.households[panel])) == 3


def test_the_same_seed_gives_the_same_lottery_and_panel() -> None:
    pool = small_pool(2)
    first, again = leximin(pool, seed=4), leximin(pool, seed=4)
    assert (first.panels == again.panels).all() and (first.q == again.q).all()
    assert (draw(first, 8) == draw(again, 8)).all()
    assert package.certificate(first)["digest"] == package.certificate(again)["digest"]


def test_draws_have_the_chances_that_were_promised() -> None:
    found = leximin(small_pool(5))
    shares = np.bincount(draws(found, 4000, 1).ravel(), minlength=found.pool.n) / 4000
    assert np.abs(shares - found.pi).max() < 4 * np.sqrt(0.25 / 4000)


def test_legacy_estimates_equal_chances_where_only_those_are_possible() -> None:
    pool = instance(
        [str(i) for i in range(8)],
        {"f": list("aabbaabb")},
        [Quota(feature="f", value="a", least=2, most=2), Quota(feature="f", value="b", least=2, most=2)],
        4,
    )
    assert legacy(pool, num_draws=200).pi == pytest.approx(0.5)


def test_legacy_gives_up_in_words() -> None:
    columns = {"f": ["a"] * 3, "g": ["x", "y", "z"]}
    quotas = [Quota(feature="g", value="x", least=1, most=1), Quota(feature="g", value="y", least=1, most=1)]
    pool = instance(list("123"), columns, [*quotas, Quota(feature="g", value="z", least=1, most=1)], 2)
    with pytest.raises(UserError, match="LEGACY found no panel"):
        legacy(pool, num_draws=5)
    with pytest.raises(UserError, match="No panel of 2 meets all 3 quotas"):
        draw_up(pool, "leximin")


def test_soft_weights_are_the_mean_of_hard_weights() -> None:
    # The mean hard-panel loss over the lottery is the soft-panel loss, for any loss per person.
    found = leximin(small_pool(1))
    n, k = found.pool.n, found.pool.k
    losses = np.random.default_rng(0).normal(size=n)
    people, weights = person_panels(found)
    hard = sum(q * (hard_weights(panel, n) @ losses) for panel, q in zip(people, weights, strict=True))
    soft = soft_weights(found.pi, k)
    assert soft.sum() == pytest.approx(1.0)
    assert hard == pytest.approx(soft @ losses, abs=1e-12)
    with pytest.raises(ValueError, match="sum to"):
        soft_weights(found.pi, k + 1)


def test_fairness_figures_of_known_lists() -> None:
    figures = fairness(np.array([0.0, 0.0, 0.0, 1.0]))
    assert (figures.smallest, figures.largest, figures.geometric_mean) == (0.0, 1.0, 0.0)
    assert figures.gini == pytest.approx(3 / 4)
    assert package.gini(np.full(9, 0.3)) == pytest.approx(0.0, abs=1e-12)
    assert package.gini(np.array([1.0, 2.0, 3.0])) == pytest.approx(2 * 14 / (3 * 6) - 4 / 3)
    assert package.geometric_mean(np.array([0.25, 1.0])) == pytest.approx(0.5)


def test_a_solver_that_fails_is_never_replaced_by_another_method(monkeypatch: pytest.MonkeyPatch) -> None:
    from societies.assembly.lottery import programme

    class Broken:
        status, message = 4, "numerical trouble"

    monkeypatch.setattr(programme, "linprog", lambda *_, **__: Broken())
    for method in ("leximin", "maximin", "goldilocks"):
        with pytest.raises(UserError, match="solver stopped"):
            draw_up(small_pool(0), method)
