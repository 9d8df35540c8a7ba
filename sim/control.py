"""Orders to a run that is going: pause, go on, stop, as one small file in its folder.

Anything may write the order: a dashboard, an editor, a script. The scheduler's heartbeat reads it, and what counts is
what `status.json` says afterwards: a button never claims more than the run confirms. An order that is older than the
process that plays the run is not for it, so a resumed run does not stop again at once.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

import orjson

from sim.tables import write_whole

Order = Literal["go", "pause", "stop"]
FILE = "control.json"
ORDERS: tuple[str, ...] = get_args(Order)


def give_order(folder: Path, order: Order, *, who: str = "") -> None:
    """Write an order into a run folder; it takes the place of the one before."""
    if order not in ORDERS:
        raise ValueError(f"{order!r} is no order; known: {', '.join(ORDERS)}")
    write_whole(folder / FILE, orjson.dumps({"order": order, "who": who, "time": time.time()}) + b"\n")


def read_order(folder: Path, *, since: float = 0.0) -> tuple[Order, str]:
    """Return the order that stands and who gave it; ("go", "") where there is none, or only a broken or older one."""
    try:
        body = orjson.loads((folder / FILE).read_bytes())
        order, when, who = body["order"], float(body["time"]), str(body.get("who") or "")
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return "go", ""
    if order not in ORDERS or when < since:
        return "go", ""
    return cast(Order, order), who


@dataclass(frozen=True, slots=True)
class Control:
    """The orders for one process that plays a run. since: Unix time at which that process opened the run."""

    folder: Path
    since: float

    def read(self) -> tuple[Order, str]:
        """Return the order that stands and who gave it."""
        return read_order(self.folder, since=self.since)
