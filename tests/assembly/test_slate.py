"""Slates: the balanced process, its guarantee, matching, and a word budget."""

from __future__ import annotations

import csv
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from societies.assembly.rules import balanced_matching, bjr_failure, representation
from societies.assembly.slate import (
    balanced_slate,
    coalition,
    constituencies,
    costed_slate,
    exact_generator,
    quota,
    select,
)
from tests.oracle.slate_replay import replay
from tests.shared_data import shared_data

quick = settings(max_examples=40, deadline=None, derandomize=True)
seeds = st.integers(0, 10**6)


def universe(seed: int, levels: int = 5) -> tuple[np.ndarray, int]:
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(3, 13)), int(rng.integers(2, 9))
    return rng.integers(0, levels, (n, m)).astype(float), int(rng.integers(1, min(n, m) + 1))


@quick
@given(seeds)
def test_exact_answers_give_a_slate_that_is_balanced_and_justified(seed: int) -> None:
    u, k = universe(seed)
    n = len(u)
    slate = balanced_slate(exact_generator(u), lambda s: u[:, s], n, k)
    sizes = np.bincount(slate.matching, minlength=k)
    assert set(sizes.tolist()) <= {n // k, -(-n // k)} and sizes.sum() == n
    assert bjr_failure(u, slate.utilities, k) is None
    assert [len(seat.people) for seat in slate.seats] == [quota(n, k, j) for j in range(1, k + 1)]


def test_a_careless_slate_fails_and_the_witness_says_who() -> None:
    u = np.array([[4.0, 0], [4, 0], [0, 4], [0, 4]])
    claim = bjr_failure(u, np.array([4.0, 4, 0, 0]), 2)
    assert claim is not None and claim.statement == 1 and claim.voters == (2, 3) and claim.level == 4


@quick
@given(seeds)
def test_the_balanced_matching_equals_all_matchings_tried(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, k = int(rng.integers(2, 7)), int(rng.integers(1, 4))
    if n < k:
        return
    u = rng.integers(-3, 5, (n, k)).astype(float)
    allowed = {n // k, -(-n // k)}
    best = max(
        sum(u[i, s] for i, s in enumerate(way))
        for way in product(range(k), repeat=n)
        if {way.count(s) for s in range(k)} <= allowed
    )
    matching = balanced_matching(u)
    assert set(np.bincount(matching, minlength=k).tolist()) <= allowed
    assert representation(u, matching).sum() == pytest.approx(best)


def test_a_slate_of_five_for_a_hundred_people_seats_twenty_each() -> None:
    # The shape of the published validation: five statements, a hundred people, levels 0 to 4.
    rng = np.random.default_rng(0)
    camp = rng.permutation(np.repeat(np.arange(5), 20))
    u = rng.integers(0, 3, (100, 5)).astype(float)
    u[np.arange(100), camp] = 4
    slate = constituencies(u)
    assert np.bincount(slate.matching).tolist() == [20] * 5
    assert (slate.matching == camp).all() and slate.utilities.sum() == 400
    assert all(seat.level == 4 for seat in slate.seats)


def test_the_replay_of_a_published_matching_reads_its_form(tmp_path: Path) -> None:
    # Four people, two statements; the file's 4+3+4+1 is as good as any other balanced one, 4+2+4+2.
    rows = ["user,one,two,assignments,utility", "v1,4,0,one,4", "v2,3,2,one,3", "v3,0,4,two,4", "v4,2,1,two,1"]
    path = tmp_path / "r.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    found = replay(path)
    assert sorted(found.theirs.elements()) == [1, 3, 4, 4] and found.represented == 3
    assert sum(found.ours.elements()) == 12 and found.sizes == (2, 2)


def test_the_statement_is_chosen_by_its_last_reader_not_its_first() -> None:
    assert select(np.array([[4.0, 3], [0, 3], [0, 2]]), 2) == 1
    assert select(np.array([[4.0, 3], [3, 3]]), 2) == 0
    with pytest.raises(ValueError):
        select(np.zeros((1, 2)), 2)


def test_offers_are_only_asked_for_those_who_are_left() -> None:
    asked: list[tuple[int, int]] = []
    u = np.array([[4.0, 0], [3, 0], [0, 2], [0, 1], [0, 0]])

    def generate(left: np.ndarray, size: int) -> list[int]:
        asked.append((left.size, size))
        return [0, 1]

    slate = balanced_slate(generate, lambda s: u[:, s], 5, 2)
    assert asked == [(5, 3), (2, 2)] and slate.seats[0].people == (0, 1, 2) and slate.statements == (0, 1)
    with pytest.raises(ValueError, match="no statement"):
        balanced_slate(lambda left, size: [], lambda s: u[:, s], 5, 2)


@quick
@given(seeds)
def test_a_word_budget_is_kept_and_every_seat_was_paid_for(seed: int) -> None:
    u, _ = universe(seed)
    n, m = u.shape
    words = np.random.default_rng(seed).integers(1, 10, m)
    budget = 20.0

    def generate(left: np.ndarray, level: float, cost: float) -> list[int]:
        within = np.flatnonzero(words <= cost)
        return within[np.argsort(-(u[left][:, within] >= level).sum(axis=0))][:1].tolist()

    slate = costed_slate(generate, lambda s: u[:, s], n, budget=budget, levels=range(5), costs=(2, 5, 9))
    assert sum(seat.cost for seat in slate.seats) <= budget + 1e-9
    for seat in slate.seats:
        assert len(seat.people) == coalition(seat.cost, n, budget) and words[seat.statement] <= seat.cost
        assert min(u[i, seat.statement] for i in seat.people) >= seat.level
    served = [i for seat in slate.seats for i in seat.people]
    assert len(served) == len(set(served)) and (np.isnan(slate.utilities) == (slate.matching < 0)).all()
    # Nobody is left who could still pay together for a statement that they put at the lowest level or higher.
    left = np.flatnonzero(slate.matching < 0)
    assert all(left.size < coalition(c, n, budget) for c in (2, 5, 9) if (words <= c).any())


PUBLISHED = {
    "bowlinggreen": (3.54, 2.79, 3.06, 2.54),
    "drugs": (3.42, 3.14, 2.76, 2.58),
    "obesity": (3.39, 3.02, 2.75, 3.15),
    "extreme_middle": (3.87, 3.28, 3.10, 2.77),
}
COLUMNS = ("slate_utility", "cluster_baseline_utility", "zero_shot_utility", "contextless_zero_shot_utility")


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_published_slates_beat_their_baselines_by_the_published_means(name: str) -> None:
    path = shared_data(f"prose/{name}_utilities.csv")
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    means = [np.mean([float(row[column]) for row in rows]) for column in COLUMNS]
    assert [round(float(mean), 2) for mean in means] == list(PUBLISHED[name])
    assert means[0] > max(means[1:])
