"""Cosines: what leaves them unchanged, and what they must not pretend to know."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.errors import UserError
from societies.coevolution.similarity import centred_cosine, cosine


@given(seed=st.integers(0, 999), scale=st.floats(1e-3, 1e3))
@settings(max_examples=40, derandomize=True, deadline=None)
def test_cosine_does_not_see_scale_or_the_order_of_dimensions(seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, 19))
    order = rng.permutation(19)
    assert cosine(scale * a, b) == pytest.approx(float(cosine(a, b)))
    assert cosine(a[order], b[order]) == pytest.approx(float(cosine(a, b)))
    assert -1 <= float(cosine(a, b)) <= 1


def test_a_centred_cosine_with_the_centre_itself_is_nan_and_says_so() -> None:
    uniform = np.full(19, 0.1)
    others = np.stack([uniform, uniform + np.arange(19)])
    found = centred_cosine(others, others[1], uniform)
    assert found.undefined.tolist() == [True, False]
    assert np.isnan(found.values[0]) and found.values[1] == pytest.approx(1.0)
    assert np.isnan(cosine(np.zeros(3), np.ones(3)))


def test_rounding_does_not_give_the_centre_a_direction() -> None:
    uniform = np.full(19, 0.1)
    assert centred_cosine(uniform * (1 + 1e-15), np.arange(19.0), uniform).undefined


def test_unequal_dimensions_are_refused_with_both_numbers() -> None:
    with pytest.raises(UserError, match="19 and 18 dimensions"):
        cosine(np.ones(19), np.ones(18))
    with pytest.raises(UserError, match="same instrument"):
        centred_cosine(np.ones(19), np.ones(19), np.ones(3))


def test_random_strong_vectors_look_alike_until_they_are_centred() -> None:
    rng = np.random.default_rng(0)
    centre = np.full(19, 0.3)
    a, b = centre + rng.normal(0, 0.2, (2, 4000, 19))
    raw, centred = cosine(a, b), centred_cosine(a, b, centre).values
    assert raw.mean() > 0.6 and abs(float(centred.mean())) < 0.02
