"""The public surface is frozen: a new verb, config key or column is a reviewed line in `public_surface.txt`.

To renew it: FOLKMOOT_UPDATE_SNAPSHOTS=1 pytest tests/house/test_public_surface.py
"""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

from agents.registry import find, names
from sim.config import LimitsConfig, PathsConfig, RunConfig
from sim.metrics import METRIC_COLUMNS
from sim.tables import sample_schema
from societies.seam import Charted

SNAPSHOT = Path(__file__).with_name("public_surface.txt")


def keys(prefix: str, cls: Any) -> list[str]:
    return [f"config {prefix}{field.name}" for field in dataclasses.fields(cls)]


def surface() -> str:
    lines = [f"verb {name}" for name in names("verbs")]
    lines += [f"{kind} {name}" for kind in ("societies", "engines", "recipes", "instruments") for name in names(kind)]  # type: ignore[arg-type]
    lines += keys("", RunConfig) + keys("paths.", PathsConfig) + keys("limits.", LimitsConfig)
    for name in names("engines"):
        lines += keys(f"engine[{name}].", find("engines", name).config)
    for name in names("societies"):
        society = find("societies", name)
        lines += keys(f"society[{name}].", society.config)
        for table, columns in society.tables.items():
            lines += [f"events {name}/{table}.{column}: {kind}" for column, kind in columns.items()]
        if isinstance(society, Charted):
            lines += [f"curve {name}/{one.table}.{one.column}: {one.name}" for one in society.curves]
    lines += [f"samples.{column}: {kind}" for column, kind in sample_schema().items()]
    lines += [f"metrics.{column}: {kind}" for column, kind in METRIC_COLUMNS.items()]
    return "\n".join(lines) + "\n"


def test_the_public_surface_is_as_reviewed() -> None:
    now = surface()
    if os.environ.get("FOLKMOOT_UPDATE_SNAPSHOTS"):
        SNAPSHOT.write_text(now)
    assert now == SNAPSHOT.read_text()
