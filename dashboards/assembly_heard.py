"""Who was heard before the talk: witnesses and how citizens chose them, the balance between the sides, and whether a
planted falsehood was taken up.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from agents.statistics.intervals import bootstrap_mean, wilson
from dashboards.assembly_numbers import Number, number_of
from dashboards.assembly_source import MAIN, Archive, Key, Poll
from dashboards.sources import number, text, whole

PLANTED_ARM = "misinformation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """A witness who was offered. approvals: citizens who named them more often than chance, None without a vote.

    place: in the order of election, 0 where not elected. keep: share who wanted to hear more, None where not asked.
    """

    name: str
    role: str
    stance: str
    status: str
    approvals: Number | None
    place: int
    keep: Number | None
    num_answers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighing:
    """What had been heard at one moment. Each share is the first side's; null: 1/2, for talk the share of citizens."""

    moment: str
    cited: Number | None
    words: Number | None
    talk: Number | None
    under: str
    called: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """A false claim and what became of it. uptake: share of speeches that cite it; null: what another piece gets.

    instead: share of speeches of the assembly itself that cite the true piece in the same place; None where there was
    none. answers: share of witnesses' answers that cite it. knew: right answers in the quiz after, less the assembly's
    own, paired by citizen.
    """

    id: str
    claim: str
    stance: str
    uptake: Number
    instead: Number | None
    answers: Number | None
    knew: Number | None


def called_of(archive: Archive, key: Key) -> tuple[Called, ...]:
    """Return the witnesses who were offered, those heard first; nobody in arms without."""
    size = len(archive.rows(key, "citizens", ["citizen"]))
    answers = [text(row.get("witness")) for row in archive.rows(key, "testimony", ["witness"])]
    rows = archive.rows(key, "witnesses")
    voted = any(whole(row.get("place")) for row in rows)
    found = []
    for row in rows:
        keep = number(row.get("keep"))
        found.append(
            Called(
                name=text(row.get("witness")),
                role=text(row.get("role")),
                stance=text(row.get("stance")),
                status=text(row.get("status")),
                approvals=_share(whole(row.get("approvals")), size, None) if voted else None,
                place=whole(row.get("place")),
                keep=None if keep is None or math.isnan(keep) else _share(keep * size, size, 0.5),
                num_answers=answers.count(text(row.get("witness"))),
            )
        )
    return tuple(sorted(found, key=lambda one: (one.status == "not called", one.place or 99)))


def balance_of(archive: Archive, key: Key) -> tuple[Weighing, ...]:
    """Return what the guardian counted, moment by moment; nothing where there was none."""
    found = []
    for row in archive.rows(key, "balances"):
        pairs = {
            name: (whole(row.get(f"{name}_for")), whole(row.get(f"{name}_against")))
            for name in ("cited", "words", "talk", "citizens")
        }
        lean = pairs["citizens"]
        found.append(
            Weighing(
                moment=text(row.get("moment")),
                cited=_side(pairs["cited"], 0.5),
                words=_side(pairs["words"], 0.5),
                talk=_side(pairs["talk"], lean[0] / sum(lean) if sum(lean) else None),
                under=text(row.get("under")),
                called=text(row.get("called")),
            )
        )
    return tuple(found)


def planted_of(archive: Archive, where: tuple[str, str], polls: dict[Key, Poll]) -> Planted | None:
    """Return what became of the falsehood in the arm that has one; None where it was not played."""
    keys = {key.arm: key for key in archive.summaries if key.where == where}
    if PLANTED_ARM not in keys:
        return None
    key = keys[PLANTED_ARM]
    evidence = archive.rows(key, "evidence")
    false = next((row for row in evidence if row.get("planted")), None)
    if false is None:
        return None
    piece, speeches = text(false.get("evidence")), _speeches(archive, key)
    others = [text(row.get("evidence")) for row in evidence if row is not false]
    by_chance = float(np.mean([np.mean(_cites(speeches, one)) for one in others])) if others and speeches else None
    answers = archive.rows(key, "testimony", ["cites"])
    return Planted(
        id=piece,
        claim=text(false.get("claim")),
        stance=text(false.get("stance")),
        uptake=_share(sum(_cites(speeches, piece)), len(speeches), by_chance),
        instead=_instead(archive, keys.get(MAIN), piece),
        answers=_share(sum(_cites(answers, piece)), len(answers), None) if answers else None,
        knew=_knew(polls.get(key), polls.get(keys[MAIN]) if MAIN in keys else None),
    )


def _instead(archive: Archive, key: Key | None, piece: str) -> Number | None:
    if key is None or piece not in {text(row.get("evidence")) for row in archive.rows(key, "evidence")}:
        return None
    speeches = _speeches(archive, key)
    return _share(sum(_cites(speeches, piece)), len(speeches), None)


def _knew(own: Poll | None, other: Poll | None) -> Number | None:
    if own is None or other is None or own.knew_after is None or other.knew_after is None:
        return None
    if own.citizens != other.citizens:
        return None
    gap = own.knew_after - other.knew_after
    return number_of(bootstrap_mean(gap), 0.0, gap.size)


def _speeches(archive: Archive, key: Key) -> list[dict[str, Any]]:
    return [row for row in archive.rows(key, "turns", ["kind", "cites"]) if row.get("kind") == "speech"]


def _cites(rows: Sequence[dict[str, Any]], piece: str) -> list[bool]:
    return [piece in (row.get("cites") or ()) for row in rows]


def _side(amounts: tuple[int, int], null: float | None) -> Number | None:
    return _share(amounts[0], sum(amounts), null) if sum(amounts) else None


def _share(num: float, n: int, null: float | None) -> Number:
    return number_of(wilson(num, n), null, n)
