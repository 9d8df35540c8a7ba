"""One number for the quality of a turn: indices weighted by how far lay people's judgement goes along with each.

The rubric of `dqi` says what a turn does; it does not say what that is worth. Here each index is weighted by the
correlation of experts' (or judges') scores with lay ratings of the same turns, so that what lay people value counts,
and what they hold against a turn counts against it. After AQuA, Behrendt et al. 2024, arXiv 2404.02761: twenty
indices, weights from such correlations. Its published weights were not at hand and are not in here: give weights of
your own, or fit them from turns that both have rated. Without either, use the equal weights of `dqi.total`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from agents.errors import UserError, did_you_mean
from agents.statistics.intervals import Interval, bootstrap_mean, bootstrap_statistic
from societies.assembly.dqi import RUBRIC, Judged, Scale
from societies.assembly.metrics.measured import FloatArray, IntArray, Measured

LEAST_TURNS = 10
"""Fewest turns with both ratings from which weights are fitted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """One index: correlation of its scores with lay ratings, null 0; the weight is the correlation itself."""

    index: str
    correlation: Measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """Weights by index, what they rest on, and the indices that were left out because every turn scored alike.

    foretells: correlation of the weighted index with lay ratings of turns left out of the fit (each turn once), null 0.
    """

    weights: Mapping[str, float]
    detail: tuple[Weight, ...]
    left_out: tuple[str, ...]
    foretells: Measured


def shares(judged: Sequence[Judged], rubric: Sequence[Scale] = RUBRIC) -> tuple[tuple[str, ...], FloatArray]:
    """Return turns and scores [turn, scale] in [0, 1]: rank over highest rank, the mean of a turn's judges."""
    turns = tuple(sorted({one.turn for one in judged}))
    scores = np.zeros((len(turns), len(rubric)))
    for row, turn in enumerate(turns):
        mine = [one for one in judged if one.turn == turn]
        for column, scale in enumerate(rubric):
            scores[row, column] = np.mean([scale.rank(one.codes[scale.name]) / scale.top for one in mine])
    return turns, scores


def fit_weights(
    judged: Sequence[Judged], lay: Mapping[str, float], rubric: Sequence[Scale] = RUBRIC, *, seed: int = 0
) -> Fitted:
    """Return weights from turns that judges and lay people have rated. lay: turn -> rating, on any one scale.

    Raises UserError with fewer than ten such turns, or when lay people rated all alike.
    """
    turns, scores = shares(judged, rubric)
    known = np.array([turn in lay for turn in turns], dtype=np.bool_)
    x, y = scores[known], np.array([lay[turn] for turn in turns if turn in lay], dtype=np.float64)
    if len(y) < LEAST_TURNS:
        raise UserError(
            f"{len(y)} turns have both scores and lay ratings.",
            f"weights from fewer than {LEAST_TURNS} turns would be noise.",
            "let lay people rate more of the judged turns, or give weights of your own",
        )
    if np.ptp(y) == 0:
        raise UserError(
            "Lay people rated every turn alike.", "no index can go along with that.", "give ratings that differ"
        )
    detail, left_out = [], []
    for column, scale in enumerate(rubric):
        if np.ptp(x[:, column]) == 0:
            left_out.append(scale.name)
            continue
        detail.append(Weight(index=scale.name, correlation=_correlation(x[:, column], y, seed)))
    varied = [column for column in range(len(rubric)) if rubric[column].name not in left_out]
    return Fitted(
        weights={one.index: one.correlation.value.point for one in detail},
        detail=tuple(detail),
        left_out=tuple(left_out),
        foretells=_correlation(_left_out_scores(x[:, varied], y), y, seed),
    )


def weighted_index(scores: FloatArray, weights: Mapping[str, float], rubric: Sequence[Scale] = RUBRIC) -> FloatArray:
    """Return one number a turn in [0, 1]: 0 for the worst turn the weights allow, 1 for the best.

    scores: [turn, scale] as in `shares`. Scales without a weight do not count. Raises UserError for a weight of an
    unknown scale, and when no weight differs from 0.
    """
    names = [scale.name for scale in rubric]
    for name in weights:
        if name not in names:
            raise UserError(
                f'A weight is given for "{name}".', "weights are of scales of the rubric.", did_you_mean(name, names)
            )
    w = np.array([weights.get(name, 0.0) for name in names])
    spread = float(np.abs(w).sum())
    if not math.isfinite(spread) or spread == 0:
        raise UserError("No weight differs from 0.", "all turns would be alike.", "give a weight to some scale")
    return np.asarray(_index(scores, w), dtype=np.float64)


def weighted_quality(
    judged: Sequence[Judged], weights: Mapping[str, float], rubric: Sequence[Scale] = RUBRIC, *, seed: int = 0
) -> Interval:
    """Return the mean weighted index over turns with a bootstrap interval."""
    _, scores = shares(judged, rubric)
    return bootstrap_mean(weighted_index(scores, weights, rubric), seed=seed)


def _index(scores: FloatArray, weights: FloatArray) -> FloatArray:
    """Return scores [..., scale] weighed into [0, 1]; some weight differs from 0."""
    return np.asarray((scores @ weights - np.minimum(weights, 0).sum()) / np.abs(weights).sum(), dtype=np.float64)


def _correlation(first: FloatArray, second: FloatArray, seed: int) -> Measured:
    def over(rows: IntArray) -> float:
        return _pearson(first[rows], second[rows])

    return Measured(value=bootstrap_statistic(first.size, over, seed=seed), null=0.0, n=first.size)


def _pearson(a: FloatArray, b: FloatArray) -> float:
    below = float(a.std() * b.std())
    return float(np.mean((a - a.mean()) * (b - b.mean()))) / below if below > 1e-15 else math.nan


def _left_out_scores(x: FloatArray, y: FloatArray) -> FloatArray:
    """Return each turn's weighted index under weights from the other turns."""
    out = np.empty(len(y))
    for turn in range(len(y)):
        others = np.arange(len(y)) != turn
        weights = np.nan_to_num([_pearson(column[others], y[others]) for column in x.T])
        out[turn] = _index(x[turn], weights) if weights.any() else 0.0
    return out
