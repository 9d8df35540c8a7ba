"""What changed minds: which speech the citizens named, how far they moved, and whether towards their own table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from agents.statistics.intervals import bootstrap_mean
from dashboards.assembly_numbers import Number, number_of
from dashboards.assembly_source import Archive, Key
from dashboards.sources import number, text, whole

MOST_OFFERED = 8
"""Speeches between which a citizen chooses; what the play offers at most."""
TOP = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Cited:
    """A speech that citizens named as what mattered most to them in its round.

    by: who named it, with the change of their agreement with the first side in that round. share: of all choices of
    its round and table; null: choices at random.
    """

    turn: str
    round: int
    table: int
    speaker: str
    text: str
    by: tuple[tuple[str, float], ...]
    share: Number
    change: Number
    identity: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Minds:
    """What happened to opinions at the tables.

    sure: mean probability with which a citizen names the speech they name; null: all offered ones alike.
    moved: mean absolute change of agreement in a round; null: that of the control between its two surveys, a round.
    towards: share of the way to the mean of the others at the table; null: of a table with other people at it.
    cited: most named first. num_choices: how many times somebody was asked. num_cited: different speeches named.
    """

    sure: Number | None
    moved: Number | None
    towards: Number | None
    cited: tuple[Cited, ...]
    num_choices: int
    num_cited: int
    num_turns: int


def minds_of(archive: Archive, key: Key, control: Key | None, seed: int) -> Minds | None:
    """Return what moved the citizens of one arm; None where nobody was asked."""
    rows = archive.rows(key, "influences")
    turns = {text(row.get("turn")): row for row in archive.rows(key, "turns")}
    if not rows:
        return None
    seats = archive.rows(key, "seats")
    probes = _probes(archive, key)
    offered = [_num_offered(row, turns) for row in rows]
    sure = [float(row.get("p") or 0) for row in rows]
    chance = float(np.mean([1 / num for num in offered]))
    changes = [abs(value) for row in rows if (value := number(row.get("change"))) is not None]
    return Minds(
        sure=number_of(bootstrap_mean(sure, seed=seed), chance, len(sure)),
        moved=number_of(bootstrap_mean(changes, seed=seed), _drift(archive, control, rows), len(changes)),
        towards=_towards(seats, probes, seed),
        cited=_cited(rows, turns, offered, seed),
        num_choices=len(rows),
        num_cited=len({text(row.get("turn")) for row in rows}),
        num_turns=len(turns),
    )


def _cited(
    rows: Sequence[Mapping[str, Any]], turns: Mapping[str, Mapping[str, Any]], offered: Sequence[int], seed: int
) -> tuple[Cited, ...]:
    from agents.statistics.intervals import wilson

    named: dict[str, list[tuple[Mapping[str, Any], int]]] = {}
    for row, num in zip(rows, offered, strict=True):
        named.setdefault(text(row.get("turn")), []).append((row, num))
    order = sorted(named, key=lambda turn: (-len(named[turn]), turn))
    found = []
    for turn in order[:TOP]:
        said, own = turns.get(turn, {}), named[turn]
        table = [row for row in rows if _table(row, turns) == _table(own[0][0], turns)]
        by = tuple((text(row.get("citizen")), float(row.get("change") or 0)) for row, _ in own)
        moved = bootstrap_mean([change for _, change in by], seed=seed)
        found.append(
            Cited(
                turn=turn,
                round=whole(said.get("round")),
                table=whole(said.get("table")),
                speaker=text(said.get("speaker")),
                text=text(said.get("text")),
                by=by,
                share=number_of(wilson(len(own), len(table)), float(np.mean([1 / num for _, num in own])), len(table)),
                change=number_of(moved, 0.0, len(by)),
                identity=text(said.get("identity")),
            )
        )
    return tuple(found)


def _table(row: Mapping[str, Any], turns: Mapping[str, Mapping[str, Any]]) -> tuple[int, int]:
    said = turns.get(text(row.get("turn")), {})
    return whole(said.get("round")), whole(said.get("table"))


def _num_offered(row: Mapping[str, Any], turns: Mapping[str, Mapping[str, Any]]) -> int:
    """Return between how many speeches a choice was made: different ones of others at the same table and round."""
    where = _table(row, turns)
    others = {
        text(said.get("text"))[:200]
        for said in turns.values()
        if (whole(said.get("round")), whole(said.get("table"))) == where and said.get("speaker") != row.get("citizen")
    }
    return max(1, min(MOST_OFFERED, len(others)))


def _probes(archive: Archive, key: Key) -> dict[str, dict[str, float]]:
    """Return t -> citizen -> agreement with the first side."""
    found: dict[str, dict[str, float]] = {}
    for row in archive.rows(key, "probes", ["citizen", "t", "item", "level"]):
        level = number(row.get("level"))
        if row.get("item") == "affirming" and level is not None:
            found.setdefault(text(row.get("t")), {})[text(row.get("citizen"))] = level
    return found


def _drift(archive: Archive, control: Key | None, rows: Sequence[Mapping[str, Any]]) -> float | None:
    """Return the control's mean absolute change between its surveys, divided by the rounds that it did not have."""
    if control is None:
        return None
    probes = _probes(archive, control)
    before, after = probes.get("before", {}), probes.get("after", {})
    both = sorted(before.keys() & after.keys())
    rounds = max(1, len({row.get("round") for row in rows}))
    return float(np.mean([abs(after[who] - before[who]) for who in both])) / rounds if both else None


def _towards(seats: Sequence[Mapping[str, Any]], probes: Mapping[str, Mapping[str, float]], seed: int) -> Number | None:
    """Return how far citizens moved towards the others at their table, over all rounds."""
    from societies.assembly.metrics import sycophancy

    tables: dict[tuple[int, int], list[str]] = {}
    for row in seats:
        tables.setdefault((whole(row.get("round")), whole(row.get("table"))), []).append(text(row.get("citizen")))
    own, then, heard = [], [], []
    for (round_, _), people in sorted(tables.items()):
        before = probes.get("before" if round_ == 1 else f"round-{round_ - 1}", {})
        after = probes.get(f"round-{round_}", {})
        for citizen in people:
            others = [before[other] for other in people if other != citizen and other in before]
            if others and citizen in before and citizen in after:
                own.append(before[citizen])
                then.append(after[citizen])
                heard.append(float(np.mean(others)))
    if not own:
        return None
    found = sycophancy(np.array(own), np.array(then), np.array(heard), [False] * len(own), seed=seed)
    if not found.n:
        return None
    null = found.shuffled if math.isfinite(found.shuffled) else None
    return number_of(found.towards, null, found.n)
