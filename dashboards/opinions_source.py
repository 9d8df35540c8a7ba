"""The opinions that a run holds, by person and time: beliefs of towns, probes and votes of assemblies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dashboards.assembly_source import matrix
from dashboards.opinions import Opinions
from dashboards.social_source import network_names, probe_step
from dashboards.sources import Reader, text, whole

PROBES, WRITTEN, RATINGS = "survey, before to after", "written statements", "ratings that both votes share"


def opinion_names(reader: Reader) -> list[str]:
    """Return the names of the towns and assemblies of a run: the same names as their networks have."""
    return [name for name in network_names(reader) if not name.startswith("scene ")]


def opinions_of(reader: Reader, name: str) -> list[Opinions]:
    """Return what can be mapped of a town or an assembly, what drifts first."""
    kind, _, rest = name.partition(" ")
    stage, _, what = rest.partition(" ")
    if kind == "town":
        arm, _, replica = what.rpartition("-")
        return _town(reader, stage, arm, int(replica))
    assembly, _, arm = what.rpartition(" ")
    return _room(reader, stage, assembly, arm)


def _town(reader: Reader, stage: str, arm: str, replica: int) -> list[Opinions]:
    rows = [
        {
            "citizen": row.get("agent"),
            "item": row.get("claim"),
            "value": row.get("level"),
            "t": whole(row.get("timestep")),
        }
        for row in reader.rows(f"events/{stage}/beliefs-*.parquet", (), arm=arm)
        if whole(row.get("replica")) == replica
    ]
    times = sorted({whole(row["t"]) for row in rows})
    return [_opinions("beliefs", rows, [(f"timestep {t}", t) for t in times])] if rows else []


def _room(reader: Reader, stage: str, assembly: str, arm: str) -> list[Opinions]:
    def rows(table: str) -> list[dict[str, Any]]:
        return reader.rows(f"events/{stage}/{table}-*.parquet", (), assembly=assembly, arm=arm)

    found = []
    probes = [{**row, "value": row.get("level"), "t": text(row.get("t"))} for row in rows("probes")]
    if probes:
        times = sorted({row["t"] for row in probes}, key=probe_step)
        found.append(_opinions(PROBES, probes, [(t.replace("-", " "), t) for t in times]))
    ballots = [{**row, "t": text(row.get("vote"))} for row in rows("ballots")]
    rated = [row for row in ballots if row.get("kind") == "score"]
    votes = sorted({row["t"] for row in rated})
    items = [{text(row.get("item")) for row in rated if row["t"] == vote} for vote in votes]
    shared = set.intersection(*items) if len(items) > 1 else set()
    if len(shared) > 1:
        own = [row for row in rated if text(row.get("item")) in shared]
        found.append(_opinions(RATINGS, own, [(f"vote {vote}", vote) for vote in votes]))
    written = [row for row in ballots if row["t"] == "written"]
    if written:
        found.append(_opinions(WRITTEN, written, [("the written round", "written")]))
    return found


def _opinions(name: str, rows: Sequence[Mapping[str, Any]], times: Sequence[tuple[str, Any]]) -> Opinions:
    people = sorted({text(row.get("citizen")) for row in rows})
    items = sorted({text(row.get("item")) for row in rows})
    values = np.full((len(times), len(people), len(items)), np.nan)
    for place, (_, t) in enumerate(times):
        own, table = matrix([dict(row) for row in rows if row.get("t") == t], people)
        values[place][:, [items.index(item) for item in own]] = table
    return Opinions(
        name=name, times=tuple(title for title, _ in times), people=tuple(people), items=tuple(items), values=values
    )
