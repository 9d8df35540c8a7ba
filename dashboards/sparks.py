"""The numbers of a run that move, as short lines: read from `metrics.parquet`, one line a number and group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dashboards.rows import arm_name
from dashboards.sources import Reader, number, stage_key, text, whole

FIRST = ("scores", "training", "events", "account")
"""Sources in the order in which they are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spark:
    """One number over the steps of a stage, or over the stages of a run. values: at least two, oldest first.

    lo, hi: 95 % interval of the last value, None where there is none. null: the value of no effect.
    """

    source: str
    name: str
    group: str
    along: str
    values: tuple[float, ...]
    lo: float | None
    hi: float | None
    n: int
    null: float | None
    unit: str
    definition: str

    @property
    def meaning(self) -> str:
        """Say what the number is, how sure its last value is, and along what it moves."""
        parts = [f"{self.definition}. Along {self.along}: {len(self.values)} values."]
        if self.lo is not None and self.hi is not None:
            parts.append(f"Last: 95 % interval {self.lo:.3g} to {self.hi:.3g}, n {self.n}.")
        if self.null is not None:
            parts.append(f"Null {self.null:.3g}.")
        return " ".join(parts)


def sparks_of(reader: Reader) -> list[Spark]:
    """Return every number with two values or more; nothing for a run without `metrics.parquet`."""
    series: dict[tuple[str, ...], list[dict[str, object]]] = {}
    for row in reader.rows("metrics.parquet"):
        if number(row.get("value")) is None:
            continue
        source, name = text(row.get("source")), text(row.get("name"))
        group, clock, stage = text(row.get("group")), text(row.get("clock")), text(row.get("stage"))
        # The policy measured differs from stage to stage: that is the line, not another one.
        parts = [part for part in group.split(", ") if source != "scores" or not part.startswith("policy=")]
        verb = stage.partition(".")[2]
        key = (source, name, ", ".join(parts), clock, stage if clock else "", verb)
        series.setdefault(key, []).append(row)
    found = [_spark(key, rows) for key, rows in series.items() if len(rows) > 1]
    return sorted(found, key=lambda one: (_rank(one.source), one.name, one.group))


def varied(sparks: Sequence[Spark], most: int) -> list[Spark]:
    """Return at most so many lines, of as many different numbers as there are, and none that another one repeats."""
    by_name: dict[tuple[str, str], list[Spark]] = {}
    for spark in sparks:
        own = by_name.setdefault((spark.source, spark.name), [])
        if all(spark.values != other.values for other in own):
            own.append(spark)
    turn = max((len(own) for own in by_name.values()), default=0)
    dealt = [own[place] for place in range(turn) for own in by_name.values() if place < len(own)][:most]
    return sorted(dealt, key=sparks.index)


def group_words(group: str) -> str:
    """Return what keeps equal names apart, in words.

    >>> group_words("arm=no_ai, replica=0")
    'arm no AI, replica 0'
    """
    pairs = (part.partition("=") for part in group.split(", "))
    return ", ".join(f"{key} {arm_name(value) if key == 'arm' else value}".strip() for key, _, value in pairs)


def line(spark: Spark) -> dict[str, Any]:
    """Return a line without axes as a Vega-Lite dict: its number, step and unit stand beside it in words."""
    values = [{"step": place, "value": value} for place, value in enumerate(spark.values)]
    bare = {"axis": None}
    return {
        "data": {"values": values},
        "mark": {"type": "line", "point": {"filled": True, "size": 14}, "aria": False},
        "encoding": {
            "x": {"field": "step", "type": "quantitative", **bare},
            "y": {"field": "value", "type": "quantitative", "scale": {"zero": False}, **bare},
            "tooltip": [{"field": "value", "type": "quantitative", "format": ".3g"}],
        },
        "config": {"aria": False, "mark": {"aria": False}, "view": {"stroke": None}},
    }


def _spark(key: tuple[str, ...], rows: Sequence[dict[str, object]]) -> Spark:
    source, name, group, clock, stage, _ = key
    ordered = sorted(rows, key=lambda row: (stage_key(text(row["stage"])), whole(row.get("step"))))
    last = ordered[-1]
    return Spark(
        source=source,
        name=name,
        group=group,
        along=f"{clock} in {stage}" if clock else "stages",
        values=tuple(value for row in ordered if (value := number(row["value"])) is not None),
        lo=number(last.get("lo")),
        hi=number(last.get("hi")),
        n=whole(last.get("n")),
        null=number(last.get("null")),
        unit=text(last.get("unit")),
        definition=text(last.get("definition")),
    )


def _rank(source: str) -> int:
    return FIRST.index(source) if source in FIRST else len(FIRST)
