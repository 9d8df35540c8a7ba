"""The ensemble report: bootstrap, ballots to flip, manipulation, agreement."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from societies.assembly import rules as r
from societies.assembly.rules.axioms import Rule
from societies.assembly.rules.ensemble import agreement, first_choice_concentration
from societies.assembly.rules.flips import positional_flip, rewritten, searched_flip, searched_rating_flip

ORDERS = [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)]


def small(seed: int) -> r.Profile:
    rng = np.random.default_rng(seed)
    return r.impartial(int(rng.integers(3, 6)), 3, rng)


def fewest_by_trial(rule: Rule, p: r.Profile) -> int | None:
    """Rewrite every set of ballots in every way."""
    winner = rule(p).winners
    for num in range(1, p.num_voters + 1):
        for voters in combinations(range(p.num_voters), num):
            for ballots in product(ORDERS, repeat=num):
                ranks = p.ranks.copy()
                ranks[list(voters)] = ballots
                if rule(r.profile_of(ranks)).winners != winner:
                    return num
    return None


@settings(max_examples=12, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.sampled_from(["plurality", "borda", "copeland", "schulze", "instant_runoff"]))
def test_ballots_to_flip_equal_or_bracket_what_trying_everything_finds(seed: int, name: str) -> None:
    p = small(seed)
    rule = r.RULES[name]
    if len(rule(p).winners) != 1:
        return
    found = r.compare(r.Vote(p), {name: rule}, {}, {}, consistent=r.CONDORCET_CONSISTENT, num_resamples=0)
    flip = found.reports[0].flip
    assert flip is not None
    true = fewest_by_trial(rule, p)
    if name in ("plurality", "borda"):
        assert flip.exact and flip.least == true
    else:
        assert true is not None and flip.least <= true and (flip.most is None or true <= flip.most)


def test_flips_of_scoring_rules_are_counted_by_hand() -> None:
    # 5 to 3 votes: moving one ballot makes it a tie.
    votes = np.array([[1.0, 0]] * 5 + [[0, 1.0]] * 3)
    assert positional_flip(votes, np.ones(8), 1, 0).least == 1
    assert positional_flip(np.array([[1.0, 0]] * 9), np.ones(9), 1, 0).least == 5
    assert positional_flip(np.array([[1.0, 1.0]]), np.ones(1), 1, 0).least == 0
    heavy = positional_flip(np.array([[1.0, 0]] * 4), np.array([1, 1, 1, 5.0]), 1, 0)
    assert heavy.least == 1 and heavy.challenger == 1


def test_the_upper_bound_is_a_set_of_ballots_that_does_flip() -> None:
    p = r.mallows(40, 5, np.random.default_rng(2), dispersion=0.7)
    found = searched_flip(r.schulze, p, consistent=True)
    winner = r.schulze(p).winners[0]
    assert found.most is not None and found.challenger is not None and 1 <= found.least <= found.most
    gap = p.ranks[:, found.challenger] - p.ranks[:, winner]
    order = np.argsort(-gap, kind="stable")[: found.most]
    assert r.schulze(rewritten(p, order, found.challenger, winner)).winners != (winner,)


def test_rating_rules_are_flipped_too() -> None:
    x = r.ratings_of([[5, 1]] * 6 + [[0, 4]] * 3, lo=0, hi=5)
    found = searched_rating_flip(r.majority_judgement, x)
    assert found.most == 2 and found.challenger == 1


def test_manipulation_is_found_where_it_is_known() -> None:
    # Borda: A wins 8 to 7 over B. One of the two who bury A makes it 7 to 7, both make it 6 to 7.
    p = r.profile_from_orders([(0, 1, 2)] * 3 + [(1, 0, 2)] * 2, 3)
    assert r.borda(p).winners == (0,)
    found = r.manipulation(r.borda, p)
    assert found.bloc == 2 and found.favours == 1 and found.single == 0
    # Six candidates between them: burying A by one ballot costs it four points, and it led by two.
    long = r.profile_from_orders([(0, 1, 2, 3, 4, 5)] * 3 + [(1, 0, 2, 3, 4, 5)] * 1, 6)
    assert r.borda(long).winners == (0,) and r.manipulation(r.borda, long).single == pytest.approx(1 / 4)
    # Between two candidates majority rule cannot be gained from.
    q = r.profile_from_orders([(0, 1)] * 3 + [(1, 0)] * 2, 2)
    assert r.manipulation(r.borda, q).bloc is None and r.manipulation(r.borda, q).single == 0


def test_the_bootstrap_is_near_the_binomial_and_stays_within_strata() -> None:
    # 11 to 9 votes for A: P(A wins) = P(Bin(20, .55) > 10) + half a tie.
    p = r.profile_from_orders([(0, 1)] * 11 + [(1, 0)] * 9, 2)
    found = r.compare(r.Vote(p), {"plurality": r.plurality}, {}, {}, num_resamples=4000, seed=1)
    from scipy.stats import binom

    expected = 1 - binom.cdf(10, 20, 0.55) + binom.pmf(10, 20, 0.55) / 2
    assert found.reports[0].chance[0] == pytest.approx(expected, abs=0.03)
    strata = ["a"] * 11 + ["b"] * 9
    held = r.compare(r.Vote(p), {"plurality": r.plurality}, {}, {}, num_resamples=50, strata=strata)
    assert held.reports[0].chance == (1, 0)


def test_resampled_votes_keep_supports_and_groups_in_step() -> None:
    rng = np.random.default_rng(0)
    vote = r.vote_of_ratings(r.ratings_of(rng.integers(0, 4, (12, 3))), ["a", "b"] * 6)
    for again in r.resample(vote, 5, rng):
        assert again.ratings is not None and again.groups is not None
        assert len(again.groups) == again.profile.num_voters == len(again.ratings.values)
        assert again.profile.total == 12
        fresh = r.profile_of(again.profile.ranks, weights=again.profile.weights)
        assert np.array_equal(fresh.support, again.profile.support)


def test_the_report_covers_every_rule_that_can_read_the_ballots() -> None:
    rng = np.random.default_rng(5)
    ratings = r.ratings_of(rng.integers(0, 6, (30, 4)), lo=0, hi=5)
    vote = r.vote_of_ratings(ratings, ["a", "b", "c"] * 10)
    found = r.compare(vote, r.RULES, r.RATING_RULES, r.GROUP_RULES, num_resamples=20, seed=3)
    names = [report.outcome.rule for report in found.reports]
    assert names == [*r.RULES, *r.RATING_RULES, *r.GROUP_RULES]
    assert found.agreement.shape == (len(names), len(names)) and (np.diag(found.agreement) == 1).all()
    assert np.array_equal(found.agreement, found.agreement.T)
    for report in found.reports:
        assert sum(report.chance) <= 1 + 1e-9
        assert (report.tie_break is not None) or not (report.outcome.tied or report.outcome.lottery)
    rankings_only = r.compare(r.Vote(vote.profile), r.RULES, r.RATING_RULES, r.GROUP_RULES, num_resamples=0)
    assert [report.outcome.rule for report in rankings_only.reports] == list(r.RULES)
    assert np.isnan(rankings_only.reports[0].chance).all()


def test_the_same_seed_gives_the_same_report() -> None:
    vote = r.Vote(r.impartial(15, 4, np.random.default_rng(9)))
    one, two = (r.compare(vote, r.RULES, {}, {}, num_resamples=10, seed=4) for _ in range(2))
    assert one.reports == two.reports


def test_agreement_is_shared_winners_over_all_winners() -> None:
    a, b, c = (r.Outcome(rule="x", winners=w) for w in ((0,), (0, 1), ()))
    assert agreement([a, b, c]).tolist() == [[1, 0.5, 0], [0.5, 1, 0], [0, 0, 1]]


def test_random_voters_elect_nobody_in_particular() -> None:
    won = np.zeros(4)
    for k in range(400):
        p = r.impartial(25, 4, np.random.default_rng(k))
        won[r.break_ties(r.schulze(p), p, k).order[0]] += 1
    # Uniform: 100 each, standard deviation 8.7.
    assert np.abs(won - 100).max() < 35
    assert first_choice_concentration(r.impartial(4000, 4, np.random.default_rng(1))) == pytest.approx(0.25, abs=0.01)


def test_copies_of_a_loser_change_nothing_for_schulze() -> None:
    p = r.profile_from_orders([(0, 1, 2)] * 5 + [(1, 0, 2)] * 4 + [(2, 1, 0)] * 2, 3)
    loser = r.condorcet_loser(p.margins)
    assert loser == 2 and r.schulze(p).winners == (1,)
    wider = np.column_stack([p.ranks, p.ranks[:, 2] + 0.5, p.ranks[:, 2] - 0.5])
    assert r.schulze(r.profile_of(wider)).winners == (1,)
