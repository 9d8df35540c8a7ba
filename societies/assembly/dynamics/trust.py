"""Who listens to whom: row-stochastic trust from tables and replies, and starting worlds to compare against."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


def from_assembly(
    tables: Sequence[Sequence[Sequence[int]]],
    num_citizens: int,
    *,
    replies: FloatArray | None = None,
    trust: FloatArray | None = None,
    own_weight: float = 1.0,
) -> FloatArray:
    """Return W proportional to (rounds at one table) * (1 + replies) * trust, rows adding up to 1.

    tables:  for each round, the citizens at each table. replies[i, j]: how often i replied to j; it is added to 1, so
             that sitting together counts without a reply. trust: non-negative, default 1.
    own_weight: weight of oneself beside one meeting without a reply. Who met nobody listens to themselves alone.
    """
    met = np.zeros((num_citizens, num_citizens))
    for round_ in tables:
        for table in round_:
            seats = np.asarray(list(table), dtype=np.int64)
            met[np.ix_(seats, seats)] += 1
    weights = met * (1.0 if replies is None else 1.0 + replies) * (1.0 if trust is None else trust)
    np.fill_diagonal(weights, own_weight)
    alone = weights.sum(axis=1) <= 0
    weights[alone, alone] = 1.0
    return row_stochastic(weights)


def row_stochastic(weights: FloatArray) -> FloatArray:
    """Return rows divided by their sums. Raises ValueError for a negative weight or an empty row."""
    sums = weights.sum(axis=1, keepdims=True)
    if (weights < 0).any() or (sums <= 0).any():
        raise ValueError("weights must not be negative, and each row needs one above 0")
    return np.asarray(weights / sums)


def signed_rows(weights: FloatArray) -> FloatArray:
    """Return rows divided by the sum of their absolute values, for signed trust."""
    sums = np.abs(weights).sum(axis=1, keepdims=True)
    if (sums <= 0).any():
        raise ValueError("each row needs a weight that is not 0")
    return np.asarray(weights / sums)


def stochastic_blocks(
    sizes: Sequence[int], inside: float, between: float, rng: np.random.Generator
) -> tuple[FloatArray, npt.NDArray[np.int64]]:
    """Return trust over a random graph of camps and the camp of each citizen.

    Two citizens know each other with chance `inside` within a camp and `between` across; all that one knows, oneself
    included, weigh the same. Source: Holland, Laskey and Leinhardt 1983.
    """
    camp = np.repeat(np.arange(len(sizes)), sizes)
    chance = np.where(camp[:, None] == camp[None, :], inside, between)
    links = np.triu(rng.random(chance.shape) < chance, 1)
    return row_stochastic((links | links.T | np.eye(camp.size, dtype=np.bool_)).astype(np.float64)), camp


def stubborn_bloc(num_citizens: int, bloc: Sequence[int], susceptibility: float) -> FloatArray:
    """Return susceptibilities: 0 for the bloc, the same for everyone else. For `friedkin_johnsen`."""
    own = np.full(num_citizens, susceptibility)
    own[list(bloc)] = 0.0
    return check_unit(own, num_citizens, "susceptibility")


def shuffled_seats(weights: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return the same trust with the citizens in other places: the null in which it does not matter who met whom."""
    order = rng.permutation(len(weights))
    return np.asarray(weights[np.ix_(order, order)])


def check_opinions(start: FloatArray) -> FloatArray:
    """Return opinions as a new array; raise ValueError unless they are finite, within [-1, 1] and at least one."""
    x = np.array(start, dtype=np.float64)
    if x.ndim != 1 or x.size == 0 or not np.isfinite(x).all() or np.abs(x).max() > 1 + 1e-12:
        raise ValueError("opinions must be a row of numbers in [-1, 1]")
    return x


def check_trust(weights: FloatArray, num: int, *, signed: bool = False) -> FloatArray:
    """Return trust as an array; raise ValueError unless it is (n, n) with rows of (absolute) sum 1."""
    w = np.asarray(weights, dtype=np.float64)
    sums = np.abs(w).sum(axis=1) if w.ndim == 2 else np.zeros(1)
    if w.shape != (num, num) or (not signed and (w < 0).any()) or not np.allclose(sums, 1, atol=1e-9):
        raise ValueError(f"trust must have shape {(num, num)} and rows that add up to 1")
    return w


def check_unit(values: FloatArray, num: int, name: str) -> FloatArray:
    """Return values as an array; raise ValueError unless there are n in [0, 1]."""
    v = np.asarray(values, dtype=np.float64)
    if v.shape != (num,) or not np.isfinite(v).all() or v.min() < 0 or v.max() > 1:
        raise ValueError(f"{name} must be {num} numbers in [0, 1]")
    return v
