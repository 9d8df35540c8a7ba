"""`folkmoot dash`: open the dashboard over a folder of runs."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from sim.cli.seam import Verb

EPILOG = """examples:
  folkmoot dash                         (the runs below ./runs)
  folkmoot dash /data/runs --port 9000
  folkmoot dash runs/demo/20260101-120000_ab12
  folkmoot dash --read-only             (nothing can be started, stopped, answered or reviewed)

It listens on this machine alone. With another --host anybody who reaches the port can read the runs, so then it only
reads, unless --allow-launch is given.
"""
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.add_argument("runs", nargs="?", type=Path, default=Path("runs"), help="folder of runs, or one run")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8501, help="port to listen on")
    parser.add_argument("--browser", action="store_true", help="open a browser")
    parser.add_argument("--read-only", action="store_true", help="show, and change nothing")
    parser.add_argument("--allow-launch", action="store_true", help="let people on other machines start runs")


def _run(args: argparse.Namespace) -> int:
    import subprocess

    command, environment = prepared(args)
    try:
        return subprocess.call(command, env=environment)
    except KeyboardInterrupt:
        return 0


def prepared(args: argparse.Namespace) -> tuple[list[str], dict[str, str]]:
    """Return the process to start and its environment. Raises UserError for what cannot be shown."""
    from importlib.util import find_spec

    from agents.errors import UserError, missing_extra

    for module in ("streamlit", "altair"):
        if find_spec(module) is None:
            raise missing_extra(module, "dash")
    if not 0 < args.port < 65536:
        raise UserError(f"--port {args.port} is no port.", "ports go from 1 to 65535.", "leave it out for 8501")
    if args.read_only and args.allow_launch:
        raise UserError(
            "--read-only and --allow-launch were given together.",
            "the first forbids to start runs, the second allows it.",
            "choose one",
        )
    runs = args.runs.resolve()
    if runs.exists() and not runs.is_dir():
        raise UserError(f"{args.runs} is a file.", "runs are folders.", "give the folder that your runs lie in")
    first = ""
    if (runs / "config.yaml").is_file():
        first, runs = f"{runs.parent.name}/{runs.name}", runs.parent.parent
    app = Path(__file__).parents[1] / "app.py"
    may = not args.read_only and (args.host in LOOPBACK or args.allow_launch)
    environment = {
        **os.environ,
        "FOLKMOOT_RUNS": str(runs),
        "FOLKMOOT_MAY_CHANGE": "yes" if may else "no",
        "FOLKMOOT_WORKDIR": str(Path.cwd()),
        "FOLKMOOT_FIRST_RUN": first,
    }
    command = [sys.executable, "-m", "streamlit", "run", str(app)]
    command += [f"--server.address={args.host}", f"--server.port={args.port}"]
    command += [f"--server.headless={'false' if args.browser else 'true'}", "--browser.gatherUsageStats=false"]
    return command, environment


verb = Verb(help="open the dashboard over a folder of runs", configure=_configure, run=_run)
