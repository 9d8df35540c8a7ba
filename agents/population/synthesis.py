"""Draw people: from a spec of margins and tables, or from the weighted rows of a survey.

Both ways end in one Polars frame, one row a person, shuffled, so that its first k rows are a fair sample of it.
Variables that no table ties together are independent; those that are tied get the maximum-entropy joint distribution.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from agents.errors import UserError, did_you_mean
from agents.population.integerise import integerise
from agents.population.names import name_people
from agents.population.raking import Constraint, cell_constraints, check_fit, rake
from agents.population.spec import whole_number
from agents.population.tables import FloatArray, IntArray, PopulationSpec, Table

if TYPE_CHECKING:
    import polars as pl

MAX_CELLS = 5_000_000
"""Joint cells of variables tied together; above it the arrays would not fit small machines."""


def synthesise(spec: PopulationSpec, seed: int | None = None) -> pl.DataFrame:
    """Return `spec.size` people whose shares meet the spec to within about one person a table cell.

    seed: replaces the spec's. The same spec and seed give the same frame.
    Columns: persona_id, name, weight (1.0), then one Enum column a variable.
    Raises UserError when the tables contradict each other or tie too many variables together.
    """
    import polars as pl

    rng = np.random.default_rng(spec.seed if seed is None else whole_number(seed, "seed", least=0))
    codes: dict[str, IntArray] = {}
    for names in _components(spec):
        shape = tuple(len(spec.variable(name).categories) for name in names)
        tables = [table for table in spec.targets() if table.variables[0] in names]
        shares, constraints = fit_cells(tables, names, shape)
        counts = integerise(shares, constraints, spec.size, rng)
        cells = rng.permutation(np.repeat(np.arange(len(counts)), counts))
        codes.update(zip(names, np.unravel_index(cells, shape), strict=True))
    columns = [
        pl.Series(variable.name, variable.categories, dtype=pl.Enum(variable.categories)).gather(codes[variable.name])
        for variable in spec.variables
    ]
    return _people(spec.size, columns, rng)


def fit_cells(
    tables: Sequence[Table], names: Sequence[str], shape: Sequence[int]
) -> tuple[FloatArray, list[Constraint]]:
    """Return the maximum-entropy shares of all joint cells, flat in C order, and the constraints that they meet.

    Raises UserError when there are more than `MAX_CELLS` cells or no solution.
    """
    if math.prod(shape) > MAX_CELLS:
        raise UserError(
            f"population.joint ties {len(names)} variables into {math.prod(shape):,} joint cells.",
            f"At most {MAX_CELLS:,} are fitted together.",
            f"drop a table between these variables, or merge categories: {', '.join(names)}.",
        )
    constraints = cell_constraints(tables, names, shape)
    start = np.ones(math.prod(shape))
    for constraint in constraints:
        start[constraint.target[constraint.index] == 0] = 0.0
    if not start.any():
        raise UserError(
            "The zero cells of population.joint leave no possible person.",
            "Each combination has the share 0, or is left out, in some table.",
            "give some of these cells a share above 0.",
        )
    shares, report = rake(start, constraints)
    check_fit(report)
    return shares, constraints


def rake_microdata(rows: pl.DataFrame, spec: PopulationSpec, weights: FloatArray | None = None) -> FloatArray:
    """Return weights for survey rows, adding up to 1, that meet the spec's margins and tables.

    weights: the survey's own weights, to be kept as far as the targets allow; equal ones when None.
    Raises UserError for a missing column, an unknown category, or a target that no row can fill.
    """
    start = _checked_weights(weights, rows.height)
    fitted, report = rake(start, row_constraints(rows, spec))
    check_fit(report)
    return fitted


def sample_microdata(
    rows: pl.DataFrame,
    weights: FloatArray | None,
    size: int,
    seed: int,
    *,
    spec: PopulationSpec | None = None,
) -> pl.DataFrame:
    """Return `size` people copied from survey rows in proportion to their weights.

    With a spec the weights are raked to it first, and the draw keeps its tables to within about one person a cell.
    A row comes up the floor or the ceiling of its expected number of times; `source_row` says which row it was.
    Columns: persona_id, name (the rows' own, else a drawn one), weight (1.0), source_row, then the rows' other columns.
    """
    import polars as pl

    whole_number(size, "size", least=1)
    shares = _checked_weights(weights, rows.height) if spec is None else rake_microdata(rows, spec, weights)
    constraints = () if spec is None else row_constraints(rows, spec)
    rng = np.random.default_rng(whole_number(seed, "seed", least=0))
    counts = integerise(shares / shares.sum(), constraints, size, rng)
    picks = rng.permutation(np.repeat(np.arange(rows.height), counts))
    drawn = rows[picks].drop("persona_id", "weight", "source_row", strict=False)
    columns = [pl.Series("source_row", picks, dtype=pl.UInt32), *drawn.get_columns()]
    return _people(size, columns, rng)


def row_constraints(rows: pl.DataFrame, spec: PopulationSpec) -> list[Constraint]:
    """Return the spec's targets as constraints on the rows of a frame."""
    codes = {variable.name: _codes(rows, variable.name, variable.categories) for variable in spec.variables}
    return [
        Constraint(
            table=table,
            index=np.ravel_multi_index(tuple(codes[name] for name in table.variables), table.shape).astype(np.int64),
            target=table.array().reshape(-1),
        )
        for table in spec.targets()
    ]


def _codes(rows: pl.DataFrame, name: str, categories: tuple[str, ...]) -> IntArray:
    import polars as pl

    if name not in rows.columns:
        raise UserError(
            f'The rows have no column "{name}".', "The spec sets targets for it.", did_you_mean(name, rows.columns)
        )
    values = rows[name].cast(pl.String)
    for value in values.unique().sort().to_list():
        if value not in categories:
            raise UserError(
                f'Column "{name}" holds {value!r}, which is no category of the spec.',
                "Each row must count towards some target.",
                did_you_mean(str(value), categories),
            )
    return values.cast(pl.Enum(categories)).to_physical().to_numpy().astype(np.int64)


def _checked_weights(weights: FloatArray | None, num_rows: int) -> FloatArray:
    if num_rows == 0:
        raise UserError("The survey has no rows.", "Nobody can be drawn from it.", "give a file that has rows.")
    checked = np.ones(num_rows) if weights is None else np.asarray(weights, dtype=np.float64)
    if len(checked) != num_rows or not np.isfinite(checked).all() or (checked < 0).any() or not checked.any():
        raise UserError(
            f"The {len(checked)} weights do not fit the {num_rows} rows.",
            "There must be one weight a row, finite and not negative, and not all 0.",
            "correct the column that population.weight_column names.",
        )
    return checked


def _components(spec: PopulationSpec) -> Iterator[list[str]]:
    """Yield groups of variables tied together by tables, each in the spec's order."""
    group = {variable.name: number for number, variable in enumerate(spec.variables)}
    for table in spec.tables:
        joined = {group[name] for name in table.variables}
        group = {name: min(joined) if number in joined else number for name, number in group.items()}
    for number in sorted(set(group.values())):
        yield [name for name in group if group[name] == number]


def _people(size: int, columns: Sequence[pl.Series], rng: np.random.Generator) -> pl.DataFrame:
    """Return the frame with ids, names and weights in front of the columns."""
    import polars as pl

    given = {column.name: column for column in columns}
    sex = next((given[key] for key in ("sex", "gender") if key in given), None)
    names = given.pop("name", pl.Series([""], dtype=pl.String).new_from_index(0, size)).cast(pl.String).fill_null("")
    blank = names == ""
    if blank.any():
        categories = ("",) if sex is None else tuple(sorted(map(str, sex.unique().to_list())))
        codes = np.zeros(size, dtype=np.int64) if sex is None else _codes(pl.DataFrame(sex), sex.name, categories)
        names = pl.Series(name_people(codes, categories, rng), dtype=pl.String).zip_with(blank, names)
    ids = pl.select(pl.lit("p") + pl.int_range(size).cast(pl.String).str.zfill(7)).to_series().alias("persona_id")
    weight = pl.Series("weight", np.ones(size))
    return pl.DataFrame([ids, names.alias("name"), weight, *given.values()])
