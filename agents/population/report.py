"""Say how well a population meets its spec: every target cell with its gap, and what its weights are worth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from agents.errors import UserError
from agents.population.synthesis import row_constraints
from agents.population.tables import FloatArray, PopulationSpec

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FitReport:
    """The margins-gap report of one population.

    cells:   one row a target cell: table, cell, target, achieved, gap (achieved minus target), largest gap first.
    max_gap: the largest absolute gap, a share; `worst` names its table and cell.
    n_eff:   effective sample size, see `effective_size`.
    """

    num_people: int
    n_eff: float
    max_gap: float
    worst: str
    cells: pl.DataFrame


def effective_size(weights: npt.ArrayLike) -> float:
    """Return (sum w)^2 / sum w^2: how many equally weighted people tell as much as these.

    Between 1 and the number of positive weights. Raises UserError when no weight is positive.
    Source: Kish 1965, section 11.7.

    >>> effective_size([1.0, 1.0, 0.0])
    2.0
    """
    values: FloatArray = np.asarray(weights, dtype=np.float64)
    if not values.size or not np.isfinite(values).all() or values.min() < 0 or values.max() <= 0:
        raise UserError(
            "The weights have no effective sample size.",
            "One at least must be positive, none negative.",
            "correct the column weight, or drop it to count everybody alike.",
        )
    values = values / values.max()
    return float(values.sum() ** 2 / np.square(values).sum())


def fit_report(frame: pl.DataFrame, spec: PopulationSpec) -> FitReport:
    """Compare a population with every target of a spec, by its `weight` column where it has one."""
    import polars as pl

    weights = frame["weight"].to_numpy() if "weight" in frame.columns else np.ones(frame.height)
    n_eff = effective_size(weights)
    parts = []
    for constraint in row_constraints(frame, spec):
        gaps, table = constraint.gaps(weights), constraint.table
        parts.append(
            pl.DataFrame(
                {
                    "table": [table.label] * len(gaps),
                    "cell": [table.cell(flat) for flat in range(len(gaps))],
                    "target": constraint.target,
                    "achieved": constraint.target + gaps,
                    "gap": gaps,
                }
            )
        )
    cells = pl.concat(parts).sort(pl.col("gap").abs(), descending=True, maintain_order=True)
    first = cells.row(0, named=True)
    return FitReport(
        num_people=frame.height,
        n_eff=n_eff,
        max_gap=abs(first["gap"]),
        worst=f"{first['table']}: {first['cell']}",
        cells=cells,
    )
