"""RAFT's properties (methods 5A), and its complaints."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.errors import UserError
from agents.sample import Candidate, Sample
from selfalign.build.select import best_of_each, best_of_k_kl, degenerate, raft_rows, top_share
from selfalign.config import RaftConfig, Select
from selfalign.samples import Funnel
from tests.selfalign.toy import pair_vote, sample

REWARDS = st.lists(st.lists(st.floats(-5, 5), min_size=1, max_size=8), min_size=1, max_size=12)


def scored(n: int, *scores: float) -> Sample:
    candidates = tuple(
        Candidate(text=f"Answer {k} to {n}.", author="base", scores={"jury": s}) for k, s in enumerate(scores)
    )
    return replace(sample(n), candidates=candidates)


@given(REWARDS, st.floats(0.05, 1))
def test_the_kept_mean_is_at_least_the_batch_mean(rewards: list[list[float]], alpha: float) -> None:
    flat = [r for row in rewards for r in row]
    kept = [rewards[n][k] for n, k in top_share(rewards, alpha)]
    assert len(kept) == math.ceil(alpha * len(flat))
    assert np.mean(kept) >= np.mean(flat) - 1e-9
    for n, k in best_of_each(rewards):
        assert rewards[n][k] >= np.mean(rewards[n]) - 1e-9


def test_local_selection_tends_to_the_best_answer_as_k_grows() -> None:
    rng = np.random.default_rng(0)
    reward = np.array([0.1, 0.4, 1.0, 0.2])
    shares = []
    for k in (1, 4, 64):
        drawn = reward[rng.integers(0, 4, size=(500, k))]
        shares.append(float(np.mean([drawn[n][i] == 1.0 for n, i in best_of_each(drawn.tolist())])))
    assert shares[0] < shares[1] < shares[2]
    assert shares[2] > 0.999


def test_with_one_candidate_it_is_sft_on_own_samples() -> None:
    built = raft_rows([scored(n, 0.5) for n in range(3)], RaftConfig(reward="jury"), Funnel(), 0)
    assert [row["completion"][0]["content"] for row in built.rows] == [f"Answer 0 to {n}." for n in range(3)]


def test_best_of_k_stays_within_its_kl_bound() -> None:
    # Exact KL of best-of-K against the base for distinct rewards: p_k(i) = F_i^K - F_(i-1)^K.
    base = np.array([0.1, 0.2, 0.3, 0.4])
    edges = np.concatenate([[0.0], np.cumsum(base)])
    for k in (1, 2, 8, 32):
        best = edges[1:] ** k - edges[:-1] ** k
        used = best > 0
        kl = float(np.sum(best[used] * np.log(best[used] / base[used])))
        assert kl <= best_of_k_kl(k) + 1e-12
    assert best_of_k_kl(1) == 0.0


def test_votes_pick_the_answer_and_ties_the_first() -> None:
    votes = (pair_vote("a", 0.9, 0.1), pair_vote("b", 0.6, 0.4))
    built = raft_rows([sample(1, votes=votes), sample(2, votes=(pair_vote("a", 0.5, 0.5),))], RaftConfig(), Funnel(), 0)
    assert [row["completion"][0]["content"] for row in built.rows] == ["Here is a safer way to reach that."] * 2


def test_top_takes_the_share_over_all_prompts() -> None:
    samples = [scored(0, 0.9, 0.8), scored(1, 0.1, 0.2)]
    built = raft_rows(samples, RaftConfig(reward="jury", select=Select.TOP, alpha=0.5), Funnel(), 0)
    assert built.sample_ids == ("revision_harmful-000", "revision_harmful-000")
    assert "mean reward 0.850" in built.notes[0]


def test_without_votes_it_says_so() -> None:
    with pytest.raises(UserError, match=r'recipe\.reward = "votes" finds nothing'):
        raft_rows([sample(1)], RaftConfig(), Funnel(), 0)


def test_equal_rewards_are_refused() -> None:
    with pytest.raises(UserError, match="same reward"):
        raft_rows([scored(n, 0.5, 0.5) for n in range(3)], RaftConfig(reward="jury"), Funnel(), 0)


def test_repetition_is_degenerate_and_prose_is_not() -> None:
    assert degenerate("no no no no " * 10)
    assert degenerate("  ")
    assert not degenerate("The quick brown fox jumps over the lazy dog while the cat looks on from the old wall.")
