"""Coherence, lotteries, exchange rates, discounting and traits against numbers worked out by hand."""

from __future__ import annotations

import json
import math
from itertools import permutations

import numpy as np
import pytest

from agents.errors import UserError
from societies.assembly.utilities import (
    association,
    coherence,
    discounting,
    edges,
    exchange_rate,
    expected_utility_gap,
    instrumentality_gap,
    log_curve,
    maximisation,
    present_worth,
    utility_map,
)
from societies.assembly.utilities.coherence import (
    closed_triads,
    coin_completeness,
    cycle_probability,
    decisiveness,
    mean_cycle_probability,
    mean_decisiveness,
)
from societies.assembly.utilities.lotteries import terminal_chances
from societies.assembly.utilities.oracles import Strict, coin
from tests.shared_data import shared_data


def all_pairs(num):
    first, second = np.triu_indices(num, 1)
    return first.astype(np.int64), second.astype(np.int64)


def test_a_strict_order_is_complete_and_has_no_cycle_and_a_perfect_circle_has_one():
    strict = coherence(Strict(value=np.arange(8.0))(*all_pairs(8)))
    assert strict.completeness.point == 1
    assert strict.cycles.point == 0
    assert strict.num_triads == 56
    circle = coherence(edges(3, [0, 1, 2], [1, 2, 0], [1, 1, 1]))
    assert circle.cycles.point == 1 and circle.num_triads == 1
    assert math.isnan(circle.cycles.lo)


def test_the_cycle_probability_is_the_sum_over_both_circles():
    p = np.array([0.7, 0.2, 0.9])
    brute = 0.0
    for outcome in np.ndindex(2, 2, 2):
        chance = np.prod([q if won else 1 - q for q, won in zip(p, outcome, strict=True)])
        brute += chance if len(set(outcome)) == 1 else 0
    assert cycle_probability(*p) == pytest.approx(brute)
    assert cycle_probability(np.array(0.5), np.array(0.5), np.array(0.5)) == pytest.approx(0.25)


def test_triads_are_those_whose_three_pairs_were_asked():
    asked = edges(5, [0, 2, 1, 3, 3, 2], [1, 0, 2, 0, 4, 3], [0.5] * 6)
    linked = {(int(a), int(b)) for a, b in zip(asked.first, asked.second, strict=True)}
    linked |= {(b, a) for a, b in linked}
    brute = {t for t in permutations(range(5), 3) if t == tuple(sorted(t)) and
             all(pair in linked for pair in ((t[0], t[1]), (t[1], t[2]), (t[0], t[2])))}  # fmt: skip
    assert {tuple(row) for row in closed_triads(asked, most=100).tolist()} == brute
    assert len(closed_triads(Strict(value=np.arange(9.0))(*all_pairs(9)), most=10)) == 10
    # The direction in which a pair is stored does not matter.
    assert mean_cycle_probability(asked, closed_triads(asked, most=9)).point == pytest.approx(
        mean_cycle_probability(asked.flipped(), closed_triads(asked, most=9)).point
    )


@pytest.mark.parametrize("n", [1, 2, 3, 20, 501])
def test_the_completeness_of_a_coin_is_its_mean_deviation(n):
    k = np.arange(n + 1)
    chance = np.array([math.comb(n, int(i)) / 2**n for i in k])
    assert coin_completeness(np.full(4, float(n))) == pytest.approx(float(chance @ (2 * np.abs(k / n - 0.5))))


def test_decisiveness_is_unbiased_for_the_squared_distance_from_a_coin():
    n, p = 6, 0.7
    chance = np.array([math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)])
    rows = edges(2, [0] * 7, [1] * 7, np.arange(7) / 6, np.full(7, 6.0))
    assert float(chance @ decisiveness(rows)) == pytest.approx(0.04)
    assert decisiveness(edges(2, [0], [1], [1.0], [1.0])).size == 0
    assert math.isnan(mean_decisiveness(edges(2, [0], [1], [1.0], [1.0])).point)
    fair = np.array([math.comb(n, k) / 2**n for k in range(n + 1)])
    due = float(fair @ decisiveness(rows) ** 2)
    assert mean_decisiveness(edges(2, [0], [1], [0.5], [6.0])).se == pytest.approx(math.sqrt(due))


def test_an_expected_utility_maximiser_has_no_gap_and_a_scrambled_one_has_the_shuffled_one():
    rng = np.random.default_rng(0)
    outcome, chances = rng.normal(size=6), rng.dirichlet(np.ones(6), size=60)
    perfect = expected_utility_gap(chances @ outcome, outcome, chances)
    assert perfect.mean.point == pytest.approx(0, abs=1e-12) and perfect.shuffled > 0.1
    mixed = expected_utility_gap(rng.permutation(chances @ outcome), outcome, chances)
    assert mixed.mean.lo <= mixed.shuffled <= mixed.mean.hi
    with pytest.raises(ValueError, match="add up to 1"):
        expected_utility_gap(np.zeros(60), outcome, chances * 2)


def test_terminal_chances_of_the_gamblers_ruin():
    size = 5
    t = np.zeros((size, size))
    t[0, 0] = t[4, 4] = 1
    for k in (1, 2, 3):
        t[k, k - 1] = t[k, k + 1] = 0.5
    assert terminal_chances(t)[:, 4] == pytest.approx([0, 0.25, 0.5, 0.75, 1])
    with pytest.raises(ValueError, match="no terminal state"):
        terminal_chances(np.array([[0, 1.0, 0], [1.0, 0, 0], [0, 0, 1.0]]))


def test_means_worth_their_ends_have_no_instrumentality_gap_on_the_public_processes():
    public = json.loads((shared_data("emergent_values") / "markov_processes.json").read_text())["MarkovProcesses"]
    rng = np.random.default_rng(0)
    for process in public:
        size = len(process["states"])
        t = np.zeros((size, size))
        for state in process["states"]:
            for to, chance in process["transitions"].get(str(state["id"]), []) or [[state["id"], 1.0]]:
                t[state["id"], to] += chance
        u = rng.normal(size=size)
        worth = terminal_chances(t) @ u
        assert instrumentality_gap(worth, t).mean.point == pytest.approx(0, abs=1e-12)
        assert instrumentality_gap(u, t).mean.point > 0
    assert len(public) == 21


def test_maximisation_counts_the_best_offered_option():
    utility = np.array([0.0, 2.0, 1.0, 3.0])
    offered = np.array([[0, 1], [1, 2], [3, 0], [2, 0]])
    share, chance = maximisation(utility, offered, np.array([1, 2, 3, -1]))
    assert share.point == 0.5 and chance == 0.5
    assert share.lo < 0.5 < share.hi


def test_exchange_rates_are_exact_on_exact_curves_and_multiply_along_a_chain():
    n = np.array([1.0, 10, 100, 1000])
    x, y, z = (log_curve(n, a + b * np.log(n)) for a, b in ((0.5, 0.4), (-1.0, 0.4), (2.0, 0.8)))
    # a_X + b_X ln n = a_Y + b_Y ln m with equal slopes: m / n = exp((0.5 + 1) / 0.4).
    assert exchange_rate(x, y, 7).point == pytest.approx(7 * math.exp(1.5 / 0.4))
    there = exchange_rate(x, z, 7).point
    assert exchange_rate(y, z, exchange_rate(x, y, 7).point).point == pytest.approx(there)
    assert exchange_rate(z, x, there).point == pytest.approx(7)
    assert exchange_rate(x, x, 3).point == pytest.approx(3)
    assert x.r2 == pytest.approx(1)
    flat = log_curve(n, -np.log(n))
    assert math.isnan(exchange_rate(x, flat).point)


def test_exchange_rate_intervals_cover_the_true_rate():
    n = np.geomspace(1, 1000, 12)
    covered = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        x, y = (log_curve(n, a + 0.5 * np.log(n) + rng.normal(0, 0.1, n.size)) for a in (0.3, -0.2))
        rate = exchange_rate(x, y, 30.0)
        covered.append(rate.lo <= 30 * math.e <= rate.hi)
    # Three standard errors of a share of .95 in 200 draws, and a little for 10 degrees of freedom behind a normal.
    assert 0.89 <= np.mean(covered) <= 0.996


def test_a_rate_needs_two_amounts_and_two_give_no_interval():
    with pytest.raises(UserError, match="two different amounts"):
        log_curve(np.array([5.0, 5.0]), np.array([1.0, 2.0]))
    with pytest.raises(UserError, match="no exchange rate"):
        log_curve(np.array([0.0, 5.0]), np.array([1.0, 2.0]))
    two = log_curve(np.array([1.0, 10.0]), np.array([0.0, 1.0]))
    assert math.isnan(exchange_rate(two, two, 2.0).se)


@pytest.mark.parametrize("form", ["exponential", "hyperbolic", "none"])
def test_the_form_of_discounting_that_made_the_data_is_found(form):
    delays = np.array([0.0, 1, 3, 6, 12, 24, 60])
    now = log_curve(np.array([10.0, 100, 1000]), 0.2 + 0.3 * np.log([10.0, 100, 1000]))
    worth = {"exponential": np.exp(-0.05 * delays), "hyperbolic": 1 / (1 + 0.4 * delays), "none": np.ones(7)}[form]
    noise = np.random.default_rng(0).normal(0, 0.01, 7)
    utility = now.a + now.b * (np.log(100.0 * worth) + noise)
    d = present_worth(now, 100.0, utility)
    assert d == pytest.approx(worth * np.exp(noise))
    best = discounting(delays, d)[0]
    assert best.form == form
    assert best.rate == pytest.approx({"exponential": 0.05, "hyperbolic": 0.4, "none": 0.0}[form], rel=0.05)


def test_an_association_is_a_correlation_with_an_interval():
    rng = np.random.default_rng(1)
    u = rng.normal(size=200)
    power = 0.6 * u + 0.8 * rng.normal(size=200)
    found = association(u, power, num_resamples=300)
    assert found.point == pytest.approx(np.corrcoef(u, power)[0, 1])
    assert found.lo < 0.6 < found.hi and found.lo > 0
    assert math.isnan(association(u, np.ones(200), num_resamples=10).point)


def test_a_map_puts_two_camps_on_two_sides_of_the_first_axis():
    rng = np.random.default_rng(2)
    axis = rng.normal(size=30)
    camp = np.repeat([1.0, -1.0], 6)
    found = utility_map(camp[:, None] * axis + 0.1 * rng.normal(size=(12, 30)))
    assert found.explained[0] > 0.9
    assert abs(np.corrcoef(found.positions[:, 0], camp)[0, 1]) > 0.99
    assert found.axes[0][np.abs(found.axes[0]).argmax()] > 0
    assert np.linalg.norm(found.axes, axis=1) == pytest.approx([1, 1])


def test_with_coins_intervals_cover_their_nulls():
    """Random voters, 200 draws: coverage within three binomial standard errors of .95, or above where it is wide."""
    from societies.assembly.utilities import accuracy, difference, fit, hold_out, laplace

    hits = {"a pair of utilities": [], "held-out accuracy": [], "decisiveness": [], "cycles": []}
    for seed in range(200):
        rng = np.random.default_rng(seed)
        asked = coin(12, num_draws=20, rng=rng)(*all_pairs(12))
        found = fit(asked)
        pair = difference(found, laplace(found, asked), 0, 1)
        train, held = hold_out(asked, share=0.4, seed=seed)
        right = accuracy(fit(train), held).right
        decided = mean_decisiveness(asked)
        cycles = mean_cycle_probability(asked, closed_triads(asked, most=1000))
        hits["a pair of utilities"].append(pair.lo <= 0 <= pair.hi)
        hits["held-out accuracy"].append(right.lo <= 0.5 <= right.hi)
        hits["decisiveness"].append(decided.lo <= 0 <= decided.hi)
        hits["cycles"].append(cycles.lo <= 0.25 <= cycles.hi)
    least = 0.95 - 3 * math.sqrt(0.95 * 0.05 / 200)
    for name, covered in hits.items():
        assert np.mean(covered) >= least, name
    # The jackknife over options is wide by design; the pair is not.
    assert np.mean(hits["a pair of utilities"]) <= 0.95 + 3 * math.sqrt(0.95 * 0.05 / 200)


def test_with_coins_the_spread_of_utilities_is_sampling_noise():
    from societies.assembly.utilities import fit

    spreads = [
        fit(coin(14, num_draws=20, rng=np.random.default_rng(seed))(*all_pairs(14))).spread ** 2 for seed in range(40)
    ]
    # z = d / sqrt(2); information of a fair probit is 2 / pi an answer, so var(m_i) is about pi / (n N) (13/14).
    due = math.pi / (20 * 14) * 13 / 14
    assert np.mean(spreads) == pytest.approx(due, rel=0.15)
