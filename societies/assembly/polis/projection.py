"""The opinion space: two axes along which votes differ most, and where everybody stands although votes are missing.

Missing votes are filled with the statement's mean, the table is centred, and two principal components are found by
power iteration, warm-started from the last ones so that a map does not jump. A participant's position uses only the
votes that were cast, scaled up by how few they are.
Source: Small et al. 2021, section on the opinion matrix; checked against four conversations of the production system.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from societies.assembly.polis.votes import BoolArray, FloatArray, zeroed

NUM_AXES = 2
NUM_STEPS = 100
NOTHING = 1e-12
"""Share of the variance that is taken for rounding."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Space:
    """center: [statement], mean votes. axes: [2, statement], of length 1 or 0. explained: [2], share of variance."""

    center: FloatArray
    axes: FloatArray
    explained: FloatArray


def find_space(values: FloatArray, moderated: BoolArray | None = None, start: FloatArray | None = None) -> Space:
    """Return mean votes and two principal axes of the filled and centred table.

    moderated: [statement]; their columns become 0. start: axes of an earlier update, which may know fewer statements.
    Without variance the axes are 0 and explain 0.
    """
    table = zeroed(values, moderated)
    center, filled = _centred(table)
    gram = filled.T @ filled
    total = float(np.trace(gram))
    axes = np.zeros((NUM_AXES, table.shape[1]))
    explained = np.zeros(NUM_AXES)
    for number in range(NUM_AXES):
        if np.trace(gram) <= NOTHING * total:
            break
        axis = _power(gram, None if start is None else start[number])
        strength = float(axis @ gram @ axis)
        axes[number] = axis
        explained[number] = strength / total if total > 0 else 0.0
        rest = np.eye(len(axis)) - np.outer(axis, axis)
        gram = rest @ gram @ rest
    return Space(center=center, axes=axes, explained=explained)


def positions(values: FloatArray, space: Space, moderated: BoolArray | None = None) -> FloatArray:
    """Return where everybody stands: [participant, 2], sqrt(C/n) times the sum of (vote - mean) along the axes.

    n counts the statements somebody saw, moderated-out ones included; C is the number of all. Who saw nothing stands
    at 0.
    """
    table = zeroed(values, moderated)
    seen = ~np.isnan(table)
    scale = np.sqrt(table.shape[1] / np.maximum(1, seen.sum(axis=1)))
    return np.asarray(scale[:, None] * (np.where(seen, table - space.center, 0.0) @ space.axes.T), dtype=np.float64)


def extremity(space: Space) -> FloatArray:
    """Return how far out a lone agreement with each statement would put somebody: [statement].

    sqrt(C) * |1 - mean| * length of the statement's loadings. Polis' formula has -1 - mean, where agree is -1.
    """
    length = np.linalg.norm(space.axes, axis=0)
    return np.asarray(np.sqrt(space.center.size) * np.abs(1.0 - space.center) * length, dtype=np.float64)


def _centred(table: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the mean votes (0 for statements nobody saw) and the filled table minus these."""
    seen = ~np.isnan(table)
    center = np.where(seen, table, 0.0).sum(axis=0) / np.maximum(1, seen.sum(axis=0))
    return center, np.where(seen, table - center, 0.0)


def _power(gram: FloatArray, start: FloatArray | None) -> FloatArray:
    """Return the leading eigenvector by power iteration.

    Starts at `start`, filled up with ones, or at the sum of all columns and the longest one: the sum alone can be an
    eigenvector of a weaker axis, where the iteration would stay.
    """
    longest = gram[:, int(np.argmax(np.diag(gram)))]
    axis = _unit(gram.sum(axis=1)) + _unit(longest)
    if start is not None:
        axis = np.ones(len(gram))
        axis[: start.size] = start
    if np.linalg.norm(gram @ axis) <= 1e-9 * np.linalg.norm(gram) * np.linalg.norm(axis):
        axis = longest
    for _ in range(NUM_STEPS):
        axis = _unit(gram @ axis)
    return axis


def _unit(vector: FloatArray) -> FloatArray:
    length = float(np.linalg.norm(vector))
    return vector / length if length > 0 else vector


def space_of(center: FloatArray, axes: FloatArray) -> Space:
    """Return a space from means and axes found elsewhere (production output of Polis); what they explain is unknown."""
    means, lines = np.asarray(center, dtype=np.float64), np.asarray(axes, dtype=np.float64)
    if lines.shape != (NUM_AXES, means.size):
        raise ValueError(f"axes of shape {lines.shape} do not fit {means.size} statements")
    return Space(center=means, axes=lines, explained=np.full(NUM_AXES, np.nan))
