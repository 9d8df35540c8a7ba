"""From lottery to trainer: whose judgement counts how much.

Hard panel: train on those who were drawn, each with weight 1/k. Soft panel: train on everybody with weight pi / k.
The mean hard-panel loss over the lottery is the soft-panel loss, exactly. Source: arXiv 2602.05113.
"""

from __future__ import annotations

import numpy as np

from societies.assembly.lottery.instance import IntArray
from societies.assembly.lottery.types import FloatArray


def soft_weights(pi: FloatArray, k: int) -> FloatArray:
    """Return pi / k (n,): sums to 1. Raises ValueError when the chances do not sum to k (to 1e-6)."""
    if abs(float(pi.sum()) - k) > 1e-6 * max(1, k):
        raise ValueError(f"chances sum to {pi.sum()}, not to {k}")
    return pi / k


def hard_weights(panel: IntArray, n: int) -> FloatArray:
    """Return 1/k for the people on the panel (positions, (k,)) and 0 for the others, (n,): sums to 1."""
    weights = np.zeros(n)
    weights[panel] = 1 / len(panel)
    return weights
