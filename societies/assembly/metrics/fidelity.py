"""Are simulated citizens like the people they stand for: held-out answers, flattened variety, overdrawn groups?

A persona that foretells the average citizen well may still have lost what differs between citizens, so the three are
read together. Groups are compared by their means on one numeric answer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from agents.statistics.intervals import NAN, Interval, bootstrap_mean, bootstrap_statistic
from societies.assembly.metrics.measured import FloatArray, IntArray, Measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Foretold:
    """Held-out answers foretold by personas.

    log_score: mean ln p(true answer), nats. right: share where the likeliest level was the true one.
    gain:      log score above that of foretelling everybody's answer shares for everyone; 0 is no better than that.
    """

    log_score: Interval
    right: Interval
    gain: Interval
    n: int


def held_out(probability: FloatArray, answers: IntArray, *, seed: int = 0) -> Foretold:
    """Return how well distributions foretell answers to one item.

    probability: shape (n, K), rows add up to 1. answers: shape (n,), level numbers. The baseline of each citizen is
    the answer shares of the others, one added to each level, so it has not seen the answer it foretells.
    """
    n, num_levels = probability.shape
    said = np.log(np.maximum(probability[np.arange(n), answers], 1e-12))
    counts = np.bincount(answers, minlength=num_levels)
    others = np.log(counts[answers] / (n - 1 + num_levels))
    return Foretold(
        log_score=bootstrap_mean(said, seed=seed),
        right=bootstrap_mean((probability.argmax(axis=1) == answers).astype(np.float64), seed=seed),
        gain=bootstrap_mean(said - others, seed=seed),
        n=n,
    )


def flattening(simulated: FloatArray, human: FloatArray, *, seed: int = 0) -> Measured:
    """Measure var(simulated) / var(human) of the same citizens' answers; null 1, below it variety was lost."""

    def ratio(rows: IntArray) -> float:
        below = float(human[rows].var())
        return float(simulated[rows].var()) / below if below > 0 else math.nan

    return Measured(value=bootstrap_statistic(human.size, ratio, seed=seed), null=1.0, n=human.size)


def exaggeration(simulated: FloatArray, human: FloatArray, groups: Sequence[str], *, seed: int = 0) -> Measured:
    """Measure the slope of simulated on human group means; null 1, above it group differences are overdrawn.

    Means are taken around the overall mean and weighted by group size. With small groups noise in the human means
    pulls the slope towards 0, so an excess is the safer finding. nan when human groups do not differ.
    """
    names, of = np.unique(np.asarray(groups, dtype=np.str_), return_inverse=True)

    def slope(rows: IntArray) -> float:
        size = np.bincount(of[rows], minlength=names.size).astype(np.float64)
        there = size > 0
        made, real = (np.bincount(of[rows], x[rows], names.size)[there] / size[there] for x in (simulated, human))
        w = size[there] / size.sum()
        made, real = made - w @ made, real - w @ real
        below = float(w @ real**2)
        return float(w @ (made * real)) / below if below > 1e-12 else math.nan

    value = bootstrap_statistic(human.size, slope, seed=seed) if human.size else Interval(NAN, NAN, NAN, NAN)
    return Measured(value=value, null=1.0, n=human.size)
