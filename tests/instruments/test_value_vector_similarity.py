"""Cosines: invariances, and the cases in which there is no direction."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.statistics.similarity import centred_cosine, cosine, standardised

VECTORS = st.lists(st.floats(0.01, 1), min_size=3, max_size=19)


@given(values=VECTORS, seed=st.integers(0, 999), scale=st.sampled_from([1e-200, 1e-3, 7.0, 1e200]))
@settings(max_examples=50, deadline=None)
def test_the_cosine_does_not_depend_on_scale_or_on_the_order_of_dimensions(values, seed, scale):
    rng = np.random.default_rng(seed)
    a, b, order = np.array(values), rng.random(len(values)) + 0.01, rng.permutation(len(values))
    plain = cosine(a, b).value
    assert plain == pytest.approx(float(a @ b / np.linalg.norm(a) / np.linalg.norm(b)))
    assert cosine(a * scale, b).value == pytest.approx(plain)
    assert cosine(a[order], b[order]).value == pytest.approx(plain)
    assert cosine(a, a * scale).value == pytest.approx(1)
    assert cosine(a, -a).value == pytest.approx(-1)


def test_random_strong_pairs_look_alike_raw_and_not_centred():
    rng = np.random.default_rng(0)
    pairs = rng.random((2000, 2, 19))
    raw = np.array([cosine(a, b).value for a, b in pairs])
    centred = np.array([centred_cosine(a, b, np.full(19, 0.5)).value for a, b in pairs])
    assert raw.mean() > 0.7
    assert abs(centred.mean()) < 0.02


@pytest.mark.parametrize("noise", [0.0, 1e-17, 1e-15])
def test_a_vector_at_the_centre_has_no_direction_even_with_rounding(noise):
    centre = np.array([0.1, 0.25, 0.4])
    for pair in ((centre + noise, [1, 2, 3]), ([1, 2, 3], centre - noise)):
        found = centred_cosine(*pair, centre)
        assert math.isnan(found.value)
        assert "no direction" in found.flag
    assert not math.isnan(centred_cosine(centre + np.array([1e-6, 0, 0]), [1, 2, 3], centre).value)


def test_zero_missing_and_unequal_vectors():
    assert math.isnan(cosine([0, 0], [1, 2]).value)
    assert cosine([math.nan, 1], [1, 2]).flag == "a value is missing"
    assert math.isnan(cosine([], []).value)
    with pytest.raises(ValueError, match="cannot be compared"):
        cosine([1], [1, 2])


def test_standard_scores_over_time():
    series = np.array([[0.0, 0.3], [1.0, 0.3], [2.0, 0.3]])
    found = standardised(series)
    assert found[:, 0] == pytest.approx([-math.sqrt(1.5), 0, math.sqrt(1.5)])
    assert np.isnan(found[:, 1]).all()
    with pytest.raises(ValueError, match="time, dim"):
        standardised(np.zeros(3))
