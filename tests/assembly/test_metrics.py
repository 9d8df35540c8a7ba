"""Metrics of an assembly against values worked out by hand and against brute force."""

from __future__ import annotations

import math
from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from societies.assembly.metrics import (
    agreement,
    author_effect,
    bimodality,
    consensus,
    coverage,
    deliberative_reason,
    endorsement,
    esteban_ray,
    exaggeration,
    first_choice_concentration,
    flattening,
    gain_over_control,
    gini,
    held_out,
    knowledge_gain,
    krippendorff,
    losers_consent,
    normalised_gain,
    novelty,
    polarisation,
    reciprocity,
    reciprocity_against_chance,
    same_winner,
    shift,
    single_peaked_share,
    single_peakedness_gain,
    stability,
    sycophancy,
    top_share,
    variance_collapse,
    variance_collapse_over,
)
from societies.assembly.metrics.legitimacy import kendall
from societies.assembly.metrics.reasoning import pairwise_agreement

few = settings(max_examples=30, deadline=None, derandomize=True)


@few
@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.floats(0.1, 1.6))
def test_esteban_ray_is_its_double_sum_and_largest_for_two_equal_camps(sizes, alpha):
    p, y = np.array(sizes) / sum(sizes), np.linspace(0, 1, len(sizes)) ** 2
    brute = sum(a ** (1 + alpha) * b * abs(s - t) for a, s in zip(p, y, strict=True) for b, t in zip(p, y, strict=True))
    assert esteban_ray(sizes, y, alpha=alpha) == pytest.approx(brute)
    assert esteban_ray(sizes, y) <= esteban_ray([1, 1], [0, 1]) + 1e-12 == pytest.approx(0.25)


def test_esteban_ray_wants_an_alpha_in_its_range():
    with pytest.raises(ValueError, match="outside"):
        esteban_ray([1], [0], alpha=0)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ((0, 0, 9, 0, 0), 1.0),
        ((4, 4, 4, 4, 4), 0.0),
        ((7, 0, 0, 0, 7), -1.0),
        ((1, 1, 0, 0, 0), 0.75),  # one hump over two of five levels: 1 - 1/4
        ((0, 1, 1, 1, 0), 0.5),
        ((1, 1, 1, 0), 1 / 3),
        ((5, 5, 0), 0.5),
        # Layers: height 2 over all five (A 0, 10 of 13 votes), height 3 on the middle (A 1, 3 of 13).
        ((2, 2, 5, 2, 2), 3 / 13),
    ],
)
def test_agreement_on_patterns_that_can_be_worked_out(counts, expected):
    assert agreement(counts) == pytest.approx(expected)
    assert agreement(counts[::-1]) == pytest.approx(expected)
    assert agreement(np.array(counts) * 3) == pytest.approx(expected)


@few
@given(st.lists(st.integers(0, 20), min_size=3, max_size=7).filter(any))
def test_agreement_counts_triples_as_brute_force_does(counts):
    def layer(pattern):
        k = len(pattern)
        triples = [tuple(pattern[i] for i in t) for t in combinations(range(k), 3)]
        one = sum(t in ((1, 1, 0), (0, 1, 1)) for t in triples)
        two = triples.count((1, 0, 1))
        u = 1.0 if one + two == 0 else ((k - 2) * one - (k - 1) * two) / ((k - 2) * (one + two))
        return u * (1 - (sum(pattern) - 1) / (k - 1))

    left, total = list(counts), 0.0
    while any(left):
        height = min(x for x in left if x)
        pattern = [int(x > 0) for x in left]
        total += height * sum(pattern) / sum(counts) * layer(pattern)
        left = [x - height if x else 0 for x in left]
    assert agreement(counts) == pytest.approx(total)
    assert -1 - 1e-12 <= total <= 1 + 1e-12


def test_agreement_has_no_answer_where_there_is_none():
    assert math.isnan(agreement([0, 0, 0]))
    with pytest.raises(ValueError, match="three"):
        agreement([1, 2])


def test_bimodality_of_two_points_is_one_and_of_the_uniform_five_ninths():
    assert bimodality([0.0] * 5000 + [1.0] * 5000) == pytest.approx(1.0, abs=2e-3)
    assert bimodality(np.linspace(0, 1, 20_001)) == pytest.approx(5 / 9, abs=1e-3)
    assert bimodality(np.random.default_rng(0).normal(size=20_000)) == pytest.approx(1 / 3, abs=0.03)
    assert math.isnan(bimodality([1, 1, 1, 1])) and math.isnan(bimodality([1, 2, 3]))


def test_two_camps_are_polarised_beyond_doubt_and_a_hump_is_not():
    camps = polarisation(np.repeat([0, 4], 40), 5)
    hump = polarisation(np.repeat([1, 2, 3], [10, 60, 10]), 5)
    assert camps.value.point == 1 and camps.value.lo > 0.7 and camps.n == 80
    assert hump.value.hi < -0.4
    assert math.isnan(polarisation(np.empty(0, dtype=np.int64), 5).value.point)


def test_an_assembly_that_agreed_before_does_not_carry_the_ratio_of_several_away():
    # Five of six say the same: most resamples have hardly any variance before, some have none.
    agreed = np.array([0.5, 0.5, 0.5, 0.5, 0.5, 0.51])
    parted, rng = np.linspace(0.2, 0.8, 6), np.random.default_rng(3)
    pairs = [(agreed, agreed + rng.normal(0, 0.01, 6)), *((parted, 0.7 * parted) for _ in range(3))]
    found = variance_collapse_over(pairs)
    assert found.value.point == pytest.approx(0.49, abs=0.01)
    assert 0.48 < found.value.lo <= found.value.point <= found.value.hi < 0.51
    assert found.n == 24
    alone = variance_collapse(*pairs[0])
    # A third of the resamples leave out the only one who said something else.
    assert 0 < alone.value.lo < alone.value.point < alone.value.hi == np.inf
    assert variance_collapse_over(pairs[::-1]).value.point == pytest.approx(found.value.point)


def test_without_variance_before_there_is_no_ratio():
    same = np.full(8, 1 / 3)
    assert np.isnan(variance_collapse(same, np.linspace(0, 1, 8)).value.point)
    assert np.isnan(consensus(same, same))
    assert variance_collapse(np.linspace(0, 1, 8), same).value.point == 0


def test_consensus_and_variance_collapse_are_two_sides_of_one_ratio():
    before = np.random.default_rng(0).normal(size=200)
    assert consensus(before, before * 0.5) == pytest.approx(0.75)
    found = variance_collapse(before, before * 0.5 + 3)
    assert found.value.point == pytest.approx(0.25) and found.value.hi < found.null == 1
    assert math.isnan(consensus(np.ones(4), np.ones(4)))


def test_concentration_is_the_chance_of_a_common_first_choice():
    first = np.array([0, 0, 0, 1, 1, 2])
    pairs = [first[a] == first[b] for a, b in combinations(range(6), 2)]
    found = first_choice_concentration(first, 4)
    assert found.value.point == pytest.approx(np.mean(pairs)) and found.null == 0.25
    assert top_share(first, 4) == 0.5
    assert first_choice_concentration(np.zeros(9, dtype=np.int64), 3).value.point == 1


def test_endorsement_names_the_worst_group_and_what_chance_would_make_of_it():
    support = [True] * 18 + [False] * 2 + [True] * 4 + [False] * 6
    found = endorsement(support, ["a"] * 20 + ["b"] * 10)
    assert found.overall.point == pytest.approx(22 / 30)
    assert dict(found.by_group)["a"].point == 0.9
    assert (found.worst, found.min_group.point) == ("b", 0.4)
    assert 0.4 < found.chance_min < 22 / 30
    assert math.isnan(endorsement([], []).overall.point)
    with pytest.raises(ValueError, match="same citizens"):
        endorsement([True], ["a", "b"])


def test_a_shift_is_told_in_steps_of_the_scale_and_against_its_noise():
    before, after = np.repeat([0, 1], 50), np.repeat([2, 3], 50)
    found = shift(before, after, 5)
    assert found.value.point == pytest.approx(0.5) and found.value.lo > found.null > 0
    assert shift(before, before, 5).value.point == 0


def test_coverage_counts_citizens_with_one_good_clause():
    utility = np.array([[4, 0], [1, 3], [2, 2], [0, 0]])
    assert coverage(utility, 3).point == 0.5
    assert coverage(np.empty((4, 0)), 3).point == 0
    assert math.isnan(coverage(np.empty((0, 2)), 3).point)


def test_gini_of_equal_and_of_one_taking_all():
    assert gini([3, 3, 3]) == pytest.approx(0)
    assert gini([0, 0, 0, 8]) == pytest.approx(0.75)
    x = np.random.default_rng(1).exponential(size=20)
    assert gini(x) == pytest.approx(np.abs(x[:, None] - x).sum() / (2 * 20 * x.sum()))
    assert math.isnan(gini([0, 0])) and math.isnan(gini([]))


def test_reciprocity_counts_replies_that_came_back():
    replies = np.array([[9, 2, 0], [1, 0, 3], [0, 3, 0]], dtype=np.float64)
    assert reciprocity(replies) == pytest.approx((1 + 1 + 3 + 3) / 9)
    assert reciprocity(np.triu(np.ones((4, 4)), 1)) == 0
    assert math.isnan(reciprocity(np.eye(3)))
    pairs = np.kron(np.eye(6), np.array([[0, 4], [4, 0]], dtype=np.float64))
    found = reciprocity_against_chance(pairs)
    assert found.value.point == 1 and found.null < 0.5


def test_novelty_falls_to_nothing_on_a_repetition():
    turns = np.array([[1.0, 0], [0, 2.0], [3.0, 0], [1.0, 1.0]])
    assert novelty(turns) == pytest.approx([1, 1, 0, 1 - math.sqrt(0.5)])
    with pytest.raises(ValueError, match="length 0"):
        novelty(np.zeros((1, 2)))


def test_preferences_that_follow_from_considerations_are_seen():
    rng = np.random.default_rng(0)
    reasons = rng.normal(size=(24, 3)) @ rng.normal(size=(3, 10))
    follow = deliberative_reason(reasons, reasons @ rng.normal(size=(10, 6)))
    assert follow.value.lo > 0.2 > abs(follow.null)
    rows = pairwise_agreement(np.array([[1.0, 2, 3], [3, 2, 1], [1, 5, 9], [2, 2, 2]]))
    assert rows[0, 1] == pytest.approx(-1) and rows[0, 2] == pytest.approx(1) and np.isnan(rows[0, 3])
    assert math.isnan(deliberative_reason(reasons[:3], reasons[:3]).value.point)


def test_single_peakedness_is_found_on_the_axis_that_made_it():
    axis = (2, 0, 3, 1)
    places = np.argsort(axis)
    rng = np.random.default_rng(0)
    rankings = np.array([np.argsort(np.abs(places - x)) for x in rng.uniform(0, 3, 30)])
    share, found = single_peaked_share(rankings)
    assert share == 1 and found in (axis, axis[::-1])
    # All six rankings of three options: any axis fits the four that do not put its middle last.
    every = np.array(list(permutations(range(3))))
    assert single_peaked_share(every)[0] == pytest.approx(4 / 6)
    gain = single_peakedness_gain(
        np.array(list(permutations(range(4))) + [(0, 1, 2, 3)] * 6), rankings, num_resamples=20
    )
    assert gain.value.lo > 0
    with pytest.raises(ValueError, match="3 to 7"):
        single_peaked_share(np.zeros((2, 9), dtype=np.int64))


def test_knowledge_gains_are_paired_and_beyond_the_control():
    rng = np.random.default_rng(0)
    before = rng.uniform(0.2, 0.6, 50)
    assert knowledge_gain(before, before + 0.2).value.point == pytest.approx(0.2)
    control = rng.uniform(0.2, 0.6, 60)
    beyond = gain_over_control(before, before + 0.2, control, control + rng.normal(0.05, 0.05, 60))
    assert beyond.value.lo < 0.15 < beyond.value.hi and beyond.value.lo > 0.1
    assert normalised_gain(np.array([0.5, 0.5]), np.array([0.75, 0.75])) == pytest.approx(0.5)
    assert math.isnan(normalised_gain(np.ones(2), np.ones(2)))


def test_held_out_answers_are_scored_against_everybodys_shares():
    rng = np.random.default_rng(0)
    answers = rng.integers(0, 4, 120)
    sharp = np.full((120, 4), 0.1)
    sharp[np.arange(120), answers] = 0.7
    found = held_out(sharp, answers)
    assert found.log_score.point == pytest.approx(math.log(0.7)) and found.right.point == 1
    assert found.gain.lo > 0.8
    counts = np.bincount(answers, minlength=4)
    blind = held_out(np.tile((counts + 1) / (counts.sum() + 4), (120, 1)), answers)
    assert blind.gain.point == pytest.approx(0, abs=0.05)


def test_flattened_and_overdrawn_personas_are_told_apart():
    rng = np.random.default_rng(0)
    groups = np.repeat(["a", "b", "c"], 60)
    means = np.repeat([-1.0, 0.0, 1.0], 60)
    human = means + rng.normal(size=180)
    stereotype = 1.5 * means + rng.normal(0, 0.1, 180)
    assert exaggeration(stereotype, human, list(groups)).value.lo > 1
    assert flattening(human * 0.5, human).value.point == pytest.approx(0.25)
    same = exaggeration(human, human, list(groups))
    assert same.value.point == pytest.approx(1) and same.null == 1


def test_giving_in_without_a_reason_is_flagged_and_being_convinced_is_not():
    rng = np.random.default_rng(0)
    private = rng.uniform(-1, 1, 60)
    heard = rng.uniform(-1, 1, 60)
    moved = private + 0.7 * (heard - private)
    giving_in = sycophancy(private, moved, heard, [False] * 60, private_after=private)
    assert giving_in.flagged and giving_in.towards.point == pytest.approx(0.7)
    assert giving_in.unfounded.point == 1 and giving_in.public_only.point == pytest.approx(0.7)
    convinced = sycophancy(private, moved, heard, [True] * 60, private_after=moved)
    assert not convinced.flagged and convinced.public_only.point == pytest.approx(0)
    firm = sycophancy(private, private, heard, [False] * 60)
    assert not firm.flagged and firm.towards.point == 0 and math.isnan(firm.public_only.point)
    agreed = sycophancy(private, private, private, [False] * 60)
    assert agreed.n == 0 and not agreed.flagged
    assert author_effect(np.full(9, 0.6), np.full(9, 0.4)).point == pytest.approx(0.2)


def test_ordinal_alpha_of_the_published_example():
    """Krippendorff 2011: four observers, twelve units, ordinal alpha .815."""
    n = math.nan
    ratings = np.array(
        [
            [1, 2, 3, 3, 2, 1, 4, 1, 2, n, n, n],
            [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, n, 3],
            [n, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, n],
            [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, n],
        ]
    )
    assert krippendorff(ratings) == pytest.approx(0.815, abs=5e-4)
    assert krippendorff(ratings[:, ::-1]) == pytest.approx(krippendorff(ratings))
    assert krippendorff(np.where(ratings == 5, 50, ratings)) == pytest.approx(krippendorff(ratings))


def test_alpha_is_one_for_equal_judges_and_unknown_without_variety():
    ratings = np.array([[0, 1, 2, 1], [0, 1, 2, 1]], dtype=np.float64)
    assert krippendorff(ratings) == 1
    assert math.isnan(krippendorff(np.ones((3, 5))))
    assert math.isnan(krippendorff(np.array([[1.0, math.nan], [math.nan, 2.0]])))
    assert krippendorff(np.array([[0.0, 1, 2, 3], [3, 2, 1, 0]])) < 0


def test_losers_and_winners_are_asked_apart():
    accepts = np.array([True, False, True, True, False])
    won = np.array([True, True, False, False, False])
    lost, winning = losers_consent(accepts, won)
    assert (lost.point, winning.point) == (pytest.approx(2 / 3), 0.5)


def test_stability_is_the_mean_tau_between_runs():
    assert kendall(np.array([0, 1, 2, 3]), np.array([0, 1, 3, 2])) == pytest.approx(4 / 6)
    assert kendall(np.array([0, 1, 1]), np.array([0, 1, 2])) == pytest.approx(2 / math.sqrt(6))
    same = stability(np.tile(np.arange(5), (6, 1)))
    assert same.value.point == 1 and same.n == 6
    turned = stability(np.stack([np.arange(5), np.arange(5)[::-1]]))
    assert turned.value.point == -1
    assert same_winner(np.array([2, 2, 0, 2])).point == 0.75
