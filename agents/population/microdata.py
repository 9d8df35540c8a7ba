"""Read a survey file into population columns: a user's CSV, renamed, banded and recoded as the configuration says.

Nothing is guessed from the file: every cell is text (so `None` stays a religion), a blank is left blank, and a column
or value that the configuration does not expect is an error that names it.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from agents.errors import UserError, did_you_mean
from agents.population.spec import RESERVED, load_spec, whole_number
from agents.population.tables import FloatArray, PopulationSpec

if TYPE_CHECKING:
    import polars as pl

_log = logging.getLogger(__name__)

SPEC_KEYS = ("joint", "name", "seed", "size", "variables")
KEYS = (*SPEC_KEYS, "bands", "columns", "path", "recode", "reserve", "source", "weight_column")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Microdata:
    """A survey ready to draw from: text columns, the file's own weights if it has any, and targets if any are set."""

    rows: pl.DataFrame
    weights: FloatArray | None
    spec: PopulationSpec | None
    size: int
    seed: int


def load_microdata(config: Mapping[str, object]) -> Microdata:
    """Read the CSV that `path` names.

    config: `columns` maps a new column to one column of the file, or to several to be joined by blanks; `bands` maps
    a new column to {column, from: [lowest ages]}, labelled "18-24" and "65+"; `recode` maps a new column to
    {old: new}; `weight_column` names the survey weights; `variables` and `joint` are targets as in `load_spec`.
    Raises UserError for an unset or unreadable path, an unknown key or column, a value outside bands or recodes.
    """
    import polars as pl

    for key in config:
        if key not in KEYS:
            raise UserError(
                f'population has no key "{key}".',
                "Nothing reads it, so it would change nothing.",
                did_you_mean(str(key), KEYS),
            )
    raw = _read(config.get("path"))
    new = [*_section(config, "columns"), *_section(config, "bands")]
    for name in new:
        if name in RESERVED - {"name", "text", "policy"} or new.count(name) > 1:
            raise UserError(
                f'population.columns or .bands sets "{name}".', "It is reserved or set twice.", "rename it."
            )
    if not new:
        raise UserError("population.columns is empty.", "Nothing of the survey would be used.", "name its columns.")
    rows = pl.DataFrame(
        [_joined(raw, name, source) for name, source in _section(config, "columns").items()]
        + [_banded(raw, name, band) for name, band in _section(config, "bands").items()]
    )
    for name, mapping in _section(config, "recode").items():
        if name not in rows.columns:
            raise UserError(f'population.recode names "{name}".', "No such column.", did_you_mean(name, rows.columns))
        rows = rows.with_columns(_recoded(rows[name], mapping))
    targets = {key: config[key] for key in SPEC_KEYS if key in config}
    weights = _weights(raw, config.get("weight_column"))
    if not targets.get("variables") and weights is None:
        _log.warning("population: neither targets nor weights are set, so rows are drawn as they come, unweighted")
    return Microdata(
        rows=rows,
        weights=weights,
        spec=load_spec(targets) if targets.get("variables") else None,
        size=whole_number(config.get("size", 1000), "population.size", least=1),
        seed=whole_number(config.get("seed", 0), "population.seed", least=0),
    )


def _read(path: object) -> pl.DataFrame:
    import polars as pl

    if not path or path == "???":
        raise UserError(
            "population.path is not set.",
            "A population from microdata needs the survey's file.",
            "add population.path=<your CSV file>.",
        )
    file = Path(str(path)).expanduser()
    if not file.is_file():
        raise UserError(
            f"population.path = {path} is no file.",
            "It is a folder." if file.is_dir() else "Nothing is there; a path starts at the folder you are in.",
            "set population.path to your CSV file.",
        )
    try:
        rows = pl.read_csv(file, infer_schema=False)
    except (pl.exceptions.PolarsError, UnicodeDecodeError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"population.path = {path} cannot be read as CSV.", reason, "check the file.") from error
    if not rows.height:
        raise UserError(
            f"population.path = {path} holds no rows.",
            "People are drawn from its rows.",
            "give a file with a header and a row for each person asked.",
        )
    return rows.fill_null("")


def _section(config: Mapping[str, object], key: str) -> Mapping[str, object]:
    section = config.get(key) or {}
    if not isinstance(section, Mapping):
        raise UserError(
            f"population.{key} is {section!r}.",
            "It must be a mapping.",
            "write it as in conf/population/gss_microdata.yaml.",
        )
    return section


def _column(raw: pl.DataFrame, name: object, where: str) -> pl.Series:
    if name not in raw.columns:
        raise UserError(
            f'{where} names "{name}".', "The file has no such column.", did_you_mean(str(name), raw.columns)
        )
    return raw[str(name)]


def _joined(raw: pl.DataFrame, name: str, source: object) -> pl.Series:
    import polars as pl

    where = f"population.columns.{name}"
    names = source if isinstance(source, Sequence) and not isinstance(source, str) else [source]
    parts = [_column(raw, part, where).str.strip_chars() for part in names]
    return pl.select(pl.concat_str(parts, separator=" ").str.strip_chars()).to_series().alias(name)


def _banded(raw: pl.DataFrame, name: str, band: object) -> pl.Series:
    import numpy as np
    import polars as pl

    where = f"population.bands.{name}"
    starts = band.get("from") if isinstance(band, Mapping) else None
    if not isinstance(band, Mapping) or not isinstance(starts, Sequence) or not starts:
        raise UserError(
            f"{where} is {band!r}.",
            "It must name a column and the lowest value of each band.",
            "write {column: age, from: [18, 35, 65]}.",
        )
    lowest = [whole_number(start, f"{where}.from", least=0) for start in starts]
    if lowest != sorted(set(lowest)):
        raise UserError(f"{where}.from = {lowest} does not rise.", "Bands must not overlap.", "sort them.")
    text = _column(raw, band.get("column"), where)
    numbers = text.cast(pl.Float64, strict=False).fill_null(float("nan")).to_numpy()
    outside = np.flatnonzero(~(numbers >= lowest[0]))
    if outside.size:
        raise UserError(
            f'{where}: row {int(outside[0]) + 1} holds "{text[int(outside[0])]}".',
            f"It must be a number of at least {lowest[0]}.",
            "mend the row or add a lower band.",
        )
    ends = [f"{low}-{high - 1}" for low, high in itertools.pairwise(lowest)]
    labels = pl.Series(name, [*ends, f"{lowest[-1]}+"], dtype=pl.String)
    return labels.gather(np.searchsorted(np.array(lowest), numbers, side="right") - 1)


def _recoded(column: pl.Series, mapping: object) -> pl.Series:
    import polars as pl

    where = f"population.recode.{column.name}"
    if not isinstance(mapping, Mapping):
        raise UserError(
            f"{where} is {mapping!r}.", "It must map old values to new ones.", 'write {"1": female, "2": male}.'
        )
    table = {str(old): str(new) for old, new in mapping.items()}
    for value in column.unique().sort().to_list():
        if value not in table:
            raise UserError(
                f'{where} does not say what "{value}" becomes.',
                f"It maps {', '.join(table) or 'nothing'}; every value of the column needs a line.",
                f'add "{value}": NEW VALUE.',
            )
    return column.replace_strict(table, return_dtype=pl.String)


def _weights(raw: pl.DataFrame, name: object) -> FloatArray | None:
    import numpy as np
    import polars as pl

    if name is None:
        return None
    text = _column(raw, name, "population.weight_column")
    weights = text.cast(pl.Float64, strict=False).fill_null(float("nan")).to_numpy()
    bad = np.flatnonzero(~(weights >= 0) | np.isinf(weights))
    if bad.size:
        raise UserError(
            f'population.weight_column: row {int(bad[0]) + 1} holds "{text[int(bad[0])]}".',
            "A weight is a number of at least 0.",
            "mend the row.",
        )
    return np.asarray(weights, dtype=np.float64)
