"""What goes with speakers who are left out: worked out by hand, by its invariances, and with noise alone."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from societies.assembly.metrics import LeftOut, left_out, pull

few = settings(max_examples=50, deadline=None, derandomize=True)
level = st.floats(0, 1, allow_nan=False).map(lambda value: round(value, 6))
answers = st.lists(st.tuples(*[level] * 6, st.integers(0, 3)), min_size=1, max_size=20)


def measured(rows: list[tuple[float, ...]]) -> LeftOut:
    """rows: whole, without, reordered, own, theirs, another's, unit."""
    *columns, units = zip(*rows, strict=True)
    whole, without, reordered, own, theirs, others = columns
    towards, aside = (pull(whole, without, own, one) for one in (theirs, others))
    return left_out(whole, without, reordered, towards, aside, units=units)


def numbers(found: LeftOut) -> list[float]:
    parts = (found.effect, found.excess, found.pull)
    return [number for one in parts for number in (one.value.point, one.value.lo, one.value.hi, one.null, one.n)]


def test_two_speakers_by_hand() -> None:
    found = measured(
        [
            (0.8, 0.5, 0.8, 0.2, 0.9, 0.1, "ada"),
            (0.6, 0.7, 0.6, 0.9, 0.1, 0.2, "ada"),
            (0.5, 0.5, 0.4, 0.5, 0.5, 0, "bo"),
        ]
    )
    assert found.effect.value.point == pytest.approx(((0.3 + 0.1) / 2 + 0) / 2)
    assert found.effect.null == pytest.approx((0 + 0.1) / 2)
    assert found.excess.value.point == pytest.approx((0.2 - 0.1) / 2)
    assert found.pull.value.point == pytest.approx(((0.3 + 0.1) / 2 + 0) / 2)
    assert found.pull.null == pytest.approx(((-0.3 + 0.1) / 2 + 0) / 2)
    # Student with one degree of freedom: 12.706 standard errors, |0.2 - (-0.1)| / 2.
    assert found.excess.value.hi - found.excess.value.point == pytest.approx(12.706 * 0.15, rel=1e-3)
    assert (found.effect.n, found.excess.n, found.pull.n) == (2, 2, 2)


def test_one_unit_has_no_interval_and_nothing_has_no_number() -> None:
    alone = measured([(0.8, 0.5, 0.7, 0.2, 0.9, 0.1, 0)] * 3)
    assert alone.effect.value.point == pytest.approx(0.3) and math.isnan(alone.effect.value.lo) and alone.effect.n == 1
    empty = left_out([], [], [], [], [], units=[])
    assert math.isnan(empty.effect.value.point) and empty.effect.n == 0


def test_a_speaker_without_a_side_counts_for_no_pull() -> None:
    rows = [(0.8, 0.5, 0.8, 0.2, 0.9, 0.3, 0), (0.2, 0.5, 0.2, 0.2, math.nan, math.nan, 1)]
    found = measured(rows)
    assert found.effect.n == 2 and found.pull.n == 1 and found.pull.value.point == pytest.approx(0.3)
    assert measured(rows[1:]).pull.n == 0


@few
@given(answers)
def test_where_a_speech_changes_nothing_there_is_nothing(rows: list[tuple[float, ...]]) -> None:
    same = [(row[0], row[0], row[0], *row[3:]) for row in rows]
    found = measured(same)
    for one in (found.effect, found.excess, found.pull):
        assert one.value.point == 0 == one.null


@few
@given(answers)
def test_the_other_side_of_the_question_gives_the_same(rows: list[tuple[float, ...]]) -> None:
    mirrored = [(*(1 - value for value in row[:6]), row[6]) for row in rows]
    assert numbers(measured(mirrored)) == pytest.approx(numbers(measured(rows)), abs=1e-9, nan_ok=True)


@few
@given(answers, st.randoms(use_true_random=False))
def test_order_and_names_of_the_units_do_not_matter(rows: list[tuple[float, ...]], random) -> None:
    renamed = [(*row[:6], f"speaker {9 - row[6]}") for row in rows]
    random.shuffle(renamed)
    assert numbers(measured(renamed)) == pytest.approx(numbers(measured(rows)), abs=1e-9, nan_ok=True)


@few
@given(answers, st.integers(2, 4))
def test_more_listeners_who_answer_alike_make_nothing_surer(rows: list[tuple[float, ...]], times: int) -> None:
    assert numbers(measured(rows * times)) == pytest.approx(numbers(measured(rows)), abs=1e-9, nan_ok=True)


@few
@given(answers)
def test_taking_out_and_putting_in_pull_alike_and_no_pull_exceeds_the_change(rows: list[tuple[float, ...]]) -> None:
    whole, without, _, own, theirs, *_ = map(np.array, zip(*rows, strict=True))
    there, back = pull(whole, without, own, theirs), pull(without, whole, own, theirs)
    assert np.array_equal(there, -back)
    assert np.array_equal(there, -pull(whole, without, theirs, own))
    assert (np.abs(there) <= np.abs(whole - without)).all()
    assert (there[own == theirs] == 0).all()


@pytest.mark.parametrize("num_speakers", [3, 8])
def test_speakers_who_do_what_order_does_are_covered_by_the_null(num_speakers: int) -> None:
    """Listeners of a speaker share their noise, so an interval over listeners would be far too narrow."""
    num, hits = 300, np.zeros(2)
    for seed in range(num):
        rng = np.random.default_rng(seed)
        units = np.repeat(np.arange(num_speakers), 5)
        whole = rng.uniform(0.3, 0.7, units.size)
        by_speaker, by_order = (rng.normal(0, 0.05, num_speakers)[units] for _ in range(2))
        own, theirs = rng.random((2, units.size))
        towards = pull(whole, whole - by_speaker, own, theirs)
        found = left_out(whole, whole - by_speaker, whole - by_order, towards, towards, units=units.tolist())
        hits += [found.excess.value.lo <= 0 <= found.excess.value.hi, found.pull.value.lo <= 0 <= found.pull.value.hi]
    assert (hits / num >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / num)).all()


def test_a_drift_to_the_middle_is_no_pull_of_the_speaker() -> None:
    """Everybody who reads more moves to the middle, whoever speaks: towards the speaker, and as far towards others."""
    pulls, nulls = [], []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        own = rng.random((6, 6))  # a row a table; its first seat speaks
        listeners, speaker = own[:, 1:], own[:, :1]
        without = listeners
        whole = without + 0.3 * (0.5 - listeners)
        towards = pull(whole, without, listeners, speaker)
        each = np.stack([pull(whole, without, listeners, listeners[:, [k]]) for k in range(5)])
        found = left_out(
            *(one.ravel() for one in (whole, without, whole, towards, each.sum(axis=0) / 4)),
            units=np.repeat(np.arange(6), 5).tolist(),
        )
        pulls.append(found.pull.value.point)
        nulls.append(found.pull.null)
    gap = np.array(pulls) - nulls
    assert np.mean(pulls) > 0.03 and abs(gap.mean()) < 3 * gap.std() / np.sqrt(len(gap))
