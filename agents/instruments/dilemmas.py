"""Dilemmas from files in the layout of MoralChoice: a context and two actions.

Columns: context, action1, action2 are needed; scenario_id, ambiguity ("high" or "low") and generation_type are used
where they are there. In low-ambiguity rows the first action is the accepted one. Scenario ids repeat in some
published copies, so an id that is not unique is completed by a digest of the content. The published file has one row
whose two actions are equal: it is read here, and left out, with a warning, where dilemmas are asked.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from agents.errors import UserError
from agents.instructions import content_id
from agents.instruments.types import Item

NEEDED = ("context", "action1", "action2")
AMBIGUITIES = ("high", "low")


def load_dilemmas(path: Path) -> list[Item]:
    """Read all dilemmas of a .csv or .jsonl file, in order.

    Raises UserError for a missing or empty file, missing columns, blank cells, an unknown ambiguity, or a dilemma
    that occurs twice.
    """
    if not path.is_file():
        raise UserError(
            f"There is no file of dilemmas {path}.",
            "moralchoice.file names it.",
            "set it to a .csv or .jsonl file, or leave it empty for the built-in dilemmas",
        )
    rows = [(line, _checked(path, line, row)) for line, row in _rows(path)]
    if not rows:
        raise UserError(
            f"The file of dilemmas {path} is empty.",
            "there would be nothing to ask.",
            "write at least one dilemma into it, or leave moralchoice.file empty for the built-in ones",
        )
    times = Counter(row["scenario_id"] for _, row in rows)
    items: dict[str, Item] = {}
    for line, row in rows:
        item = _item(path, line, row, unique=times[row["scenario_id"]] == 1)
        if item.id in items:
            raise UserError(
                f"{path}, line {line} repeats the dilemma {item.id}.",
                "it would count twice.",
                "delete one of the two",
            )
        items[item.id] = item
    return list(items.values())


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, object]]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix.lower() == ".csv":
            reader = csv.DictReader(io.StringIO(text, newline=""))
            for row in reader:
                yield reader.line_num, row
        elif path.suffix.lower() == ".jsonl":
            for number, line in enumerate(text.split("\n"), start=1):
                if line.strip():
                    value = json.loads(line)
                    yield number, value if isinstance(value, dict) else {}
        else:
            raise UserError(
                f"{path} ends with an unknown suffix.",
                "it is neither .csv nor .jsonl.",
                "give it the suffix of the way it is written",
            )
    except (UnicodeDecodeError, csv.Error, json.JSONDecodeError) as error:
        raise UserError(f"{path} cannot be read.", str(error), "correct the file") from error


def _checked(path: Path, line: int, row: Mapping[str, object]) -> dict[str, str]:
    missing = [name for name in NEEDED if name not in row]
    if missing:
        found = ", ".join(map(str, row)) or "none"
        raise UserError(
            f"{path} has no column {', '.join(missing)}.", f"it has: {found}.", f"needed are {', '.join(NEEDED)}"
        )
    out = {str(name): str(value or "").strip() for name, value in row.items()}
    blank = [name for name in NEEDED if not out[name]]
    if blank:
        raise UserError(
            f"{path}, line {line}: {', '.join(blank)} is blank.",
            "a dilemma is a situation and two actions.",
            "fill it or delete the line",
        )
    out["ambiguity"] = out.get("ambiguity", "").lower() or "high"
    if out["ambiguity"] not in AMBIGUITIES:
        raise UserError(
            f'{path}, line {line} has the ambiguity "{out["ambiguity"]}".',
            "high has no accepted action; in low the first is.",
            "write high or low; an empty cell is high",
        )
    out["scenario_id"] = out.get("scenario_id", "")
    return out


def _item(path: Path, line: int, row: Mapping[str, str], *, unique: bool) -> Item:
    digest = content_id("\n".join(row[name] for name in NEEDED))
    name = row["scenario_id"]
    options = (row["action1"], row["action2"])
    return Item(
        id=name if name and unique else f"{name}-{digest}" if name else digest,
        instrument="moralchoice",
        text=row["context"],
        options=options,
        group=row["ambiguity"],
        meta={"source": f"{path.name}:{line}", "generation_type": row.get("generation_type", "")},
    )
