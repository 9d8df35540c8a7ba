"""What each round of the loop did to those who are asked after every round: drift, diversity, agreement, and the stop.

Read from `epochs/r<round>.json`, which the loop writes; nothing is computed here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dashboards.coevolution import Mark
from dashboards.sources import Reader, mapping, number, text, whole

FIRST = ("drift", "own_drift", "diversity", "agreement")
"""What is drawn, in this order; the table has everything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """One number after one round. null: what nothing happening would give, as null_name says; None for none."""

    name: str
    value: float | None
    lo: float | None
    hi: float | None
    n: int
    null: float | None
    null_name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """One round. policy: in force after it. stop: why the loop ended there; empty where no rule ended it."""

    round: int
    policy: str
    first: str
    rows: tuple[Watched, ...]
    stop: str

    def row(self, name: str) -> Watched | None:
        """Return the number of a name."""
        return next((one for one in self.rows if one.name == name), None)


def epochs_of(reader: Reader) -> tuple[Epoch, ...]:
    """Return the rounds that were watched, in order; none where nobody is asked after rounds."""
    paths = sorted((reader.run.folder / "epochs").glob("r*.json"))
    found = [_epoch(raw) for path in paths if (raw := reader.json(f"epochs/{path.name}"))]
    return tuple(sorted(found, key=lambda one: one.round))


def _epoch(raw: Mapping[str, Any]) -> Epoch:
    rows = raw.get("rows")
    return Epoch(
        round=whole(raw.get("round")),
        policy=text(raw.get("policy")),
        first=text(raw.get("first")),
        rows=tuple(_watched(mapping(row)) for row in rows) if isinstance(rows, list) else (),
        stop=text(mapping(raw.get("stop")).get("reason")),
    )


def _watched(row: Mapping[str, Any]) -> Watched:
    return Watched(
        name=text(row.get("name")),
        value=number(row.get("value")),
        lo=number(row.get("lo")),
        hi=number(row.get("hi")),
        n=whole(row.get("n")),
        null=number(row.get("null")),
        null_name=text(row.get("null_name")),
        text=text(row.get("text")),
    )


def names_of(epochs: Sequence[Epoch]) -> list[str]:
    """Return the names of all numbers, those that are drawn first."""
    names = dict.fromkeys(row.name for epoch in epochs for row in epoch.rows)
    return sorted(names, key=lambda name: FIRST.index(name) if name in FIRST else len(FIRST))


def marks_of(epochs: Sequence[Epoch], name: str) -> tuple[tuple[Mark, ...], tuple[Mark, ...]]:
    """Return (the number by round with its interval, its null by round)."""
    rows = [(epoch.round, row) for epoch in epochs if (row := epoch.row(name)) is not None]
    values = tuple(Mark(round_, row.value, row.lo, row.hi) for round_, row in rows)
    nulls = tuple(Mark(round_, row.null, None, None) for round_, row in rows if row.null is not None)
    return values, nulls
