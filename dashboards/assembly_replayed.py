"""What went with speakers: their table-mates read the last round again without them. Records from the event tables."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dashboards.assembly_numbers import Number, number_of
from dashboards.assembly_source import MAIN, Archive, Key
from dashboards.sources import number, text, whole

VERSIONS = ("whole", "without", "reordered")


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What the speeches of those left out did to those who read on: see `societies.assembly.metrics.LeftOut`.

    unit: what the n of each number counts, "listener", "speaker" or "assembly"; intervals are over them.
    pull: None where every speaker spoke for somebody else.
    """

    unit: str
    effect: Number
    excess: Number
    pull: Number | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaker:
    """One speaker who was left out. num_dropped: speeches of theirs, of the num_heard that were read.

    told: mean agreement with the first side of those who read them all, 0 to 1.
    """

    speaker: str
    table: int
    num_dropped: int
    num_heard: int
    told: float
    left: Left


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What happened in one assembly. num_answers: to all versions, each read once by a listener."""

    left: Left
    speakers: tuple[Speaker, ...]
    num_answers: int


def replayed_of(archive: Archive, key: Key) -> Replayed | None:
    """Return what went with the speakers of one arm, most moving first; None where nobody was left out."""
    rows = _answered(archive, key)
    by_speaker: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        by_speaker.setdefault(text(row.get("speaker")), []).append(row)
    speakers = [_speaker(name, own) for name, own in by_speaker.items()]
    speakers.sort(key=lambda one: (-(one.left.excess.value or 0), one.speaker))
    if not rows:
        return None
    return Replayed(
        left=_left(rows, [text(row.get("speaker")) for row in rows], "speaker"),
        speakers=tuple(speakers),
        num_answers=len({identity for row in rows for identity in row.get("identities") or ()}),
    )


def replayed_everywhere(archive: Archive) -> Left | None:
    """Return the same over all assemblies, each counting once; None with fewer than two of them."""
    rows: list[Mapping[str, Any]] = []
    units: list[Hashable] = []
    for key in (key for key in archive.summaries if key.arm == MAIN):
        own = _answered(archive, key)
        rows += own
        units += [key.where] * len(own)
    return _left(rows, units, "assembly") if len(set(units)) > 1 else None


def _speaker(name: str, rows: Sequence[Mapping[str, Any]]) -> Speaker:
    return Speaker(
        speaker=name,
        table=whole(rows[0].get("table")),
        num_dropped=whole(rows[0].get("num_dropped")),
        num_heard=whole(rows[0].get("num_heard")),
        told=float(_column(rows, "whole").mean()),
        left=_left(rows, [text(row.get("citizen")) for row in rows], "listener"),
    )


def _left(rows: Sequence[Mapping[str, Any]], units: Sequence[Hashable], unit: str) -> Left:
    from societies.assembly.metrics import left_out

    every, without, reordered, pulled, aside = (_column(rows, name) for name in (*VERSIONS, "pull", "aside"))
    found = left_out(every, without, reordered, pulled, aside, units)
    effect, excess, pull = (number_of(one.value, one.null, one.n) for one in (found.effect, found.excess, found.pull))
    return Left(unit=unit, effect=effect, excess=excess, pull=pull if found.pull.n else None)


def _column(rows: Sequence[Mapping[str, Any]], name: str) -> np.ndarray:
    values = [number(row.get(name)) for row in rows]
    return np.array([np.nan if value is None else value for value in values])


def _answered(archive: Archive, key: Key) -> list[dict[str, Any]]:
    return [row for row in archive.rows(key, "replays") if all(number(row.get(one)) is not None for one in VERSIONS)]
