"""Instructions from files: what users ask of an assistant, in the layouts that people already have.

One reader serves societies (what a scene is about) and instruments (what a policy is asked). A layout is recognised
by its columns, never by its file name; what is not recognised is refused with the names of what was found.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Literal, cast, get_args

from agents.errors import UserError, did_you_mean, nearest

Kind = Literal["harmful", "ordinary", "unlabelled"]
KINDS: tuple[str, ...] = get_args(Kind)
MAX_CHARACTERS = 20_000

_LABELS = {"safe": "ordinary", "unsafe": "harmful"}
_OWN_COLUMNS = frozenset({"id", "text", "kind", "source", "category", "topic", "note"})
_LAYOUTS = "AdvBench (goal, target), XSTest (prompt, label), SimpleSafetyTests (prompts_final) or ours (text, id, kind)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """One thing that a user asks.

    id:     as in the file, else derived from the text, so it stays when lines move.
    source: file name and line, for messages and lineage.
    """

    id: str
    text: str
    kind: Kind
    source: str
    category: str = ""


def load_instructions(
    path: Path | str, *, kind: Kind | None = None, limit: int | None = None, skip: int = 0
) -> list[Instruction]:
    """Read a file of instructions, all of it checked, in the order of the file.

    path:  .csv, .jsonl, .json (a list) or .txt (one a line; blank lines are skipped); "pkg:PACKAGE/FILE" is a file
           that an installed package ships.
    kind:  keep only these. skip, limit: applied after `kind`, in this order.
    Raises UserError for a missing, empty or unreadable file, unknown columns, duplicate ids, an instruction above
    20,000 characters, or a choice that leaves nothing.
    """
    path = packaged(path)
    _check_choice(kind, limit, skip)
    if not path.is_file():
        raise UserError(
            f"There is no instruction file {path}.",
            "it is a folder." if path.is_dir() else "nothing is there, nor in the folder paths.data.",
            "give the path of a .csv, .jsonl, .json or .txt file (data.instructions=FILE)",
        )
    every = [_instruction(path, line, row) for line, row in _rows(path)]
    if not every:
        raise UserError(
            f"The instruction file {path} is empty.",
            "it holds no instruction.",
            "write at least one into it, or give another file",
        )
    _check_ids(path, every)
    kept = [one for one in every if kind is None or one.kind == kind]
    chosen = kept[skip : None if limit is None else skip + limit]
    if not chosen:
        kinds = ", ".join(f"{sum(one.kind == k for one in every)} {k}" for k in KINDS)
        raise UserError(
            f"Nothing is left of {path} with kind={kind}, skip={skip}, limit={limit}.",
            f"the file holds {kinds}.",
            "lower skip, raise limit, or choose another kind",
        )
    return chosen


def packaged(path: Path | str) -> Path:
    """Return the path of a file; "pkg:societies.scenes/data/ordinary.jsonl" is looked up in that package.

    Raises UserError when there is no such package.
    """
    package, _, rest = str(path).removeprefix("pkg:").partition("/")
    if not str(path).startswith("pkg:"):
        return Path(path)
    try:
        return Path(str(resources.files(package))) / rest
    except (ModuleNotFoundError, TypeError) as error:
        raise UserError(f"{path} names no installed package.", str(error), "write pkg:PACKAGE/FILE") from error


def content_id(text: str) -> str:
    """Return the id of an instruction whose file gives none: a digest of its words, 12 hexadecimal digits."""
    return hashlib.blake2b(" ".join(text.split()).encode(), digest_size=6).hexdigest()


def _check_choice(kind: str | None, limit: int | None, skip: int) -> None:
    if kind is not None and kind not in KINDS:
        raise UserError(
            f'There is no kind of instruction "{kind}".', "no instruction would be kept.", did_you_mean(kind, KINDS)
        )
    if skip < 0 or (limit is not None and limit < 1):
        raise UserError(
            f"skip={skip} and limit={limit} choose nothing.",
            "skip counts those left out at the front, limit those taken after them.",
            "use skip >= 0 and limit >= 1",
        )


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, object]]]:
    """Yield (line or place, row with lower-case keys)."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 text.", str(error), "convert it to UTF-8") from error
    suffix = path.suffix.lower()
    if suffix == ".csv":
        yield from _csv_rows(path, text)
    elif suffix == ".jsonl":
        for number, line in enumerate(text.split("\n"), start=1):
            if line.strip():
                yield number, _json_row(path, number, _parsed(path, number, line))
    elif suffix == ".json":
        listed = _parsed(path, 1, text) if text.strip() else []
        if not isinstance(listed, list):
            raise UserError(
                f"{path} is no JSON list.",
                f"it holds one {type(listed).__name__}; a .json file is a list of instructions.",
                "write a list of texts or of objects with a text, or name it .jsonl where each line is one object",
            )
        for number, value in enumerate(listed, start=1):
            yield number, _json_row(path, number, value)
    elif suffix == ".txt":
        for number, line in enumerate(text.split("\n"), start=1):
            if line.strip():
                yield number, {"text": line}
    else:
        raise UserError(
            f"{path} ends with an unknown suffix.",
            "it is none of .csv, .jsonl, .json and .txt.",
            "give it the suffix of the way it is written",
        )


def _csv_rows(path: Path, text: str) -> Iterator[tuple[int, Mapping[str, object]]]:
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        if header:
            _check_columns(path, header)
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield reader.line_num, dict(zip(header, cells, strict=False))
    except csv.Error as error:
        why = f"{error} (at line {reader.line_num}); an instruction has at most {MAX_CHARACTERS:,} characters."
        raise UserError(f"{path} is not a readable CSV file.", why, "check its quotes and cells") from error


def _check_columns(path: Path, header: list[str]) -> None:
    if not {"goal", "prompt", "prompts_final", "text"} & set(header):
        raise UserError(
            f"{path} has the columns {', '.join(header)}.",
            f"none holds instructions; known: {_LAYOUTS}.",
            "rename the column with the instructions to text",
        )


def _parsed(path: Path, number: int, text: str) -> object:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise UserError(f"{path} is not JSON at line {number}.", str(error), "correct that line") from error


def _json_row(path: Path, number: int, value: object) -> Mapping[str, object]:
    if isinstance(value, str):
        return {"text": value}
    if not isinstance(value, dict):
        raise UserError(
            f"{path}, entry {number} is {type(value).__name__}.",
            "an instruction is a text.",
            "write texts, or objects with a text",
        )
    row = {str(key).lower(): content for key, content in value.items()}
    _check_columns(path, list(row))
    if "text" in row and (unknown := sorted(row.keys() - _OWN_COLUMNS)):
        raise UserError(
            f"{path}, entry {number} has unknown keys: {', '.join(unknown)}.",
            "nothing reads them, so a misspelt one would be lost.",
            did_you_mean(unknown[0], _OWN_COLUMNS),
        )
    return row


def _instruction(path: Path, line: int, row: Mapping[str, object]) -> Instruction:
    column = next(name for name in ("text", "goal", "prompts_final", "prompt") if name in row)
    where = f"{path.name}:{line}"
    text = str(row[column] or "").strip()
    if not text:
        raise UserError(f"{path}, line {line} has no instruction.", f"{column} is blank.", "fill it or delete the line")
    name = str(row.get("id") or "").strip() or content_id(text)
    if len(text) > MAX_CHARACTERS:
        raise UserError(
            f'Instruction "{name}" ({where}) has {len(text):,} characters.',
            f"the limit is {MAX_CHARACTERS:,}; a scene must fit into the model's context.",
            "shorten it or take it out of the file",
        )
    category = row.get("category") or row.get("harm_area") or row.get("type") or ""
    return Instruction(id=name, text=text, kind=_kind(path, line, row, column), source=where, category=str(category))


def _kind(path: Path, line: int, row: Mapping[str, object], column: str) -> Kind:
    if column in ("goal", "prompts_final"):
        return "harmful"
    word = str((row.get("kind") if column == "text" else row.get("label")) or "unlabelled").strip().lower()
    word = _LABELS.get(word, word)
    if word not in KINDS:
        raise UserError(
            f'{path}, line {line} has the kind "{word}".',
            f"kinds are {', '.join((*KINDS, *_LABELS))}.",
            nearest(word, (*KINDS, *_LABELS)),
        )
    return cast(Kind, word)


def _check_ids(path: Path, every: list[Instruction]) -> None:
    first: dict[str, Instruction] = {}
    for one in every:
        other = first.setdefault(one.id, one)
        if other is not one:
            same = "they have the same text." if other.text == one.text else "an id names one instruction."
            raise UserError(
                f'{path} has the id "{one.id}" twice: {other.source} and {one.source}.',
                same,
                "delete one of them, or give each its own id",
            )
