"""Thurstone utilities: exact gradient, gauge, recovery of known utilities, orders averaged once, active edges."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from societies.assembly.utilities import (
    Answers,
    Priors,
    accuracy,
    average_orders,
    bootstrap,
    difference,
    edge_budget,
    edges,
    elicit,
    fit,
    foretold,
    hold_out,
    laplace,
    next_pairs,
    pseudo_labels,
)
from societies.assembly.utilities.active import ring
from societies.assembly.utilities.edges import pair_keys, together
from societies.assembly.utilities.oracles import Strict, Thurstonian
from societies.assembly.utilities.thurstone import GUARD, loss_and_gradient, preference, standardised

NO_PRIORS = Priors(utility=math.inf, log_variance=math.inf)
few = settings(max_examples=12, deadline=None, derandomize=True)


def all_pairs(num):
    first, second = np.triu_indices(num, 1)
    return first.astype(np.int64), second.astype(np.int64)


def sampled(num=12, draws=20, seed=0):
    rng = np.random.default_rng(seed)
    mu, var = rng.normal(size=num), np.exp(rng.normal(size=num) / 2) / 2
    oracle = Thurstonian(mu=mu, var=var, num_draws=draws, rng=rng)
    return mu, oracle(*all_pairs(num))


@few
@given(st.integers(0, 10_000), st.sampled_from([Priors(), NO_PRIORS]))
def test_the_gradient_is_that_of_the_loss(seed, priors):
    rng = np.random.default_rng(seed)
    _, data = sampled(6, seed=seed)
    x, step = rng.normal(size=12), 1e-6
    _, gradient = loss_and_gradient(x, data, priors)
    for k in range(12):
        up, down = x.copy(), x.copy()
        up[k] += step
        down[k] -= step
        slope = (loss_and_gradient(up, data, priors)[0] - loss_and_gradient(down, data, priors)[0]) / (2 * step)
        assert gradient[k] == pytest.approx(slope, rel=1e-4, abs=1e-4)


def test_the_loss_is_the_cross_entropy_written_out():
    data = edges(3, [0, 1], [1, 2], [0.8, 0.3], [2.0, 5.0])
    m, v = np.array([0.4, -0.1, 1.2]), np.array([0.5, 1.0, 2.0])
    mu, var = standardised(m, v)
    p = [preference(mu[a], mu[b], var[a], var[b]) for a, b in ((0, 1), (1, 2))]
    by_hand = -(2 * (0.8 * np.log(p[0]) + 0.2 * np.log(1 - p[0])) + 5 * (0.3 * np.log(p[1]) + 0.7 * np.log(1 - p[1])))
    loss, _ = loss_and_gradient(np.concatenate([m, np.log(v)]), data, NO_PRIORS)
    assert loss == pytest.approx(by_hand, rel=1e-12)


@few
@given(st.integers(0, 10_000), st.floats(0.05, 20), st.floats(-10, 10))
def test_scaling_and_shifting_utilities_changes_no_probability(seed, scale, shift):
    rng = np.random.default_rng(seed)
    mu, var = rng.normal(size=5), rng.uniform(0.1, 3, 5)
    first, second = all_pairs(5)
    once, again = standardised(mu, var), standardised(scale * mu + shift, scale**2 * var)
    for m, _ in (once, again):
        assert m.mean() == pytest.approx(0, abs=1e-9)
        assert np.mean(m**2) == pytest.approx(1)
    p, q = (preference(m[first], m[second], v[first], v[second]) for m, v in (once, again))
    assert p == pytest.approx(q, abs=1e-9)
    # Outside the gauge only the guard of 1e-5 tells the two apart.
    raw = preference(mu[first], mu[second], var[first], var[second])
    bent = preference(scale * mu[first], scale * mu[second], scale**2 * var[first], scale**2 * var[second])
    assert raw == pytest.approx(bent, abs=2 * GUARD / min(1, scale**2))


def test_flipping_pairs_changes_nothing_and_doubling_an_edge_is_double_weight():
    _, data = sampled()
    found, turned = fit(data), fit(data.flipped())
    assert found.mu == pytest.approx(turned.mu, abs=1e-4)
    doubled = fit(together(data, data.take(np.arange(10))))
    weighted = fit(edges(12, data.first, data.second, data.p, data.weight * np.where(np.arange(len(data)) < 10, 2, 1)))
    assert doubled.mu == pytest.approx(weighted.mu, abs=1e-4)
    assert np.abs(doubled.mu - found.mu).max() > 1e-3


@pytest.mark.parametrize("num", [2, 3, 9, 30])
def test_a_strict_order_is_recovered_without_a_mistake(num):
    value = np.random.default_rng(num).permutation(num).astype(np.float64)
    data = Strict(value=value)(*all_pairs(num))
    found = fit(data)
    assert accuracy(found, data).right.point == 1
    assert (np.argsort(found.mu) == np.argsort(value)).all()
    assert np.isfinite(found.mu).all() and np.isfinite(found.var).all()


def test_golden_recovery_of_forty_utilities_from_425_edges_of_20_draws():
    first, second = all_pairs(40)
    correlations = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        mu = rng.normal(size=40)
        oracle = Thurstonian(mu=mu, var=np.full(40, 0.3), num_draws=20, rng=rng)
        asked = rng.choice(first.size, edge_budget(40), replace=False)
        assert asked.size == 425
        correlations.append(np.corrcoef(fit(oracle(first[asked], second[asked])).mu, mu)[0, 1])
    assert np.mean(correlations) == pytest.approx(0.995, abs=0.003)
    assert min(correlations) > 0.99


def test_variances_are_recovered_when_there_are_answers_enough():
    rng = np.random.default_rng(3)
    mu, var = rng.normal(size=12), np.exp(rng.normal(size=12))
    data = Thurstonian(mu=mu, var=var, num_draws=20_000, rng=rng)(*all_pairs(12))
    found = fit(data)
    assert np.corrcoef(np.log(found.var), np.log(var))[0, 1] > 0.9
    assert found.mu == pytest.approx(standardised(mu, var)[0], abs=0.05)


def test_the_published_fit_without_priors_is_there_too():
    mu, data = sampled(20, draws=200)
    found = fit(data, priors=NO_PRIORS)
    assert np.corrcoef(found.mu, mu)[0, 1] > 0.99
    assert found.loss <= fit(data).loss + 1e-9


def test_five_hundred_options_fit_in_few_steps():
    rng = np.random.default_rng(0)
    mu = rng.normal(size=510)
    first, second = all_pairs(510)
    rows = rng.choice(first.size, edge_budget(510), replace=False)
    data = Thurstonian(mu=mu, var=np.full(510, 0.5), num_draws=20, rng=rng)(first[rows], second[rows])
    found = fit(data)
    assert len(data) == 9174
    assert found.converged and found.num_steps < 300
    assert np.corrcoef(found.mu, mu)[0, 1] > 0.99


def test_intervals_cover_the_true_utilities():
    covered, width = [], []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        mu = rng.normal(size=15)
        data = Thurstonian(mu=mu, var=np.full(15, 0.5), num_draws=30, rng=rng)(*all_pairs(15))
        sure = laplace(fit(data), data)
        covered.append((sure.lo <= standardised(mu, mu)[0]) & (standardised(mu, mu)[0] <= sure.hi))
        width.append(sure.se.mean())
    # 450 utilities, correlated within a fit: five standard errors of a share of .95.
    assert 0.90 <= np.mean(covered) <= 0.99
    assert 0.02 < np.mean(width) < 0.2


def test_the_bootstrap_tells_a_similar_story_to_the_curvature():
    _, data = sampled(15, draws=40, seed=2)
    found = fit(data)
    curved, drawn = laplace(found, data), bootstrap(found, data, num_resamples=40)
    assert 0.5 < np.median(drawn.se / curved.se) < 2
    assert (drawn.lo <= found.mu).mean() > 0.9
    same = bootstrap(found, data, num_resamples=40)
    assert (same.lo == drawn.lo).all()
    gap = difference(found, curved, int(found.mu.argmax()), int(found.mu.argmin()))
    assert gap.lo > 0 and gap.point == pytest.approx(np.ptp(found.mu))


def test_both_orders_are_averaged_and_their_gap_is_told():
    answers = Answers(
        num_options=3,
        shown_first=np.array([0, 1, 1, 0, 2]),
        shown_second=np.array([1, 0, 2, 1, 1]),
        p=np.array([0.9, 0.5, 0.7, 0.7, 0.5]),
        weight=np.array([3.0, 10.0, 4.0, 1.0, 2.0]),
    )
    asked, gap = average_orders(answers)
    assert asked.first.tolist() == [0, 1] and asked.second.tolist() == [1, 2]
    # In the order 0, 1 the mean is (3 * .9 + .7) / 4 = .85; in the order 1, 0 it is 1 - .5.
    assert asked.p == pytest.approx([(0.85 + 0.5) / 2, (0.7 + 0.5) / 2])
    assert asked.weight.tolist() == [14, 6]
    assert gap.gap.point == pytest.approx((0.35 + 0.2) / 2)
    assert gap.advantage.point == pytest.approx((0.35 + 0.2) / 4)
    assert (gap.num_both, gap.num_single) == (2, 0)


def test_a_pure_position_bias_cancels_and_shows_as_an_advantage():
    first, second = all_pairs(10)
    answers = Answers(
        num_options=10,
        shown_first=np.concatenate([first, second]),
        shown_second=np.concatenate([second, first]),
        p=np.full(2 * first.size, 0.8),
        weight=np.full(2 * first.size, 5.0),
    )
    asked, gap = average_orders(answers)
    assert asked.p == pytest.approx(0.5)
    assert gap.advantage.point == pytest.approx(0.3)
    assert gap.gap.point == pytest.approx(0.6)
    found = fit(asked)
    assert found.spread == pytest.approx(0, abs=1e-6) and np.abs(found.mu).max() < 1e-6


def test_pairs_asked_in_one_order_only_are_counted():
    answers = Answers(
        num_options=2, shown_first=np.array([1]), shown_second=np.array([0]), p=np.array([0.25]), weight=np.array([4.0])
    )
    asked, gap = average_orders(answers)
    assert asked.p.tolist() == [0.75]
    assert (gap.num_both, gap.num_single) == (0, 1)
    assert math.isnan(gap.gap.point) and math.isnan(gap.noise)


@few
@given(st.integers(0, 1000), st.floats(0.05, 0.5))
def test_held_out_pairs_are_in_neither_train_nor_pseudo_labels(seed, share):
    _, data = sampled(10, seed=seed)
    some = data.take(np.random.default_rng(seed).permutation(len(data))[:30])
    some = together(some, some.flipped().take(np.arange(7)))
    train, held = hold_out(some, share=share, seed=seed)
    assert len(train) + len(held) == len(some)
    assert not set(pair_keys(train)) & set(pair_keys(held))
    made = pseudo_labels(fit(train), some, confidence=0.8)
    assert not set(pair_keys(made)) & set(pair_keys(some))
    assert ((made.p >= 0.8) | (made.p <= 0.2)).all()


def test_a_ring_is_two_regular_and_connected():
    for num in (3, 4, 17):
        first, second = ring(num, np.random.default_rng(num))
        assert (np.bincount(np.concatenate([first, second]), minlength=num) == 2).all()
        seen, at = {int(first[0])}, int(first[0])
        for _ in range(num):
            at = int(second[np.flatnonzero(first == at)[0]])
            seen.add(at)
        assert len(seen) == num


@few
@given(st.integers(3, 20), st.integers(1, 60), st.integers(0, 1000))
def test_next_pairs_are_new_and_as_many_as_asked_or_all_that_are_left(num_options, num, seed):
    rng = np.random.default_rng(seed)
    first, second = ring(num_options, rng)
    asked = edges(num_options, first, second, np.full(first.size, 0.5))
    a, b = next_pairs(rng.normal(size=num_options), asked, num, rng)
    fresh = pair_keys(edges(num_options, a, b, np.full(a.size, 0.5)))
    left = num_options * (num_options - 1) // 2 - np.unique(pair_keys(asked)).size
    assert np.unique(fresh).size == fresh.size == min(num, left)
    assert not set(fresh) & set(pair_keys(asked))


def test_next_pairs_are_close_and_rarely_asked():
    rng = np.random.default_rng(1)
    mu = np.sort(rng.normal(size=60))
    first, second = ring(60, rng)
    busy = edges(60, np.concatenate([first, [0] * 20]), np.concatenate([second, range(20, 40)]), np.full(80, 0.5))
    a, b = next_pairs(mu, busy, 30, rng)
    everywhere = np.abs(mu[:, None] - mu[None, :])[np.triu_indices(60, 1)]
    assert np.abs(mu[a] - mu[b]).max() <= np.quantile(everywhere, 0.12)
    assert not ((a == 0) | (b == 0)).any()


def test_an_elicitation_keeps_to_its_budget_and_beats_a_ring():
    rng = np.random.default_rng(5)
    mu = rng.normal(size=40)
    oracle = Thurstonian(mu=mu, var=np.full(40, 0.5), num_draws=20, rng=rng)
    found = elicit(oracle, 40, batch=100, seed=1)
    assert len(found.train) + len(found.held) == edge_budget(40) == 425
    assert found.num_rounds == math.ceil((425 - 40 - len(found.held)) / 100)
    assert not set(pair_keys(found.train)) & set(pair_keys(found.held))
    assert np.corrcoef(found.utilities.mu, mu)[0, 1] > 0.98
    tested = accuracy(found.utilities, found.held)
    assert tested.num_edges == 21 and tested.right.point > 0.7
    small = elicit(oracle.__class__(mu=mu[:5], var=np.ones(5), num_draws=20, rng=rng), 5, holdout=0)
    assert len(small.train) == 10


def test_accuracy_leaves_out_undecided_edges_and_a_flat_fit_is_never_right():
    _, data = sampled(6)
    even = edges(6, [0, 1], [1, 2], [0.5, 0.9])
    tested = accuracy(fit(data), even)
    assert (tested.num_edges, tested.num_decided) == (2, 1)
    flat = fit(edges(3, [0, 1, 2], [1, 2, 0], [0.5, 0.5, 0.5]))
    assert accuracy(flat, even.take(np.array([1]))).right.point == 0
    assert accuracy(flat, even).log_loss.point == pytest.approx(math.log(2))
    assert foretold(flat, even) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        (([0], [3], [0.5]), "outside 0 .. 2"),
        (([0], [0], [0.5]), "with itself"),
        (([0], [1], [1.5]), "in \\[0, 1\\]"),
        (([0], [1], [math.nan]), "in \\[0, 1\\]"),
        (([0, 1], [1], [0.5]), "equal length"),
    ],
)
def test_edges_that_make_no_sense_are_refused(wrong, text):
    with pytest.raises(ValueError, match=text):
        edges(3, *wrong)
    with pytest.raises(ValueError, match="above 0"):
        edges(3, [0], [1], [0.5], [0.0])
    with pytest.raises(ValueError, match="two options and one edge"):
        fit(edges(3, [], [], []))
