"""What was measured: score rows before and after, their paired comparisons, and what the gate made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dashboards.sources import Reader, mapping, number, stage_key, text, whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One score row: a scale of a policy in a stage. point, lo, hi: None when it was not measured."""

    stage: str
    policy: str
    point: float | None
    lo: float | None
    hi: float | None
    n: int
    forfeits: int
    label_mass: float | None
    mode: str
    orders: str
    version: str
    flags: tuple[str, ...]


ALPHA = 0.05
"""A p corrected for several scales has to lie below this before a difference counts as one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One paired comparison, after minus before, with its 95 % interval."""

    instrument: str
    scale: str
    group: str
    before: float | None
    after: float | None
    diff: float | None
    lo: float | None
    hi: float | None
    p: float | None
    p_holm: float | None
    test: str
    n: int
    mde: float | None
    better: int
    flags: tuple[str, ...]

    @property
    def reading(self) -> str:
        """Say in a word what interval and corrected p allow to say; without a p, what the interval does."""
        if self.diff is None or self.lo is None or self.hi is None:
            return "not compared"
        if self.lo <= 0 <= self.hi:
            return "no difference shown"
        if self.p_holm is not None and self.p_holm >= ALPHA:
            return "not after correction"
        if not self.better:
            return "changed"
        return "better" if self.diff * self.better > 0 else "worse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One scale with all its points in the order of the stages. null: (name, value) of the baseline.

    before, after: the points that the last gate set against each other; without a gate the first and the last.
    """

    instrument: str
    scale: str
    group: str
    better: int
    null_name: str
    null_value: float | None
    points: tuple[Point, ...]
    before: Point | None
    after: Point | None
    compared: Compared | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One of the gate's criteria. state: "passed", "failed", "not run" (which has not passed) or "off"."""

    name: str
    state: str
    text: str
    target: bool = False

    @property
    def passed(self) -> bool:
        """Whether it ran and held."""
        return self.state == "passed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What became of a round's candidate.

    says: what the criteria say, "promote" or "reject". decision: "promoted", "rejected", or "open" until somebody
    decides. by: "gate" or "person". against_base: the same criteria against the base, from the second round on.
    stop: why the loop ended with this round, where a rule of loop.stop ended it.
    """

    round: int
    policy: str
    parent: str
    says: str
    decision: str
    by: str
    summary: str
    reasons: tuple[Reason, ...]
    against_base: tuple[Reason, ...]
    comparisons: tuple[Compared, ...]
    thresholds: Mapping[str, Any]
    stop: str = ""


def measures_of(reader: Reader, gates: Sequence[Gate]) -> tuple[Measure, ...]:
    """Return every scale of `scores/*.parquet`, in the order in which it was first written."""
    points: dict[tuple[str, str, str], list[Point]] = {}
    rows: dict[tuple[str, str, str], Mapping[str, Any]] = {}
    files = sorted((reader.run.folder / "scores").glob("*.parquet"), key=lambda path: stage_key(path.stem))
    for path in files:
        for row in reader.rows(f"scores/{path.name}"):
            key = (text(row.get("instrument")), text(row.get("scale")), text(row.get("group")))
            points.setdefault(key, []).append(_point(path.stem, row))
            rows[key] = row
    last = gates[-1] if gates else None
    return tuple(_measure(key, rows[key], found, last) for key, found in points.items())


def _measure(key: tuple[str, str, str], row: Mapping[str, Any], points: list[Point], gate: Gate | None) -> Measure:
    first, last = points[0], points[-1]
    before = first if len(points) > 1 or first.stage.startswith("r0.") else None
    after = last if before is not last else None
    compared = None
    if gate is not None:
        before = next((p for p in points if p.policy == gate.parent), before)
        after = next((p for p in points if p.policy == gate.policy), after)
        compared = next((c for c in gate.comparisons if (c.instrument, c.scale, c.group) == key), None)
    return Measure(
        instrument=key[0],
        scale=key[1],
        group=key[2],
        better=whole(row.get("better")),
        null_name=text(row.get("null_name")),
        null_value=number(row.get("null_value")),
        points=tuple(points),
        before=before,
        after=after,
        compared=compared,
    )


def _point(stage: str, row: Mapping[str, Any]) -> Point:
    return Point(
        stage=stage,
        policy=text(row.get("policy")),
        point=number(row.get("point")),
        lo=number(row.get("lo")),
        hi=number(row.get("hi")),
        n=whole(row.get("n")),
        forfeits=whole(row.get("forfeits")),
        label_mass=number(row.get("label_mass")),
        mode=text(row.get("mode")),
        orders=text(row.get("orders")),
        version=text(row.get("version")),
        flags=tuple(text(flag) for flag in row.get("flags") or ()),
    )


def compared_from(row: Mapping[str, Any]) -> Compared:
    """Return a comparison as it stands in a gate's file."""
    floats = {key: number(row.get(key)) for key in ("before", "after", "diff", "lo", "hi", "p", "p_holm", "mde")}
    return Compared(
        instrument=text(row.get("instrument")),
        scale=text(row.get("scale")),
        group=text(row.get("group")),
        test=text(row.get("test")),
        n=whole(row.get("n")),
        better=whole(row.get("better")),
        flags=tuple(text(flag) for flag in row.get("flags") or ()),
        **floats,
    )


def gates_of(reader: Reader) -> tuple[Gate, ...]:
    """Return the verdicts of `gates/r<k>.json` with their `gates/r<k>.decision.json`, by round."""
    gates = []
    for path in sorted((reader.run.folder / "gates").glob("r*.json")):
        if path.stem.endswith(".decision"):
            continue
        raw = reader.json(f"gates/{path.name}")
        if raw:
            gates.append(_gate(raw, reader.json(f"gates/{path.stem}.decision.json")))
    return tuple(sorted(gates, key=lambda gate: gate.round))


def _gate(raw: Mapping[str, Any], decided: Mapping[str, Any]) -> Gate:
    verdict, base = mapping(raw.get("verdict")), mapping(raw.get("against_base"))
    return Gate(
        round=whole(raw.get("round")),
        policy=text(raw.get("after")),
        parent=text(raw.get("before")),
        says="promote" if raw.get("promote") is True else "reject",
        decision=text(decided.get("decision")) or "open",
        by=text(decided.get("by")),
        summary=text(raw.get("summary")),
        reasons=tuple(_reason(entry) for entry in verdict.get("reasons") or ()),
        against_base=tuple(_reason(entry) for entry in base.get("reasons") or ()),
        comparisons=tuple(compared_from(c) for c in raw.get("comparisons") or () if isinstance(c, dict)),
        thresholds=mapping(verdict.get("thresholds")),
        stop=text(decided.get("stop")),
    )


def _reason(entry: Any) -> Reason:
    one = mapping(entry)
    passed, ran = one.get("passed") is True, one.get("ran", True)
    state = ("passed" if passed else "failed") if ran else ("off" if passed else "not run")
    said = text(one.get("text"))
    said = said.removeprefix("could not run: ") if state == "not run" else said  # the state says it already
    return Reason(name=text(one.get("name")), state=state, text=said, target=bool(one.get("target")))
