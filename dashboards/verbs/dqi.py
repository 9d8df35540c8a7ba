"""`folkmoot dqi`: discourse quality from judges' codes of turns, with their agreement. No model."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from agents.errors import UserError
from sim.cli.seam import Verb

EPILOG = """examples:
  folkmoot dqi codes.csv
  folkmoot dqi anna.csv ben.csv --plot quality.svg           (a file a judge, or several in one)
  folkmoot dqi codes.csv --turn id --judge coder --ignore text
  folkmoot dqi codes.csv --scales justification,respect_groups --json

the file, CSV or a JSON list of objects: one judge on one turn a row
  turn,speaker,judge,participation,justification,content,respect_groups,respect_demands,counterarguments,constructive_politics
  t1,Ada,anna,1,2,2a,1,1,2,0

codes (a blank: the judge gave none):
  participation 0-1, justification 0-3, content 0 1 2a 2b (or 0-3), respect_groups 0-2, respect_demands 0-2,
  counterarguments 0-3, constructive_politics 0-2
  beside the index, where there is such a column: storytelling 0-1, empathy 0-2, questions 0-1, reciprocity 0-1,
  evidence 0-1, novelty 0-1
"""


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="CSV or JSON of codes")
    for name in ("turn", "speaker", "judge"):
        parser.add_argument(f"--{name}", default=name, metavar="COLUMN", help=f"column of the {name} (default {name})")
    parser.add_argument("--scales", metavar="A,B", help="only these scales (default: the published seven, and more)")
    parser.add_argument("--ignore", metavar="A,B", help="columns to leave out, such as the text")
    parser.add_argument("--top", type=int, default=20, metavar="N", help="speakers to show (default 20)")
    parser.add_argument("--seed", type=int, default=0, help="of intervals and nulls (default 0)")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="write a chart: .svg, .png, .html or .json")


def _run(args: argparse.Namespace) -> int:
    from dashboards.tools.dqi import chart, findings, plain
    from dashboards.tools.dqi_files import Columns, read_codes
    from dashboards.tools.dqi_view import sections
    from dashboards.tools.plotting import check_ending, save_chart
    from dashboards.tools.telling import names, tell

    for name, least in (("top", 1), ("seed", 0)):
        if getattr(args, name) < least:
            raise UserError(
                f"--{name} {getattr(args, name)} is too small.", "it is a count or a seed.", f"give {least} or more"
            )
    if args.plot:
        check_ending(args.plot)
    columns = Columns(
        turn=args.turn,
        speaker=args.speaker,
        judge=args.judge,
        scales=tuple(names(args.scales)),
        ignore=tuple(names(args.ignore)),
    )
    codes = read_codes(args.files, columns)
    found = findings(", ".join(path.name for path in args.files), codes, seed=args.seed)
    files = [save_chart(chart(found), args.plot)] if args.plot else []
    tell(found, files, sys.stdout, plain=plain, sections=lambda one: sections(one, top=args.top), as_json=args.json)
    return 0


verb = Verb(help="tell discourse quality from judges' codes of turns", configure=_configure, run=_run)
