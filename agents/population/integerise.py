"""Turn expected numbers of people into whole people without losing the margins.

Each cell is rounded down or up, never further (controlled rounding: Cox 1987). A systematic draw decides first, without
bias; then pairs of cells change places as long as that brings the target tables nearer. So a cell that should be empty
stays empty, the total is exact, and the tables are off by about one person however many there are.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from agents.population.raking import Constraint
from agents.population.tables import FloatArray, IntArray

NUM_CANDIDATES = 192
"""Cells looked at on each side for one exchange; drawn at random so that no cell is favoured."""

PATIENCE = 12
"""Fruitless looks in a row after which the repair ends."""

_SNAP = 1e-6


def integerise(shares: FloatArray, constraints: Sequence[Constraint], size: int, rng: np.random.Generator) -> IntArray:
    """Return whole counts that add up to `size`, each the floor or the ceiling of `size * shares`.

    shares: float64, flat, adding up to 1 and meeting the constraints (see `raking.rake`).
    The same arguments and generator state give the same counts. What lacks less than 1e-6 of a
    whole person counts as whole.
    """
    expected = shares / shares.sum() * size
    floor = np.floor(expected + _SNAP).astype(np.int64)
    num_over = int(floor.sum()) - size
    if num_over > 0:
        floor[np.argsort(expected - floor, kind="stable")[:num_over]] -= 1
    fraction = np.clip(expected - floor, 0.0, 1.0)
    up = _systematic(fraction, size - int(floor.sum()), rng)
    _repair(up, floor, fraction, constraints, size, rng)
    counts: IntArray = floor + up
    return counts


def _systematic(fraction: FloatArray, num_up: int, rng: np.random.Generator) -> IntArray:
    """Choose `num_up` cells to round up, each with a chance equal to its fraction, evenly spread over the cells."""
    up = np.zeros(len(fraction), dtype=np.int64)
    cumulative = np.cumsum(fraction)
    if num_up <= 0 or cumulative[-1] <= 0:
        return up
    cumulative *= num_up / cumulative[-1]
    ticks = np.minimum(np.arange(num_up) + rng.random(), np.nextafter(cumulative[-1], 0))
    up[np.searchsorted(cumulative, ticks, side="right")] = 1
    num_missing = num_up - int(up.sum())
    if num_missing:
        spare = np.where(up == 0, fraction, -1.0)
        up[np.argsort(-spare, kind="stable")[:num_missing]] = 1
    return up


def _repair(
    up: IntArray,
    floor: IntArray,
    fraction: FloatArray,
    constraints: Sequence[Constraint],
    size: int,
    rng: np.random.Generator,
) -> None:
    """Exchange roundings, in place, while the summed squared gaps of the tables fall."""
    active = [constraint for constraint in constraints if 1 < len(constraint.target) < len(up)]
    if not active:
        return
    residuals = [constraint.totals((floor + up).astype(np.float64)) - size * constraint.target for constraint in active]
    chance = np.cumsum(fraction)
    fruitless = 0
    while fruitless < PATIENCE:
        losers = np.flatnonzero(up)
        gainers = np.minimum(
            np.searchsorted(chance, rng.random(NUM_CANDIDATES) * chance[-1], side="right"), len(up) - 1
        )
        gainers = gainers[(up[gainers] == 0) & (fraction[gainers] > 0)]
        if not losers.size:
            return
        losers = rng.choice(losers, size=min(NUM_CANDIDATES, len(losers)), replace=False)
        fruitless += 1
        if not gainers.size:
            continue
        change = np.zeros((len(losers), len(gainers)))
        for constraint, residual in zip(active, residuals, strict=True):
            off, to = constraint.index[losers], constraint.index[gainers]
            moves = off[:, None] != to[None, :]
            change += moves * (2.0 * (residual[to][None, :] - residual[off][:, None]) + 2.0)
        best = np.unravel_index(int(np.argmin(change)), change.shape)
        if change[best] >= -_SNAP:
            continue
        fruitless = 0
        loser, winner = int(losers[best[0]]), int(gainers[best[1]])
        up[loser], up[winner] = 0, 1
        for constraint, residual in zip(active, residuals, strict=True):
            residual[constraint.index[loser]] -= 1.0
            residual[constraint.index[winner]] += 1.0
