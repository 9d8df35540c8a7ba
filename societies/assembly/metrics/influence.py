"""Who was heard: shares of airtime, replies that came back, and turns that said something new."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from agents.statistics.intervals import Interval, bootstrap_mean
from societies.assembly.metrics.measured import FloatArray, Measured, resampled


def gini(amounts: npt.ArrayLike) -> float:
    """Return 2 sum r x_(r) / (n sum x) - (n + 1) / n: 0 for equal amounts, (n - 1)/n when one has all.

    nan when nobody has anything. Source: Gini 1912, in the form of Sen 1973.
    """
    x = np.sort(np.asarray(amounts, dtype=np.float64))
    total, n = float(x.sum()), x.size
    if n == 0 or total <= 0 or x[0] < 0:
        return math.nan
    return 2 * float(np.arange(1, n + 1) @ x) / (n * total) - (n + 1) / n


def airtime(words: FloatArray, *, seed: int = 0) -> Measured:
    """Measure the Gini of words spoken. words: one number a citizen who could have spoken, silent ones at 0. Null 0."""
    return resampled(gini, words, null=0.0, seed=seed)


def reciprocity(replies: FloatArray) -> float:
    """Return the share of replies that came back: sum min(r_ij, r_ji) / sum r_ij, in [0, 1]; nan without replies.

    replies[i, j]: how often i took up a point of j; the diagonal is ignored. Source: Squartini et al. 2013.
    """
    r = np.array(replies, dtype=np.float64)
    np.fill_diagonal(r, 0.0)
    total = float(r.sum())
    return float(np.minimum(r, r.T).sum()) / total if total > 0 else math.nan


def reciprocity_against_chance(replies: FloatArray, *, num_shuffles: int = 200, seed: int = 0) -> Measured:
    """Measure reciprocity with an interval over citizens; null: each citizen's replies go to random others.

    A citizen drawn twice does not reply to themselves: such pairs are left out of the resample.
    """
    r = np.asarray(replies, dtype=np.float64)
    n, rng = len(r), np.random.default_rng(seed)

    def among(rows: npt.NDArray[np.int64]) -> float:
        different = rows[:, None] != rows[None, :]
        return reciprocity(np.where(different, r[np.ix_(rows, rows)], 0.0))

    def shuffled() -> float:
        out = np.zeros_like(r)
        for i in range(n):
            others = np.delete(np.arange(n), i)
            out[i, rng.permutation(others)] = r[i, others]
        return reciprocity(out)

    null = float(np.mean([shuffled() for _ in range(num_shuffles)])) if n > 1 and num_shuffles else math.nan
    return resampled(among, np.arange(n), null=null, seed=seed)


def novelty(turns: FloatArray) -> FloatArray:
    """Return 1 - the largest cosine with any earlier turn, for each turn in order; the first turn has 1.

    turns: embeddings, shape (T, d), none of them 0. Low novelty late in a round is repetition or convergence.
    """
    lengths = np.linalg.norm(turns, axis=1, keepdims=True)
    if (lengths <= 0).any():
        raise ValueError("a turn has an embedding of length 0")
    unit = turns / lengths
    alike = np.tril(unit @ unit.T, -1) + np.triu(np.full((len(unit), len(unit)), -np.inf))
    nearest = alike.max(axis=1, initial=-np.inf)
    return np.where(np.isfinite(nearest), 1 - nearest, 1.0)


def without_each(whole: FloatArray, without: Mapping[str, FloatArray]) -> tuple[tuple[str, Interval], ...]:
    """Return how far outcomes moved when one speaker's turns were left out of a replay, most influential first.

    whole: outcome for each item with everybody; without: the same items replayed without each speaker.
    """
    moved = [(name, bootstrap_mean(np.abs(outcome - whole))) for name, outcome in without.items()]
    return tuple(sorted(moved, key=lambda pair: -pair[1].point))
