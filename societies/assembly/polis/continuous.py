"""A map that is updated while people vote: axes do not jump, groups keep their numbers, and their count changes rarely.

Each update starts from the last axes, keeps on the map whoever was on it, starts the groups from where their members
stand now, and changes the number of groups only when the same other number has had the best silhouette in
`PATIENCE` updates in a row. Participants and statements may be added at the end of the table, never moved.
Source: Small et al. 2021. That groups start from their members' new places, not from the old centres, is ours: it
survives axes that change places.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from societies.assembly.polis.groups import Groups, best_number, groupings
from societies.assembly.polis.projection import Space, find_space, positions
from societies.assembly.polis.votes import UNGROUPED, BoolArray, FloatArray, IntArray, included

PATIENCE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Steadiness:
    """How many groups there are, and which other number has been better for how many updates in a row."""

    num_groups: int
    rival: int = 0
    num_wins: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OpinionMap:
    """One update. on_map: [person]. points: [person, 2]. labels: [person], -1 for people who are not on the map."""

    on_map: BoolArray
    space: Space
    points: FloatArray
    labels: IntArray
    steady: Steadiness
    silhouettes: tuple[tuple[int, float], ...]


def update(values: FloatArray, previous: OpinionMap | None = None, moderated: BoolArray | None = None) -> OpinionMap:
    """Return the next map. values: [person, statement]; moderated: [statement]."""
    on_map = included(values, None if previous is None else previous.on_map)
    space = find_space(values, moderated, None if previous is None else previous.space.axes)
    points = positions(values, space, moderated)
    people = points[on_map]
    before = _labels_before(previous, on_map)
    found = groupings(people, starts=_member_means(people, before))
    best = best_number(found)
    steady = steadied(None if previous is None else previous.steady, best, known=tuple(found))
    chosen = _renumbered(found[steady.num_groups], before)
    labels = np.full(len(points), UNGROUPED, dtype=np.int64)
    labels[on_map] = chosen
    silhouettes = tuple((k, groups.silhouette) for k, groups in sorted(found.items()) if k > 1)
    return OpinionMap(on_map=on_map, space=space, points=points, labels=labels, steady=steady, silhouettes=silhouettes)


def steadied(before: Steadiness | None, best: int, *, known: tuple[int, ...], patience: int = PATIENCE) -> Steadiness:
    """Return how many groups to show: a rival must be best `patience` times in a row.

    known: numbers of groups that can be had at all; when the shown one no longer can, the best one is taken at once.
    So it is when there was only one group before.
    """
    if before is None or before.num_groups == 1 or before.num_groups not in known or best == before.num_groups:
        return Steadiness(num_groups=best)
    num_wins = before.num_wins + 1 if best == before.rival else 1
    if num_wins >= patience:
        return Steadiness(num_groups=best)
    return Steadiness(num_groups=before.num_groups, rival=best, num_wins=num_wins)


def _labels_before(previous: OpinionMap | None, on_map: BoolArray) -> IntArray:
    """Return the last labels of the people who are on the map now; -1 for newcomers."""
    labels = np.full(len(on_map), UNGROUPED, dtype=np.int64)
    if previous is not None:
        labels[: len(previous.labels)] = previous.labels
    return labels[on_map]


def _member_means(people: FloatArray, before: IntArray) -> dict[int, FloatArray]:
    """Return where the members of each group of before stand now, as starts for the same number of groups."""
    num_groups = int(before.max(initial=UNGROUPED)) + 1
    if num_groups < 2 or len(np.unique(before[before >= 0])) < num_groups:
        return {}
    return {num_groups: np.array([people[before == group].mean(axis=0) for group in range(num_groups)])}


def _renumbered(groups: Groups, before: IntArray) -> IntArray:
    """Return labels in which a group has the number of the earlier group that it shares most members with."""
    num_before = int(before.max(initial=UNGROUPED)) + 1
    if num_before < 1:
        return groups.labels
    from scipy.optimize import linear_sum_assignment

    shared = np.zeros((groups.num_groups, max(num_before, groups.num_groups)))
    known = before >= 0
    np.add.at(shared, (groups.labels[known], before[known]), 1.0)
    new, old = linear_sum_assignment(-shared)
    number = np.empty(groups.num_groups, dtype=np.int64)
    number[new] = np.unique(old, return_inverse=True)[1]
    return number[groups.labels]
