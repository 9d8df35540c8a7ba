"""Opinion dynamics: hulls, limits, order, finite stops; and susceptibility recovered, with its nulls."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.errors import UserError
from societies.assembly.dynamics import (
    altafini,
    consensus_weights,
    deffuant,
    degroot,
    fit_susceptibility,
    friedkin_johnsen,
    friedkin_johnsen_limit,
    from_assembly,
    hegselmann_krause,
    is_primitive,
    reach_of,
    row_stochastic,
    shuffled_seats,
    signed_rows,
    stochastic_blocks,
    stubborn_bloc,
    susceptibility_of,
)
from societies.assembly.dynamics.susceptibility import neighbours

worlds = st.integers(0, 100_000)
few = settings(max_examples=20, deadline=None, derandomize=True)


def world(seed, num=8):
    rng = np.random.default_rng(seed)
    return rng.uniform(-1, 1, num), row_stochastic(rng.uniform(0.01, 1, (num, num))), rng.uniform(0, 0.8, num), rng


@few
@given(worlds)
def test_degroot_stays_in_the_convex_hull_and_reaches_its_consensus(seed):
    x0, w, _, _ = world(seed)
    path = degroot(x0, w, num_steps=150)
    assert (np.diff(path.max(axis=1)) <= 1e-12).all() and (np.diff(path.min(axis=1)) >= -1e-12).all()
    pi = consensus_weights(w)
    assert pi.sum() == pytest.approx(1) and (pi > 0).all()
    assert path[-1] == pytest.approx(float(pi @ x0), abs=1e-9)


@few
@given(worlds)
def test_friedkin_johnsen_is_degroot_when_all_listen_and_stands_still_when_none_do(seed):
    x0, w, own, _ = world(seed)
    assert (friedkin_johnsen(x0, w, np.ones(8), num_steps=9) == degroot(x0, w, num_steps=9)).all()
    assert (friedkin_johnsen(x0, w, np.zeros(8), num_steps=9) == x0).all()
    limit = friedkin_johnsen_limit(x0, w, own)
    assert own * (w @ limit) + (1 - own) * x0 == pytest.approx(limit, abs=1e-15 * 8)
    assert friedkin_johnsen(x0, w, own, num_steps=150)[-1] == pytest.approx(limit, abs=1e-12)
    reach = reach_of(w, own)
    assert reach.sum(axis=1) == pytest.approx(np.ones(8)) and (reach >= -1e-12).all()


@few
@given(worlds, st.floats(0.02, 1.5))
def test_bounded_confidence_keeps_order_shrinks_and_stops(seed, confidence):
    x0, _, _, _ = world(seed, 20)
    path = hegselmann_krause(x0, confidence)
    order = np.argsort(x0, kind="stable")
    assert (np.diff(path[:, order], axis=1) >= -1e-12).all()
    assert len(path) < 200
    again = hegselmann_krause(path[-1], confidence)
    assert len(again) == 1
    ends = np.unique(np.round(path[-1], 9))
    assert (np.diff(ends) > confidence - 1e-9).all()


def test_bounded_confidence_counts_oneself_and_moves_all_at_once():
    path = hegselmann_krause(np.array([0.0, 0.1, 1.0]), 0.2)
    assert path[1] == pytest.approx([0.05, 0.05, 1.0])
    chain = hegselmann_krause(np.array([-0.2, 0.0, 0.3]), 0.3)
    assert chain[1] == pytest.approx([-0.1, 0.1 / 3, 0.15])


@few
@given(worlds, st.floats(0.05, 2), st.floats(0.05, 0.5))
def test_deffuant_keeps_the_mean_and_the_hull(seed, confidence, rate):
    x0, _, _, rng = world(seed)
    path = deffuant(x0, confidence, rate=rate, num_steps=200, rng=rng)
    assert path.mean(axis=1) == pytest.approx(x0.mean())
    assert path.min() >= x0.min() - 1e-12 and path.max() <= x0.max() + 1e-12
    assert ((np.diff(path, axis=0) != 0).sum(axis=1) <= 2).all()


def test_signed_trust_between_two_camps_ends_in_opposite_opinions_and_unbalanced_trust_in_none():
    rng = np.random.default_rng(0)
    camp = np.repeat([1.0, -1.0], 4)
    x0 = rng.uniform(-1, 1, 8)
    strength = rng.uniform(0.1, 1, (8, 8))
    balanced = altafini(x0, signed_rows(strength * np.outer(camp, camp)), num_steps=500)[-1]
    assert np.abs(balanced) == pytest.approx(np.abs(balanced[0])) and abs(balanced[0]) > 1e-3
    assert (np.sign(balanced) * camp == np.sign(balanced[0])).all()
    signs = np.outer(camp, camp)
    signs[0, 1] *= -1
    assert altafini(x0, signed_rows(strength * signs), num_steps=3000)[-1] == pytest.approx(np.zeros(8), abs=1e-6)


def test_what_has_no_limit_is_refused_with_a_reason():
    swap = np.array([[0.0, 1.0], [1.0, 0.0]])
    assert not is_primitive(swap) and not is_primitive(np.eye(3))
    # The matrix that needs exactly (n - 1)^2 + 1 steps (Wielandt).
    wielandt = np.roll(np.eye(5), 1, axis=1)
    wielandt[4, 1] = 1
    assert is_primitive(wielandt)
    with pytest.raises(UserError, match="no common limit"):
        consensus_weights(swap)
    with pytest.raises(UserError, match="no closed limit"):
        friedkin_johnsen_limit(np.zeros(2), swap, np.ones(2))
    with pytest.raises(ValueError, match="rows that add up to 1"):
        degroot(np.zeros(2), np.ones((2, 2)), num_steps=1)
    with pytest.raises(ValueError, match=r"numbers in \[-1, 1\]"):
        degroot(np.array([2.0]), np.eye(1), num_steps=1)
    with pytest.raises(ValueError, match="susceptibility"):
        friedkin_johnsen(np.zeros(2), swap, np.array([0.5, 1.5]), num_steps=1)


def test_trust_grows_with_meetings_replies_and_trust():
    tables = [[[0, 1], [2, 3]], [[0, 1, 2], [3]]]
    plain = from_assembly(tables, 5)
    assert plain.sum(axis=1) == pytest.approx(np.ones(5))
    assert plain[0].tolist() == pytest.approx([0.25, 0.5, 0.25, 0, 0])
    assert plain[4, 4] == 1
    replies = np.zeros((5, 5))
    replies[0, 2] = 3
    assert from_assembly(tables, 5, replies=replies)[0].tolist() == pytest.approx([1 / 7, 2 / 7, 4 / 7, 0, 0])
    trust = np.ones((5, 5))
    trust[0, 1] = 0
    assert from_assembly(tables, 5, trust=trust)[0].tolist() == pytest.approx([0.5, 0, 0.5, 0, 0])


def test_a_stubborn_bloc_pulls_everybody_to_its_opinion_and_blocks_hold_camps_apart():
    w, camp = stochastic_blocks([15, 15], 0.6, 0.02, np.random.default_rng(1))
    assert w.sum(axis=1) == pytest.approx(np.ones(30))
    assert camp.tolist() == [0] * 15 + [1] * 15
    x0 = np.where(camp == 0, -0.8, 0.8)
    apart = degroot(x0, w, num_steps=5)[-1]
    assert apart[camp == 1].mean() - apart[camp == 0].mean() > 0.8
    own = stubborn_bloc(30, [0, 1, 2], 1.0)
    everyone = row_stochastic(np.ones((30, 30)))
    assert friedkin_johnsen_limit(x0, everyone, own) == pytest.approx(np.full(30, -0.8))


def test_shuffling_seats_keeps_the_trust_and_moves_the_people():
    _, w, _, rng = world(3)
    shuffled = shuffled_seats(w, rng)
    assert np.sort(shuffled.ravel()) == pytest.approx(np.sort(w.ravel()))
    assert shuffled.sum(axis=1) == pytest.approx(np.ones(8))
    assert not np.allclose(shuffled, w)


def seated(num_tables=8, size=6):
    n = num_tables * size
    return n, from_assembly([[list(range(t, n, num_tables)) for t in range(num_tables)]], n)


def test_a_planted_susceptibility_is_recovered_and_its_model_wins():
    n, w = seated()
    rng = np.random.default_rng(0)
    before = rng.uniform(-0.9, 0.9, (n, 6))
    own = rng.uniform(0.2, 0.8, n)[:, None]
    after = before + own * (neighbours(w) @ before - before)
    found = fit_susceptibility(before, after, w)
    assert found.own == pytest.approx(own[:, 0])
    assert found.common.lo < own.mean() < found.common.hi
    assert found.models[0].name == "Friedkin-Johnsen, own susceptibilities"
    assert found.common.point > found.shuffled + 0.05 and found.p < 0.01
    same = before + 0.4 * (neighbours(w) @ before - before) + rng.normal(0, 0.02, before.shape)
    one = fit_susceptibility(before, same, w)
    assert one.models[0].name == "Friedkin-Johnsen, one susceptibility"
    assert one.common.point == pytest.approx(0.4, abs=0.02)


@pytest.mark.parametrize("name", ["no change", "DeGroot", "Hegselmann-Krause"])
def test_data_made_by_a_simpler_model_is_given_to_it(name):
    n, w = seated()
    rng = np.random.default_rng(4)
    before = rng.uniform(-0.9, 0.9, (n, 3))
    due = {
        "no change": before,
        "DeGroot": w @ before,
        "Hegselmann-Krause": np.stack([hegselmann_krause(item, 0.3)[1] for item in before.T], axis=1),
    }[name]
    after = np.clip(due + rng.normal(0, 0.03, due.shape), -1, 1)
    assert fit_susceptibility(before, after, w, num_shuffles=20).models[0].name == name


def test_without_interaction_only_noise_moves_and_the_shuffled_seats_say_so():
    n, w = seated(5, 6)
    beyond, covered = [], []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        true = rng.uniform(-0.6, 0.6, (n, 4))
        before, after = true + rng.normal(0, 0.15, true.shape), true + rng.normal(0, 0.15, true.shape)
        found = fit_susceptibility(np.clip(before, -1, 1), np.clip(after, -1, 1), w, num_shuffles=60, seed=seed)
        beyond.append(found.p <= 0.05)
        covered.append(found.common.lo <= found.shuffled <= found.common.hi)
        # Noise in the first reading looks like listening: this is why the null is not 0.
        assert found.shuffled > 0.02
    assert np.mean(beyond) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 60)
    assert np.mean(covered) >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / 60)


def test_a_citizen_who_only_grew_milder_is_not_called_susceptible():
    rng = np.random.default_rng(0)
    before, heard = rng.uniform(-1, 1, 12), rng.uniform(-1, 1, 12)
    assert susceptibility_of(before, 0.5 * before, heard) == pytest.approx(0, abs=1e-9)
    assert susceptibility_of(before, heard, heard) == pytest.approx(1)
    assert np.isnan(susceptibility_of(before, -before, np.zeros(12)))
    with pytest.raises(ValueError, match="same people"):
        fit_susceptibility(np.zeros((2, 3)), np.zeros((2, 4)), np.eye(2))
