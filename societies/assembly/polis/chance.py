"""The null baseline of a map: what the same votes give when they no longer hang together.

Two axes always explain something, and k-means always finds groups. Here each statement's votes change hands among those
who saw it: who voted on what and how often a statement is agreed with stay, only the ties between statements go.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from societies.assembly.polis.groups import find_groups
from societies.assembly.polis.projection import find_space, positions
from societies.assembly.polis.votes import BoolArray, FloatArray, included, zeroed

NUM_SHUFFLES = 10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Chance:
    """explained: [shuffle], variance by two axes. silhouette: [shuffle], of the best number of groups; may be nan."""

    explained: FloatArray
    silhouette: FloatArray


def by_chance(
    values: FloatArray, moderated: BoolArray | None = None, *, num_shuffles: int = NUM_SHUFFLES, seed: int = 0
) -> Chance:
    """Return what maps of shuffled votes look like. values: [person, statement]; moderated: [statement]."""
    table = zeroed(values, moderated)
    on_map = included(values)
    rng = np.random.default_rng(seed)
    explained, silhouette = np.zeros(num_shuffles), np.zeros(num_shuffles)
    for number in range(num_shuffles):
        mixed = shuffled(table, rng)
        space = find_space(mixed)
        explained[number] = space.explained.sum()
        silhouette[number] = find_groups(positions(mixed, space)[on_map]).silhouette
    return Chance(explained=explained, silhouette=silhouette)


def shuffled(values: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return the table with the votes of each statement dealt out anew among those who saw it."""
    mixed = values.copy()
    for column in mixed.T:
        seen = ~np.isnan(column)
        column[seen] = rng.permutation(column[seen])
    return mixed
