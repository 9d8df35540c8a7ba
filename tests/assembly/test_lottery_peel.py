"""Peeling panels off a point: the mean is kept, every panel is one, and many types are settled like few."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
from scipy import sparse

from societies.assembly.lottery import checks, leximin, types_of
from societies.assembly.lottery.leximin import prepare, relaxed_levels
from societies.assembly.lottery.peel import peel
from societies.assembly.lottery.types import Polytope
from tests.assembly.lottery_brute import all_panels, leximin_by_brute_force, small_pool

# The package exports a function of the same name, so the module is asked for by its full name.
module = importlib.import_module("societies.assembly.lottery.leximin")


@pytest.mark.parametrize("houses", [False, True])
@pytest.mark.parametrize("seed", range(8))
def test_a_mixture_of_panels_is_written_as_one(seed: int, houses: bool) -> None:
    pool = small_pool(seed, houses=houses)
    types = types_of(pool)
    people = all_panels(pool)
    by_type = np.array([np.bincount(types.of, weights=row, minlength=types.num) for row in people])
    weights = np.random.default_rng(seed).dirichlet(np.ones(len(by_type)))
    target = weights @ by_type
    found = peel(types.polytope, target, seed)
    # A point inside the hull of panels can still be stuck where the polytope has corners that are no panels.
    if found is None:
        return
    panels, mass = found
    assert mass @ panels == pytest.approx(target, abs=1e-7)
    assert mass.sum() == pytest.approx(1.0) and (mass >= 0).all()
    assert all(types.polytope.holds(panel) for panel in panels)


def test_most_mixtures_are_not_stuck() -> None:
    done = 0
    for seed in range(12):
        pool = small_pool(seed)
        _, polytope, _, can_sit = prepare(pool, seed)
        target, _, _ = relaxed_levels(polytope, can_sit)
        done += peel(polytope.face(target * polytope.sizes), target * polytope.sizes, seed) is not None
    assert done >= 9


def test_a_point_that_no_panels_mix_to_is_given_back_as_nothing() -> None:
    # Of three people two pairs each may send one: half of each is on average possible, but no panel meets all three.
    matrix = sparse.csr_array(np.array([[1.0, 1.0, 0.0], [0.0, 1.0, 1.0], [1.0, 0.0, 1.0]]))
    ones = np.ones(3)
    triangle = Polytope(matrix, ones, ones, np.zeros(3), ones, ones)
    assert peel(triangle, np.full(3, 0.5), 0) is None


@pytest.mark.parametrize("houses", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_leximin_by_peeling_is_what_brute_force_finds(seed: int, houses: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGE", 0)
    pool = small_pool(seed, houses=houses)
    found = leximin(pool)
    assert found.pi == pytest.approx(leximin_by_brute_force(all_panels(pool)), abs=2e-6)
    assert all(checks(found).values())
