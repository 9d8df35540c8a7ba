"""`folkmoot ls`: the runs below a folder, newest first."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from sim.cli.seam import Verb

if TYPE_CHECKING:
    from sim.store import Run


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("root", nargs="?", type=Path, default=Path("runs"), help="folder of runs (default: runs)")
    parser.add_argument("--json", action="store_true", help="print as JSON")


def _run(args: argparse.Namespace) -> int:
    import orjson

    from sim.store import find_runs

    rows = []
    for run in find_runs(args.root):
        rows.append(_row(run))
    if args.json:
        print(orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode())
        return 0
    if not rows:
        print(f"No runs below {args.root}. Start one: folkmoot run experiment=demo")
        return 0
    widths = {key: max(len(key), *(len(row[key]) for row in rows)) for key in rows[0]}
    print("  ".join(f"{key:<{width}}" for key, width in widths.items()))
    for row in rows:
        print("  ".join(f"{row[key]:<{width}}" for key, width in widths.items()).rstrip())
    return 0


def _row(run: Run) -> dict[str, str]:
    """Return what is told of a run; one with damaged files is told too, and hides no other."""
    from agents.errors import UserError

    status = run.status
    row = {
        "run": str(run.folder),
        "state": str(status.get("state", "?")),
        "stage": str(status.get("stage", "")),
        "done": f"{status.get('done', 0)}/{status.get('total') or '?'}",
        "created": "",
        "engine": "",
    }
    try:
        created, engine = run.manifest.get("created"), run.config.get("engine")
    except UserError:
        return {**row, "state": "damaged"}
    name = engine.get("name") if isinstance(engine, dict) else ""
    return {**row, "created": str(created or ""), "engine": str(name or "")}


verb = Verb(help="list runs, newest first", configure=_configure, run=_run)
