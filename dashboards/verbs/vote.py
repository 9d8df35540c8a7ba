"""`folkmoot vote`: one file of ballots under many rules, with how near and how sure each result is."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from sim.cli.seam import Verb

EPILOG = """examples:
  folkmoot vote ballots.csv --kind orders         (columns rank1, rank2, ...; a cell "A=B" is a tie)
  folkmoot vote ballots.csv --kind ranks --weight pi --stratum region
  folkmoot vote scores.csv --kind score --scale 0 5 --group camp --plot winners.svg
  folkmoot vote approvals.csv --kind approval --seats 5
  folkmoot vote 00001-00000001.soi --axioms 20 --json
"""


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("file", type=Path, help="ballot CSV (one row a voter) or PrefLib .soc, .soi, .toc, .toi")
    parser.add_argument("--kind", default="", help="what a CSV holds: orders, ranks, approval, score")
    parser.add_argument("--weight", default="", metavar="COLUMN", help="column with the weight of each ballot")
    parser.add_argument("--stratum", default="", metavar="COLUMN", help="resample within the values of this column")
    parser.add_argument("--group", default="", metavar="COLUMN", help="column with voters' groups (bridging rules)")
    parser.add_argument("--ignore", default="", metavar="A,B", help="columns that are no candidates, such as ids")
    parser.add_argument("--candidates", default="", metavar="A,B", help="all candidates; who names others is dropped")
    parser.add_argument("--scale", nargs=2, type=float, metavar=("LO", "HI"), help="ends of the score scale")
    parser.add_argument("--rules", default="", metavar="A,B", help="only these rules")
    parser.add_argument("--seats", type=int, default=0, metavar="K", help="also elect committees of K")
    parser.add_argument("--bootstrap", type=int, default=1000, metavar="B", help="resamples (default 1000; 0 for none)")
    parser.add_argument("--axioms", type=int, default=0, metavar="N", help="try axioms on N profiles a culture")
    parser.add_argument("--seed", type=int, default=0, help="of ties, resamples and random profiles (default 0)")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="write a chart: .svg, .png, .html or .json")


def _run(args: argparse.Namespace) -> int:
    import orjson

    from dashboards.terminal import show
    from dashboards.tools.plotting import check_ending, save_chart
    from dashboards.tools.vote import as_plain, chart, find_out, read_ballots
    from dashboards.tools.vote_tables import sections

    if args.plot:
        check_ending(args.plot)
    ballots = read_ballots(
        args.file,
        args.kind,
        weight=args.weight,
        stratum=args.stratum,
        group=args.group,
        ignore=_list(args.ignore),
        candidates=_list(args.candidates),
        scale=tuple(args.scale) if args.scale else None,
    )
    found = find_out(
        args.file.name,
        ballots,
        only=_list(args.rules),
        seats=args.seats,
        num_resamples=args.bootstrap,
        num_profiles=args.axioms,
        seed=args.seed,
    )
    if args.json:
        print(orjson.dumps(as_plain(found), option=orjson.OPT_INDENT_2).decode())
    else:
        show(sections(found), sys.stdout)
    if args.plot:
        save_chart(chart(found), args.plot)
        print(f"chart {args.plot}", file=sys.stderr)
    return 0


def _list(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


verb = Verb(help="count one file of ballots under many voting rules", configure=_configure, run=_run)
