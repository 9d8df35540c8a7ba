"""Opinion groups: weighted k-means on the map, and as many groups as are best told apart by the silhouette.

First at most 100 base clusters of people who stand close, then groups of base clusters, each as heavy as it has people.

Two choices differ from Polis: the start is the farthest-first traversal instead of the first distinct points, which
makes groups independent of the order of participants, and the silhouette is that of people, not of base clusters.
`start="first"` gives Polis' start.
Source: Small et al. 2021; Rousseeuw 1987 (silhouette); Gonzalez 1985 (farthest-first traversal).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from societies.assembly.polis.votes import FloatArray, IntArray

Start = Literal["spread", "first"]
NUM_BASE = 100
MAX_GROUPS = 5
PEOPLE_PER_GROUP = 12
"""Base clusters that allow one more group: 2 + floor(base clusters / 12), at most `MAX_GROUPS`."""
MAX_STEPS = 100


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Groups:
    """labels: [person], 0 for the largest group. centers: [group, axis]. silhouette: mean over people; nan for one."""

    labels: IntArray
    centers: FloatArray
    silhouette: float

    @property
    def num_groups(self) -> int:
        """The number of groups."""
        return len(self.centers)


def find_groups(points: FloatArray, *, num_groups: int | None = None, start: Start = "spread") -> Groups:
    """Return the groups of the best silhouette, or `num_groups` of them. points: [person, axis].

    One group when nobody stands apart. Fewer than `num_groups` come back when fewer places are taken.
    """
    found = groupings(points, start=start, at_least=num_groups or 0)
    if num_groups is not None:
        return found[max((k for k in found if k <= num_groups), default=1)]
    return found[best_number(found)]


def best_number(found: Mapping[int, Groups]) -> int:
    """Return the number of groups with the best silhouette, the smaller of two equal ones; 1 without a choice."""
    return max((k for k in found if k > 1), key=lambda k: (found[k].silhouette, -k), default=1)


def groupings(
    points: FloatArray,
    *,
    start: Start = "spread",
    starts: Mapping[int, FloatArray] | None = None,
    at_least: int = 0,
) -> dict[int, Groups]:
    """Return a grouping for each number of groups worth trying, 1 included.

    starts: centres to start from for some numbers of groups. Their order is kept: group i grew from centre i.
    at_least: try up to this number even where there are few base clusters.
    """
    people = np.asarray(points, dtype=np.float64)
    ones = np.zeros(len(people), dtype=np.int64)
    middle = people.mean(axis=0, keepdims=True) if len(people) else np.zeros((1, people.shape[1]))
    found = {1: Groups(labels=ones, centers=middle, silhouette=float("nan"))}
    base, centers = base_clusters(people, start=start)
    weights = np.bincount(base, minlength=len(centers)).astype(np.float64)
    most = min(len(centers), max(at_least, min(MAX_GROUPS, 2 + len(centers) // PEOPLE_PER_GROUP)))
    for number in range(2, most + 1):
        given = (starts or {}).get(number)
        begin = _starts(centers, weights, number, start) if given is None else given
        labels, _ = k_means(centers, weights, begin)
        if given is None:
            labels = _largest_first(labels, weights)
        k = int(labels.max()) + 1
        if k != number or len(np.unique(labels)) != k:
            continue
        own = labels[base]
        means = np.array([people[own == group].mean(axis=0) for group in range(k)])
        found[k] = Groups(labels=own, centers=means, silhouette=mean_silhouette(centers, labels, weights))
    return found


def base_clusters(
    points: FloatArray, *, num_base: int = NUM_BASE, start: Start = "spread"
) -> tuple[IntArray, FloatArray]:
    """Return a label a person and the centres: one a place where people stand, or `num_base` clusters of places."""
    places, label = _distinct(points)
    if len(places) <= num_base:
        return label, places
    weights = np.bincount(label).astype(np.float64)
    begin = _starts(places, weights, num_base, start)
    labels, centers = k_means(places, weights, begin)
    return labels[label], centers


def k_means(points: FloatArray, weights: FloatArray, starts: FloatArray) -> tuple[IntArray, FloatArray]:
    """Return labels and weighted centres by Lloyd's steps from `starts`; centres that lose everybody are dropped.

    Equal distances go to the earlier centre. Source: Lloyd 1982.
    """
    centers = np.asarray(starts, dtype=np.float64)
    labels = np.full(len(points), -1, dtype=np.int64)
    for _ in range(MAX_STEPS):
        nearest = _squares(points, centers).argmin(axis=1).astype(np.int64)
        taken, nearest = np.unique(nearest, return_inverse=True)
        if len(taken) == len(centers) and (nearest == labels).all():
            break
        labels = nearest.astype(np.int64)
        mass = np.bincount(labels, weights=weights)
        sums = [np.bincount(labels, weights=weights * column) for column in points.T]
        centers = np.stack(sums, axis=1) / mass[:, None]
    return labels, centers


def mean_silhouette(points: FloatArray, labels: IntArray, weights: FloatArray) -> float:
    """Return the mean silhouette of people, `weights[i]` of whom stand at point i; who is alone in a group has 0.

    nan with fewer than two groups. Source: Rousseeuw 1987, section 2, with repeated points.
    """
    num_groups = int(labels.max()) + 1 if labels.size else 0
    if num_groups < 2:
        return float("nan")
    member = (labels[:, None] == np.arange(num_groups)).astype(np.float64) * weights[:, None]
    size = member.sum(axis=0)
    sums = np.sqrt(_squares(points, points)) @ member
    rows = np.arange(len(points))
    own_size = size[labels]
    inside = sums[rows, labels] / np.maximum(own_size - 1, 1)
    away = sums / size
    away[rows, labels] = np.inf
    outside = away.min(axis=1)
    larger = np.maximum(inside, outside)
    score = np.divide(outside - inside, larger, out=np.zeros_like(larger), where=(larger > 0) & (own_size > 1))
    return float(np.average(score, weights=weights))


def find_subgroups(points: FloatArray, labels: IntArray) -> tuple[Groups, ...]:
    """Return for each group the grouping of its own members, in their order: the same search once more."""
    num_groups = int(labels.max()) + 1 if labels.size else 0
    return tuple(find_groups(points[labels == group]) for group in range(num_groups))


def adjusted_rand(first: IntArray, second: IntArray) -> float:
    """Return the adjusted Rand index of two groupings of the same people: 1 equal, 0 as by chance.

    Two groupings without any pair to disagree about are equal. Source: Hubert and Arabie 1985, equation 5.
    """
    if len(first) != len(second):
        raise ValueError(f"{len(first)} and {len(second)} labels are not of the same people")
    _, one = np.unique(first, return_inverse=True)
    _, two = np.unique(second, return_inverse=True)
    table = np.zeros((one.max(initial=-1) + 1, two.max(initial=-1) + 1))
    np.add.at(table, (one, two), 1.0)
    both, rows, columns = _pairs(table), _pairs(table.sum(axis=1)), _pairs(table.sum(axis=0))
    every = len(first) * (len(first) - 1) / 2
    chance = rows * columns / every if every else 0.0
    most = (rows + columns) / 2
    return (both - chance) / (most - chance) if most != chance else 1.0


def _pairs(counts: FloatArray) -> float:
    return float((counts * (counts - 1)).sum()) / 2


def _starts(points: FloatArray, weights: FloatArray, number: int, start: Start) -> FloatArray:
    """Return `number` of the points. "first": in their order. "spread": each the farthest from those before it."""
    if start == "first":
        return points[:number]
    gap = _squares(points, np.average(points, axis=0, weights=weights)[None, :])[:, 0]
    chosen = []
    for _ in range(number):
        chosen.append(int(gap.argmax()))
        step = _squares(points, points[chosen[-1] : chosen[-1] + 1])[:, 0]
        gap = step if len(chosen) == 1 else np.minimum(gap, step)
    return points[chosen]


def _distinct(points: FloatArray) -> tuple[FloatArray, IntArray]:
    """Return the distinct points in the order of their first appearance, and each person's."""
    _, first, label = np.unique(points, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return points[first[order]], rank[np.asarray(label).reshape(-1)]


def _largest_first(labels: IntArray, weights: FloatArray) -> IntArray:
    size = np.bincount(labels, weights=weights)
    rank = np.empty(len(size), dtype=np.int64)
    rank[np.argsort(-size, kind="stable")] = np.arange(len(size))
    return rank[labels]


def _squares(points: FloatArray, centers: FloatArray) -> FloatArray:
    return np.asarray(((points[:, None, :] - centers[None, :, :]) ** 2).sum(axis=2), dtype=np.float64)
