"""`folkmoot polis`: what a Polis conversation says, from its exported files."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from agents.errors import UserError
from sim.cli.seam import Verb

EPILOG = """examples:
  folkmoot polis EXPORT                      (a folder with participants-votes.csv and comments.csv)
  folkmoot polis data/brexit-consensus       (files that begin so: brexit-consensus.participants-votes.csv ...)
  folkmoot polis EXPORT --plot map.svg       (the opinion map)
  folkmoot polis EXPORT --groups 3           (find three groups instead of taking the exported ones)
  folkmoot polis EXPORT --json               (everything, for scripts)
  folkmoot polis FIXTURES --golden math      (compare with production outputs of Polis, red-dwarf tests/fixtures)
  folkmoot polis CCAI --golden ccai          (compare with Collective Constitutional AI, clean_*.csv)
"""


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.add_argument("export", type=Path, help="folder, votes file, or the common beginning of the files' names")
    parser.add_argument("--regroup", action="store_true", help="find groups even when the export has some")
    parser.add_argument("--groups", type=int, metavar="K", help="find this many groups")
    start = "where k-means starts: people far apart (default), or the first ones as in Polis"
    parser.add_argument("--start", choices=("spread", "first"), default="spread", help=start)
    parser.add_argument("--agree", type=int, choices=(1, -1), default=1, help="the number that means agree (default 1)")
    parser.add_argument("--top", type=int, default=5, metavar="N", help="statements a table (default 5)")
    parser.add_argument("--resamples", type=int, default=1000, metavar="N", help="draws for intervals (default 1000)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the resampling (default 0)")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="write the opinion map: .svg, .png, .html or .json")
    parser.add_argument("--golden", choices=("math", "ccai"), help="compare with public outputs of others instead")


def _run(args: argparse.Namespace) -> int:
    from dashboards.terminal import show
    from dashboards.tools.plotting import check_ending, save_chart
    from dashboards.tools.polis import findings
    from dashboards.tools.polis_files import read_export
    from dashboards.tools.polis_view import opinion_map, sections

    if args.golden:
        return _golden(args)
    for name, low in (("top", 1), ("resamples", 1), ("groups", 1), ("seed", 0)):
        value = getattr(args, name)
        if value is not None and value < low:
            raise UserError(f"--{name} {value} is too small.", "it is a count or a seed.", f"give {low} or more")
    if args.plot:
        check_ending(args.plot)
    found = findings(
        read_export(args.export, agree=args.agree),
        regroup=args.regroup,
        num_groups=args.groups,
        start=args.start,
        top=args.top,
        num_resamples=args.resamples,
        seed=args.seed,
    )
    if args.json:
        _print_json(asdict(found))
    else:
        show(sections(found), sys.stdout)
    if args.plot:
        path = save_chart(opinion_map(found), args.plot)
        print(f"map {path}", file=sys.stderr if args.json else sys.stdout)
    return 0


def _golden(args: argparse.Namespace) -> int:
    """Compare with public outputs; 0 when nothing differs, 1 otherwise."""
    from dashboards.terminal import show
    from dashboards.tools.polis_golden import ccai_checks, math_checks
    from dashboards.tools.public_checks import checks_section

    checks = math_checks(args.export) if args.golden == "math" else ccai_checks(args.export)
    if args.json:
        _print_json([asdict(check) for check in checks])
    else:
        show([checks_section(checks)], sys.stdout)
    return 1 if any(check.ok is False for check in checks) else 0


def _print_json(value: Any) -> None:
    import orjson

    print(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())


verb = Verb(help="read a Polis conversation: groups, consensus, what divides them", configure=_configure, run=_run)
