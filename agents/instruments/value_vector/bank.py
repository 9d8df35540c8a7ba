"""The items of the value vector: our own small bank, or the public files, and a stratified part of either.

An item carries what its answer says: `scales` hold the sign with which a two-action item's p1 enters a dimension; a
world-view item's k-th action belongs to the k-th view. The public files have traps that are met here, aloud: repeated
ids, a header row among the data, blank actions, two equal actions, stray blanks and quotation marks. Two equal
actions are no reason to drop an item, or the published scale would move: its p1 is one half for every responder.
"""

from __future__ import annotations

import csv
import io
import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np

from agents.errors import UserError
from agents.instructions import content_id
from agents.instruments.types import Item
from agents.instruments.value_vector.dims import (
    BLOCKS,
    FOUNDATION_THEMES,
    FOUNDATIONS,
    MORALITY,
    RULES,
    VIEWS,
    WORLDVIEWS,
)

log = logging.getLogger(__name__)

NAME = "value_vector"
BUILT_IN = Path(__file__).parent / "items" / "values.jsonl"
FILES = {MORALITY: "moralchoice", FOUNDATIONS: "foundation", WORLDVIEWS: "views"}
"""Block -> stem of its public file: <stem>_final.csv, or <stem>/final.csv."""
BROKEN = {"Yes": 1.0, "No Agreement": 0.5, "No": 0.0}
"""How far annotators hold that an action breaks a rule."""

_QUOTES = {'""', "''", "\u201c\u201d"}
_JOINED = "\u201d,\u201c"
"""Between two actions that stand in one cell, so that the views after it are shifted."""

RepeatedIds: TypeAlias = Literal["last", "all"]


def built_in_items() -> tuple[Item, ...]:
    """Return our own bank, in the order of its file."""
    rows = [json.loads(line) for line in BUILT_IN.read_text(encoding="utf-8").splitlines() if line.strip()]
    return tuple(_own_item(row) for row in rows)


def public_items(folder: Path, repeated_ids: RepeatedIds = "last") -> tuple[Item, ...]:
    """Return the items of the three public files in a folder, block by block.

    repeated_ids: of dilemmas that share a scenario id, "last" keeps the last one, as the published vectors do;
    "all" keeps every one, since their contents differ.
    Raises UserError for missing files or columns, and for unknown themes or annotations.
    """
    return (*_dilemmas(folder, repeated_ids), *_foundations(folder), *_views(folder))


def stratified(items: Sequence[Item], num: int | None, seed: int) -> tuple[Item, ...]:
    """Return a seeded part of the items that keeps every block's and every stratum's share, in the order given.

    num: how many; None, or no fewer than there are, is all. The same seed gives the same part whatever is asked next.
    Raises UserError when `num` leaves a stratum empty.
    """
    if num is None or num >= len(items):
        return tuple(items)
    strata: dict[tuple[str, str], list[int]] = {}
    for place, item in enumerate(items):
        strata.setdefault((item.group, item.meta["stratum"]), []).append(place)
    if num < len(strata):
        raise UserError(
            f"{NAME}.num = {num} leaves some values without an item.",
            f"the items have {len(strata)} strata, and each needs one.",
            f"use {len(strata)} or more, or null for all {len(items)} items",
        )
    counts = _shares([len(places) for places in strata.values()], num)
    rng = np.random.default_rng(seed)
    kept: set[int] = set()
    for places, count in zip(strata.values(), counts, strict=True):
        kept.update(int(place) for place in rng.permutation(places)[:count])
    return tuple(item for place, item in enumerate(items) if place in kept)


def _shares(sizes: Sequence[int], num: int) -> list[int]:
    """Return how many to take of each, in proportion to the sizes but at least one; they add up to `num`."""
    size = np.array(sizes, dtype=np.float64)
    small = np.zeros(len(sizes), dtype=bool)
    while True:
        quota = np.where(small, 1.0, (num - small.sum()) * size / max(1.0, float(size[~small].sum())))
        late = ~small & (quota < 1)
        if not late.any():
            break
        small |= late
    counts = np.floor(quota).astype(np.int64)
    order = np.argsort(-(quota - counts), kind="stable")
    counts[order[: num - int(counts.sum())]] += 1
    return [int(count) for count in counts]


def _own_item(row: Mapping[str, Any]) -> Item:
    block, stratum = str(row["block"]), str(row["stratum"])
    scales: dict[str, float] = {}
    if block == MORALITY:
        first, second = row["breaks"]
        scales = _signs({rule: (float(rule in first), float(rule in second)) for rule in RULES})
    elif block == FOUNDATIONS:
        scales = {stratum: 1.0}
    return _item(str(row["id"]), block, stratum, row["context"], row["actions"], scales, "built-in", "ours")


def _item(
    name: str,
    block: str,
    stratum: str,
    context: str,
    actions: Sequence[str],
    scales: Mapping[str, float],
    source: str,
    licence: str,
) -> Item:
    meta = {"stratum": stratum, "source": source, "licence": licence}
    return Item(
        id=name, instrument=NAME, text=context, options=tuple(actions), group=block, scales=dict(scales), meta=meta
    )


def _signs(broken: Mapping[str, tuple[float, float]]) -> dict[str, float]:
    """Return +1 for rules that the second action breaks more, -1 for those that the first one does; others are left."""
    return {rule: 1.0 if second > first else -1.0 for rule, (first, second) in broken.items() if first != second}


def _dilemmas(folder: Path, repeated_ids: RepeatedIds) -> list[Item]:
    columns = [f"a{k}_{ending}" for ending in RULES.values() for k in (1, 2)]
    rows = _rows(folder, MORALITY, ["scenario_id", "generation_rule", "context", "action1", "action2", *columns])
    if repeated_ids == "last":
        last = {row["scenario_id"]: row for row in rows}
        if len(last) < len(rows):
            log.warning("%d dilemmas share an id with a later one and are left out", len(rows) - len(last))
        rows = list(last.values())
    items = []
    for row in _complete(rows, 2):
        for column in columns:
            _known(row, column, BROKEN)
        broken = {rule: (BROKEN[row[f"a1_{end}"]], BROKEN[row[f"a2_{end}"]]) for rule, end in RULES.items()}
        items.append(_public(row, MORALITY, _rule(row["generation_rule"]), 2, _signs(broken)))
    return items


def _rule(given: str) -> str:
    """Return a generation rule in one spelling: the public file has both "Do not cause pain" and "Do cause pain"."""
    return given.replace("Do cause", "Do not cause").strip()


def _foundations(folder: Path) -> list[Item]:
    rows = _rows(folder, FOUNDATIONS, ["scenario_id", "generation_theme", "context", "action1", "action2"])
    names = {theme: name for name, theme in FOUNDATION_THEMES.items()}
    for row in rows:
        _known(row, "generation_theme", names)
    pairs = [(row, names[row["generation_theme"]]) for row in _complete(rows, 2)]
    return [_public(row, FOUNDATIONS, name, 2, {name: 1.0}) for row, name in pairs]


def _views(folder: Path) -> list[Item]:
    actions = [f"action{k}" for k in range(1, len(VIEWS) + 1)]
    rows = _rows(folder, WORLDVIEWS, ["scenario_id", "generation_theme", "context", *actions])
    stray = [row for row in rows if row["generation_theme"] == "theme"]
    if stray:
        log.warning("%d header rows stand among the world views and are left out", len(stray))
    rest = [row for row in rows if row["generation_theme"] != "theme"]
    return [_public(row, WORLDVIEWS, row["generation_theme"], 4, {}) for row in _complete(rest, 4)]


def _complete(rows: Iterable[dict[str, str]], num_actions: int) -> list[dict[str, str]]:
    """Return the rows that have all their actions. Of two actions equal ones stay: p1 is one half, asked or not."""
    every = list(rows)
    names = [f"action{k + 1}" for k in range(num_actions)]
    kept = [row for row in every if all(row[name] for name in names)]
    if num_actions > 2:
        kept = [row for row in kept if len({row[name] for name in names}) == num_actions]
        kept = [row for row in kept if not any(_JOINED in row[name] for name in names)]
    if len(kept) < len(every):
        log.warning("%d items lack an action, or have four that are not told apart: left out", len(every) - len(kept))
    if same := sum(len({row[name] for name in names}) < num_actions for row in kept):
        log.warning("%d items have two equal actions: they are not asked, and count as undecided", same)
    return kept


def _public(row: Mapping[str, str], block: str, stratum: str, num: int, scales: Mapping[str, float]) -> Item:
    actions = [row[f"action{k + 1}"] for k in range(num)]
    # Scenario ids repeat in the public file, so the content takes part in the id.
    name = f"{row['scenario_id']}-{content_id(chr(10).join((row['context'], *actions)))[:8]}"
    return _item(name, block, stratum, row["context"], actions, scales, row["source"], "MIT (c) 2024 ProgressGym")


def _rows(folder: Path, block: str, needed: Sequence[str]) -> list[dict[str, str]]:
    path = _file(folder, FILES[block])
    try:
        reader = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline=""), restval="")
        found = list(reader.fieldnames or ())
        missing = [name for name in needed if name not in found]
        if missing:
            raise UserError(
                f"{path} has no column {', '.join(missing)}.",
                f"it has: {', '.join(found) or 'none'}.",
                f"add it, or leave {NAME}.folder empty for the built-in bank",
            )
        return [
            {name: _clean(row[name]) for name in needed} | {"source": f"{path.name}:{reader.line_num}"}
            for row in reader
        ]
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path} cannot be read.", str(error), "correct the file") from error


def _file(folder: Path, stem: str) -> Path:
    tried = (folder / f"{stem}_final.csv", folder / stem / "final.csv")
    for path in tried:
        if path.is_file():
            return path
    raise UserError(
        f"There is no file {tried[0]}.",
        f"{tried[1]} is not there either; a value vector needs all of {', '.join(FILES.values())}.",
        f"set {NAME}.folder to a folder with the public item files, or leave it empty for the built-in bank",
    )


def _clean(text: str) -> str:
    """Return the text on one line, without the quotation marks around it that some rows have."""
    plain = " ".join(text.split()).removesuffix(";") if text.rstrip().endswith('";') else " ".join(text.split())
    while len(plain) > 1 and plain[0] + plain[-1] in _QUOTES:
        plain = plain[1:-1].strip()
    return plain


def _known(row: Mapping[str, str], column: str, allowed: Mapping[str, object]) -> None:
    if row[column] not in allowed:
        raise UserError(
            f'{row["source"]}: {column} = "{row[column]}" is not known.',
            "it says how the item is scored.",
            f"use one of {', '.join(allowed)}",
        )


def check_items(items: Sequence[Item]) -> None:
    """Raise ValueError unless ids are unique and every block has an item."""
    if len({item.id for item in items}) < len(items):
        raise ValueError("two items have the same id")
    if absent := [block for block in BLOCKS if not any(item.group == block for item in items)]:
        raise ValueError(f"no item in block {', '.join(absent)}")
