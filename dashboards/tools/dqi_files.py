"""Read codes of talk for `folkmoot dqi`: one judge on one turn a row, in CSV or JSON, a column a scale."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.errors import UserError, nearest
from dashboards.tools.vote_files import table_of, text_of
from societies.assembly.dqi import RUBRIC, Judged, Scale

GIVE = "a CSV or JSON file of codes"
SCALES: Mapping[str, Scale] = {scale.name: scale for scale in RUBRIC}
PUBLISHED = tuple(scale.name for scale in RUBRIC if not scale.lay)


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Which columns say what. scales: names of those to read; empty for the published ones and what else is there."""

    turn: str = "turn"
    speaker: str = "speaker"
    judge: str = "judge"
    scales: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Codes:
    """What the files held. speakers: turn -> who spoke. blank: scale -> cells that a judge left blank."""

    judged: tuple[Judged, ...]
    speakers: Mapping[str, str]
    rubric: tuple[Scale, ...]
    blank: Mapping[str, int]


def read_codes(paths: Sequence[Path], columns: Columns) -> Codes:
    """Return the codes of all files together.

    Raises UserError, with file and row, for what cannot be read: a missing or unknown column, a code that the scale
    does not have, a judge twice on one turn, a turn with two speakers, and files without any row.
    """
    for name in columns.scales:
        if name not in SCALES:
            raise UserError(f'No scale is called "{name}".', f"scales are {', '.join(SCALES)}.", nearest(name, SCALES))
    tables = [(path, *_rows(path)) for path in paths]
    chosen = [_scales(path, header, columns) for path, header, _ in tables]
    other = next((n for n, names in enumerate(chosen) if names != chosen[0]), None)
    if other is not None:
        odd = sorted(set(chosen[other]) ^ set(chosen[0]))
        raise UserError(
            f'{paths[other]} and {paths[0]} do not both have "{odd[0]}".',
            "an index over different scales compares nothing.",
            "name the scales that all files have with --scales",
        )
    rubric = tuple(SCALES[name] for name in chosen[0])
    judged: list[Judged] = []
    speakers: dict[str, str] = {}
    seen: dict[tuple[str, str], str] = {}
    blank = dict.fromkeys(chosen[0], 0)
    for path, _, rows in tables:
        for number, row in enumerate(rows, start=1):
            where = f"{path}, row {number}"
            one = _judged(where, row, columns, rubric)
            first = seen.setdefault((one.turn, one.judge), where)
            if first != where:
                raise UserError(
                    f'{where}: judge "{one.judge}" codes turn "{one.turn}" a second time.',
                    f"the first time is {first}.",
                    "keep one of the two rows, or tell the judges apart by name",
                )
            who = _name(where, row, columns.speaker, "speaker")
            if speakers.setdefault(one.turn, who) != who:
                raise UserError(
                    f'{where}: turn "{one.turn}" is spoken by "{who}" and by "{speakers[one.turn]}".',
                    "a turn has one speaker.",
                    "correct the speaker, or give the turns different ids",
                )
            judged.append(one)
            for scale in rubric:
                blank[scale.name] += scale.name not in one.codes
    if not any(one.codes for one in judged):
        raise UserError(
            f"{paths[0]} holds no codes.", "there is no row, or every cell is blank.", "give a row a judge and turn"
        )
    return Codes(judged=tuple(judged), speakers=speakers, rubric=rubric, blank=blank)


def _rows(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    text = text_of(path, GIVE)
    if path.suffix.lower() != ".json":
        return table_of(path, text)
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is no JSON.", f"{error}.", "correct it, or give a CSV") from error
    if not isinstance(raw, list) or not all(isinstance(row, dict) for row in raw):
        raise UserError(f"{path} is no list of objects.", "each object is one judge on one turn.", "see --help")
    header = list(dict.fromkeys(name for row in raw for name in row))
    return header, [{name: _cell(row.get(name)) for name in header} for row in raw]


def _cell(value: Any) -> str:
    return "" if value is None else str(value)


def _scales(path: Path, header: Sequence[str], columns: Columns) -> tuple[str, ...]:
    """Return the scales to read, in the rubric's order."""
    named = {"turn": columns.turn, "speaker": columns.speaker, "judge": columns.judge}
    for option, column in named.items():
        if column not in header:
            raise UserError(
                f'{path} has no column "{column}".',
                f"its columns are {', '.join(header)}.",
                f"name the column of the {option} with --{option} COLUMN",
            )
    wanted = columns.scales or PUBLISHED
    missing = [name for name in wanted if name not in header]
    if missing:
        raise UserError(
            f'{path} has no column "{missing[0]}".',
            f"its columns are {', '.join(header)}.",
            "rename the column, or name with --scales those that were coded",
        )
    unknown = [name for name in header if name not in (*named.values(), *SCALES, *columns.ignore)]
    if unknown:
        raise UserError(
            f'{path}: the column "{unknown[0]}" is no scale.',
            f"scales are {', '.join(SCALES)}.",
            f"rename it, or leave it out with --ignore {unknown[0]}",
        )
    return tuple(name for name in SCALES if name in (columns.scales or header) and name not in columns.ignore)


def _judged(where: str, row: Mapping[str, str], columns: Columns, rubric: Sequence[Scale]) -> Judged:
    codes = {}
    for scale in rubric:
        cell = (row[scale.name] or "").strip()
        if not cell:
            continue
        given = {str(level.code): level.code for level in scale.levels} | {lv.label: lv.code for lv in scale.levels}
        if cell not in given:
            said = "; ".join(f"{level.label} = {level.meaning}" for level in scale.levels)
            raise UserError(
                f'{where}: "{cell[:20]}" is no code of {scale.name}.',
                f"its codes are {said}.",
                "correct the cell; leave it blank where the judge gave none",
            )
        codes[scale.name] = given[cell]
    return Judged(
        turn=_name(where, row, columns.turn, "turn"), judge=_name(where, row, columns.judge, "judge"), codes=codes
    )


def _name(where: str, row: Mapping[str, str], column: str, what: str) -> str:
    name = (row[column] or "").strip()
    if not name:
        raise UserError(f"{where}: the {what} is missing.", "each row is one judge on one turn.", f'fill in "{column}"')
    return name
