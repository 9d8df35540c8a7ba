"""Diversity over a tree of concepts: two samples are as alike as their nearest common ancestor is narrow."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from agents.errors import UserError

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ConceptTree:
    """A rooted tree. names: of the concepts, parents before children, the root first.

    parents: place of each one's parent, -1 for the root. sizes: nodes in the subtree of each. depths: 0 for the root.
    """

    names: tuple[str, ...]
    parents: IntArray
    sizes: IntArray
    depths: IntArray

    def places(self, concepts: Sequence[str]) -> IntArray:
        """Return the places of concepts. Raises UserError for one that the tree does not know."""
        known = {name: place for place, name in enumerate(self.names)}
        if unknown := sorted(set(concepts) - known.keys()):
            raise UserError(
                f'The concept "{unknown[0]}" is not in the tree.', f"{len(unknown)} are not.", "add it, or leave it out"
            )
        return np.array([known[name] for name in concepts], dtype=np.int64)


def tree(parent_of: Mapping[str, str]) -> ConceptTree:
    """Return the tree in which each key hangs below its value. Raises UserError unless it has one root and no loop."""
    names = set(parent_of) | set(parent_of.values())
    roots = names - parent_of.keys()
    if len(roots) != 1:
        found = ", ".join(sorted(roots)[:5]) or "none, so there is a loop"
        raise UserError(f"A concept tree has one root, not {len(roots)}.", f"roots: {found}.", "join them under one")
    children: dict[str, list[str]] = {}
    for child, parent in sorted(parent_of.items()):
        children.setdefault(parent, []).append(child)
    order, parents = [roots.pop()], [-1]
    for place, name in enumerate(order):
        order += children.get(name, [])
        parents += [place] * len(children.get(name, []))
    if len(order) < len(names):
        lost = sorted(names - set(order))[0]
        raise UserError(f'The concept "{lost}" is not below the root.', "it is part of a loop.", "cut the loop")
    sizes, depths = np.ones(len(order), dtype=np.int64), np.zeros(len(order), dtype=np.int64)
    for place in range(len(order) - 1, 0, -1):
        sizes[parents[place]] += sizes[place]
    for place in range(1, len(order)):
        depths[place] = depths[parents[place]] + 1
    return ConceptTree(tuple(order), np.array(parents, dtype=np.int64), sizes, depths)


def lineage_diversity(concepts: Sequence[str], within: ConceptTree) -> float:
    """Return D = (log |T| - log E[|T| / |T_lca(u, v)|]) / log |T|, in [0, 1], over pairs of different samples.

    |T_x|: nodes below x, itself included. 1 when every pair meets only at the root, 0 when all samples are the same
    leaf. nan for fewer than two samples or a tree of one node.
    Source: The Lock-in Hypothesis (arXiv 2506.06166), lineage diversity; second hand.
    """
    total = len(within.names)
    pairs = _pairs_by_meeting(within.places(concepts), within)
    if pairs is None or total < 2:
        return math.nan
    mean = float((pairs / pairs.sum()) @ (total / within.sizes))
    return 1 - math.log(mean) / math.log(total)


def depth_diversity(concepts: Sequence[str], within: ConceptTree) -> float:
    """Return 1 - mean depth of the common ancestor of a pair / mean depth of a sample, in [0, 1].

    1 when all pairs meet at the root, 0 when all samples are the same concept; nan for fewer than two samples, or
    when all are the root. Ours: the paper's own definition was not available.
    """
    places = within.places(concepts)
    pairs = _pairs_by_meeting(places, within)
    if pairs is None or not within.depths[places].any():
        return math.nan
    return 1 - float((pairs / pairs.sum()) @ within.depths) / float(within.depths[places].mean())


def _pairs_by_meeting(places: IntArray, within: ConceptTree) -> npt.NDArray[np.float64] | None:
    """Return, for each node, how many pairs of samples have it as nearest common ancestor; None without a pair.

    A pair meets at x when both lie below x, but not both below one child of x: linear in the size of the tree.
    """
    if places.size < 2:
        return None
    below = np.bincount(places, minlength=len(within.names)).astype(np.float64)
    for place in range(len(within.names) - 1, 0, -1):
        below[within.parents[place]] += below[place]
    inside = below * (below - 1) / 2
    meeting = inside.copy()
    np.subtract.at(meeting, within.parents[1:], inside[1:])
    return meeting
