"""`folkmoot sit`: take a seat in a run, read what is asked, and answer."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from sim.cli.seam import Verb

if TYPE_CHECKING:
    from sim.desk import Question

EPILOG = """examples:
  folkmoot sit RUN                      (answer what is asked, until the run ends; empty line or Ctrl-D leaves)
  folkmoot sit RUN --seat c000
  folkmoot sit RUN --list --json        (what waits, for other programs)
"""
ENDED = ("done", "stopped", "failed")
"""States of a run in which nobody asks any more; one that is paused, or only made, will."""


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.add_argument("run", type=Path, help="run folder")
    parser.add_argument("--seat", default="", help="only this seat's questions")
    parser.add_argument("--who", default="", help="your name, written beside your answers")
    parser.add_argument("--list", action="store_true", help="print what waits and stop")
    parser.add_argument("--json", action="store_true", help="print as JSON")


def _run(args: argparse.Namespace) -> int:
    import orjson

    from sim.desk import pending
    from sim.store import Run

    run = Run.open(args.run)
    desk = run.folder / "desk"
    if args.list or args.json:
        rows = [
            {"seat": one.seat, "number": one.number, "key": one.key, "options": one.options, "until": one.until}
            for one in pending(desk, args.seat)
        ]
        if args.json:
            print(orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode())
        else:
            print("\n".join(f"{row['seat']:8} {row['key']}" for row in rows) or "Nothing waits for an answer.")
        return 0
    return _sit(run.folder, desk, args.seat, args.who)


def _sit(folder: Path, desk: Path, seat: str, who: str) -> int:
    from sim.desk import pending
    from sim.store import Run

    print("Waiting for questions. An empty answer leaves.")
    while True:
        waiting = pending(desk, seat)
        if waiting:
            if not _answer(desk, waiting[0], who):
                return 0
            continue
        if Run(folder).status.get("state") in ENDED:
            print("The run has ended.")
            return 0
        time.sleep(0.5)


def _answer(desk: Path, question: Question, who: str) -> bool:
    """Ask one question; return False when the person leaves."""
    from agents.errors import UserError
    from sim.desk import answer

    print(f"\n--- {question.seat} ---")
    print("\n".join(message.content for message in question.messages))
    for number, option in enumerate(question.options, start=1):
        print(f"  {number}  {option}")
    while True:
        try:
            given = input("> ").strip()
        except EOFError:
            return False
        if not given:
            return False
        try:
            answer(desk, question, given, who=who)
        except UserError as error:
            print(error)
            continue
        return True


verb = Verb(help="take a seat in a running assembly and answer for it", configure=_configure, run=_run)
