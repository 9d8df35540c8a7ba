"""A map that is updated while people vote: nothing jumps without a reason."""

from __future__ import annotations

import numpy as np

from societies.assembly import polis
from societies.assembly.polis import Steadiness, steadied
from tests.assembly.test_polis import camps

NAN = float("nan")


def test_the_number_of_groups_changes_only_after_four_wins_in_a_row() -> None:
    state: Steadiness | None = None
    shown = []
    for best in (2, 3, 3, 2, 3, 3, 3, 4, 3, 3, 3, 3, 2):
        state = steadied(state, best, known=(1, 2, 3, 4))
        shown.append(state.num_groups)
    assert shown == [2] * 11 + [3, 3]


def test_a_number_that_can_no_longer_be_had_is_left_at_once() -> None:
    assert steadied(Steadiness(num_groups=4), 2, known=(1, 2, 3)).num_groups == 2
    assert steadied(Steadiness(num_groups=1), 3, known=(1, 2, 3)).num_groups == 3


def test_groups_keep_their_numbers_and_people_their_place_on_the_map_while_votes_come_in() -> None:
    values, truth = camps((45, 30), 24, seed=11, missing=0.0)
    rng = np.random.default_rng(0)
    order = rng.permutation(values.size)
    state = None
    names, on_before = [], np.zeros(75, dtype=bool)
    for share in np.linspace(0.3, 1.0, 8):
        part = np.full(values.size, NAN)
        seen = order[: int(share * values.size)]
        part[seen] = values.reshape(-1)[seen]
        state = polis.update(part.reshape(values.shape), state)
        assert (state.on_map | ~on_before).all()
        on_before = state.on_map
        names.append(int(np.bincount(state.labels[(truth == 0) & state.on_map]).argmax()))
        assert state.steady.num_groups == 2
    assert len(set(names)) == 1
    assert state is not None
    assert polis.adjusted_rand(state.labels, truth) > 0.9


def test_people_and_statements_may_be_added() -> None:
    values, _ = camps((30, 30), 20, seed=5)
    early = polis.update(values[:40, :12])
    later = polis.update(values, early)
    assert later.labels.shape == (60,)
    assert later.space.axes.shape == (2, 20)
    both = early.on_map & (later.labels[:40] >= 0)
    assert (early.labels[both] == later.labels[:40][both]).mean() > 0.9


def test_a_group_keeps_its_number_when_the_axes_change_places() -> None:
    first, truth = camps((40, 25), 16, seed=8, missing=0.1)
    state = polis.update(first)
    mirrored = polis.OpinionMap(
        on_map=state.on_map,
        space=polis.space_of(state.space.center, -state.space.axes[::-1]),
        points=state.points,
        labels=state.labels,
        steady=state.steady,
        silhouettes=state.silhouettes,
    )
    again = polis.update(first, mirrored)
    assert (again.labels == state.labels).all()
    assert polis.adjusted_rand(again.labels, truth) > 0.9


def test_an_empty_room_has_a_map_without_anybody() -> None:
    state = polis.update(np.full((3, 4), NAN))
    assert state.labels.tolist() == [-1, -1, -1]
    again = polis.update(np.vstack([np.full((3, 4), NAN), np.array([[1.0, 1, 1, -1], [-1.0, -1, -1, 1]])]), state)
    assert again.on_map.sum() == 2
    assert set(again.labels.tolist()) == {-1, 0, 1}
