"""Iterative proportional fitting: bend weights until they meet every target table.

The weights may belong to the cells of a contingency table or to the rows of a survey: the algorithm sees only which
cell of each target table a weight counts towards, so one function serves both.
Source: Deming and Stephan 1940; convergence and zeros as in Bishop, Fienberg and Holland 1975, chapter 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from agents.errors import UserError
from agents.population.tables import FloatArray, IntArray, Table

ACCEPTABLE_GAP = 1e-4
"""A fit whose largest gap is above this is refused: the targets contradict each other."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Constraint:
    """One target table as the weights see it.

    index:  int64, one entry a weight: the table cell that the weight counts towards.
    target: float64, one share a table cell, in C order; they add up to 1.
    """

    table: Table
    index: IntArray
    target: FloatArray

    def gaps(self, weights: FloatArray) -> FloatArray:
        """Return achieved minus target share for each table cell; the weights may have any positive total."""
        gaps: FloatArray = self.totals(weights) / weights.sum() - self.target
        return gaps

    def totals(self, weights: FloatArray) -> FloatArray:
        """Return the sum of the weights in each table cell."""
        totals = np.bincount(self.index, weights=weights, minlength=len(self.target))
        return np.asarray(totals, dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Convergence:
    """How well a fit went: `max_gap` is the largest share gap over all tables, found in the table `worst`."""

    converged: bool
    num_sweeps: int
    max_gap: float
    worst: str


def cell_constraints(tables: Sequence[Table], names: Sequence[str], shape: Sequence[int]) -> list[Constraint]:
    """Return the constraints on a flattened contingency table whose axes are `names`.

    Tables must lie within `names`; their own order of variables is free.
    """
    constraints = []
    for table in tables:
        strides = dict(zip(table.variables, _strides(table.shape), strict=True))
        index = np.zeros((1,) * len(shape), dtype=np.int64)
        for axis, (name, length) in enumerate(zip(names, shape, strict=True)):
            if name in strides:
                along = [1] * len(shape)
                along[axis] = length
                index = index + (np.arange(length, dtype=np.int64) * strides[name]).reshape(along)
        flat = np.ascontiguousarray(np.broadcast_to(index, tuple(shape))).reshape(-1)
        constraints.append(Constraint(table=table, index=flat, target=table.array().reshape(-1)))
    return constraints


def rake(
    weights: FloatArray, constraints: Sequence[Constraint], *, tolerance: float = 1e-10, max_sweeps: int = 1000
) -> tuple[FloatArray, Convergence]:
    """Return weights that add up to 1 and meet the constraints, and how well they do.

    weights: float64, at least one positive; a zero stays zero. With equal weights to begin with the result is the
    maximum-entropy solution. Stops when the largest gap is within `tolerance` or after `max_sweeps`.
    Raises UserError when a target asks for people in a cell where no weight is.
    """
    fitted = np.asarray(weights, dtype=np.float64)
    if fitted.size == 0 or not np.isfinite(fitted).all() or (fitted < 0).any() or not fitted.any():
        raise UserError(
            "The weights to rake are unusable.",
            "They must be finite, not negative and not all 0.",
            "correct population.weight_column of the survey, or leave it out.",
        )
    fitted = fitted / fitted.sum()
    report = _judge(fitted, constraints, 0, tolerance)
    while not report.converged and report.num_sweeps < max_sweeps:
        for constraint in constraints:
            totals = constraint.totals(fitted)
            empty = np.flatnonzero((totals <= 0) & (constraint.target > 0))
            if empty.size:
                raise UserError(
                    f"{constraint.table.where}: nobody can be {constraint.table.cell(int(empty[0]))}, "
                    f"whose target share is {constraint.target[empty[0]]:.6g}.",
                    "No row or cell with a weight above 0 counts towards it.",
                    "merge categories, drop the table, or give data that covers the cell.",
                )
            factor = np.divide(constraint.target, totals, out=np.zeros_like(totals), where=totals > 0)
            fitted = fitted * factor[constraint.index]
        report = _judge(fitted, constraints, report.num_sweeps + 1, tolerance)
    return fitted / fitted.sum(), report


def check_fit(report: Convergence) -> None:
    """Raise UserError when a fit is too far from its targets to be used."""
    if report.max_gap > ACCEPTABLE_GAP:
        raise UserError(
            f"No population meets all targets at once: after {report.num_sweeps} sweeps {report.worst} is "
            f"still off by {report.max_gap:.4g}.",
            "The joint tables agree pair by pair, but together they contradict each other or the data.",
            "drop one of the tables around the one named, or replace its zero cells.",
        )


def _judge(weights: FloatArray, constraints: Sequence[Constraint], num_sweeps: int, tolerance: float) -> Convergence:
    gaps = [(float(np.abs(constraint.gaps(weights)).max()), constraint.table.label) for constraint in constraints]
    max_gap, worst = max(gaps, default=(0.0, ""))
    return Convergence(converged=max_gap <= tolerance, num_sweeps=num_sweeps, max_gap=max_gap, worst=worst)


def _strides(shape: Sequence[int]) -> list[int]:
    strides = [1] * len(shape)
    for axis in range(len(shape) - 2, -1, -1):
        strides[axis] = strides[axis + 1] * shape[axis + 1]
    return strides
