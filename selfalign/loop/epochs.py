"""The record of a round: what it did to those who are asked after every round, and whether the loop stops for it.

`epochs/r<round>.json` is computed from what was measured and played; nobody is asked anything for it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from agents.instruments.types import Instrument, Readings, Watched, Watching
from selfalign.gate.stopping import Stop, stop_for
from selfalign.loop.workshop import Workshop, read_json, stage_of
from selfalign.measure import measure
from selfalign.policy.store import BASE
from selfalign.train.job import write_json
from sim.store import Run


def watchers(instruments: Sequence[Instrument]) -> list[Any]:
    """Return the instruments that watch rounds."""
    return [one for one in instruments if isinstance(one, Watching)]


def write_epoch(shop: Workshop, round_: int, current: str) -> Stop | None:
    """Write the record of a round that left a policy in force, and return why the loop stops there, if it does.

    Does nothing, and returns None, when no instrument watches.
    """
    watching = watchers(shop.instruments)
    if not watching:
        return None
    earlier = [read_json(_path(shop, k)) or {} for k in range(1, round_)]
    before = str(earlier[-1].get("policy", BASE)) if earlier else BASE
    readings = {name: _measured(shop, name) for name in dict.fromkeys((BASE, before, current))}
    rows: list[dict[str, Any]] = []
    for one in watching:
        polls = [readings[name].get(one.name, []) for name in (BASE, before, current)]
        rows += [_plain(one.name, row) for row in one.watch(*polls, _told(shop.session.run))]
    found = stop_for([*map(_values, earlier), _values({"rows": rows})], shop.loop.stop)
    record = {"round": round_, "policy": current, "before": before, "first": BASE, "rows": rows}
    write_json(
        _path(shop, round_), {**record, "rules": asdict(shop.loop.stop), "stop": asdict(found) if found else None}
    )
    shop.session.write_metrics()
    return found


def _path(shop: Workshop, round_: int) -> Any:
    return shop.folder / "epochs" / f"r{round_}.json"


def _measured(shop: Workshop, policy: str) -> dict[str, list[Readings]]:
    return measure(shop.session, stage_of(policy), policy, shop.instruments, shop.refs(policy))


def _told(run: Run) -> Any:
    def rows(stage: str, table: str) -> list[dict[str, Any]]:
        frame = run.read_events(stage, table)
        return [] if frame.is_empty() else frame.to_dicts()

    return rows


def _values(record: Mapping[str, Any]) -> dict[str, float]:
    return {row["name"]: math.nan if row["value"] is None else row["value"] for row in record.get("rows", ())}


def _plain(instrument: str, row: Watched) -> dict[str, Any]:
    told = {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in asdict(row).items()}
    return {"instrument": instrument, **told}
