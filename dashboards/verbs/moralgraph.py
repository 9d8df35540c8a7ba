"""`folkmoot moralgraph`: which values people hold wiser than which, from cards and judgements in JSON."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from agents.errors import UserError
from sim.cli.seam import Verb

EPILOG = """examples:
  folkmoot moralgraph FILE.json                  (wisest values, disputes, bridging values)
  folkmoot moralgraph FILE.json --plot graph.svg
  folkmoot moralgraph FILE.json --json           (everything, for scripts)
  folkmoot moralgraph FILE.json --compat         (as the public implementation reckons)
  folkmoot moralgraph FOLDER --golden dft        (compare with the public files of meaningalignment/dft)
  folkmoot moralgraph FOLDER --golden mge        (... of meaningalignment/mge)

the file:
  {"cards": [{"id": "c1", "title": "...", "policies": ["..."]}],
   "edges": [{"from": "c1", "to": "c2", "context": "...", "verdict": "upgrade", "participant": "p1"}],
   "votes": [{"participant": "p1", "card": "c1"}], "camps": {"p1": "left"}}
  verdict: upgrade, no_upgrade or unsure; votes and camps may be left out
"""


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.add_argument("file", type=Path, help="JSON with cards and edges; with --golden the folder of public files")
    parser.add_argument("--compat", action="store_true", help="impressions in the entropy, ranks that leak at sinks")
    parser.add_argument("--top", type=int, default=10, metavar="N", help="rows a table (default 10)")
    parser.add_argument("--resamples", type=int, default=500, metavar="N", help="draws for intervals (default 500)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the resampling (default 0)")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="write the graph: .svg, .png, .html or .json")
    parser.add_argument("--golden", choices=("dft", "mge"), help="compare with public data instead")
    parser.add_argument("--column", metavar="NAME", help="with --golden: the column or field with people's answers")


def _run(args: argparse.Namespace) -> int:
    from dashboards.terminal import show
    from dashboards.tools.moralgraph import findings
    from dashboards.tools.moralgraph_files import read_graph
    from dashboards.tools.moralgraph_view import graph_picture, sections
    from dashboards.tools.plotting import check_ending, save_chart

    if args.golden:
        return _golden(args)
    if args.column:
        raise UserError(
            "--column was given without --golden.", "it names a column of the public files.", "leave it out"
        )
    for name, low in (("top", 1), ("resamples", 1), ("seed", 0)):
        if getattr(args, name) < low:
            raise UserError(
                f"--{name} {getattr(args, name)} is too small.", "it is a count or a seed.", f"give {low} or more"
            )
    if args.plot:
        check_ending(args.plot)
    graph = read_graph(args.file, compat=args.compat)
    found = findings(graph, compat=args.compat, num_resamples=args.resamples, seed=args.seed)
    if args.json:
        _print_json(asdict(found))
    else:
        show(sections(found, top=args.top), sys.stdout)
    if args.plot:
        path = save_chart(graph_picture(found), args.plot)
        print(f"graph {path}", file=sys.stderr if args.json else sys.stdout)
    return 0


def _golden(args: argparse.Namespace) -> int:
    """Compare with public data; 0 when nothing differs, 1 otherwise."""
    from dashboards.terminal import show
    from dashboards.tools.moralgraph_golden import dft_checks, mge_checks
    from dashboards.tools.public_checks import checks_section

    checks = (dft_checks if args.golden == "dft" else mge_checks)(args.file, args.column)
    if args.json:
        _print_json([asdict(check) for check in checks])
    else:
        show([checks_section(checks)], sys.stdout)
    return 1 if any(check.ok is False for check in checks) else 0


def _print_json(value: Any) -> None:
    import orjson

    print(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())


verb = Verb(help="read a moral graph: wisest values, disputes, bridges", configure=_configure, run=_run)
