"""The numeric lock-in model against its theory: threshold, error, precision, interventions.

Published figures are second hand, and were checked numerically with these settings: an even star of 101 agents,
sigma 1, 15 runs, an AI without evidence of its own.
"""

from __future__ import annotations

import math
from functools import cache

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from societies.coevolution.lockin import (
    AI,
    DiverseSampling,
    FreshEvidence,
    LowerTrust,
    World,
    belief_entropy,
    from_graph,
    from_matrix,
    growth_exponent,
    hysteresis,
    is_frozen,
    locate,
    locate_star,
    log_precision_slope,
    people_and_ai,
    simulate,
    spectral_radius,
    star,
    star_of_product,
    star_trajectory,
)
from societies.coevolution.lockin.simulate import advance, begin

SEEDS = range(15)
STEPS = (1, 2, 4, 8, 16, 32, 64, 128, 250, 256, 500, 1000, 1500, 2000)


@cache
def run(product):
    return star_trajectory(product, seeds=SEEDS, record=STEPS)


@pytest.mark.parametrize(
    ("product", "early", "late"),
    [(0.5, 0.0059, 0.0016), (0.9, 0.0060, 0.0016), (1.1, 0.0160, 0.0160), (1.5, 0.0288, 0.0288)],
)
def test_errors_of_the_mean_belief_are_those_of_the_table(product, early, late):
    assert run(product).error(250).mean() == pytest.approx(early, abs=1e-4)
    assert run(product).error(2000).mean() == pytest.approx(late, abs=1e-4)


@pytest.mark.parametrize(("product", "precision"), [(0.9, 2.0e4), (1.0, 1.0e6), (1.1, 5e43)])
def test_claimed_precision_is_that_of_the_table(product, precision):
    assert run(product).log_mean_precision(2000) == pytest.approx(math.log(precision), abs=0.1)


def test_below_the_threshold_error_falls_as_one_over_the_root_of_all_evidence_and_precision_is_linear():
    many = star_trajectory(0.9, num_steps=1000, seeds=range(80), record=(100, 500))
    for step in (100, 500, 1000):
        # The mean of |x| for a normal x with variance 1 / (people * steps); a lag of some 20 steps is in the feedback.
        expected = math.sqrt(2 / math.pi / (100 * step))
        assert many.error(step).mean() == pytest.approx(expected, rel=0.25)
    logs = [run(0.5).log_mean_precision(step) for step in (1000, 2000)]
    assert growth_exponent((1000, 2000), (logs[0], logs[1])) == pytest.approx(1, abs=0.02)


def test_above_the_threshold_beliefs_stand_still_and_precision_grows_by_rho():
    for product in (1.1, 1.5):
        found = run(product)
        assert np.abs(found.belief(2000) - found.belief(250)).max() < 1e-4
        steps = (1000, 1500, 2000)
        slope = log_precision_slope(steps, np.array([found.log_mean_precision(step) for step in steps]))
        assert slope == pytest.approx(math.log(spectral_radius(star_of_product(101, product))), rel=1e-3)
    assert np.abs(run(0.9).belief(2000) - run(0.9).belief(250)).mean() > 1e-3


def test_every_run_locks_on_a_value_of_its_own():
    beliefs = run(1.5).belief(2000)
    assert np.ptp(beliefs) > 0.05
    assert np.unique(np.sign(beliefs)).size == 2


def test_precision_grows_linearly_below_quadratically_at_and_exponentially_above_the_threshold():
    exponents = []
    for product in (0.5, 1.0, 1.1):
        logs = [run(product).log_mean_precision(step) for step in (1000, 2000)]
        exponents.append(growth_exponent((1000, 2000), (logs[0], logs[1])))
    assert exponents[0] == pytest.approx(1, abs=0.05)
    assert exponents[1] == pytest.approx(2, abs=0.05)
    assert exponents[2] > 10


def test_bisection_over_simulations_finds_the_threshold_within_five_per_cent():
    found = locate_star(num_agents=51, num_steps=1600, seeds=SEEDS)
    assert found.value == pytest.approx(1, rel=0.05)
    assert found.hi / found.lo < 1.011


def test_the_locator_finds_any_step_and_refuses_a_bracket_without_one():
    assert locate(lambda x: x > 0.37, 0.1, 1, tolerance=1e-4).value == pytest.approx(0.37, rel=1e-3)
    with pytest.raises(ValueError, match="widen the bracket"):
        locate(lambda x: x > 2, 0.1, 1)
    with pytest.raises(ValueError, match="no bracket"):
        locate(lambda x: True, 1, 1)


@given(num=st.integers(2, 300), ai=st.floats(1e-3, 2), people=st.floats(1e-3, 2))
@settings(max_examples=25, deadline=None)
def test_the_spectral_radius_of_a_star(num, ai, people):
    assert spectral_radius(star(num, ai, people)) == pytest.approx(math.sqrt((num - 1) * ai * people), rel=1e-9)


def test_spectral_radius_of_other_topologies():
    rng = np.random.default_rng(0)
    w = rng.random((30, 30)) * (rng.random((30, 30)) < 0.2)
    assert spectral_radius(from_matrix(w)) == pytest.approx(np.abs(np.linalg.eigvals(w)).max())
    assert spectral_radius(from_graph(nx.cycle_graph(7), trust=0.5)) == pytest.approx(1.0)
    assert spectral_radius(from_graph(nx.DiGraph([(0, 1), (1, 2), (0, 2)]))) == 0.0
    assert spectral_radius(from_graph(nx.random_regular_graph(4, 1600, seed=1), trust=0.2)) == pytest.approx(0.8)
    assert spectral_radius(from_matrix(np.diag([0.1, 0.7]))) == pytest.approx(0.7)


def test_a_triangle_freezes_above_its_own_threshold_and_learns_below():
    for trust, frozen in ((0.45, False), (0.6, True)):  # rho = 2 * trust
        world = World(from_graph(nx.complete_graph(3), trust=trust), np.ones(3))
        found = simulate(world, num_steps=1600, seeds=range(60), record=(200, 1600))
        assert is_frozen(found.error(200), found.error(1600)) is frozen


@given(seed=st.integers(0, 2**31), num=st.integers(2, 6), density=st.floats(0, 1))
@settings(max_examples=25, deadline=None)
def test_log_space_equals_the_plain_recursion(seed, num, density):
    rng = np.random.default_rng(seed)
    w = rng.random((num, num)) * (rng.random((num, num)) < density)
    evidence = rng.random(num) * (rng.random(num) < 0.7)
    world, state = World(from_matrix(w), evidence), begin(1, num)
    p, weighted, q, product = (np.zeros(num) for _ in range(4))
    for _ in range(6):
        noise = rng.standard_normal((1, num))
        state = advance(state, world, noise, 0.4)
        p, weighted = p + evidence, weighted + evidence * 0.4 + np.sqrt(evidence) * noise[0]
        q, product = p + w @ q, weighted + w @ product
        known = q > 0
        assert np.exp(state.log_precision[0]) == pytest.approx(q, rel=1e-9)
        assert state.mean[0][known] == pytest.approx((product / np.where(known, q, 1))[known], rel=1e-9, abs=1e-12)
        assert not state.mean[0][~known].any()


def test_precision_beyond_any_float_does_not_overflow():
    found = simulate(people_and_ai(star_of_product(11, 1.5)), num_steps=6000, seeds=(0,), record=(6000,))
    assert found.log_mean_precision(6000) > math.log(1e300)
    assert np.isfinite(found.mean).all()


def test_runs_depend_only_on_their_own_seed():
    world = people_and_ai(star_of_product(11, 0.9))
    both = simulate(world, num_steps=300, seeds=(3, 4), record=(300,))
    alone = simulate(world, num_steps=300, seeds=(4,), record=(300,))
    assert np.array_equal(both.mean[:, 1:], alone.mean)
    with pytest.raises(ValueError, match="record steps"):
        simulate(world, num_steps=3, seeds=(0,), record=(4,))
    with pytest.raises(ValueError, match="was not recorded"):
        alone.error(299)


def entropies(product):
    found = run(product)
    steps = [step for step in STEPS if step != 250]
    return [
        np.mean([belief_entropy(row, width=0.05, low=-4, high=4) for row in found.mean[found.at(step)][:, 1:]])
        for step in steps
    ]


def test_belief_entropy_only_falls_above_the_threshold_and_survives_below_it():
    for product in (1.1, 1.5):
        series = entropies(product)
        assert (np.diff(series) <= 1e-9).all()
        assert series[-1] < 1e-9
    assert run(0.5).spread(2000).mean() > 0.005
    assert run(1.1).spread(2000).mean() < 1e-9
    fine = [belief_entropy(row, width=0.005, low=-1, high=1) for row in run(0.5).mean[-1][:, 1:]]
    assert np.mean(fine) > 1


def intervened(product, *interventions, num_steps=2000):
    world = people_and_ai(star_of_product(101, product))
    return simulate(world, num_steps=num_steps, seeds=SEEDS, record=(500, num_steps), interventions=interventions)


@pytest.mark.parametrize("edges", [{"listener": AI}, {"source": AI}, {}])
def test_lowering_trust_across_the_threshold_restores_convergence(edges):
    found = intervened(1.1, LowerTrust(start=501, factor=0.5, **edges))
    assert found.error(500).mean() == pytest.approx(0.0160, abs=1e-4)
    assert found.error(2000).mean() == pytest.approx(run(0.5).error(2000).mean(), rel=0.1)


def test_lowering_trust_without_crossing_the_threshold_does_not():
    found = intervened(1.1, LowerTrust(start=501, factor=0.95, source=AI))
    assert found.error(2000).mean() == pytest.approx(0.0160, abs=1e-4)
    with pytest.raises(ValueError, match="does not lower trust"):
        LowerTrust(start=1, factor=1.2)


def test_diverse_sampling_and_fresh_evidence_alone_do_not_unlock_what_is_above_the_threshold():
    for arm in (DiverseSampling(start=501), FreshEvidence(start=501, factor=10, ai_precision=10)):
        assert intervened(1.1, arm).error(2000).mean() == pytest.approx(0.0160, abs=1e-4)


def test_fresh_evidence_helps_below_the_threshold():
    plain, helped = intervened(0.9), intervened(0.9, FreshEvidence(start=501, factor=10, ai_precision=10))
    assert helped.error(2000).mean() < 0.6 * plain.error(2000).mean()


def test_diverse_sampling_keeps_the_listeners_total_trust_and_gives_the_rare_more_say():
    world = people_and_ai(star(5, 0.2, 0.1))
    state = begin(1, 5)
    state.mean[0] = [0, 1, 1, 1, 5]
    trust = DiverseSampling(start=1, num_bins=4).apply(1, world, state).trust
    weights = np.exp(trust.log_weights[0, trust.listeners == AI])
    assert weights.sum() == pytest.approx(0.8)
    assert weights == pytest.approx([0.4 / 3, 0.4 / 3, 0.4 / 3, 0.4])
    assert np.exp(trust.log_weights[0, trust.listeners != AI]) == pytest.approx(0.1)


def test_a_push_over_the_threshold_leaves_an_error_behind_until_it_is_washed_out():
    """Both arms live below the threshold, but for steps 20 to 200, when one arm's trust is not lowered."""
    world = people_and_ai(star_of_product(101, 1.3))
    kept_low = LowerTrust(start=1, factor=0.65, source=AI)
    pushed = (LowerTrust(start=1, stop=20, factor=0.65, source=AI), LowerTrust(start=200, factor=0.65, source=AI))
    marks = (199, 220, 900)
    control = simulate(world, num_steps=900, seeds=range(20), record=marks, interventions=(kept_low,))
    treated = simulate(world, num_steps=900, seeds=range(20), record=marks, interventions=pushed)

    def found(step):
        return hysteresis(control.error(199), treated.error(199), control.error(step), treated.error(step))

    assert found(220).lasting
    assert found(220).p < 0.01
    assert found(220).share_left > 0.3
    assert not found(900).lasting
    assert abs(found(900).share_left) < 0.1


def test_trust_must_be_a_matrix_of_non_negative_weights():
    for bad in (np.ones((2, 3)), -np.ones((2, 2)), np.full((2, 2), np.nan)):
        with pytest.raises(ValueError, match="non-negative"):
            from_matrix(bad)
    with pytest.raises(ValueError, match="nobody to listen to"):
        star(1, 0.1, 0.1)
    assert from_matrix(np.eye(3) / 2).matrix() == pytest.approx(np.eye(3) / 2)
