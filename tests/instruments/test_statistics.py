"""Distances, intervals, tests and agreement against golden numbers and the properties that they must have."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from agents.statistics.agreement import alpha, icc_2_1, kappa
from agents.statistics.distances import (
    d_js,
    entropy,
    expected_jsd,
    generalised_jsd,
    jsd,
    noise_floor,
    normalised_entropy,
    skill,
    total_variation,
    wasserstein,
)
from agents.statistics.intervals import (
    bootstrap_mean,
    bootstrap_statistic,
    crossed_bootstrap,
    effective_n,
    paired_shares,
    wilson,
)
from agents.statistics.paired import holm, mcnemar_exact, minimum_detectable_effect, sign_flip, tost

P, Q = (0.5, 0.3, 0.2), (0.2, 0.3, 0.5)
UNIFORM4, POINT4 = (0.25,) * 4, (1.0, 0.0, 0.0, 0.0)
distributions = st.integers(2, 6).flatmap(
    lambda k: st.tuples(*[arrays(np.float64, k, elements=st.floats(0, 1)).map(lambda a: a + 1e-9)] * 2)
)


def test_golden_distances_of_the_specification():
    assert total_variation(P, Q) == pytest.approx(0.300, abs=5e-4)
    assert jsd(P, Q) == pytest.approx(0.066414, abs=5e-7)
    assert d_js(P, Q) == pytest.approx(0.309541, abs=5e-7)
    assert wasserstein(P, Q) == pytest.approx(0.300, abs=5e-4)
    assert total_variation(POINT4, UNIFORM4) == pytest.approx(0.750)
    assert d_js(POINT4, UNIFORM4) == pytest.approx(0.7408, abs=5e-5)
    assert wasserstein(POINT4, UNIFORM4) == pytest.approx(0.500)
    assert d_js((1, 0), (0, 1)) == pytest.approx(1.0)
    assert math.sqrt(jsd((1, 0), (0, 1))) == pytest.approx(0.8326, abs=5e-5)


def test_the_noise_floor_is_what_the_expansion_says():
    bits = expected_jsd(5, 300, 300) / math.log(2)
    assert bits == pytest.approx(0.0048, abs=5e-5)
    assert noise_floor([0.2] * 5, 300, 300) == pytest.approx(expected_jsd(5, 300, 300), rel=0.1)
    assert noise_floor([0.2] * 5, 300, 300) == noise_floor([0.2] * 5, 300, 300)
    assert noise_floor(P, 400) == pytest.approx(expected_jsd(3, 400), rel=0.15)


@settings(deadline=None)
@given(distributions)
def test_distances_are_symmetric_bounded_and_zero_on_equals(pair):
    p, q = pair
    for distance in (total_variation, d_js, wasserstein, lambda a, b: jsd(a, b) / math.log(2)):
        assert distance(p, q) == pytest.approx(distance(q, p), abs=1e-9)
        assert -1e-9 <= distance(p, q) <= 1 + 1e-9
        assert distance(p, p) == pytest.approx(0, abs=1e-7)
    assert 0 <= normalised_entropy(p) <= 1 + 1e-9
    assert generalised_jsd([p, q, p]) <= entropy((np.asarray(p) / sum(p) * 2 + np.asarray(q) / sum(q)) / 3) + 1e-9


def test_skill_is_one_for_a_match_and_zero_for_the_baseline():
    assert skill(0.0, 0.3) == 1
    assert skill(0.3, 0.3) == 0
    assert math.isnan(skill(0.1, 0.0))
    with pytest.raises(ValueError, match="not a distribution"):
        jsd((0, 0), (1, 1))


def test_wilson_matches_published_intervals():
    # Newcombe 1998 (single proportion), table I: 81 of 263, and 0 of 20.
    found = wilson(81, 263)
    assert (found.lo, found.hi) == (pytest.approx(0.2553, abs=5e-5), pytest.approx(0.3662, abs=5e-5))
    assert wilson(0, 20).lo == 0
    assert wilson(0, 20).hi == pytest.approx(0.1611, abs=5e-5)
    assert math.isnan(wilson(0, 0).point)


def test_paired_shares_match_published_intervals():
    # Newcombe 1998 (paired), table II, method 10: counts e, f, g, h and theta = (f - g) / n.
    found = paired_shares(36, 12, 2, 0)
    assert (-found.hi, -found.lo) == (pytest.approx(0.0569, abs=5e-4), pytest.approx(0.3404, abs=5e-4))
    assert math.isnan(paired_shares(0, 0, 0, 0).lo)


@settings(deadline=None)
@given(n=st.integers(1, 500), share=st.floats(0, 1))
def test_wilson_holds_its_point_and_stays_in_bounds(n, share):
    successes = round(share * n)
    found = wilson(successes, n)
    assert 0 <= found.lo <= found.point <= found.hi <= 1
    mirror = wilson(n - successes, n)
    assert (found.lo, found.hi) == (pytest.approx(1 - mirror.hi, abs=1e-12), pytest.approx(1 - mirror.lo, abs=1e-12))
    assert found.hi - found.lo > 0


@settings(deadline=None)
@given(both=st.integers(0, 60), first=st.integers(0, 60), second=st.integers(0, 60), neither=st.integers(0, 60))
def test_paired_shares_mirror_and_hold_the_difference(both, first, second, neither):
    there, back = paired_shares(both, first, second, neither), paired_shares(both, second, first, neither)
    if both + first + second + neither == 0:
        return
    assert -1 <= there.lo <= there.point <= there.hi <= 1
    assert (there.lo, there.hi) == (pytest.approx(-back.hi, abs=1e-9), pytest.approx(-back.lo, abs=1e-9))


@pytest.mark.parametrize("share", [0.06, 0.5, 0.9])
def test_wilson_covers_as_often_as_it_says(share):
    rng = np.random.default_rng(1)
    found = [wilson(int(k), 60) for k in rng.binomial(60, share, 2000)]
    assert np.mean([one.lo <= share <= one.hi for one in found]) > 0.925


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_the_bootstrap_covers_a_skewed_mean(method):
    rng = np.random.default_rng(2)
    hits = 0
    for k in range(300):
        found = bootstrap_mean(rng.gamma(2.0, 1.0, 60), method=method, num_resamples=400, seed=k)
        hits += found.lo <= 2.0 <= found.hi
    assert 0.89 < hits / 300 < 0.985


def test_the_paired_interval_covers_as_often_as_it_says():
    rng = np.random.default_rng(3)
    hits = 0
    for _ in range(1500):
        a, b, c, d = rng.multinomial(80, [0.4, 0.25, 0.1, 0.25])
        found = paired_shares(int(a), int(b), int(c), int(d))
        hits += found.lo <= -0.15 <= found.hi
    assert 0.925 < hits / 1500 < 0.985


def test_the_crossed_bootstrap_knows_that_few_items_are_few():
    rng = np.random.default_rng(4)
    hits = 0
    for k in range(120):
        table = 0.5 + 0.2 * rng.normal(size=(60, 1)) + 0.3 * rng.normal(size=(1, 12)) + rng.normal(size=(60, 12)) * 0.2
        found = crossed_bootstrap(table, num_resamples=200, seed=k)
        hits += found.lo <= 0.5 <= found.hi
    assert hits / 120 > 0.85
    assert crossed_bootstrap(table).hi - crossed_bootstrap(table).lo > 2 * 1.96 * table.std() / math.sqrt(table.size)
    assert math.isnan(crossed_bootstrap(np.full((2, 2), np.nan)).point)


def test_no_data_is_nan_and_equal_values_have_no_width():
    assert math.isnan(bootstrap_mean([]).point)
    assert bootstrap_mean([2.0, 2.0]).hi == 2.0
    assert bootstrap_mean([1.0, 2.0, 4.0], seed=1) == bootstrap_mean([1.0, 2.0, 4.0], seed=1)
    assert math.isnan(bootstrap_statistic(0, lambda rows: 0.0).point)
    with pytest.raises(ValueError, match="finite"):
        bootstrap_mean([1.0, math.nan])


def test_effective_n_counts_equal_weights_in_full():
    assert effective_n([2.0] * 7) == pytest.approx(7)
    assert effective_n([1.0, 0.0, 0.0]) == pytest.approx(1)
    assert effective_n([]) == 0


def test_mcnemar_is_the_sign_test_on_discordant_pairs():
    assert mcnemar_exact(0, 0) == 1
    assert mcnemar_exact(0, 6) == pytest.approx(2 / 64)
    assert mcnemar_exact(2, 12) == pytest.approx(mcnemar_exact(12, 2)) == pytest.approx(0.012939, abs=1e-6)
    assert mcnemar_exact(700, 700) == 1
    assert 0 < mcnemar_exact(600, 800) < 1e-6


def test_sign_flips_are_exact_for_few_pairs_and_honest_for_many():
    assert sign_flip([]) == 1
    assert sign_flip([0.0, 0.0]) == 1
    assert sign_flip([1.0] * 6) == pytest.approx(2 / 64)
    assert sign_flip([1.0] * 40) == pytest.approx(1 / 10_001)
    rng = np.random.default_rng(5)
    p_values = [sign_flip(rng.normal(size=20), num_flips=200, seed=k) for k in range(400)]
    assert np.mean(np.array(p_values) <= 0.05) < 0.08


def test_holm_matches_a_worked_example_and_skips_nan():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    found = holm([0.01, math.nan, 0.04])
    assert found[0] == pytest.approx(0.02)
    assert math.isnan(found[1])
    assert holm([]) == []


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_never_lowers_a_p_and_keeps_their_order(p_values):
    corrected = holm(p_values)
    assert all(p <= q <= 1 for p, q in zip(p_values, corrected, strict=True))
    ranked = sorted(zip(p_values, corrected, strict=True))
    assert all(a[1] <= b[1] for a, b in pairwise(ranked))


def test_tost_needs_the_interval_inside_the_margins():
    assert tost(0.0, 0.01, -0.03, 0.03).equivalent
    assert not tost(0.02, 0.01, -0.03, 0.03).equivalent
    assert tost(-0.4, 0.05, -math.inf, 0.02).equivalent
    assert not tost(math.nan, 0.01, -0.03, 0.03).equivalent
    assert tost(0.0, 0.0, -0.03, 0.03).equivalent
    found = tost(0.01, 0.01, -0.03, 0.03)
    assert found.equivalent == (found.lo > -0.03 and found.hi < 0.03)


def test_the_smallest_detectable_effect_shrinks_with_the_root_of_n():
    assert minimum_detectable_effect(1.0, 100) == pytest.approx(0.28016, abs=1e-4)
    assert minimum_detectable_effect(1.0, 400) == pytest.approx(0.14008, abs=1e-4)
    assert minimum_detectable_effect(1.0, 0) == math.inf


def test_agreement_matches_worked_examples():
    # 20 yes/yes, 5 yes/no, 10 no/yes, 15 no/no: observed .7, expected .5.
    first = ["y"] * 25 + ["n"] * 25
    second = ["y"] * 20 + ["n"] * 5 + ["y"] * 10 + ["n"] * 15
    assert kappa(first, second) == pytest.approx(0.4)
    assert math.isnan(kappa([], []))
    assert math.isnan(kappa(["y"], ["y"]))
    # Shrout and Fleiss 1979, table 2: six targets, four judges; table 4 gives ICC(2,1) = .29.
    table = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], dtype=float)
    assert icc_2_1(table) == pytest.approx(0.29, abs=0.005)
    assert alpha(np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]])) == pytest.approx(1.0)
    assert alpha(np.array([[1.0, 2.0], [2.0, 1.0], [3.0, 3.0]])) == pytest.approx(2 * (1 - 2 / 3))
    assert math.isnan(alpha(np.ones((3, 2))))
