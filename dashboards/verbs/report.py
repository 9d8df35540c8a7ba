"""`folkmoot report`: write a run's report as one file that opens from disk, with no network and no server."""

from __future__ import annotations

import argparse
from pathlib import Path

from sim.cli.seam import Verb

EPILOG = """examples:
  folkmoot report                       (the newest run below ./runs; writes report.html into its folder)
  folkmoot report RUN --out mail.html   (writes it elsewhere and leaves the run folder as it is)

The same folder gives the same bytes. Above 10 MB transcripts are left out first, and the page says so.
"""


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.add_argument("run", nargs="?", type=Path, help="run folder; the newest one below ./runs when left out")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the page here")


def _run(args: argparse.Namespace) -> int:
    from agents.errors import UserError
    from dashboards.findings import find_out
    from dashboards.report import render_report, write_report
    from sim.store import Run, latest_run
    from sim.tables import write_whole

    run = Run.open(args.run) if args.run else latest_run(Path("runs"))
    if args.out is None:
        print(write_report(run))
        return 0
    if args.out.is_dir() or not args.out.resolve().parent.is_dir():
        raise UserError(
            f"--out {args.out} cannot be written.",
            "it is a folder." if args.out.is_dir() else "its folder is not there.",
            "name a file in a folder that exists, such as report.html",
        )
    write_whole(args.out, render_report(find_out(run)).encode())
    print(args.out)
    return 0


verb = Verb(help="write a run's report as one self-contained HTML file", configure=_configure, run=_run)
