"""`folkmoot show`: a run's report in the terminal, as JSON, or written again; the way back from a sample, clause or row
of a release.
"""

from __future__ import annotations

import argparse
import re
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from agents.errors import UserError
from agents.registry import find
from dashboards.releases import MARK
from sim.cli.seam import Verb

EPILOG = """examples:
  folkmoot show                                  (the newest run below ./runs)
  folkmoot show RUN --json                       (everything, for scripts)
  folkmoot show RUN --html                       (write report.html again)
  folkmoot show RUN --sample ID                  (where a sample came from)
  folkmoot show RUN --clause K1 --assembly assembly-0000   (from a clause to its turns and votes)
  folkmoot show 3fa91c                           (where a row of a release came from; how its id begins)
  folkmoot show RUN --request "r1.play/SCENE#3"  (one answer in the journal)
"""


WHAT = (
    "run folder (the newest one below ./runs when left out), or the id of a row in a release below ./releases, "
    "or how it begins: 4 to 32 hexadecimal digits that are no folder"
)
_ROW = re.compile(r"[0-9a-f]{4,32}")


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.add_argument("run", nargs="?", type=Path, help=WHAT)
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.add_argument("--html", action="store_true", help="write report.html again and print its path")
    parser.add_argument("--request", metavar="KEY", help='show one request of the journal, such as "r1.play/x#0"')
    parser.add_argument("--sample", metavar="ID", help="walk one sample back to its scene, requests, prompts and model")
    parser.add_argument("--clause", metavar="ID", help="walk a clause of an assembly back to its turns and votes")
    parser.add_argument(
        "--assembly",
        metavar="NAME",
        default="",
        help="of which assembly, such as assembly-0000 or assembly-0000.shuffled",
    )
    parser.add_argument("--prompts", action="store_true", help="of a row: print every prompt behind it in full")
    parser.add_argument("--config-name", default="", help="of a row: the config, where rows of several begin alike")


def _run(args: argparse.Namespace) -> int:
    from dashboards.lineage import show_request, walk_back
    from dashboards.terminal import Section, show, walk_sections
    from sim.store import Run, latest_run

    if sum((args.html, bool(args.request), bool(args.sample), bool(args.clause))) > 1:
        raise UserError(
            "Several of --html, --request, --sample and --clause were given.", "each shows another thing.", "choose one"
        )
    if args.run is not None and not args.run.exists() and _ROW.fullmatch(str(args.run)):
        return _show_row(args)
    if args.prompts or args.config_name:
        raise UserError(
            "--prompts and --config-name are about a row of a release.",
            "a run was given.",
            "folkmoot show ID --prompts",
        )
    if args.run is not None and (args.run / MARK).is_file():
        raise UserError(
            f"{args.run} is a release, not a run.",
            "its rows come from several runs.",
            f"check it: folkmoot verify {args.run}; walk a row back: folkmoot release show {args.run} ID",
        )
    if args.assembly and not args.clause:
        raise UserError("--assembly was given without --clause.", "it says whose clause is meant.", "add --clause K1")
    run = Run.open(args.run) if args.run else latest_run(Path("runs"))
    if args.sample:
        walk = walk_back(run, args.sample)
        if args.json:
            _print_json(walk)
        else:
            show(walk_sections(walk), sys.stdout)
    elif args.clause:
        _print_clause(run, args.clause, args.assembly, as_json=args.json)
    elif args.request:
        known = show_request(run, args.request)
        if args.json:
            _print_json(known)
        else:
            rows = tuple((key.replace("_", " "), str(value)) for key, value in known.items())
            show([Section(title="Request", columns=("what", "value"), rows=rows)], sys.stdout)
    elif args.html:
        return _rewrite(run, as_json=args.json)
    else:
        _print_run(run, as_json=args.json)
    return 0


def _show_row(args: argparse.Namespace) -> int:
    """Walk a row of a release back, as `folkmoot release show ID` does."""
    if any((args.html, args.request, args.sample, args.clause, args.assembly)):
        raise UserError(
            f"{args.run} is read as the id of a row, since there is no such folder.",
            "--html, --request, --sample, --clause and --assembly are about runs.",
            "leave the option out, or name a run (folkmoot ls)",
        )
    release = find("verbs", "release")
    parser = argparse.ArgumentParser()
    release.configure(parser)
    words = ["show", str(args.run), *(["--json"] if args.json else []), *(["--prompts"] if args.prompts else [])]
    words += ["--config-name", args.config_name] if args.config_name else []
    return int(release.run(parser.parse_intermixed_args(words)))


def _print_clause(run: Any, clause: str, assembly: str, *, as_json: bool) -> None:
    from dashboards.assembly_clause import clause_sections
    from dashboards.lineage import walk_clause
    from dashboards.terminal import show

    walk = walk_clause(run, clause, assembly)
    if as_json:
        _print_json(walk)
    else:
        show(clause_sections(walk), sys.stdout)


def _rewrite(run: Any, *, as_json: bool) -> int:
    from dashboards.report import write_report

    path = write_report(run)
    if as_json:
        _print_json({"report": str(path)})
    else:
        print(path)
    return 0


def _print_run(run: Any, *, as_json: bool) -> None:
    from dashboards.findings import find_out
    from dashboards.terminal import sections, show

    found = find_out(run)
    if as_json:
        from dashboards.verdict import verdict

        _print_json({**asdict(found), "verdict": asdict(verdict(found))})
        return
    show(sections(found), sys.stdout)
    report = run.folder / "report.html"
    print(f"\nreport {report}" if report.exists() else f"\nno report.html yet: folkmoot show {run.folder} --html")


def _print_json(value: Any) -> None:
    import orjson

    options = orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS
    print(orjson.dumps(value, option=options, default=str).decode())


def perform(session: Any) -> dict[str, Any]:
    """Write the report at the end of a run; return its path and the text to end with."""
    from dashboards.findings import find_out
    from dashboards.report import write_report
    from dashboards.terminal import end_text

    found = find_out(session.run)
    path = write_report(session.run, found)
    return {"report": str(path), "text": end_text(found, path)}


verb = Verb(
    help="show what a run did and found, or where a sample or a row of a release came from",
    configure=_configure,
    run=_run,
    perform=perform,
)
