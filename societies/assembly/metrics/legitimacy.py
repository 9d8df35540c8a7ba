"""Do the losers accept it, and would it come out the same again?"""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np

from agents.statistics.intervals import Interval, bootstrap_statistic, wilson
from societies.assembly.metrics.measured import IntArray, Measured


def losers_consent(accepts: np.typing.NDArray[np.bool_], won: np.typing.NDArray[np.bool_]) -> tuple[Interval, Interval]:
    """Return the share that accepts the decision among those whose choice lost, and among those whose choice won.

    Source of the notion: Anderson et al. 2005 (Losers' consent).
    """
    lost = ~won
    return (
        wilson(int((accepts & lost).sum()), int(lost.sum())),
        wilson(int((accepts & won).sum()), int(won.sum())),
    )


def kendall(first: IntArray, second: IntArray) -> float:
    """Return Kendall's tau-b between two rankings given as ranks; nan when one of them is all ties.

    Source: Kendall 1945.
    """
    i, j = np.triu_indices(first.size, 1)
    a, b = np.sign(first[i] - first[j]), np.sign(second[i] - second[j])
    below = math.sqrt(float((a != 0).sum()) * float((b != 0).sum()))
    return float((a * b).sum()) / below if below > 0 else math.nan


def stability(ranks: IntArray, *, seed: int = 0) -> Measured:
    """Measure the mean Kendall tau between runs of one assembly; null 0. ranks: [run, option], 0 best.

    Interval: bootstrap over runs; two copies of one run in a resample are no evidence of stability and are left out.
    """
    runs = len(ranks)
    tau = np.full((runs, runs), np.nan)
    for a, b in combinations(range(runs), 2):
        tau[a, b] = tau[b, a] = kendall(ranks[a], ranks[b])

    def mean(rows: IntArray) -> float:
        different = rows[:, None] != rows[None, :]
        values = tau[np.ix_(rows, rows)][different]
        values = values[np.isfinite(values)]
        return float(values.mean()) if values.size else math.nan

    return Measured(value=bootstrap_statistic(runs, mean, seed=seed), null=0.0, n=runs)


def same_winner(winners: IntArray) -> Interval:
    """Return the share of runs with the most frequent winner.

    Picking the most frequent flatters: with m winners at random and few runs it lies well above 1 / m.
    """
    return wilson(int(np.bincount(winners).max()), winners.size) if winners.size else wilson(0, 0)
