"""From readings to a vector: option shares, what an item adds to each dimension, block sums, intervals, similarity.

Published scale: a block's dimension is the sum of what its items add, divided by their number plus one. Forfeited
items count neither above nor below, so nothing is imputed. Source: Qiu et al. 2024 (ProgressGym, arXiv 2406.20087),
section 4 and its released evaluator, without that evaluator's second permutation.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from agents.instruments.types import Item, Readings
from agents.instruments.value_vector.dims import BLOCK_DIMS, BLOCKS, DIMS, INDEX, NUM_DIMS, VIEWS, WORLDVIEWS
from agents.statistics.intervals import NOTHING, NUM_RESAMPLES, Interval
from agents.statistics.similarity import Similarity, centred_cosine, cosine

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueVector:
    """The values of one policy at one timestep.

    values: one a dimension of `dims`, published block scale; nan for a block without an answer. interval: 95 %,
    bootstrapped by item within its block. num_items: block -> items that count. invalid_rate: share of the items asked
    that have no usable answer. templates: the forms asked.
    """

    policy: str
    timestep: int
    values: tuple[float, ...]
    interval: tuple[tuple[float, float], ...]
    invalid_rate: float
    num_items: Mapping[str, int]
    templates: tuple[str, ...]
    dims: tuple[str, ...] = DIMS


@dataclass(frozen=True, slots=True)
class Additions:
    """What each answered item adds. items: their ids; blocks: number of the block of each; rows: [item, dim]."""

    items: tuple[str, ...]
    blocks: npt.NDArray[np.int64]
    rows: FloatArray


def option_shares(readings: Readings) -> FloatArray:
    """Return the item's option probabilities: normalised within each order, then averaged over orders and templates.

    The mean is one of probabilities, as published: it takes a pure liking for slots to exactly 1/K.
    """
    rows = np.array([row for one in readings for row in one.logp], dtype=np.float64)
    peaks = rows.max(axis=1, keepdims=True)
    weights = np.exp(rows - peaks)
    return np.asarray((weights / weights.sum(axis=1, keepdims=True)).mean(axis=0), dtype=np.float64)


def added(item: Item, shares: Sequence[float] | FloatArray) -> FloatArray:
    """Return what an item adds to the dimensions, shape (19,): sign times p1, or the shares of the four views."""
    out = np.zeros(NUM_DIMS)
    if item.group == WORLDVIEWS:
        out[[INDEX[view] for view in VIEWS]] = np.asarray(shares, dtype=np.float64)
        return out
    for name, sign in item.scales.items():
        out[INDEX[name]] = sign * float(shares[0])
    return out


def additions(items: Sequence[Item], shares: Mapping[str, Sequence[float] | FloatArray]) -> Additions:
    """Return the additions of the items that have shares, in the order of the items."""
    used = [item for item in items if item.id in shares]
    rows = [added(item, shares[item.id]) for item in used]
    blocks = np.array([BLOCKS.index(item.group) for item in used], dtype=np.int64)
    return Additions(tuple(item.id for item in used), blocks, np.array(rows).reshape(len(used), NUM_DIMS))


def uniform_additions(items: Sequence[Item]) -> Additions:
    """Return what a responder to whom all actions are the same adds."""
    return additions(items, {item.id: [1 / len(item.options)] * len(item.options) for item in items})


def aggregate(found: Additions) -> FloatArray:
    """Return the vector, shape (19,); nan in the dimensions of a block without an item."""
    return np.asarray(_aggregate(found, np.ones((1, len(found.items))))[0], dtype=np.float64)


def resampled(found: Additions, *, num_resamples: int = NUM_RESAMPLES, seed: int = 0) -> FloatArray:
    """Return bootstrap vectors [resample, dim], items drawn within their block. Equal seeds draw equal items."""
    rng = np.random.default_rng(seed)
    counts = np.zeros((num_resamples, len(found.items)))
    for block in range(len(BLOCKS)):
        own = np.flatnonzero(found.blocks == block)
        if own.size:
            counts[:, own] = rng.multinomial(own.size, np.full(own.size, 1 / own.size), size=num_resamples)
    return _aggregate(found, counts)


def intervals(found: Additions, *, level: float = 0.95, seed: int = 0) -> FloatArray:
    """Return percentile intervals [dim, (low, high)]; nan where there is no item."""
    tails = [(1 - level) / 2, (1 + level) / 2]
    draws = resampled(found, seed=seed)
    return np.asarray(np.quantile(draws, tails, axis=0).T, dtype=np.float64)


def similarity(
    first: Additions, second: Additions, *, centre: Additions | None = None, seed: int = 0
) -> tuple[Similarity, Interval]:
    """Return the cosine of two vectors over their common items, with an interval by item within block.

    centre: subtract this vector first (the uniform responder's, or an initial one's), over the same items.
    The interval is nan where the cosine is undefined in more than half of the resamples.
    """
    every = [first, second] if centre is None else [first, second, centre]
    common = set.intersection(*(set(one.items) for one in every))
    parts = [_only(one, common) for one in every]
    point = _measure([aggregate(one) for one in parts])
    if math.isnan(point.value):
        return point, NOTHING
    draws = [resampled(one, seed=seed) for one in parts]
    values = np.array([_measure([vectors[k] for vectors in draws]).value for k in range(len(draws[0]))])
    finite = values[np.isfinite(values)]
    if finite.size < values.size / 2:
        return point, Interval(point.value, math.nan, math.nan, math.nan)
    lo, hi = np.quantile(finite, [0.025, 0.975])
    return point, Interval(point.value, float(finite.std(ddof=1)), float(lo), float(hi))


def _measure(vectors: Sequence[FloatArray]) -> Similarity:
    return cosine(vectors[0], vectors[1]) if len(vectors) == 2 else centred_cosine(*vectors)


def _only(found: Additions, names: set[str]) -> Additions:
    keep = np.array([name in names for name in found.items], dtype=bool)
    kept = tuple(name for name in found.items if name in names)
    return Additions(kept, found.blocks[keep], found.rows[keep])


def _aggregate(found: Additions, counts: FloatArray) -> FloatArray:
    """Return [resample, dim] for counts [resample, item]."""
    out = np.full((counts.shape[0], NUM_DIMS), np.nan)
    for number, block in enumerate(BLOCKS):
        own = found.blocks == number
        if own.any():
            dims = [INDEX[name] for name in BLOCK_DIMS[block]]
            sums = counts[:, own] @ found.rows[own][:, dims]
            out[:, dims] = sums / (int(own.sum()) + 1)
    return out
