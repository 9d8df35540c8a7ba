"""The toy figures that the design was checked with: 19 dimensions, 9 timesteps, linear drift of sd .4, 200 seeds.

Where a toy's hidden detail is not known, the nearest setup is used, the tolerance says how near it comes, and the
direction is shown seed by seed.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from societies.coevolution.fast import cast_votes, coevolve, histories, learn, learn_votes
from societies.coevolution.judge import ahead_cosines, coevolve_cosines, lag
from societies.coevolution.protocols import Pulls
from tests.coevolution.toys import DIMS, SEEDS

PULLS = Pulls(history=0.3, ai=0.5)
ARMS = {"frozen": ("frozen", 0), "lifelong": ("learner", 0), "extrapolative": ("learner", 1)}
ARMS |= {"none": ("none", 0), "oracle": ("oracle", 0)}


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def predicted(seen: np.ndarray, truth: np.ndarray, order: int, horizon: int, lead: int | None = None) -> np.ndarray:
    return ahead_cosines(learn(seen, order, horizon), truth, horizon if lead is None else lead).mean(axis=-1)


def test_prediction_by_cosine_pays_without_noise_and_not_with_much() -> None:
    history, noise = histories(SEEDS, rng=rng(5)), rng(6)
    wins = {}
    for sigma in (0.0, 0.1, 0.3):
        seen = history + sigma * noise.standard_normal(history.shape)
        lifelong, ahead = predicted(seen, history, 0, 2), predicted(seen, history, 1, 2)
        wins[sigma] = float((ahead > lifelong).mean())
        if not sigma:
            assert lifelong.mean() == pytest.approx(0.960, abs=0.004)
            assert ahead.mean() == pytest.approx(0.979, abs=0.002)
    assert wins[0.0] == 1.0 and wins[0.3] == 0.0
    assert wins[0.1] == pytest.approx(0.975, abs=0.025)


def test_hard_votes_pay_without_label_noise_and_lose_with_ten_percent() -> None:
    # Values and truth are read on the same items, 130 a dimension, with thresholds at the quantiles of N(0, 2).
    history = histories(SEEDS, rng=rng(7))
    thresholds = np.tile(norm.ppf((np.arange(130) + 0.5) / 130) * 2, (DIMS, 1))
    truth = cast_votes(history, thresholds, 0.0, rng()).mean(axis=-1)
    wins = []
    for noise in (0.0, 0.02, 0.05, 0.1):
        votes = cast_votes(history, thresholds, noise, rng(8))
        lifelong, ahead = (ahead_cosines(learn_votes(votes, m, 1), truth, 1).mean(axis=-1) for m in (0, 1))
        wins.append(float((ahead > lifelong).mean()))
        if not noise:
            assert lifelong.mean() == pytest.approx(0.9869, abs=0.002)
            assert ahead.mean() == pytest.approx(0.9925, abs=0.001)
    assert wins == pytest.approx([1.0, 0.94, 0.33, 0.0], abs=0.06)


@pytest.mark.parametrize("noise", [0.0, 0.05, 0.1])
def test_second_order_two_ahead_loses_with_hard_votes_at_every_noise(noise: float) -> None:
    history = histories(SEEDS, rng=rng(9))
    thresholds = rng(10).normal(0.0, 2.0, (DIMS, 130))
    truth = cast_votes(history, thresholds, 0.0, rng()).mean(axis=-1)
    votes = cast_votes(history, thresholds, noise, rng(11))
    lifelong, ahead = (ahead_cosines(learn_votes(votes, m, 2), truth, 2).mean(axis=-1) for m in (0, 2))
    assert (ahead < lifelong).mean() > 0.99
    if not noise:
        assert lifelong.mean() == pytest.approx(0.954, abs=0.006)
        assert ahead.mean() == pytest.approx(0.909, abs=0.01)


def test_without_drift_extrapolation_only_adds_noise() -> None:
    history = histories(SEEDS, drift="none", rng=rng(1))
    assert predicted(history, history, 1, 1, 0) == pytest.approx(predicted(history, history, 0, 1, 0))
    seen = history + 0.1 * rng(2).standard_normal(history.shape)
    assert (predicted(seen, history, 1, 1, 0) < predicted(seen, history, 0, 1, 0)).mean() > 0.99


def test_following_a_drift_looking_ahead_only_overshoots() -> None:
    history = histories(SEEDS, rng=rng(3))
    seen = history + 0.1 * rng(4).standard_normal(history.shape)
    scores = [predicted(seen, history, order, k, 0) for order, k in ((0, 1), (1, 1), (2, 2))]
    assert scores[0].mean() > scores[1].mean() > scores[2].mean()
    assert (scores[0] > scores[1]).mean() > 0.95 and (scores[1] > scores[2]).mean() > 0.95


def test_coevolve_orders_the_arms_as_published_and_by_lag_in_every_seed() -> None:
    history = histories(SEEDS, rng=rng(0))
    score, left = {}, {}
    for name, (arm, order) in ARMS.items():
        people, _ = coevolve(history, arm, PULLS, order=order)  # type: ignore[arg-type]
        score[name] = float(coevolve_cosines(people, history).mean(axis=(-1, -2)).mean())
        left[name] = lag(people, history)
    golden = {"frozen": 0.778, "lifelong": 0.833, "extrapolative": 0.855, "none": 0.877, "oracle": 0.911}
    assert score == pytest.approx(golden, abs=0.004)
    assert sorted(score, key=score.__getitem__) == list(golden)
    way = {"frozen": 0.785, "lifelong": 0.515, "extrapolative": 0.308, "none": 0.275, "oracle": 0.067}
    assert {name: float(x.mean()) for name, x in left.items()} == pytest.approx(way, abs=0.001)
    assert ((left["frozen"] > left["lifelong"]) & (left["lifelong"] > left["extrapolative"])).all()


def test_the_published_score_is_blind_to_being_stuck_in_the_future() -> None:
    # The toy's own history is not known: a random walk of sd .32 comes within .01 of both of its figures.
    for drift, sd in (("linear", 0.4), ("walk", 0.32)):
        history = histories(SEEDS, drift=drift, drift_sd=sd, rng=rng(2))  # type: ignore[arg-type]
        followed = coevolve_cosines(history, history).mean(axis=(-1, -2))
        last = coevolve_cosines(np.repeat(history[:, -1:], 9, axis=1), history).mean(axis=(-1, -2))
        first = coevolve_cosines(np.repeat(history[:, :1], 9, axis=1), history).mean(axis=(-1, -2))
        assert last == pytest.approx(1.0, abs=1e-12)
        assert ((followed < 1) & (first < followed)).all()
        assert 0.9 < followed.mean() < 1
        if drift == "walk":
            assert followed.mean() == pytest.approx(0.952, abs=0.01)
            assert first.mean() == pytest.approx(0.847, abs=0.01)
