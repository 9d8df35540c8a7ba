"""The five aggregation targets: worked examples, what each promises, and where they part ways."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.errors import UserError
from selfalign.label.targets import (
    RULES,
    borda,
    bradley_terry,
    condorcet,
    consensus,
    lottery,
    maximal_lottery,
    maxmin,
    shares,
    targets,
    unbeaten_set,
    votes,
    wins,
)

few = settings(max_examples=25, deadline=None, derandomize=True)
profiles = st.tuples(st.integers(2, 12), st.integers(2, 5), st.integers(0, 10**6))


def ballots(*lines):
    """Each line "5 ABC" is five voters who rank A before B before C."""
    rows = []
    for line in lines:
        times, order = line.split()
        rank = {name: place for place, name in enumerate(order)}
        rows += [[-rank[name] for name in sorted(order)]] * int(times)
    return np.array(rows, dtype=np.float64)


def random_votes(shape, num_groups=2):
    n, m, seed = shape
    rng = np.random.default_rng(seed)
    return votes(np.argsort(rng.random((n, m)), axis=1), groups=rng.integers(0, num_groups, n).tolist())


def by_pair(found):
    return {(t.chosen, t.rejected): t for t in found}


@few
@given(profiles)
def test_every_rule_gives_each_pair_at_most_once_with_a_probability_of_at_least_half(shape):
    given_votes = random_votes(shape)
    for rule, make in RULES.items():
        found = make(given_votes)
        pairs = [frozenset((t.chosen, t.rejected)) for t in found]
        assert len(pairs) == len(set(pairs))
        assert all(0.5 <= t.p_chosen <= 1 and t.weight > 0 and t.rule == rule for t in found)


@few
@given(profiles)
def test_bradley_terry_orders_complete_ballots_as_borda_scores_do(shape):
    given_votes = random_votes(shape)
    won = wins(given_votes)[0].sum(axis=0)
    score, theta = won.sum(axis=1), bradley_terry(won)
    for a, b in combinations(range(shape[1]), 2):
        if score[a] != score[b]:
            assert (score[a] > score[b]) == (theta[a] > theta[b])
        else:
            assert theta[a] == pytest.approx(theta[b], abs=1e-8)
    assert len(borda(given_votes)) == shape[1] * (shape[1] - 1) // 2


@few
@given(profiles)
def test_voters_are_anonymous_and_candidates_neutral(shape):
    given_votes = random_votes(shape)
    rng = np.random.default_rng(shape[2])
    order, renamed = rng.permutation(shape[0]), rng.permutation(shape[1])
    swapped = votes(given_votes.scores[order][:, renamed], groups=given_votes.group[order].tolist())
    for rule, make in RULES.items():
        before, after = by_pair(make(given_votes)), by_pair(make(swapped))
        for (a, b), t in after.items():
            there = (int(renamed[a]), int(renamed[b]))
            twin = before.get(there) or before[there[::-1]]
            if there in before:
                assert twin.p_chosen == pytest.approx(t.p_chosen, abs=1e-6), rule
            else:
                assert t.p_chosen == pytest.approx(0.5, abs=1e-6), rule
            assert twin.weight == pytest.approx(t.weight, abs=1e-6), rule


def test_plain_preference_learning_misses_the_majority_winner_and_the_other_targets_do_not():
    # A beats B and C by three to two, yet B has the highest Borda score.
    given_votes = votes(ballots("3 ABC", "2 BCA"))
    assert borda(given_votes)[0].chosen == 1 or by_pair(borda(given_votes)).get((1, 0)) is not None
    winners = by_pair(condorcet(given_votes))
    assert set(winners) == {(0, 1), (0, 2)}
    assert winners[0, 1].p_chosen == pytest.approx(0.6)
    assert maximal_lottery(given_votes) == pytest.approx([1, 0, 0])
    assert {(t.chosen, t.rejected) for t in lottery(given_votes)} == {(0, 1), (0, 2)}


def test_a_cycle_has_no_winner_pair_and_a_lottery_by_the_opposite_margins():
    given_votes = votes(ballots("7 ABC", "6 BCA", "4 CAB"))
    assert condorcet(given_votes) == []
    # Margins: A over B 5, B over C 9, C over A 3; each chance is proportional to the margin it has no part in.
    assert maximal_lottery(given_votes) == pytest.approx(np.array([9, 3, 5]) / 17)
    soft = by_pair(lottery(given_votes))
    assert soft[0, 1].p_chosen == pytest.approx(9 / 12) and soft[0, 1].weight == pytest.approx(12 / 17)
    even = votes(ballots("1 ABC", "1 BCA", "1 CAB"))
    assert maximal_lottery(even) == pytest.approx(np.full(3, 1 / 3))


def test_the_unbeaten_set_is_found_inside_a_larger_field():
    # A, B, C in a cycle, each before D and E.
    given_votes = votes(ballots("7 ABCDE", "6 BCAED", "4 CABDE"))
    assert unbeaten_set(shares(given_votes)).tolist() == [0, 1, 2]
    assert {(t.chosen, t.rejected) for t in condorcet(given_votes)} == {(a, b) for a in (0, 1, 2) for b in (3, 4)}
    schulze = "5 ACBED/5 ADECB/8 BEDAC/3 CABED/7 CAEBD/2 CBADE/7 DCEBA/8 EBADC"
    book = votes(ballots(*schulze.split("/")))
    assert len(book.scores) == 45
    assert unbeaten_set(shares(book)).tolist() == [0, 1, 2, 3, 4]


@few
@given(profiles)
def test_no_candidate_is_preferred_to_the_maximal_lottery(shape):
    given_votes = random_votes(shape)
    q, p = maximal_lottery(given_votes), shares(given_votes)
    margin = np.nan_to_num(p, nan=0.5) - np.nan_to_num(p.T, nan=0.5)
    assert q.sum() == pytest.approx(1) and (q >= 0).all()
    assert (margin @ q <= 1e-9).all()


def test_a_copy_of_a_candidate_moves_borda_and_not_the_lottery():
    plain, with_copy = ballots("6 AB", "4 BA"), ballots("6 ABC", "4 BCA")
    assert shares(votes(plain))[0, 1] == 0.6
    q = maximal_lottery(votes(with_copy))
    assert q[0] == pytest.approx(maximal_lottery(votes(plain))[0]) == 1
    assert bradley_terry(wins(votes(plain))[0][0]).argmax() == 0
    assert bradley_terry(wins(votes(with_copy))[0][0]).argmax() == 1


def test_consensus_weighs_a_pair_by_the_groups_that_share_it():
    scores = ballots("8 ABC", "8 ACB")
    found = by_pair(consensus(votes(scores, groups=["x"] * 8 + ["y"] * 8)))
    assert found[0, 1].p_chosen == 1
    assert found[0, 1].weight == pytest.approx(9 / 10)
    assert found[1, 2].p_chosen == 0.5
    assert found[1, 2].weight == pytest.approx((9 / 10 * 1 / 10) ** 0.5)
    # Agreement is told per group: three groups that agree weigh as much as two that do.
    three = votes(ballots("8 AB", "8 AB", "8 AB"), groups=["x"] * 8 + ["y"] * 8 + ["z"] * 8)
    assert consensus(three)[0].weight == pytest.approx(9 / 10)


def test_where_a_small_group_is_against_the_consensus_direction_is_undecided():
    # 12 of 14 prefer A, but the group of 2 is wholly against: 13/14 * 1/4 < ... the root still favours A.
    given_votes = votes(ballots("12 AB", "2 BA"), groups=["x"] * 12 + ["y"] * 2)
    (found,) = consensus(given_votes)
    assert (found.chosen, found.p_chosen) == (0, pytest.approx(12 / 14))
    assert found.weight == pytest.approx((13 / 14 * 1 / 4) ** 0.5)
    # A large lukewarm majority against a unanimous group: groups lean to B, voters to A, so the target is even.
    split = votes(ballots("7 AB", "5 BA", "2 BA"), groups=["x"] * 12 + ["y"] * 2)
    leaning = votes(ballots("11 AB", "9 BA", "1 BA"), groups=["x"] * 20 + ["y"])
    assert consensus(split)[0].p_chosen == 0.5
    assert consensus(leaning)[0].p_chosen == pytest.approx(0.5)


@few
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=4).filter(
    lambda rows: any(a + b for a, b in rows)))  # fmt: skip
def test_maxmin_is_the_best_probability_for_the_worst_group(counts):
    scores, groups = [], []
    for g, (a, b) in enumerate(counts):
        scores += [[1.0, 0.0]] * a + [[0.0, 1.0]] * b
        groups += [g] * (a + b)
    (found,) = maxmin(votes(scores, groups=groups))
    p = found.p_chosen if found.chosen == 0 else 1 - found.p_chosen
    shares_ = np.array([(a + 1) / (a + b + 2) for a, b in counts if a + b])
    grid = np.linspace(0.001, 0.999, 1997)
    worst = np.max(-shares_[:, None] * np.log(grid) - (1 - shares_[:, None]) * np.log(1 - grid), axis=0)
    assert p == pytest.approx(grid[worst.argmin()], abs=1e-3)


def test_weights_of_voters_count_and_only_in_proportion():
    scores = [[1, 0], [1, 0], [0, 1]]
    assert shares(votes(scores, [0.1, 0.1, 0.6]))[0, 1] == pytest.approx(0.25)
    for rule in RULES:
        one, ten = (targets(votes(scores, np.array([1, 2, 1.5]) * k), rule) for k in (0.01, 10))
        assert [(t.chosen, round(t.p_chosen, 9), round(t.weight, 9)) for t in one] == [
            (t.chosen, round(t.p_chosen, 9), round(t.weight, 9)) for t in ten
        ]


def test_unseen_candidates_and_ties_are_neither_wins_nor_losses():
    nan = float("nan")
    given_votes = votes([[1, 1, nan], [2, 1, nan], [nan, nan, 1]])
    p = shares(given_votes)
    assert p[0, 1] == 0.75 and np.isnan(p[0, 2])
    (only,) = maxmin(given_votes)
    assert (only.chosen, only.rejected, only.num_voters) == (0, 1, 2)
    assert {t.rejected for t in borda(given_votes)} == {1}


def test_standard_errors_come_from_voters_drawn_again():
    given_votes = votes(ballots("30 ABC", "20 BAC"))
    found = by_pair(targets(given_votes, "condorcet", num_resamples=200))
    # A against B is a plain share: its error is that of 30 in 50, among the resamples in which A still wins.
    assert 0.03 < found[0, 1].se < 0.08
    assert found[0, 2].se == pytest.approx(0, abs=1e-12)
    again = targets(given_votes, "condorcet", num_resamples=200)
    assert again == targets(given_votes, "condorcet", num_resamples=200)
    assert all(np.isnan(t.se) for t in targets(given_votes, "borda"))


def test_with_random_voters_targets_lie_at_a_half_within_their_error():
    hits = []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        given_votes = votes((rng.random((60, 1)) < 0.5) * np.array([[2.0, 0.0]]) + [[0.0, 1.0]])
        (found,) = targets(given_votes, "borda", num_resamples=60, seed=seed)
        hits.append(abs(found.p_chosen - 0.5) <= 1.96 * found.se)
    assert np.mean(hits) >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / 100)


def test_a_wrong_rule_or_wrong_votes_are_refused():
    given_votes = votes([[1, 0]])
    with pytest.raises(UserError, match="condorcet"):
        targets(given_votes, "condorset")
    with pytest.raises(ValueError, match="one weight"):
        votes([[1, 0]], [1.0, 2.0])
    with pytest.raises(ValueError, match="somebody must"):
        votes([[1, 0]], [0.0])
