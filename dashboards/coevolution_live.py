"""What language-model people and their AI came to: beliefs over time, diversity by arm, and entrenchment. Reads a run.

Diversity is the society's own table; over several replicas its mean, with the replicas' intervals (over people) joined
as those of independent numbers. Differences between arms and slopes are computed anew from beliefs, person by person.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dashboards.assembly_source import guarded
from dashboards.coevolution import Mark
from dashboards.sources import Reader, number, text, whole

BASE_ARM = "no_ai"
MEASURES = {
    "entropy": "entropy of beliefs, nats",
    "hill_1": "effective opinions (Hill 1)",
    "variance": "variance of beliefs",
    "bimodality": "bimodality (two camps above 0.56)",
    "mean": "mean belief (1: first view)",
}
"""Measures that are drawn, as they are called. `hill_2` stands in the table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """Where the people of an arm stood on a claim at a timestep ("" is all claims): mean shares of the five stances.

    num: beliefs read. mass: mean probability that a stance was answered at all.
    """

    arm: str
    timestep: int
    claim: str
    shares: tuple[float, ...]
    num: int
    mass: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Diversity:
    """One measure of an arm over time. num: people, over all replicas."""

    arm: str
    measure: str
    num: int
    num_replicas: int
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Apart:
    """An arm less the arm without an AI, over time, by one measure; people resampled in pairs.

    p_holm: of each mark, corrected over every difference of the run; None where there is nothing to test.
    """

    arm: str
    base: str
    measure: str
    num: int
    marks: tuple[Mark, ...]
    p_holm: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slope:
    """Do beliefs move further the way they already lean? 0: calibrated, above: entrenchment, below: reversion."""

    arm: str
    value: float | None
    lo: float | None
    hi: float | None
    num: int
    flag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """A run of society=live_values. num_people: seats of an arm, over all replicas. messages: arm -> kind -> number."""

    arms: tuple[str, ...]
    claims: tuple[str, ...]
    num_people: int
    num_replicas: int
    num_timesteps: int
    stands: tuple[Stand, ...]
    diversity: tuple[Diversity, ...]
    apart: tuple[Apart, ...]
    slopes: tuple[Slope, ...]
    messages: Mapping[str, Mapping[str, int]]


def live_of(reader: Reader) -> Live | None:
    """Return what a run of live values found in its first round; None for a run without beliefs."""
    stage = live_stage(reader)
    if not stage:
        return None
    beliefs = reader.table(f"events/{stage}/beliefs-*.parquet")
    needed = {"arm", "replica", "timestep", "agent", "claim", "level"}
    if not beliefs.width or not needed <= set(beliefs.columns):
        return None
    rows = beliefs.to_dicts()
    arms = tuple(dict.fromkeys(text(row["arm"]) for row in rows))
    first = min(row["timestep"] for row in rows)
    metrics = reader.rows(f"events/{stage}/metrics-*.parquet")
    return Live(
        arms=arms,
        claims=tuple(dict.fromkeys(text(row["claim"]) for row in rows)),
        num_people=len({(r["replica"], r["agent"]) for r in rows if r["arm"] == arms[0] and r["timestep"] == first}),
        num_replicas=len({row["replica"] for row in rows}),
        num_timesteps=max(whole(row["timestep"]) for row in rows),
        stands=_stands(rows),
        diversity=_diversity(metrics, arms),
        apart=guarded(reader, "the difference between the arms", lambda: _apart(beliefs, arms), ()),
        slopes=guarded(reader, "the entrenchment slope", lambda: _slopes(beliefs), ()),
        messages=_messages(reader.rows(f"events/{stage}/messages-*.parquet", ["arm", "kind"])),
    )


def live_stage(reader: Reader) -> str:
    """Return the first stage in which beliefs were read; "" for none."""
    from dashboards.frames_parts import stages_of

    stages = stages_of(reader.run, "events")
    return next((s for s in stages if any(reader.run.folder.glob(f"events/{s}/beliefs-*.parquet"))), "")


def _stands(rows: Sequence[Mapping[str, Any]]) -> tuple[Stand, ...]:
    groups: dict[tuple[str, int, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        if row.get("dist"):
            for claim in (text(row["claim"]), ""):
                groups.setdefault((text(row["arm"]), whole(row["timestep"]), claim), []).append(row)
    return tuple(
        Stand(
            arm=arm,
            timestep=timestep,
            claim=claim,
            shares=tuple(_mean(column) or 0.0 for column in zip(*(row["dist"] for row in own), strict=False)),
            num=len(own),
            mass=_mean([row.get("mass") for row in own]),
        )
        for (arm, timestep, claim), own in groups.items()
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None and math.isfinite(value)]
    return math.fsum(known) / len(known) if known else None


def _diversity(rows: Sequence[Mapping[str, Any]], arms: Sequence[str]) -> tuple[Diversity, ...]:
    groups: dict[tuple[str, str], dict[int, list[Mapping[str, Any]]]] = {}
    for row in rows:
        if not row.get("claim") and text(row.get("arm")) in arms:
            own = groups.setdefault((text(row.get("arm")), text(row.get("metric"))), {})
            own.setdefault(whole(row.get("timestep")), []).append(row)
    return tuple(
        Diversity(
            arm=arm,
            measure=measure,
            num=sum(whole(row.get("n")) for row in next(iter(times.values()))),
            num_replicas=max(map(len, times.values())),
            marks=tuple(joined(timestep, own) for timestep, own in sorted(times.items())),
        )
        for (arm, measure), times in sorted(groups.items(), key=lambda pair: (arms.index(pair[0][0]), pair[0][1]))
    )


def joined(timestep: int, rows: Sequence[Mapping[str, Any]]) -> Mark:
    """Return the mean of independent numbers with the joined interval: half widths squared, summed, over the number.

    None as soon as one of them is undefined.
    """
    found = [tuple(number(row.get(name)) for name in ("value", "lo", "hi")) for row in rows]
    values = [value for value, _, _ in found if value is not None]
    if len(values) < len(found) or not found:
        return Mark(timestep, None, None, None)
    point = math.fsum(values) / len(values)
    lows = [value - lo for value, lo, _ in found if value is not None and lo is not None]
    highs = [hi - value for value, _, hi in found if value is not None and hi is not None]
    if len(lows) < len(found) or len(highs) < len(found):
        return Mark(timestep, point, None, None)
    down, up = (math.sqrt(math.fsum(gap**2 for gap in gaps)) / len(found) for gaps in (lows, highs))
    return Mark(timestep, point, point - down, point + up)


def _apart(beliefs: Any, arms: Sequence[str]) -> tuple[Apart, ...]:
    from agents.statistics.paired import holm
    from societies.coevolution.live import arm_differences

    base = BASE_ARM if BASE_ARM in arms else arms[-1]
    found = [(arm, one) for arm in arms if arm != base for one in arm_differences(beliefs, arm, base)]
    lines: dict[tuple[str, str], list[tuple[Any, float]]] = {}
    for (arm, one), p in zip(found, holm([one.p for _, one in found]), strict=True):
        lines.setdefault((arm, one.metric), []).append((one, p))
    return tuple(
        Apart(
            arm=arm,
            base=base,
            measure=measure,
            num=own[0][0].n,
            marks=tuple(Mark(o.timestep, number(o.diff), number(o.lo), number(o.hi)) for o, _ in own),
            p_holm=tuple(number(p) for _, p in own),
        )
        for (arm, measure), own in lines.items()
    )


def _slopes(beliefs: Any) -> tuple[Slope, ...]:
    from societies.coevolution.live import arm_slopes

    return tuple(
        Slope(arm=arm, value=number(one.slope), lo=number(one.lo), hi=number(one.hi), num=one.n, flag=one.flag)
        for arm, one in arm_slopes(beliefs).items()
    )


def _messages(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    out: dict[str, dict[str, int]] = {}
    for row in rows:
        kinds = out.setdefault(text(row.get("arm")), {})
        kinds[text(row.get("kind"))] = kinds.get(text(row.get("kind")), 0) + 1
    return out
