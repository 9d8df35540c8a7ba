"""Read what `folkmoot vote` counts: ballots, proposals, costs of projects, and panels drawn from a lottery."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from agents.errors import UserError, did_you_mean, nearest
from dashboards.tools.separators import check_commas, closed_quotes
from societies.assembly.rules import Proposals
from societies.assembly.rules.ballots import Ballots, parse_preflib, parse_table
from societies.assembly.rules.profile import FloatArray, IntArray

PREFLIB = (".soc", ".soi", ".toc", ".toi")
SAID = {"yes": 1.0, "y": 1.0, "1": 1.0, "no": -1.0, "n": -1.0, "-1": -1.0, "abstain": 0.0, "0": 0.0}
"""What a cell of a proposal may say; a blank is no vote."""


def read_ballots(path: Path, kind: str = "", **columns: Any) -> Ballots:
    """Read a ballot CSV of a stated kind, or a PrefLib file by its ending. columns: as in `parse_table`.

    Raises UserError for a missing or unreadable file, a CSV without a kind, and a PrefLib file with one.
    """
    text = text_of(path)
    if path.suffix.lower() in PREFLIB:
        if kind or any(columns.values()):
            raise UserError("Column options were given with a PrefLib file.", "Its format is fixed.", "leave them out")
        return parse_preflib(text)
    if not kind:
        raise UserError(
            f"What {path.name} holds is not said.",
            "The same numbers can be ranks (1 is best) or scores (1 is worst), so the kind is never guessed.",
            "add --kind orders, ranks, approval, score, credits, shares or yesno",
        )
    header, rows = table_of(path, text)
    return parse_table(header, rows, kind, **columns)


def text_of(path: Path, give: str = "a CSV or PrefLib file") -> str:
    """Return a file's text, or raise UserError. give: what the tool reads, for whoever named another file."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UserError(f"{path} cannot be read.", f"{error.strerror}.", f"give {give}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 text.", str(error), "save it as UTF-8") from error


def table_of(path: Path, text: str) -> tuple[list[str], list[dict[str, str]]]:
    """Return the header and the rows of a CSV.

    Raises UserError for a header that is missing or has doubles, and for rows that are longer than it.
    """
    if not text.strip():
        raise UserError(f"{path} is empty.", "it has no header and no row.", "give a CSV file with a header and rows")
    reader = csv.DictReader(io.StringIO(text), strict=True)
    with closed_quotes(path):
        header, rows = list(reader.fieldnames or ()), list(reader)
    check_commas(path, header)
    if not header or len(set(header)) < len(header):
        raise UserError(
            f"{path} has no header with distinct columns.",
            "columns are told apart by their names.",
            "give each column its own name",
        )
    for number, row in enumerate(rows, start=1):
        if None in row:
            raise UserError(
                f"{path}, row {number} has more cells than the header has columns.",
                "every cell after a stray comma would be read under a wrong name.",
                "quote cells that hold commas, or take the last cells away",
            )
    return header, rows


def read_panels(path: Path, ids: Sequence[str]) -> tuple[tuple[IntArray, ...], int]:
    """Return panels as positions of voters, and how many seats had no ballot.

    The file is that of `folkmoot sortition --tickets`: a row a panel, columns "seat 1", "seat 2" ... with ids. Seats
    without a ballot stay empty. Raises UserError for a panel in which nobody voted.
    """
    header, rows = table_of(path, text_of(path))
    seats = [name for name in header if name.strip().lower().startswith("seat")]
    if not seats or not rows:
        raise UserError(
            f"{path} holds no panels.",
            f"its columns are {', '.join(header[:6])}.",
            "give the tickets.csv of folkmoot sortition --tickets 1000 --out FOLDER",
        )
    place = {one: n for n, one in enumerate(ids)}
    panels: list[IntArray] = []
    absent = 0
    for line, row in enumerate(rows, start=2):
        who = [place[name] for seat in seats if (name := (row[seat] or "").strip()) in place]
        if not who:
            raise UserError(
                f"{path}, line {line}: nobody on this panel has a ballot.",
                "the ids of the panels and of the ballots do not fit.",
                "name the column of the ids with --id",
            )
        absent += len(seats) - len(who)
        panels.append(np.array(who, dtype=np.int64))
    return tuple(panels), absent


def read_costs(path: Path, names: Sequence[str]) -> FloatArray:
    """Return what each candidate costs, from a CSV with `candidate` and `cost`. Raises UserError."""
    header, rows = table_of(path, text_of(path))
    for column in ("candidate", "cost"):
        if column not in header:
            raise UserError(
                f'{path} has no column "{column}".',
                f"its columns are {', '.join(header)}.",
                "give it the columns candidate and cost",
            )
    costs: dict[str, float] = {}
    for line, row in enumerate(rows, start=2):
        name = (row["candidate"] or "").strip()
        if name not in names:
            raise UserError(
                f'{path}, line {line}: "{name}" is no candidate.',
                f"candidates are {', '.join(names)}.",
                nearest(name, names),
            )
        costs[name] = _positive(path, line, row["cost"])
    missing = [name for name in names if name not in costs]
    if missing:
        raise UserError(f'{path} has no cost for "{missing[0]}".', "every candidate needs one.", "add a line for it")
    return np.array([costs[name] for name in names])


def _positive(path: Path, line: int, cell: str | None) -> float:
    try:
        value = float(cell or "")
    except ValueError:
        value = 0.0
    if not np.isfinite(value) or value <= 0:
        raise UserError(f'{path}, line {line}: the cost is "{cell}".', "it must be a number above 0.", "correct it")
    return value


def read_proposals(
    path: Path,
    *,
    weight: str = "",
    id: str = "",
    delegate: str = "",
    chamber: str = "",
    ignore: Sequence[str] = (),
) -> Proposals:
    """Return yes-or-no votes: one row a voter, one column a proposal. Raises UserError with the row that is wrong.

    delegate: column with the id of whoever votes where the voter's cell is blank; it needs `id`. chamber: column.
    """
    header, rows = table_of(path, text_of(path))
    special = [column for column in (weight, id, delegate, chamber, *ignore) if column]
    for column in special:
        if column not in header:
            raise UserError(
                f'{path} has no column "{column}".',
                f"its columns are {', '.join(header)}.",
                nearest(column, header),
            )
    names = [column for column in header if column not in special]
    if not names or not rows:
        raise UserError(f"{path} holds no votes on proposals.", "it has no proposal, or no row.", "give a ballot file")
    if delegate and not id:
        raise UserError("--delegate was given without --id.", "delegates are named by their ids.", "add --id COLUMN")
    votes = np.array(
        [[_said(path, row_number, name, row[name]) for name in names] for row_number, row in _numbered(rows)]
    )
    rooms = tuple((row[chamber] or "").strip() for row in rows) if chamber else None
    if rooms is not None and len(set(rooms)) != 2:
        raise UserError(
            f'The column "{chamber}" names {len(set(rooms))} chambers.', "there must be two.", "correct the column"
        )
    return Proposals(
        names=tuple(names),
        votes=votes,
        weights=_weights(path, rows, weight),
        chambers=rooms,
        delegates=_delegates(path, rows, id, delegate) if delegate else None,
    )


def _numbered(rows: Sequence[Mapping[str, str]]) -> list[tuple[int, Mapping[str, str]]]:
    return list(enumerate(rows, start=1))


def _said(path: Path, row: int, name: str, cell: str | None) -> float:
    text = (cell or "").strip().lower()
    if text and text not in SAID:
        raise UserError(
            f'{path}, row {row}: "{text[:20]}" on {name} is no vote.',
            "a vote is yes, no, abstain, or a blank for not voting.",
            "correct the cell, or leave the column out with --ignore",
        )
    return SAID[text] if text else float("nan")


def _weights(path: Path, rows: Sequence[Mapping[str, str]], column: str) -> FloatArray:
    if not column:
        return np.ones(len(rows))
    found = []
    for number, row in _numbered(rows):
        try:
            value = float(row[column] or "")
        except ValueError:
            value = -1.0
        if not np.isfinite(value) or value < 0:
            raise UserError(
                f'{path}, row {number}: the weight is "{row[column]}".', "it must be a number >= 0.", "correct it"
            )
        found.append(value)
    if not any(found):
        raise UserError(f"{path}: all weights are 0.", "nobody would count.", "correct the column")
    return np.array(found)


def _delegates(path: Path, rows: Sequence[Mapping[str, str]], id: str, delegate: str) -> tuple[int | None, ...]:
    place: dict[str, int] = {}
    for number, row in _numbered(rows):
        one = (row[id] or "").strip()
        if not one or one in place:
            what = f"the id {one!r} is that of row {place[one] + 1} as well" if one else "the id is missing"
            raise UserError(f"{path}, row {number}: {what}.", "delegates are named by ids.", f'correct "{id}"')
        place[one] = number - 1
    out: list[int | None] = []
    for number, row in _numbered(rows):
        to = (row[delegate] or "").strip()
        if to and to not in place:
            raise UserError(
                f'{path}, row {number}: the delegate "{to}" is nobody here.',
                f'no voter has that id in the column "{id}".',
                f"{did_you_mean(to, place)} Correct it, or leave it blank",
            )
        out.append(place[to] if to else None)
    return tuple(out)
