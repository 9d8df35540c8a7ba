"""Score and approval rules, welfare, bridging, consent: worked by hand or against the definition."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from societies.assembly import rules as r

NAN = math.nan


def test_score_star_and_majority_judgement_can_differ() -> None:
    # Two love A and three slightly prefer B: the sum elects A, the runoff B, and so does the median.
    x = r.ratings_of([[5, 0], [5, 0], [2, 3], [2, 3], [2, 3]], lo=0, hi=5)
    assert r.score(x).winners == (0,) and r.score(x).scores == pytest.approx((3.2, 1.8))
    assert r.star(x).winners == (1,)
    assert r.majority_judgement(x).winners == (1,) and r.majority_judgement(x).scores == (2, 3)


def median_removed(column: list[float]) -> list[float]:
    """The majority value: the lower median, taken out again and again."""
    left, out = sorted(column), []
    while left:
        out.append(left.pop((len(left) - 1) // 2))
    return out


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 10**6))
def test_majority_judgement_equals_removing_medians_one_by_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 4, (int(rng.integers(1, 9)), int(rng.integers(2, 5)))).astype(float)
    if np.ptp(x) == 0:
        return
    values = [median_removed(x[:, c].tolist()) for c in range(x.shape[1])]
    best = tuple(c for c, value in enumerate(values) if value == max(values))
    assert r.majority_judgement(r.ratings_of(x)).winners == best


def test_blanks_are_the_lowest_grade_in_scores_and_unseen_in_bridging() -> None:
    x = r.ratings_of([[1, NAN], [1, 1], [0, 1]], lo=0, hi=1)
    assert r.approval(x).scores == (2, 2)
    shares = r.group_agreement(x, ["a", "a", "a"])
    assert shares.tolist() == [[3 / 5, 3 / 4]]


def test_consensus_elects_nobody_below_the_threshold() -> None:
    x = r.ratings_of([[1, 0], [1, 1], [0, 1]], lo=0, hi=1)
    assert r.consensus(x).winners == (0, 1)
    assert r.consensus(x, threshold=0.7).winners == ()
    assert r.consensus(x, threshold=0.7).note == "0 of 2 reach 0.7 of the weight"


def test_approval_refuses_scores() -> None:
    with pytest.raises(ValueError, match="0 and 1"):
        r.approval(r.ratings_of([[0, 2]]))


def test_welfare_runs_from_the_mean_over_nash_to_the_worst_off() -> None:
    u = np.array([[0.2, 0.5], [0.8, 0.5]])
    assert r.isoelastic(u, 0).tolist() == pytest.approx([0.5, 0.5])
    assert r.isoelastic(u, 1).tolist() == pytest.approx([0.4, 0.5])
    assert r.isoelastic(u, 2).tolist() == pytest.approx([2 / (5 + 1.25), 0.5])
    assert r.isoelastic(u, math.inf).tolist() == [0.2, 0.5]
    near = r.isoelastic(u, 1 + 1e-9), r.isoelastic(u, 200)
    assert near[0].tolist() == pytest.approx([0.4, 0.5], abs=1e-6) and near[1][0] == pytest.approx(0.2, rel=0.01)
    weights = np.array([3.0, 1.0])
    assert r.isoelastic(u, 1, weights)[0] == pytest.approx((0.2**3 * 0.8) ** 0.25)


def test_bridging_prefers_what_both_groups_can_live_with() -> None:
    # 3 against 3: candidate 0 has all of one group, candidate 1 two of each.
    x = r.ratings_of([[1, 1], [1, 1], [1, 0], [0, 1], [0, 1], [0, 0]], lo=0, hi=1)
    groups = ["a", "a", "a", "b", "b", "b"]
    assert r.group_agreement(x, groups).tolist() == [[4 / 5, 3 / 5], [1 / 5, 3 / 5]]
    found = r.group_aware_consensus(x, groups)
    assert found.winners == (1,) and found.scores == pytest.approx((math.sqrt(4 / 25), 3 / 5))
    assert r.least_group(x, groups).scores == pytest.approx((1 / 5, 3 / 5))
    with pytest.raises(ValueError, match="group labels"):
        r.group_agreement(x, ["a"])


def test_group_aware_consensus_rises_with_agreement_and_falls_with_disagreement() -> None:
    base = np.array([[1.0, NAN], [0.0, 1.0], [NAN, 0.0]])
    groups = ["a", "a", "b"]
    before = r.group_aware_consensus(r.ratings_of(base, lo=0, hi=1), groups).scores[0]
    for value, sign in ((1.0, 1), (0.0, -1)):
        changed = base.copy()
        changed[2, 0] = value
        after = r.group_aware_consensus(r.ratings_of(changed, lo=0, hi=1), groups).scores[0]
        assert sign * (after - before) > 0 and 0 < after < 1


def test_factorisation_separates_the_divide_from_what_bridges_it() -> None:
    rng = np.random.default_rng(0)
    camp = np.repeat([1, -1], 40)
    lean = np.array([1, 1, -1, -1, 0, 0])
    quality = np.array([0.5, 0.5, 0.5, 0.5, 0.9, 0.1])
    truth = np.clip(quality + 0.45 * np.outer(camp, lean) + rng.normal(0, 0.05, (80, 6)), 0, 1)
    truth[rng.random(truth.shape) < 0.3] = NAN
    found = r.factorise(truth)
    assert r.birdwatch(r.ratings_of(truth, lo=0, hi=1)).winners == (4,)
    assert np.sign(found.factor[:4]).tolist() in ([1, 1, -1, -1], [-1, -1, 1, 1])
    assert np.abs(found.factor[4:]).max() < 0.3 * np.abs(found.factor[:4]).min()
    assert abs(np.corrcoef(found.voter_factor, camp)[0, 1]) > 0.9
    assert (np.diff(found.losses) <= 1e-9).all()


def test_factorisation_weights_are_repeated_voters() -> None:
    rng = np.random.default_rng(1)
    x = rng.random((6, 4))
    times = np.array([1, 2, 1, 3, 1, 1])
    one = r.factorise(x, weights=times.astype(float), tolerance=1e-14, max_sweeps=5000)
    many = r.factorise(np.repeat(x, times, axis=0), tolerance=1e-14, max_sweeps=5000)
    assert one.losses[-1] == pytest.approx(many.losses[-1], rel=1e-6)


def test_ratings_refuse_what_makes_no_sense() -> None:
    for values, kwargs in (([[NAN]], {}), ([[3, 3]], {}), ([[1, 2]], {"lo": 2, "hi": 3}), ([[1, 2]], {"weights": [0]})):
        with pytest.raises(ValueError):
            r.ratings_of(values, **kwargs)


def test_a_decision_needs_its_quorum_and_its_majority() -> None:
    assert r.decide(6, 4).passed and not r.decide(5, 5).passed
    assert r.decide(2, 1, majority=2 / 3, strict=False).passed and not r.decide(2, 1, majority=2 / 3).passed
    assert r.decide(3, 0, 0, eligible=10, quorum=0.5).reason == "no quorum"
    assert r.decide(3, 0, 2, eligible=10, quorum=0.5).passed
    assert not r.decide(0, 0, 3).passed
    with pytest.raises(ValueError, match="add up"):
        r.decide(3, 3, eligible=5)


def test_chambers_and_vetoes() -> None:
    yes, no, strong = r.decide(6, 4), r.decide(4, 6), r.decide(9, 1)
    assert r.two_chambers(yes, yes).passed and r.two_chambers(yes, no).reason == "refused by the second chamber"
    assert r.two_chambers(strong, no, override=2 / 3).reason == "override"
    assert r.two_chambers(no, yes).reason == "refused by the first chamber"
    assert r.with_veto(yes, 0.3, threshold=0.25).reason == "veto" and r.with_veto(yes, 0.2, threshold=0.25).passed


def test_delegated_votes_travel_and_circles_are_lost() -> None:
    found = r.delegate([True, False, False, False, False, True], [None, 0, 1, 4, 3, 0])
    assert found.power.tolist() == [3, 0, 0, 0, 0, 1] and found.lost == 2 and found.longest == 2
    assert r.delegate([False], [None]).lost == 1


def test_quadratic_votes_are_square_roots_with_a_sign() -> None:
    assert r.quadratic(np.array([[9.0, -4.0], [1.0, 0.0]])).tolist() == [4, -2]
