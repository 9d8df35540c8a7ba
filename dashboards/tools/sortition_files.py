"""Read what a lottery starts from: the pool, the quotas, and if wanted the shares of the whole population.

Pool: one person a row, an id column, one column a feature; other columns are never copied into any output.
Quotas: one value a row: `feature` (or `category`), `value` (or `name`), `min`, `max`; if wanted `min_flex`, `max_flex`.
Shares: `feature`, `value`, `share`; the shares of a feature add up to 1 or to 100.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from agents.errors import UserError, nearest
from dashboards.tools.separators import check_commas, closed_quotes
from societies.assembly.lottery import Instance, Quota, instance
from societies.assembly.lottery.instance import AND

ID_COLUMNS = ("id", "person_id", "nationbuilder_id", "ID", "unique_id")
HEADS = {"feature": ("feature", "category"), "value": ("value", "name"), "min": ("min",), "max": ("max",)}


def read(pool: Path, quotas: Path, k: int, *, id_column: str | None = None, household: Sequence[str] = ()) -> Instance:
    """Return the checked instance of two CSV files.

    id_column: None takes the first of the customary names that is there, and row numbers when none is.
    household: columns whose values together name a household; people with all of them empty are alone.
    Raises UserError for files that cannot be read, columns that are missing, and everything `instance` refuses.
    """
    rows = rows_of(pool)
    lines = read_quotas(quotas)
    names = list(dict.fromkeys(name for quota in lines for name in quota.feature.split(AND)))
    for name in (*names, *household, *([id_column] if id_column else [])):
        if name not in rows[0]:
            raise UserError(
                f"{pool} has no column {name!r}.",
                f"its columns are {', '.join(rows[0])}.",
                nearest(name, rows[0], f"rename the column, or the feature in {quotas}" if name in names else ""),
            )
    ids = id_column_of(pool, rows, id_column)
    homes = [AND.join(row[name].strip() for name in household) for row in rows] if household else None
    if homes is not None:
        homes = [home if home.replace(AND, "") else f"alone {number}" for number, home in enumerate(homes)]
    return instance(ids, {name: [row[name].strip() for row in rows] for name in names}, lines, k, homes)


def id_column_of(path: Path, rows: Sequence[dict[str, str]], id_column: str | None) -> list[str]:
    """Return everybody's id. id_column: None takes the first customary name, and row numbers when none is there.

    Raises UserError for a row without one.
    """
    chosen = id_column or next((name for name in ID_COLUMNS if name in rows[0]), None)
    ids = [row[chosen].strip() for row in rows] if chosen else [f"row {n}" for n in range(1, len(rows) + 1)]
    empty = [number for number, one in enumerate(ids, start=2) if not one]
    if empty:
        raise UserError(
            f"{path}, line {empty[0]}: the id is missing.",
            "whoever is drawn must be found again.",
            f"fill the column {chosen!r}",
        )
    return ids


def read_invited(path: Path, pool: Instance) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return each pool member's chance of coming into the pool, (n,), from the `invited.csv` of `folkmoot invite`.

    Raises UserError for another layout, a pool without ids, and people of the pool who were not invited.
    """
    if list(pool.people) == [f"row {n}" for n in range(1, len(pool.people) + 1)]:
        raise UserError(
            "The pool has no column of ids.",
            f"{path} tells people by their ids; a row number of the pool is another person's on the list.",
            "add a column id to the pool, with everybody's id on the address list, or name one with --id-column",
        )
    rows = rows_of(path)
    for name in ("id", "p_pool"):
        if name not in rows[0]:
            raise UserError(
                f"{path} has no column {name!r}.",
                f"its columns are {', '.join(rows[0])}.",
                "give the invited.csv that folkmoot invite has written",
            )
    chances: dict[str, float] = {}
    unlettered = {row["id"].strip() for row in rows if row.get("letter", "").strip() == "0"}
    for line, row in enumerate(rows, start=2):
        try:
            chances[row["id"].strip()] = float(row["p_pool"])
        except ValueError:
            chances[row["id"].strip()] = -1.0
        if not 0 <= chances[row["id"].strip()] <= 1:
            raise UserError(
                f"{path}, line {line}: the chance is {row['p_pool']!r}.",
                "p_pool is a person's chance to be invited and to answer, a number from 0 to 1.",
                "give the file as folkmoot invite wrote it",
            )
    strangers = [one for one in pool.people if not chances.get(one)]
    if strangers:
        raise UserError(
            f"{len(strangers)} people of the pool could not have been invited, such as {strangers[0]!r}.",
            f"{path} has no chance for them, so theirs from end to end is not known.",
            "use the same ids in both files, and the file of this invitation",
        )
    others = [one for one in pool.people if one in unlettered]
    if others:
        raise UserError(
            f"{len(others)} people of the pool got no letter, such as {others[0]!r}.",
            "they came by another way, so their chance from end to end is not known.",
            "take them out of the pool, give the file of this invitation, or leave --invited out",
        )
    return np.array([chances[one] for one in pool.people])


def read_quotas(path: Path) -> list[Quota]:
    """Return the quotas of a file; raise UserError with the line that is wrong."""
    rows = rows_of(path)
    columns = _columns(path, list(rows[0]))
    return [
        Quota(
            feature=row[columns["feature"]].strip(),
            value=row[columns["value"]].strip(),
            least=_whole(path, line, row, "min"),
            most=_whole(path, line, row, "max"),
            flex_least=_whole(path, line, row, "min_flex") if row.get("min_flex", "").strip() else None,
            flex_most=_whole(path, line, row, "max_flex") if row.get("max_flex", "").strip() else None,
        )
        for line, row in enumerate(rows, start=2)
    ]


def _columns(path: Path, there: list[str]) -> dict[str, str]:
    """Return which column holds what; an older form calls them category and feature."""
    heads = HEADS | ({"feature": ("category",), "value": ("value", "name", "feature")} if "category" in there else {})
    found = {}
    for head, names in heads.items():
        name = next((name for name in names if name in there), None)
        if name is None:
            raise UserError(
                f"{path} has no column {head!r}.",
                f"its columns are {', '.join(there)}.",
                "give the columns feature, value, min and max",
            )
        found[head] = name
    return found


def _whole(path: Path, line: int, row: dict[str, str], column: str) -> int:
    try:
        return int(row[column])
    except ValueError:
        raise UserError(
            f"{path}, line {line}: {column} is {row[column]!r}.", "it must be a whole number.", "correct this line"
        ) from None


def rows_of(path: Path) -> list[dict[str, str]]:
    """Return a CSV file's rows by column. Raises UserError for what cannot be read, double columns and odd rows."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UserError(f"{path} cannot be read.", f"{error.strerror}.", "check the path") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 text.", f"{error}.", "save it as CSV in UTF-8") from None
    with closed_quotes(path):
        table = [row for row in csv.reader(io.StringIO(text), strict=True) if any(cell.strip() for cell in row)]
    check_commas(path, table[0] if table else [])
    if len(table) < 2:
        raise UserError(
            f"{path} has no rows below its header." if table else f"{path} is empty.",
            "there is nobody, or no quota, in it.",
            "give a CSV file with a header and rows",
        )
    head = [name.strip() for name in table[0]]
    if len(set(head)) != len(head):
        raise UserError(
            f"{path} has two columns of the same name.", "a value could come from either.", "rename one of them"
        )
    for line, row in enumerate(table[1:], start=2):
        if len(row) != len(head):
            raise UserError(
                f"{path}, line {line} has {len(row)} cells, the header has {len(head)}.",
                "values would slip by a column.",
                "fill or shorten it; quote a cell that holds a comma",
            )
    return [dict(zip(head, row, strict=True)) for row in table[1:]]


def read_shares(path: Path, pool: Instance) -> dict[str, dict[str, float]]:
    """Return feature -> value -> share of a population file, for features of the pool.

    Raises UserError for another layout, a feature or value that the pool does not know and shares that do not add up.
    """
    rows = rows_of(path)
    for name in ("feature", "value", "share"):
        if name not in rows[0]:
            raise UserError(
                f"{path} has no column {name!r}.",
                f"its columns are {', '.join(rows[0])}.",
                "give the columns feature, value and share",
            )
    found: dict[str, dict[str, float]] = {}
    for line, row in enumerate(rows, start=2):
        feature, value = row["feature"].strip(), row["value"].strip()
        if feature not in pool.features:
            raise UserError(
                f"{path}, line {line}: the pool has no feature {feature!r}.",
                f"shares are of features that have quotas: {', '.join(pool.features)}.",
                nearest(feature, pool.features),
            )
        if value in found.get(feature, {}):
            raise UserError(
                f"{path}, line {line}: {feature} = {value} is given twice.", "the two could differ.", "keep one line"
            )
        try:
            share = float(row["share"].strip().rstrip("%"))
        except ValueError:
            share = -1.0
        if not 0 <= share <= 100:
            raise UserError(
                f"{path}, line {line}: the share is {row['share']!r}.", "it must be a number from 0 on.", "correct it"
            )
        found.setdefault(feature, {})[value] = share
    for feature, values in found.items():
        there = set(pool.values[pool.features.index(feature)])
        missing = sorted(there - set(values))
        total = sum(values.values())
        if missing:
            raise UserError(
                f"{path} has no share for {feature} = {missing[0]!r}, which somebody in the pool has.",
                f"it has {', '.join(values)}.",
                nearest(missing[0], values, "correct the spelling, or add a line for it"),
            )
        if not any(abs(total - whole) <= 0.02 * whole for whole in (1.0, 100.0)):
            raise UserError(
                f"{path}: the shares of {feature} add up to {total:g}.", "they must make 1, or 100.", "correct them"
            )
        found[feature] = {value: share / total for value, share in values.items()}
    return found
