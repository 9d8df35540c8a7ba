"""Committees, budgets and transferable votes: brute force, guarantees, and examples from the papers."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from societies.assembly import rules as r
from societies.assembly.rules.committees import harmonic

quick = settings(max_examples=25, deadline=None, derandomize=True)
seeds = st.integers(0, 10**6)


def electorate(seed: int) -> tuple[np.ndarray, int]:
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(3, 10)), int(rng.integers(3, 7))
    approvals = rng.random((n, m)) < rng.uniform(0.2, 0.7)
    return approvals, int(rng.integers(1, m))


@quick
@given(seeds)
def test_pav_and_chamberlin_courant_equal_all_committees_tried(seed: int) -> None:
    a, k = electorate(seed)
    scores = {w: harmonic(k)[a[:, list(w)].sum(axis=1)].sum() for w in combinations(range(a.shape[1]), k)}
    found = r.pav(a, k)
    assert found.exact and found.score == pytest.approx(max(scores.values()))
    assert found.num_ties + 1 == sum(abs(s - found.score) < 1e-9 for s in scores.values())
    covered = {w: int(a[:, list(w)].any(axis=1).sum()) for w in scores}
    assert r.chamberlin_courant(a, k).score == max(covered.values())
    greedy = int(a[:, list(r.coverage(a, k).members)].any(axis=1).sum())
    assert greedy >= (1 - 1 / np.e) * max(covered.values()) - 1e-9


@quick
@given(seeds)
def test_guarantees_of_representation_hold(seed: int) -> None:
    a, k = electorate(seed)
    for committee in (r.pav(a, k), r.method_of_equal_shares(a, k), r.method_of_equal_shares(a, k, completion="pav")):
        assert r.ejr_failure(a, committee.members, k) is None
        assert r.ejr_plus_failure(a, committee.members, k) is None
    assert r.pjr_failure(a, r.phragmen(a, k).members, k) is None
    for committee in (r.coverage(a, k), r.chamberlin_courant(a, k)):
        assert r.jr_failure(a, committee.members, k) is None


@quick
@given(seeds)
def test_the_checkers_are_ordered_by_strength(seed: int) -> None:
    a, k = electorate(seed)
    rng = np.random.default_rng(seed)
    members = rng.choice(a.shape[1], size=k, replace=False).tolist()
    failures = [
        check(a, members, k) is not None for check in (r.jr_failure, r.pjr_failure, r.ejr_failure, r.ejr_plus_failure)
    ]
    assert failures == sorted(failures)


@quick
@given(seeds)
def test_ejr_and_pjr_checkers_equal_their_definitions_over_groups(seed: int) -> None:
    a, k = electorate(seed)
    a = a[:6]
    n, m = a.shape
    members = np.random.default_rng(seed).choice(m, size=k, replace=False).tolist()
    ejr = pjr = False
    for size in range(1, n + 1):
        for group in combinations(range(n), size):
            common = int(a[list(group)].all(axis=0).sum())
            level = min(common, int(size * k / n + 1e-9))
            if level:
                inside = a[list(group)][:, members]
                ejr |= int(inside.sum(axis=1).max()) < level
                pjr |= int(inside.any(axis=0).sum()) < level
    assert (r.ejr_failure(a, members, k) is not None) == ejr
    assert (r.pjr_failure(a, members, k) is not None) == pjr


def test_a_large_group_cannot_take_every_seat() -> None:
    # 6 approve 0-3, 3 approve 4: with three seats the third of the voters earns one.
    a = np.zeros((9, 5), dtype=bool)
    a[:6, :4] = True
    a[6:, 4] = True
    for rule in (r.pav, r.sequential_pav, r.phragmen, r.method_of_equal_shares, r.chamberlin_courant, r.monroe):
        assert 4 in rule(a, 3).members
    assert r.jr_failure(a, (0, 1, 2), 3) is not None
    witness = r.ejr_plus_failure(a, (0, 1, 2), 3)
    assert witness is not None and witness.voters == (6, 7, 8) and witness.level == 1


def test_phragmen_follows_his_loads() -> None:
    # Loads by hand: 0 costs its three supporters 1/3; then 1 (two of them and one more) 5/9, 2 (two others) 1/2.
    a = np.array([[1, 1, 0], [1, 1, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 1]], dtype=bool)
    assert r.phragmen(a, 3).order == (0, 2, 1)
    assert r.phragmen(a, 3).num_ties == 1


def test_equal_shares_fills_empty_seats_only_when_asked() -> None:
    a = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0]], dtype=bool)
    assert r.method_of_equal_shares(a, 2, completion="none").members == (0,)
    assert r.method_of_equal_shares(a, 2).members == (0, 1)
    assert "1 filled by phragmen" in r.method_of_equal_shares(a, 2).note
    with pytest.raises(ValueError, match="none of"):
        r.method_of_equal_shares(a, 2, completion="luck")


@quick
@given(seeds)
def test_weights_are_repeated_voters(seed: int) -> None:
    a, k = electorate(seed)
    times = np.random.default_rng(seed).integers(1, 4, len(a))
    many = np.repeat(a, times, axis=0)
    for rule in (r.pav, r.sequential_pav, r.phragmen, r.coverage, r.chamberlin_courant, r.method_of_equal_shares):
        assert rule(a, k, weights=times.astype(float)).order == rule(many, k).order


def test_searches_say_that_they_searched_and_keep_their_guarantee() -> None:
    a = np.random.default_rng(0).random((60, 22)) < 0.25
    found = r.pav(np.repeat(a, 40, axis=0), 9)
    assert not found.exact and found.note.startswith("heuristic")
    assert r.ejr_plus_failure(a, found.members, 9) is None


@quick
@given(seeds)
def test_monroe_equals_all_committees_and_all_balanced_assignments(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a = rng.random((5, 4)) < 0.5
    best = 0
    for w in combinations(range(4), 2):
        for first in (2, 3):
            for group in combinations(range(5), first):
                rest = [i for i in range(5) if i not in group]
                best = max(best, int(a[list(group), w[0]].sum() + a[rest, w[1]].sum()))
    assert r.monroe(a, 2).score == best


def test_budgets_buy_at_the_best_rate_and_share_the_price() -> None:
    # Budget 10 over 4 voters: 2.5 each. Project 0 (cost 4, four fans) costs 1 each; project 1 (cost 3, two fans) 1.5.
    u = np.array([[1, 1, 0], [1, 1, 0], [1, 0, 1], [1, 0, 0]], dtype=float)
    found = r.equal_shares(u, np.array([4.0, 3.0, 5.0]), 10.0)
    assert found.projects == (0, 1) and found.rates == pytest.approx((1, 1.5))
    assert found.money.tolist() == pytest.approx([0, 0, 1.5, 1.5]) and found.spent == 7
    assert r.greedy_budget(u, np.array([4.0, 3.0, 5.0]), 10.0) == (0, 1)
    more = r.equal_shares_add_one(u, np.array([4.0, 3.0, 3.0]), 10.0)
    assert more.projects == (0, 1, 2) and more.spent == 10


@quick
@given(seeds)
def test_budgets_never_overspend_and_rates_never_fall(seed: int) -> None:
    rng = np.random.default_rng(seed)
    u = rng.integers(0, 5, (8, 6)).astype(float)
    costs, budget = rng.integers(1, 9, 6).astype(float), float(rng.integers(5, 25))
    found = r.equal_shares(u, costs, budget)
    assert found.spent <= budget + 1e-9 and (found.money >= 0).all()
    assert found.money.sum() == pytest.approx(budget - found.spent)
    assert all(b >= a - 1e-9 for a, b in zip(found.rates, found.rates[1:], strict=False))
    assert r.equal_shares_add_one(u, costs, budget).spent <= budget + 1e-9


def test_transferable_votes_pass_surpluses_on() -> None:
    # Food for 20 guests, three dishes; quota 6. Oranges 4, pears 2 (to oranges), chocolate 12 (8 strawberries, 4 sweets
    # next), strawberries 1, sweets 1. The classroom example: chocolate, oranges, strawberries.
    names = "OPCSH"
    ballots = [(4, "O"), (2, "PO"), (8, "CS"), (4, "CH"), (1, "S"), (1, "H")]
    p = r.profile_from_orders([[names.index(c) for c in o] for k, o in ballots for _ in range(k)], 5)
    found = r.single_transferable_vote(p, 3)
    assert found.quota == 6 and [names[c] for c in found.order] == ["C", "O", "S"] and found.tie_break is None
    assert found.counts[1].votes == pytest.approx((4, 2, 0, 5, 3))
    assert found.counts[1].exhausted == pytest.approx(0)


@quick
@given(seeds)
def test_solid_groups_get_their_droop_seats(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, m, k = 20, 6, 3
    inside = int(rng.integers(6, 20))
    orders = []
    for voter in range(n):
        bloc, rest = rng.permutation(3), 3 + rng.permutation(3)
        orders.append([*bloc, *rest] if voter < inside else [*rest, *bloc])
    found = r.single_transferable_vote(r.profile_from_orders([list(map(int, o)) for o in orders], m), k, seed=seed)
    assert len(found.members) == k
    assert sum(c < 3 for c in found.members) >= min(3, inside // (n // (k + 1) + 1))


def test_seats_must_fit_the_candidates() -> None:
    for rule in (r.pav, r.phragmen, r.monroe):
        with pytest.raises(ValueError, match="seats cannot be filled"):
            rule(np.ones((3, 2), dtype=bool), 3)
    with pytest.raises(ValueError, match="seats cannot be filled"):
        r.single_transferable_vote(r.profile_of([[0, 1]]), 3)
