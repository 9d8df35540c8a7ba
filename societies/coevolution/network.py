"""Who talks to whom among a million people: a small world in compressed rows, in time linear in its ties.

Source: Watts and Strogatz 1998; the weights after Metropolis et al. 1953 as used for averaging by Xiao and Boyd 2004.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]


def small_world(
    num_people: int, degree: int, rewiring: float, rng: np.random.Generator, *, seats: IntArray | None = None
) -> Any:
    """Return the symmetric tie matrix (scipy CSR, float32, 0 or 1, no loops) of a ring with shortcuts.

    degree: mean number of neighbours; odd ones are rounded down. rewiring: share of ties whose far end is drawn anew.
    seats: person who sits at each place of the ring; None seats them in order, which keeps neighbours near in memory.
    """
    from scipy.sparse import coo_array

    half = min(degree // 2, (num_people - 1) // 2)
    near = np.repeat(np.arange(num_people, dtype=np.int32), half)
    far = ((near + np.tile(np.arange(1, half + 1, dtype=np.int32), num_people)) % num_people).astype(np.int32)
    moved = rng.random(far.size) < rewiring
    far[moved] = rng.integers(0, num_people, int(moved.sum()), dtype=np.int32)
    if seats is not None:
        near, far = seats[near].astype(np.int32), seats[far].astype(np.int32)
    near, far = near[near != far], far[near != far]
    ones = np.ones(2 * near.size, dtype=np.float32)
    ties = coo_array(
        (ones, (np.concatenate([near, far]), np.concatenate([far, near]))), shape=(num_people,) * 2
    ).tocsr()
    ties.sum_duplicates()
    ties.data[:] = 1.0
    return ties


def influence_matrix(ties: Any, influence: float) -> Any:
    """Return W = (1 - influence) I + influence M with Metropolis weights M, float32 CSR.

    M_ij = 1 / (1 + the larger of both degrees), and the rest of each row on its diagonal. W is symmetric with rows that
    sum to 1, so talking draws people together and never moves the population's mean: what drifts is drift alone.
    """
    from scipy.sparse import dia_array

    degree = np.diff(ties.indptr).astype(np.float32)
    row = np.repeat(np.arange(ties.shape[0], dtype=np.int32), np.diff(ties.indptr))
    mixed = ties.copy()
    mixed.data = (influence / (1.0 + np.maximum(degree[row], degree[ties.indices]))).astype(np.float32)
    own = 1.0 - np.bincount(row, weights=mixed.data, minlength=ties.shape[0])
    return (mixed + dia_array((own[None].astype(np.float32), [0]), shape=ties.shape)).tocsr().astype(np.float32)


def in_blocks(matrix: Any, blocks: list[slice]) -> list[Any]:
    """Return the rows of each block as a matrix of its own, so that a product can be made block by block."""
    return [matrix[block] for block in blocks]
