"""Seat people with statements or members so that each gets the same number of people, one more or less."""

from __future__ import annotations

import numpy as np

from societies.assembly.rules.profile import FloatArray, IntArray


def balanced_matching(utilities: FloatArray) -> IntArray:
    """Return the column of each row that maximises the total utility with floor(n/k) or ceil(n/k) rows a column.

    utilities: [row, column], finite, at least as many rows as columns. Source: Monroe 1995; solved as an assignment of
    rows to ceil(n/k) copies of each column, where only the last copy of a column may stay empty.
    """
    u = np.asarray(utilities, dtype=np.float64)
    if u.ndim != 2 or u.shape[1] == 0 or u.shape[0] < u.shape[1] or not np.isfinite(u).all():
        raise ValueError(f"utilities {u.shape} must be finite, [row, column], with at least as many rows as columns")
    from scipy.optimize import linear_sum_assignment

    n, k = u.shape
    copies = -(-n // k)
    spare = k * copies - n
    wide = np.repeat(u, copies, axis=1)
    # Spare rows stand for empty chairs: free on last copies, out of the question elsewhere.
    out_of_question = -(float(np.ptp(u)) + 1.0) * (n + 1)
    chairs = np.full((spare, k * copies), out_of_question)
    chairs[:, copies - 1 :: copies] = 0.0
    _, seat = linear_sum_assignment(np.vstack([wide, chairs]), maximize=True)
    return np.asarray(seat[:n] // copies, dtype=np.int64)


def representation(utilities: FloatArray, matching: IntArray) -> FloatArray:
    """Return each row's utility under its column."""
    return np.asarray(np.take_along_axis(utilities, matching[:, None], axis=1)[:, 0], dtype=np.float64)
