"""`folkmoot leaderboard`: co-evolution results of runs and files, scored anew from their raw vectors."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from sim.cli.seam import Verb

EPILOG = """examples:
  folkmoot leaderboard                                  (the newest run below ./runs)
  folkmoot leaderboard RUN theirs.jsonl --json
  folkmoot leaderboard RUN --plot board.svg
  folkmoot leaderboard RUN RUN2 --write board.jsonl     (results with all raw vectors, to hand on)
"""


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.add_argument("sources", nargs="*", type=Path, help="run folders and leaderboard files")
    parser.add_argument("--json", action="store_true", help="print the board as JSON")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw it: .svg, .png, .html or .json")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write all results to one leaderboard file")


def _run(args: argparse.Namespace) -> int:
    import orjson

    from dashboards.terminal import show
    from dashboards.tools.leaderboard import chart, findings, plain, read, sections, write_board
    from dashboards.tools.plotting import check_ending, save_chart
    from sim.store import latest_run

    if args.plot:
        check_ending(args.plot)
    results, problems = read(args.sources or [latest_run(Path("runs")).folder])
    board = findings(results, problems)
    if args.json:
        print(orjson.dumps(plain(board), option=orjson.OPT_INDENT_2).decode())
    else:
        show(sections(board), sys.stdout)
    if args.plot:
        save_chart(chart(board), args.plot)
    if args.write:
        write_board(args.write, results)
    return 0


verb = Verb(help="rank co-evolution results, scored anew from their vectors", configure=_configure, run=_run)
