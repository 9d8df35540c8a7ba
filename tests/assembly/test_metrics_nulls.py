"""Random voters: every interval covers its null, within three binomial standard errors of its level."""

from __future__ import annotations

import math

import numpy as np
import pytest

from societies.assembly.metrics import (
    between_groups,
    deliberative_reason,
    endorsement,
    first_choice_concentration,
    polarisation,
    polarisation_change,
    reliability,
    shift,
    single_peakedness_gain,
    sycophancy,
    variance_collapse,
)

NUM_DRAWS = 200
LEAST = 0.95 - 3 * math.sqrt(0.95 * 0.05 / NUM_DRAWS)


def covered(measure) -> float:
    hits = []
    for seed in range(NUM_DRAWS):
        found = measure(np.random.default_rng(seed))
        hits.append(found.value.lo <= found.null <= found.value.hi)
    return float(np.mean(hits))


@pytest.mark.parametrize(
    ("name", "measure"),
    [
        ("polarisation", lambda r: polarisation(r.integers(0, 7, 300), 7, num_resamples=150)),
        ("concentration", lambda r: first_choice_concentration(r.integers(0, 5, 80), 5)),
        ("groups", lambda r: between_groups(r.integers(0, 5, 90).astype(float), r.integers(0, 3, 90).astype(str))),
        ("yes by group", lambda r: between_groups((r.random(120) < 0.5) * 1.0, r.integers(0, 4, 120).astype(str))),
        ("reasons", lambda r: deliberative_reason(r.normal(size=(14, 8)), r.normal(size=(14, 5)), num_shuffles=4)),
    ],
)
def test_intervals_of_random_voters_cover_their_null(name, measure):
    assert covered(measure) >= LEAST, name


def test_bootstrapped_changes_of_random_voters_cover_no_change():
    def change(r):
        return polarisation_change(r.integers(0, 5, 80), r.integers(0, 5, 80), 5, num_resamples=150)

    def collapse(r):
        return variance_collapse(r.normal(size=120), r.normal(size=120), num_resamples=150)

    for measure in (change, collapse):
        hits = []
        for seed in range(150):
            found = measure(np.random.default_rng(seed))
            hits.append(found.value.lo <= found.null <= found.value.hi)
        assert np.mean(hits) >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / 150)


def test_judges_who_roll_dice_have_an_alpha_that_covers_nothing():
    hits = []
    for seed in range(100):
        found = reliability(np.random.default_rng(seed).integers(0, 4, (3, 80)).astype(float), num_resamples=150)
        hits.append(found.value.lo <= 0 <= found.value.hi)
    assert np.mean(hits) >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / 100)


def test_the_corrected_share_between_groups_is_unbiased_at_nothing_and_right_for_a_real_gap():
    points = []
    for seed in range(400):
        r = np.random.default_rng(seed)
        points.append(between_groups(r.normal(size=40), np.repeat(["a", "b", "c", "d"], 10).tolist()).value.point)
    assert abs(np.mean(points)) < 4 * np.std(points) / 20
    hits = []
    for seed in range(NUM_DRAWS):
        r = np.random.default_rng(seed)
        of = np.repeat([0, 1], 60)
        found = between_groups(of + r.normal(size=120), of.astype(str).tolist())
        # Two groups one standard deviation apart: a quarter of between-variance on one of within.
        hits.append(found.value.lo <= 0.2 <= found.value.hi)
    assert LEAST <= np.mean(hits) <= 0.95 + 3 * math.sqrt(0.95 * 0.05 / NUM_DRAWS)


def test_between_groups_has_no_number_where_none_can_be():
    assert math.isnan(between_groups(np.ones(6), list("aabbcc")).value.point)
    assert math.isnan(between_groups(np.arange(4.0), list("aaaa")).value.point)
    assert math.isnan(between_groups(np.arange(3.0), list("abb")).value.point)


def test_shifts_and_worst_groups_of_random_voters_are_what_chance_says():
    shifts, chances, least, chance_least = [], [], [], []
    for seed in range(40):
        r = np.random.default_rng(seed)
        moved = shift(r.integers(0, 5, 60), r.integers(0, 5, 60), 5, seed=seed)
        shifts.append(moved.value.point)
        chances.append(moved.null)
        found = endorsement((r.random(60) < 0.6).tolist(), r.integers(0, 4, 60).astype(str).tolist(), num_shuffles=60)
        least.append(found.min_group.point)
        chance_least.append(found.chance_min)
    assert np.mean(shifts) == pytest.approx(np.mean(chances), rel=0.15)
    assert np.mean(least) == pytest.approx(np.mean(chance_least), abs=4 * np.std(least) / math.sqrt(40))


def test_random_movers_are_hardly_ever_called_sycophants_and_random_rankings_gain_no_structure():
    flags, hits = [], []
    for seed in range(40):
        r = np.random.default_rng(seed)
        private, public, heard = r.uniform(-1, 1, (3, 50))
        flags.append(sycophancy(private, public, heard, [False] * 50, num_shuffles=60, seed=seed).flagged)
        before, after = (np.argsort(r.random((40, 4)), axis=1) for _ in range(2))
        gain = single_peakedness_gain(before, after, num_resamples=40, seed=seed)
        hits.append(gain.value.lo <= 0 <= gain.value.hi)
    # New opinions at random lie nearer to the others than the old ones did; only the shuffled tables show that.
    assert np.mean(flags) <= 0.025 + 3 * math.sqrt(0.025 * 0.975 / 40)
    assert np.mean(hits) >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / 40)
