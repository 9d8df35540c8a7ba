"""Which statement to show next: those that might move people, are agreed with, or are still unknown come first.

Source: Small et al. 2021, section on comment routing; checked against three conversations of the production system.
"""

from __future__ import annotations

import numpy as np

from societies.assembly.polis.votes import BoolArray, Counts, FloatArray

META_PRIORITY = 49.0
"""Statements about the conversation or the participants themselves."""
UNKNOWN_PRIORITY = 1.0
"""Statements that came after the last update."""


def priorities(counts: Counts, extremity: FloatArray, meta: BoolArray | None = None) -> FloatArray:
    """Return the weight with which each statement is shown: [statement].

    ((1-p)(E+1) a (1 + 8 * 2^(-S/5)))^2, with p the smoothed share of passes, a that of agreement, S the votes and E the
    extremity. counts: of the people on the map, groups added up. meta: [statement].
    """
    everybody = counts.total()
    seen = everybody.seen[0]
    passing = (everybody.passed[0] + 1) / (seen + 2)
    agreeing = (everybody.agree[0] + 1) / (seen + 2)
    novelty = 1 + 8 * 2.0 ** (-seen / 5)
    weight = ((1 - passing) * (extremity + 1) * agreeing * novelty) ** 2
    return np.asarray(weight if meta is None else np.where(meta, META_PRIORITY, weight), dtype=np.float64)


def next_statement(weights: FloatArray, unseen: BoolArray, rng: np.random.Generator) -> int | None:
    """Draw an unseen statement with probability proportional to its weight; None when everything was seen.

    weights: priorities of the previous update, nan or missing at the end for statements it did not know. unseen:
    [statement], of this participant; leave moderated-out statements out of it.
    """
    known = np.full(len(unseen), UNKNOWN_PRIORITY)
    known[: len(weights)] = np.where(np.isnan(weights), UNKNOWN_PRIORITY, weights)
    chances = np.where(unseen, known, 0.0)
    total = float(chances.sum())
    if not unseen.any():
        return None
    if total <= 0:
        return int(rng.choice(np.flatnonzero(unseen)))
    return int(rng.choice(len(unseen), p=chances / total))
