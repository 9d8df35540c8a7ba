"""Extrapolation: exact where it should be, and what it costs in noise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.statistics.extrapolation import extrapolate, extrapolate_shares, noise_gain, pays, weights


@given(order=st.integers(0, 5), horizon=st.integers(1, 6), seed=st.integers(0, 99))
@settings(max_examples=40, derandomize=True, deadline=None)
def test_polynomials_of_its_degree_are_continued_exactly(order: int, horizon: int, seed: int) -> None:
    factors = np.random.default_rng(seed).integers(-4, 5, order + 1)
    times = np.arange(-3, order + 4)
    values = sum(float(f) * times.astype(float) ** n for n, f in enumerate(factors))
    ahead = float(sum(float(f) * float(times[-1] + horizon) ** n for n, f in enumerate(factors)))
    assert extrapolate(np.asarray(values), order, horizon) == pytest.approx(ahead, rel=1e-9, abs=1e-6)


@given(order=st.integers(0, 6), horizon=st.integers(1, 6))
@settings(max_examples=30, derandomize=True, deadline=None)
def test_weights_are_lagranges_and_sum_to_one(order: int, horizon: int) -> None:
    nodes = range(-order, 1)
    lagrange = [math.prod((horizon - b) / (a - b) for b in nodes if b != a) for a in nodes]
    assert weights(order, horizon) == tuple(round(x) for x in lagrange)
    assert sum(weights(order, horizon)) == 1


def test_weights_and_noise_gains_are_the_published_ones() -> None:
    assert [weights(1, k) for k in (1, 2, 3)] == [(-1, 2), (-2, 3), (-3, 4)]
    assert (weights(2, 1), weights(2, 2)) == ((1, -3, 3), (3, -8, 6))
    gains = {(1, 1): 5, (1, 2): 13, (1, 3): 25, (2, 1): 19, (2, 2): 109, (3, 1): 69}
    assert {key: noise_gain(*key) for key in gains} == gains


def test_few_points_lower_the_order_and_one_is_carried_on() -> None:
    assert extrapolate(np.array([[3.0, 1.0]]), 2, 4).tolist() == [3.0, 1.0]
    assert extrapolate(np.array([1.0, 3.0]), 5, 1) == 5.0
    with pytest.raises(ValueError, match="nothing"):
        extrapolate(np.empty((0, 2)), 1, 1)
    with pytest.raises(ValueError, match="negative"):
        weights(-1, 1)


@pytest.mark.parametrize("horizon", [1, 2, 3])
def test_extrapolation_pays_only_above_the_drift_that_the_formula_names(horizon: int) -> None:
    sigma, num = 0.3, 40_000
    edge = math.sqrt(2 * (1 + 1 / horizon)) * sigma
    rng = np.random.default_rng(horizon)
    for factor in (0.8, 1.2):
        drift = edge * factor
        seen = drift * np.arange(3)[:, None] + sigma * rng.standard_normal((3, num))
        truth = drift * (2 + horizon)
        lifelong = float(((seen[-1] - truth) ** 2).mean())
        ahead = float(((extrapolate(seen, 1, horizon) - truth) ** 2).mean())
        assert (ahead < lifelong) == pays(drift, sigma, horizon) == (factor > 1)


def test_shares_stay_shares_and_a_straight_line_of_log_odds_goes_on() -> None:
    odds = np.array([[-1.0, 0.5], [-0.5, 0.4], [0.0, 0.3]])
    shares = 1 / (1 + np.exp(-odds))
    ahead = extrapolate_shares(shares, 1, 2, shrink=1.0)
    assert np.log(ahead / (1 - ahead)) == pytest.approx([1.0, 0.1], abs=1e-4)
    assert extrapolate_shares(shares, 1, 2, shrink=0.0) == pytest.approx(shares[-1], abs=1e-5)
    extreme = extrapolate_shares(np.array([[0.0, 1.0], [1.0, 0.0]]), 2, 3, num_voters=50.0)
    assert ((extreme > 0) & (extreme < 1)).all()


def test_shrinkage_believes_a_trend_and_not_the_noise() -> None:
    rng = np.random.default_rng(0)
    n, pairs = 200, 2000
    still = rng.binomial(n, 0.5, (2, pairs)) / n
    moving = rng.binomial(n, np.array([[0.4], [0.6]]), (2, pairs)) / n

    def error(shares: np.ndarray, truth: float, shrink: float | str) -> float:
        return float(((extrapolate_shares(shares, 1, 1, shrink=shrink, num_voters=n) - truth) ** 2).mean())  # type: ignore[arg-type]

    truth_moving = 1 / (1 + math.exp(-3 * math.log(1.5)))
    assert error(still, 0.5, "auto") < 0.5 * error(still, 0.5, 1.0)
    assert error(moving, truth_moving, "auto") < 0.5 * error(moving, truth_moving, 0.0)
