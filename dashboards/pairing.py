"""What two runs share, so that they can be compared without the noise of what they do not share. Pure, but for reading.

Instruments: the same items, answered in both runs, are compared item by item by the instrument itself. Numbers of the
society (`metrics.parquet`): the same seed and replica, which is the same chance, is a pair; runs that differ from a
side in their seed alone, and were made by the same code, model and prompts, stand on that side too. What has no pair
is said to have none. Every number is judged after Holm's correction over all that stand in the same table.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agents.errors import UserError
from agents.instruments.types import Instrument, Readings
from agents.registry import find
from dashboards.frames_compare import CORRECTED, reading_of
from dashboards.made import apart
from dashboards.measures import Compared, compared_from
from dashboards.sources import Reader, mapping, number, stage_key, text, whole
from sim.config import plugin_section, validate

if TYPE_CHECKING:
    import polars as pl

ALONE = ("seed", "name", "paths")
"""Settings in which runs of one side may differ."""
_REPLICA = re.compile(r"(?:^|, )replica=([^,]*)")
Pair = tuple[str, str]
"""(seed, replica), or the names of two runs."""


def opening_pair(names: Sequence[str], society_of: Callable[[str], str], first: str = "") -> Pair:
    """Return the two runs that a comparison opens on: the newest two of one society, else the newest two.

    names: at least two, the newest first. first: a run that is chosen already; its mate is then the newest other one
    of its society. society_of: "" for a run whose config cannot be read, which is like no other.
    """
    if first in names:
        own, others = society_of(first), [name for name in names if name != first]
        return first, next((name for name in others if own and society_of(name) == own), others[0])
    newest: dict[str, str] = {}
    for name in names:
        society = society_of(name)
        if society and society in newest:
            return newest[society], name
        newest.setdefault(society, name)
    return names[0], names[1]


def compared_items(first: Reader, second: Reader) -> tuple[dict[tuple[str, str, str], Compared], dict[str, str]]:
    """Return the paired comparisons by (instrument, scale, group), and for each instrument without any the reason.

    Answers are those of each run's last measuring. The instrument is loaded as the first run's config has it.
    """
    a, b = _last_answers(first), _last_answers(second)
    found: dict[tuple[str, str, str], Compared] = {}
    reasons: dict[str, str] = {}
    for name in a:
        if name not in b:
            continue
        try:
            instrument = _loaded(first, name)
            rows = instrument.compare(a[name], b[name])
        except (UserError, KeyError, ValueError, TypeError, IndexError) as error:
            told = f"{error.given} {error.why}" if isinstance(error, UserError) else "its answers cannot be read"
            reasons[name] = told
            continue
        for row in rows:
            if row.n:
                found[row.instrument, row.scale, row.group] = compared_from(
                    {field: getattr(row, field) for field in row.__dataclass_fields__}
                )
    return found, reasons


def _last_answers(reader: Reader) -> dict[str, list[Readings]]:
    from agents.instruments.frames import readings_of

    files = sorted((reader.run.folder / "responses").glob("*.parquet"), key=lambda path: stage_key(path.stem))
    found: dict[str, list[Readings]] = {}
    for path in files:
        frame = reader.table(f"responses/{path.name}")
        if not frame.width:
            continue
        try:
            answers = readings_of(frame)
        except (TypeError, KeyError, ValueError) as error:
            reader.problems.append(f"responses/{path.name} has not the columns of this version ({str(error)[:80]}).")
            continue
        own: dict[str, list[Readings]] = {}
        for one in answers:
            own.setdefault(one[0].instrument, []).append(one)
        found |= own
    return found


def _loaded(reader: Reader, name: str) -> Instrument:
    config = reader.config()
    measure = mapping(config.get("measure"))
    for entry in measure.get("instruments") or ():
        if mapping(entry).get("name") == name:
            _, rest = plugin_section(entry, "measure.instruments")
            kind = find("instruments", name, where="measure.instruments")
            folder = Path(text(mapping(config.get("paths")).get("data")))
            loaded: Instrument = kind.load(
                validate(kind.config, rest, "measure.instruments"),
                folder,
                judge_policy=text(measure.get("judge_policy")) or "base",
            )
            return loaded
    raise UserError(
        f"{name} is not in the first run's config.",
        "its answers are read as that config says.",
        "choose a first run that has it under measure.instruments",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One side of a comparison: a run, and those that differ from it in their seed alone. values: see `series`."""

    seeds: tuple[str, ...]
    values: Mapping[tuple[str, str], Mapping[Pair, float]]


def side_of(readers: Sequence[Reader]) -> Side:
    """Return the last value of every number of the society of some runs, by (name, group) and then by pair."""
    values: dict[tuple[str, str], dict[Pair, float]] = {}
    seeds = []
    for reader in readers:
        seed = str(whole(reader.config().get("seed")))
        seeds.append(seed)
        last: dict[tuple[str, str, str], tuple[tuple[tuple[int, int, str], int], float]] = {}
        for row in reader.rows("metrics.parquet"):
            value = number(row.get("value"))
            if value is None or text(row.get("source")) != "events":
                continue
            group, replica = _split(text(row.get("group")))
            key = (text(row.get("name")), group, replica)
            when = (stage_key(text(row.get("stage"))), whole(row.get("step")))
            if key not in last or when >= last[key][0]:
                last[key] = (when, value)
        for (name, group, replica), (_, value) in last.items():
            values.setdefault((name, group), {})[seed, replica] = value
    return Side(seeds=tuple(dict.fromkeys(seeds)), values=values)


def _split(group: str) -> tuple[str, str]:
    found = _REPLICA.search(group)
    return (_REPLICA.sub("", group).removeprefix(", "), found[1]) if found else (group, "")


def paired_numbers(first: Side, second: Side) -> pl.DataFrame:
    """Return second minus first of each number that both have: the mean over pairs, with a bootstrap interval.

    Columns: number, first, second, difference, lo, hi, pairs, p (Holm), reading. first, second: means over the pairs,
    or over all where there is none. lo, hi: 95 %, of each number by itself, only from three pairs on. p (Holm): of
    Student's t over the pairs, corrected over all numbers that have pairs enough. With no pair the difference mixes
    chance in.
    """
    import numpy as np
    import polars as pl

    from agents.statistics.intervals import bootstrap_mean
    from agents.statistics.paired import holm, paired_t

    rows: list[dict[str, Any]] = []
    p_values: list[float] = []
    for key in sorted(first.values.keys() & second.values.keys()):
        a, b = first.values[key], second.values[key]
        common = sorted(a.keys() & b.keys())
        x = np.array([a[one] for one in common or sorted(a)])
        y = np.array([b[one] for one in common or sorted(b)])
        found = bootstrap_mean(y - x) if len(common) >= MIN_PAIRS else None
        p_values.append(paired_t(y - x) if found else math.nan)
        rows.append({"number": ", ".join(part for part in key if part), "first": float(x.mean()),
                     "second": float(y.mean()), "difference": float(y.mean() - x.mean()),
                     "lo": found.lo if found else None, "hi": found.hi if found else None,
                     "pairs": len(common)})  # fmt: skip
    for row, p in zip(rows, holm(p_values), strict=True):
        row[CORRECTED] = number(p)
        if row["pairs"] < MIN_PAIRS:
            row["reading"] = "too few pairs" if row["pairs"] else "not paired"
        else:
            row["reading"] = reading_of(row["lo"], row["hi"], p)
    schema = {"number": pl.String, **dict.fromkeys(("first", "second", "difference", "lo", "hi"), pl.Float64),
              "pairs": pl.Int64, CORRECTED: pl.Float64, "reading": pl.String}  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row").sort("number")


MIN_PAIRS = 3
"""Fewer pairs have no interval: a bootstrap of one or two says nothing."""


def siblings(config: Mapping[str, Any], others: Iterable[tuple[str, Mapping[str, Any]]]) -> list[str]:
    """Return the names of the runs whose config differs in seed, name and place alone."""
    own = _without(config)
    return [name for name, other in others if other and _without(other) == own]


def same_making(
    manifest: Mapping[str, Any], others: Iterable[tuple[str, Mapping[str, Any]]]
) -> tuple[list[str], list[tuple[str, str]]]:
    """Return the names of the runs that were made as this one, and of the others each with what differs."""
    kept, left = [], []
    for name, other in others:
        what = apart(manifest, other)
        if what:
            left.append((name, what[0]))
        else:
            kept.append(name)
    return kept, left


def _without(config: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in config.items() if key not in ALONE}
