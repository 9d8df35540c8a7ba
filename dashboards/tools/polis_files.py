"""Read the files that Polis exports: votes of participants on statements, and the statements' texts.

`participants-votes.csv`: a row a participant; columns `participant`, `group-id` and one for each statement, named by
its number, with 1 agree, -1 disagree, 0 pass and nothing for not seen. `comments.csv`: `comment-id`, `comment-body`,
`moderated` (-1 rejected), `is-meta` where there is one. `summary.csv`: `topic`. Where there is no such votes file,
`votes.csv` with `comment-id`, `voter-id`, `vote` and `timestamp` is read; the last vote counts, and nobody has a group.

Names in front ("brexit.comments.csv") are allowed. Whatever tells who somebody is stays in the file: participants
become row numbers. `agrees` and `disagrees` of `comments.csv` are not read, because they differ from the votes.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from agents.errors import UserError
from dashboards.tools.separators import check_commas
from societies.assembly.polis import UNGROUPED, from_api
from societies.assembly.polis.votes import BoolArray, FloatArray, IntArray

WIDE_ENDINGS = ("participants-votes.csv", "participant-votes.csv")
LONG_ENDING = "votes.csv"
AGAIN = "export the conversation again."
NO_TEXT = "(text not in the export)"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Export:
    """One conversation. values: [participant, statement], 1 agree, -1 disagree, 0 pass, nan not seen.

    labels: [participant], exported groups as 0, 1, ... in the order of their numbers, -1 for none; None without any.
    notes: what the reader left out or found odd.
    """

    name: str
    topic: str
    statements: tuple[str, ...]
    texts: tuple[str, ...]
    values: FloatArray
    labels: IntArray | None
    moderated: BoolArray
    meta: BoolArray
    notes: tuple[str, ...]


def read_export(path: Path, *, agree: int = 1) -> Export:
    """Read a conversation: its folder, its votes file, or the common beginning of its files' names.

    agree: 1 as in Polis' exports, -1 as in its interface and database. Raises UserError for missing, empty or broken
    files, and when the file's own count of agreements says that `agree` is the other way round.
    """
    votes_file, beginning = _find(path)
    one_a_line = {"comment-id", "vote"} <= {name.strip() for name in next(table_of(votes_file), [])}
    read = _read_long(votes_file, agree) if one_a_line else _read_wide(votes_file, agree)
    texts = _read_comments(_beside(votes_file, beginning, "comments.csv"), read)
    return replace(texts, topic=_topic(_beside(votes_file, beginning, "summary.csv")))


def _find(path: Path) -> tuple[Path, str]:
    """Return the votes file and what its name begins with before the kind of file."""
    if path.is_file():
        found = [path]
    elif path.is_dir():
        found = sorted(file for file in path.iterdir() if file.name.endswith(WIDE_ENDINGS))
        found = found or sorted(file for file in path.iterdir() if file.name.endswith(LONG_ENDING))
    else:
        found = [path.parent / f"{path.name}{joint}{end}" for joint in ".-_" for end in (*WIDE_ENDINGS, LONG_ENDING)]
        found = [file for file in found if file.is_file()][:1]
    if not found:
        raise UserError(
            f"There is no Polis export at {path}.",
            "no file there ends with participants-votes.csv or votes.csv.",
            "give the folder of one exported conversation, or one votes file.",
        )
    if len(found) > 1:
        names = ", ".join(_beginning(file).rstrip(".-_") or file.name for file in found)
        raise UserError(
            f"{path} holds {len(found)} conversations.", f"they are {names}.", f"give one: {path}/{names.split(',')[0]}"
        )
    return found[0], _beginning(found[0])


def _beginning(file: Path) -> str:
    for ending in (*WIDE_ENDINGS, LONG_ENDING):
        if file.name.endswith(ending):
            return file.name.removesuffix(ending)
    raise UserError(
        f"{file.name} is no votes file of a Polis export.",
        "its name does not end with participants-votes.csv or votes.csv.",
        "give the folder of the export.",
    )


def _beside(votes_file: Path, beginning: str, kind: str) -> Path:
    return votes_file.with_name(beginning + kind)


def table_of(file: Path) -> Iterator[list[str]]:
    """Yield the rows of a CSV file, the header first; raise UserError when it is no text or no CSV."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            yield from (row for row in csv.reader(stream) if any(cell.strip() for cell in row))
    except (UnicodeDecodeError, csv.Error, OSError) as error:
        raise UserError(f"{file} cannot be read.", f"{error}.", "export it again as CSV in UTF-8.") from error


def _read_wide(file: Path, agree: int) -> Export:
    header, rows = _rows(file)
    columns = [number for number, name in enumerate(header) if name.strip().isdigit()]
    if not columns:
        raise UserError(
            f"{file} has no statements.",
            "no column is named by a statement's number.",
            AGAIN,
        )
    places = {header[number].strip(): place for place, number in enumerate(columns)}
    if len(places) < len(columns):
        raise UserError(f"{file} has two columns of one statement.", "its votes could differ.", "remove one of them.")
    _check_ids(file, header, rows)
    values = np.full((len(rows), len(columns)), np.nan)
    for row_number, row in enumerate(rows):
        for place, number in enumerate(columns):
            cell = row[number].strip() if number < len(row) else ""
            if cell:
                values[row_number, place] = vote_of(cell, file, row_number + 2, header[number])
    if agree == -1:
        values = from_api(values)
    _check_sign(file, header, rows, values, agree)
    return _export(file, tuple(places), values, _labels(header, rows, file))


def _rows(file: Path) -> tuple[list[str], list[list[str]]]:
    table = list(table_of(file))
    if len(table) < 2:
        raise UserError(f"{file} is empty.", "it has no participant.", "export the conversation again, or another one.")
    check_commas(file, table[0])
    return table[0], table[1:]


def _check_ids(file: Path, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Raise UserError when a participant has two rows; say which rows, never who."""
    if "participant" not in header:
        return
    column, seen = header.index("participant"), dict[str, int]()
    for number, row in enumerate(rows, 2):
        before = seen.setdefault(row[column], number) if column < len(row) else number
        if before != number:
            raise UserError(
                f"{file}: rows {before} and {number} are of the same participant.", "nobody votes twice.", "keep one."
            )


def vote_of(cell: str, file: Path, row: int, column: str) -> float:
    """Return a vote, or raise UserError with its place."""
    try:
        value = float(cell)
    except ValueError:
        value = float("nan")
    if value not in (-1.0, 0.0, 1.0):
        raise UserError(
            f'{file}, row {row}, column {column}: "{cell[:20]}" is no vote.',
            "a vote is 1, -1, 0, or nothing when the statement was not seen.",
            "put it right, or leave it empty.",
        )
    return value + 0.0


def _check_sign(
    file: Path, header: Sequence[str], rows: Sequence[Sequence[str]], values: FloatArray, agree: int
) -> None:
    """Raise UserError when the export's own counts of agreements fit the opposite sign clearly better."""
    if "n-agree" not in header:
        return
    column = header.index("n-agree")
    counts = np.array([float(row[column]) if column < len(row) and _number(row[column]) else np.nan for row in rows])
    as_read = int(((values == 1).sum(axis=1) == counts).sum())
    turned = int(((values == -1).sum(axis=1) == counts).sum())
    if turned > as_read and turned > len(rows) / 2:
        raise UserError(
            f"{file}: its votes have agree = {-agree}.",
            f"n-agree equals the count of {-agree} in {turned} rows and that of {agree} in {as_read}.",
            f"add --agree {-agree}",
        )


def _number(cell: str) -> bool:
    return cell.strip().lstrip("-").replace(".", "", 1).isdigit()


def _labels(header: Sequence[str], rows: Sequence[Sequence[str]], file: Path) -> IntArray | None:
    if "group-id" not in header:
        return None
    column = header.index("group-id")
    cells = [row[column].strip() if column < len(row) else "" for row in rows]
    for number, cell in enumerate(cells, 2):
        if cell and not _number(cell):
            raise UserError(
                f'{file}, row {number}: group-id "{cell[:20]}" is no number.',
                "groups are told by numbers.",
                "put it right.",
            )
    known = sorted({int(float(cell)) for cell in cells if cell} - {UNGROUPED})
    if not known:
        return None
    place = {group: number for number, group in enumerate(known)}
    return np.array([place.get(int(float(cell)), UNGROUPED) if cell else UNGROUPED for cell in cells], dtype=np.int64)


def _read_long(file: Path, agree: int) -> Export:
    header, rows = _rows(file)
    names = [name.strip() for name in header]
    if "voter-id" not in names:
        raise UserError(f"{file} has no column voter-id.", "nobody could be told apart.", AGAIN)
    voter, statement, vote = (names.index(name) for name in ("voter-id", "comment-id", "vote"))
    time = names.index("timestamp") if "timestamp" in names else None
    if any(len(row) < len(header) for row in rows):
        raise UserError(f"{file} has a row that is cut off.", "its vote would be guessed.", AGAIN)
    if time is not None:
        rows = sorted(rows, key=lambda row: float(row[time]) if _number(row[time]) else 0.0)
    people = {name: number for number, name in enumerate(dict.fromkeys(row[voter] for row in rows))}
    ids = sorted({row[statement].strip() for row in rows}, key=lambda name: (len(name), name))
    places = {name: number for number, name in enumerate(ids)}
    values = np.full((len(people), len(ids)), np.nan)
    for number, row in enumerate(rows, 2):
        cell = vote_of(row[vote].strip(), file, number, "vote")
        values[people[row[voter]], places[row[statement].strip()]] = cell
    return _export(file, tuple(ids), from_api(values) if agree == -1 else values, None)


def _export(file: Path, statements: tuple[str, ...], values: FloatArray, labels: IntArray | None) -> Export:
    if np.isnan(values).all():
        raise UserError(f"{file} holds no vote.", "every cell is empty.", "give a conversation in which people voted.")
    nothing = np.zeros(len(statements), dtype=bool)
    return Export(
        name=_beginning(file).rstrip(".-_") or file.resolve().parent.name,
        topic="",
        statements=statements,
        texts=(NO_TEXT,) * len(statements),
        values=values,
        labels=labels,
        moderated=nothing,
        meta=nothing,
        notes=(),
    )


def _read_comments(file: Path, export: Export) -> Export:
    if not file.is_file():
        return replace(export, notes=(f"{file.name} is missing: statements have no text and none is moderated out.",))
    table = list(table_of(file))
    header = [name.strip() for name in table[0]] if table else []
    if "comment-id" not in header:
        raise UserError(f"{file} has no column comment-id.", "texts could not be matched to votes.", AGAIN)

    def column(row: Sequence[str], *names: str) -> str:
        places = [header.index(name) for name in names if name in header]
        return row[places[0]].strip() if places and places[0] < len(row) else ""

    known = {column(row, "comment-id"): row for row in table[1:]}
    rows = [known.get(statement, []) for statement in export.statements]
    notes = []
    unvoted = len(set(known) - set(export.statements))
    if unvoted:
        notes.append(f"Statements of {file.name} without a vote column, left out: {unvoted}.")
    if not all(rows):
        notes.append(f"Statements with votes that {file.name} does not have: {sum(not row for row in rows)}.")
    return replace(
        export,
        texts=tuple(column(row, "comment-body", "txt") or NO_TEXT for row in rows),
        moderated=np.array([column(row, "moderated", "mod") == "-1" for row in rows]),
        meta=np.array([column(row, "is-meta", "is_meta").lower() in ("1", "true", "t") for row in rows]),
        notes=tuple(notes),
    )


def _topic(file: Path) -> str:
    """Return the conversation's topic, "" when it is not told."""
    if not file.is_file():
        return ""
    return next((row[1].strip() for row in table_of(file) if len(row) > 1 and row[0].strip() == "topic"), "")
