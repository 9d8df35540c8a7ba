"""Votes: what adds up, what flips, what is missing, and what a panel says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.statistics.extrapolation import carried, extrapolate, hard_targets
from societies.coevolution.fast import learn_votes
from societies.coevolution.records import Answers, PreferenceVote
from societies.coevolution.votes import even_bank, flipped, pooled, shares


@given(seed=st.integers(0, 999), order=st.integers(0, 3), horizon=st.integers(1, 4))
@settings(max_examples=40, derandomize=True, deadline=None)
def test_the_sum_of_extrapolated_votes_is_the_extrapolated_sum(seed: int, order: int, horizon: int) -> None:
    votes = np.random.default_rng(seed).choice([-1.0, 1.0], (5, 130))
    copies = np.nan_to_num(hard_targets(votes, order, horizon, cap=None))
    assert copies.sum() == pytest.approx(float(extrapolate(votes.sum(axis=1), order, horizon)))


def test_without_cap_and_gaps_the_seeds_at_once_agree_with_the_aggregate() -> None:
    votes = np.random.default_rng(0).choice([-1, 1], (7, 9, 4, 30)).astype(np.int8)
    means = votes.mean(axis=-1)
    ahead = learn_votes(votes, 2, 1, cap=None)
    assert ahead[:, 5] == pytest.approx(extrapolate(means[:, 3:6].swapaxes(0, 1), 2, 1))


@pytest.mark.parametrize("horizon", [1, 2, 3])
def test_first_order_never_flips_a_vote_it_only_weighs_rows(horizon: int) -> None:
    series = np.array([[1, -1, 1, -1, 0, 0], [1, -1, -1, 1, 1, -1]], dtype=float)
    k = horizon
    expected = [1, -1, -(2 * k + 1), 2 * k + 1, k + 1, -(k + 1)]
    assert hard_targets(series, 1, k, cap=None).tolist() == expected
    assert (np.sign(expected) == series[-1]).all()


def test_second_order_flips_and_copies_are_capped() -> None:
    assert hard_targets(np.array([[-1.0], [1], [1]]), 2, 1).tolist() == [-1]
    assert hard_targets(np.array([[1.0], [-1], [1]]), 2, 2).tolist() == [5]
    assert hard_targets(np.array([[1.0], [-1], [1]]), 2, 2, cap=None).tolist() == [17]


@pytest.mark.parametrize("series, order", [((0, 1, 1), 2), ((0, -1, 0, 1), 3)])
def test_missing_votes_may_come_to_nothing_and_the_row_is_left_out(series: tuple[int, ...], order: int) -> None:
    assert np.isnan(hard_targets(np.array(series, dtype=float)[:, None], order, 1)).all()


def test_gaps_are_filled_from_the_nearest_known_time_and_never_known_stays_unknown() -> None:
    nan = np.nan
    filled = carried(np.array([[nan, 1.0, nan], [2.0, nan, nan], [nan, 3.0, nan]]))
    assert filled[:, :2].tolist() == [[2.0, 1.0], [2.0, 1.0], [2.0, 3.0]]
    assert np.isnan(filled[:, 2]).all()


@given(seed=st.integers(0, 99))
@settings(max_examples=20, derandomize=True, deadline=None)
def test_shares_over_even_thresholds_tell_the_mean_value(seed: int) -> None:
    people = np.random.default_rng(seed).normal(0.7, 1.2, (400, 3)).astype(np.float32)
    bank = even_bank("shares", num_dims=3, pairs_per_dim=200, span=9.0)
    pairs = np.arange(bank.num_pairs)
    answers = Answers(pairs=pairs, value=shares(people, bank, pairs))
    assert bank.values(bank.signed(answers)) == pytest.approx(people.mean(axis=0), abs=0.01)


def test_a_tie_is_no_hard_vote_and_a_dimension_without_votes_has_no_value() -> None:
    bank = even_bank("hard", num_dims=2, pairs_per_dim=2, span=1.0)
    votes = bank.signed(Answers(pairs=np.array([0, 1]), value=np.array([0.5, 0.9])))
    assert np.isnan(votes[[0, 2, 3]]).all() and votes[1] == 1
    assert bank.values(votes)[0] == 1 and np.isnan(bank.values(votes)[1])


def test_noise_flips_verdicts_moves_shares_to_the_middle_and_blurs_readings() -> None:
    rng = np.random.default_rng(0)
    share = np.full(4000, 0.8)
    hard, soft, read = (even_bank(k, num_dims=1, pairs_per_dim=4000, span=1.0) for k in ("hard", "shares", "readings"))
    assert flipped(share, hard, 0.1, 100, rng).mean() == pytest.approx(0.9, abs=0.02)
    assert flipped(share, soft, 0.1, 100, rng).mean() == pytest.approx(0.8 * 0.9 + 0.2 * 0.1, abs=0.01)
    assert flipped(share, read, 0.1, 100, rng).std() == pytest.approx(0.1, abs=0.01)
    assert flipped(share, soft, 0.0, 100, rng) is share


def test_single_voters_are_pooled_by_weight_and_gaps_keep_their_place() -> None:
    def vote(pair: str, p: float, weight: float = 1.0, *, missing: bool = False) -> PreferenceVote:
        return PreferenceVote(
            pair_id=pair, timestep=1, voter="v", group="g", p_first=p, order_gap=0.2, weight=weight, missing=missing
        )

    votes = [vote("a", 1.0, 3.0), vote("a", 0.0), vote("c", 0.4), vote("b", 0.9, missing=True), vote("else", 0.1)]
    answers, gap = pooled(votes, ["a", "b", "c"])
    assert answers.value[[0, 2]].tolist() == [0.75, 0.4] and answers.missing.tolist() == [False, True, False]
    assert answers.num_voters == pytest.approx((16 / 10 + 1) / 2) and gap == pytest.approx(0.2)
    nobody, no_gap = pooled([], ["a"])
    assert nobody.missing.all() and np.isnan(no_gap)
