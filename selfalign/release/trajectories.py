"""Values over time: what societies of co-evolution and measured policies leave behind, as one table for all of them.

Each source names its subject (who), its instrument (by what) and its item (of what); the interval and n stand where the
source has them. A table of a society that this version does not know can be called `value_vectors` or `utilities`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from agents.instruments.value_vector import DIMS
from selfalign.release.intake import Intake, events, scores, stage_key
from selfalign.release.origins import LIVED, Facts, Origins
from selfalign.release.rows import Draft
from selfalign.release.splits import BARE
from selfalign.release.told import plain_meta

VECTORS = ("timestep", "subject", "instrument", "item", "score", "lo", "hi", "n")
UTILITIES = ("timestep", "subject", "option", "utility", "variance")
RAW = ("challenge", "replica", "algorithm", "track", "timestep", "values")
RESULTS = ("challenge", "replica", "algorithm", "dims", "seed")
BELIEFS = ("arm", "replica", "timestep", "agent", "claim", "level", "identity")
METRICS = ("arm", "replica", "timestep", "claim", "metric", "value", "lo", "hi", "n")
FOLLOWED = ("round", "values", "vector", "num_people")
SCORES = ("instrument", "scale", "group", "point", "lo", "hi", "n", "subject", "policy")

TABLES = ("value_vectors", "utilities", "vectors", "beliefs", "metrics", "followed")
"""Event tables that become rows here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One number of one subject at one time.

    world: what is never split, such as a repetition. place: the source row. bare: no text and no person hangs on it.
    """

    timestep: int
    subject: str
    instrument: str
    item: str
    score: float
    lo: float | None = None
    hi: float | None = None
    n: int | None = None
    seed: int | None = None
    world: str = ""
    agent: str = ""
    identity: str = ""
    place: str = ""
    bare: bool = False


def trajectory_rows(facts: Facts, stage: str, origins: Origins) -> Iterator[tuple[str, Draft]]:
    """Yield the rows of `value_trajectories` and `utilities` that the event tables of a stage hold."""
    intake = facts.intake
    known: dict[str, int] = {}
    for source in (_vectors, _lived, _beliefs, _metrics, _followed):
        for reading in source(intake, stage):
            if _usable(reading.score):
                yield "value_trajectories", _draft(facts, stage, reading, origins, known)
    frame = events(intake, stage, "utilities", UTILITIES)
    for place, row in enumerate(frame.iter_rows(named=True) if frame is not None else ()):
        subject = str(row["subject"])
        reading = Reading(
            timestep=row["timestep"], subject=subject, instrument="", item="", score=0.0, world=f"subject {subject}",
            agent=subject,
        )  # fmt: skip
        number = _origin(facts, stage, reading, origins, known)
        content = {name: row[name] for name in UTILITIES} | {"seed": facts.seed, "meta": plain_meta(facts)}
        yield "utilities", Draft(number, f"{stage}|utilities|{place}", content)


def score_rows(facts: Facts, origins: Origins) -> Iterator[tuple[str, Draft]]:
    """Yield a row of `value_trajectories` for each scale of each instrument that measured a policy of the run."""
    known: dict[str, int] = {}
    for stage, frame in scores(facts.intake, SCORES):
        for place, row in enumerate(frame.iter_rows(named=True)):
            policy, group = str(row["policy"] or "base"), str(row["group"] or "")
            reading = Reading(
                timestep=stage_key(stage)[0],
                subject=policy if row["subject"] in ("policy", policy) else f"{row['subject']} by {policy}",
                instrument=str(row["instrument"]),
                item=f"{group}/{row['scale']}" if group else str(row["scale"]),
                score=row["point"],
                lo=row["lo"],
                hi=row["hi"],
                n=row["n"],
                world="measured policies",
                bare=True,
                place=f"scores|{place}",
            )
            if _usable(reading.score):
                yield "value_trajectories", _draft(facts, stage, reading, origins, known, policies=[policy])


def _usable(value: float | None) -> bool:
    """Tell whether a number is one: NaN never stands for missing in a release."""
    return value is not None and math.isfinite(value)


def _number(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None


def _draft(
    facts: Facts,
    stage: str,
    reading: Reading,
    origins: Origins,
    known: dict[str, int],
    policies: list[str] | None = None,
) -> Draft:
    number = _origin(facts, stage, reading, origins, known, policies)
    content = {
        "seed": facts.seed if reading.seed is None else reading.seed,
        "timestep": reading.timestep,
        "subject": reading.subject,
        "instrument": reading.instrument,
        "item": reading.item,
        "score": float(reading.score),
        "lo": _number(reading.lo),
        "hi": _number(reading.hi),
        "n": reading.n,
        "meta": plain_meta(facts, policies=policies or ()),
    }
    return Draft(number, f"{stage}|{reading.place}", content)


def _origin(
    facts: Facts,
    stage: str,
    reading: Reading,
    origins: Origins,
    known: dict[str, int],
    policies: list[str] | None = None,
) -> int:
    """Return the origin of a reading; readings of one time that no request of their own made share one."""
    one = reading
    name = f"{one.world}|{one.agent}|{one.identity}|{','.join(policies or ())}|{one.timestep}|{one.bare}"
    if name not in known:
        people = [facts.citizen(one.agent)] if one.agent else []
        requests = [one.identity] if one.identity else []
        row = facts.row(
            stage,
            "",
            policies or ["base"],
            tick=one.timestep,
            citizen_ids=people,
            request_keys=requests,
            request_digests=[facts.digests.get(key, "") for key in requests],
        )
        head = BARE if one.bare else "scene|"
        keys = [f"{head}{facts.intake.run_id}|{one.world}", *(f"person|{person}" for person in people)]
        known[name] = origins.add(row, keys)
    return known[name]


def _rows(
    intake: Intake, stage: str, table: str, columns: tuple[str, ...], *by: str
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    frame = events(intake, stage, table, columns, by=by)
    return enumerate(frame.iter_rows(named=True)) if frame is not None else enumerate(())


def _vectors(intake: Intake, stage: str) -> Iterator[Reading]:
    """Read the table that any society may write."""
    for place, row in _rows(intake, stage, "value_vectors", VECTORS):
        yield Reading(
            **{name: row[name] for name in VECTORS},
            world=f"subject {row['subject']}",
            agent=str(row["subject"]),
            place=f"value_vectors|{place}",
        )


def _lived(intake: Intake, stage: str) -> Iterator[Reading]:
    """Read the society `coevolution`: every raw vector, a reading a dimension; "history" belongs to no algorithm."""
    dims: dict[tuple[str, int], list[str]] = {}
    seeds: dict[tuple[str, int], int] = {}
    for _, row in _rows(intake, stage, "results", RESULTS, "coevolution"):
        dims[row["challenge"], row["replica"]] = row["dims"]
        seeds[row["challenge"], row["replica"]] = row["seed"]
    for place, row in _rows(intake, stage, "vectors", RAW, "coevolution"):
        key = row["challenge"], row["replica"]
        names = dims.get(key) or [f"v{k:02d}" for k in range(len(row["values"]))]
        subject = "/".join(filter(None, (row["challenge"], f"replica-{row['replica']}", row["algorithm"])))
        for k, (name, value) in enumerate(zip(names, row["values"], strict=False)):
            yield Reading(
                timestep=row["timestep"],
                subject=subject,
                instrument=f"value vector, {row['track']}",
                item=name,
                score=value,
                seed=seeds.get(key),
                world=f"replica-{row['replica']}",
                bare=True,
                place=f"vectors|{place}.{k}",
            )


def _beliefs(intake: Intake, stage: str) -> Iterator[Reading]:
    """Read the society `live_values`: the belief of each person in each claim; 1 is sure of the first view."""
    for place, row in _rows(intake, stage, "beliefs", BELIEFS, LIVED):
        yield Reading(
            timestep=row["timestep"],
            subject=f"{row['arm']}/replica-{row['replica']}/{row['agent']}",
            instrument="belief",
            item=row["claim"],
            score=row["level"],
            n=1,
            world=f"replica-{row['replica']}",
            agent=row["agent"],
            identity=row["identity"] or "",
            place=f"beliefs|{place}",
        )


def _metrics(intake: Intake, stage: str) -> Iterator[Reading]:
    """Read what `live_values` computed of its people, with intervals over them; no claim means all of them."""
    for place, row in _rows(intake, stage, "metrics", METRICS, LIVED):
        yield Reading(
            timestep=row["timestep"],
            subject=f"{row['arm']}/replica-{row['replica']}",
            instrument=f"beliefs, {row['metric']}",
            item=row["claim"] or "all claims",
            score=row["value"],
            lo=row["lo"],
            hi=row["hi"],
            n=row["n"],
            world=f"replica-{row['replica']}",
            place=f"metrics|{place}",
        )


def _followed(intake: Intake, stage: str) -> Iterator[Reading]:
    """Read the society `value_follow`: the known values of its people, and their value vector on the held items."""
    for place, row in _rows(intake, stage, "followed", FOLLOWED, "value_follow"):
        for instrument, column in (("known values", "values"), ("value vector of choices", "vector")):
            for k, (name, value) in enumerate(zip(DIMS, row[column], strict=False)):
                yield Reading(
                    timestep=row["round"],
                    subject="people",
                    instrument=instrument,
                    item=name,
                    score=value,
                    n=row["num_people"],
                    world="people",
                    bare=True,
                    place=f"followed|{place}.{column}.{k}",
                )
