"""Did a policy follow people whose values move? By round: its cosine with them, raw and centred, beside the base's.

Everything is read from the run's scores. The policy of a round is the one that the round left in force; the base's
value is that of the first policy with the people of that round, so what training adds can be seen.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from agents.instruments.value_follow import CENTRED, NAME, RAW
from agents.instruments.value_vector.dims import DIMS
from dashboards.coevolution import ASSISTANT, PEOPLE, Line, Mark
from dashboards.measures import Gate, Measure, Point
from dashboards.sources import Reader, number, whole

_SCALE = re.compile(rf"({RAW}|{CENTRED})_t(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One round. kind: "follow" (raw cosine) or "follow_centred". base: of the first policy with the same people.

    later: with the people of the next round, which nobody has asked yet.
    """

    round: int
    kind: str
    policy: str
    value: float | None
    lo: float | None
    hi: float | None
    n: int
    base: float | None
    later: float | None
    null: float | None
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Follow:
    """A run of society=value_follow. lines: people's and the policy's value vectors on the held-out items, by round."""

    rounds: tuple[Round, ...]
    lines: tuple[Line, ...]
    dims: tuple[str, ...]
    num_people: int
    num_voters: int


def follow_of(reader: Reader, measures: Sequence[Measure], gates: Sequence[Gate]) -> Follow | None:
    """Return what a run measured of following; None for a run that measured nothing of the kind."""
    scales = {
        (m[1], int(m[2])): one for one in measures if one.instrument == NAME and (m := _SCALE.fullmatch(one.scale))
    }
    if not scales:
        return None
    played = sorted(reader.rows("events/*.play/followed-*.parquet"), key=lambda row: whole(row.get("round")))
    last = max((whole(row.get("round")) for row in played), default=0)
    times = [t for t in sorted({t for _, t in scales}) if not last or t <= last]
    rounds = [
        _round(scales, kind, t, stage_after(gates, t)) for kind in (RAW, CENTRED) for t in times if (kind, t) in scales
    ]
    lines = _lines(played, measures, gates, times)
    return Follow(
        rounds=tuple(rounds),
        lines=lines,
        dims=_moved(lines),
        num_people=whole(played[-1].get("num_people")) if played else 0,
        num_voters=whole(played[-1].get("num_voters")) if played else 0,
    )


def stage_after(gates: Sequence[Gate], number_: int) -> str:
    """Return the stage that measured the policy which a round left in force: the last one that was promoted."""
    promoted = [gate.round for gate in gates if gate.decision == "promoted" and gate.round <= number_]
    return f"r{max(promoted, default=0)}.measure"


def _point(measure: Measure | None, stage: str) -> Point | None:
    return next((one for one in measure.points if one.stage == stage), None) if measure else None


def _round(scales: dict[tuple[str, int], Measure], kind: str, t: int, stage: str) -> Round:
    measure = scales[kind, t]
    point, base = _point(measure, stage), _point(measure, "r0.measure")
    later = _point(scales.get((kind, t + 1)), stage)
    return Round(
        round=t,
        kind=kind,
        policy=point.policy if point else "",
        value=point.point if point else None,
        lo=point.lo if point else None,
        hi=point.hi if point else None,
        n=point.n if point else 0,
        base=base.point if base else None,
        later=later.point if later else None,
        null=measure.null_value,
        flags=point.flags if point else ("not measured",),
    )


def _lines(
    played: Sequence[dict[str, Any]], measures: Sequence[Measure], gates: Sequence[Gate], times: Sequence[int]
) -> tuple[Line, ...]:
    """Return for every dimension the people's line and the policy's, the latter with its interval over items."""
    own = {one.scale: one for one in measures if one.instrument == NAME and one.scale in DIMS}
    lines = []
    for place, dim in enumerate(DIMS):
        people = [
            Mark(whole(row.get("round")), number(row["vector"][place]), None, None)
            for row in played
            if len(row.get("vector") or ()) == len(DIMS)
        ]
        points = [(t, _point(own.get(dim), stage_after(gates, t))) for t in (0, *times)]
        policy = [Mark(t, point.point, point.lo, point.hi) for t, point in points if point is not None]
        for who, marks in ((PEOPLE, people), (ASSISTANT, policy)):
            if marks:
                lines.append(Line(challenge="follow", arm="", who=who, what=dim, num_seeds=1, marks=tuple(marks)))
    return tuple(lines)


def _moved(lines: Sequence[Line]) -> tuple[str, ...]:
    """Return the dimensions, those first along which people moved most."""
    people = {one.what: one for one in lines if one.who == PEOPLE}

    def way(dim: str) -> float:
        known = [mark.value for mark in people[dim].marks if mark.value is not None] if dim in people else []
        return max(known) - min(known) if known else 0.0

    return tuple(sorted(dict.fromkeys(one.what for one in lines), key=lambda dim: (-way(dim), dim)))
