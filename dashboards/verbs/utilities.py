"""`folkmoot utilities`: utilities with intervals from a CSV of pairwise answers."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from agents.errors import UserError
from sim.cli.seam import Verb

EPILOG = """columns: option_a, option_b, and p_a or a_wins and b_wins; optional: order (ab or ba), weight
examples:
  folkmoot utilities pairs.csv                       (utilities, coherence, held-out accuracy)
  folkmoot utilities pairs.csv --bootstrap 200       (intervals from refits to resampled pairs)
  folkmoot utilities pairs.csv --suggest 50          (which pairs to ask next)
  folkmoot utilities pairs.csv --plot utilities.svg
  folkmoot utilities pairs.csv --about options.csv   (exchange rates, waiting, what utilities go along with)
  folkmoot utilities pairs.csv --lotteries l.csv --process p.csv --choices c.csv

options.csv: option, and if wanted good, amount, delay; every further column of numbers is a score of the options
l.csv: lottery,outcome,chance    p.csv: state,next,chance    c.csv: offered (joined by "|"),chosen
"""


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.add_argument("pairs", type=Path, help="CSV of pairwise answers, best with each pair in both orders")
    parser.add_argument("--holdout", type=float, default=0.05, metavar="SHARE", help="share of pairs set aside (0.05)")
    parser.add_argument(
        "--bootstrap", type=int, default=0, metavar="N", help="intervals from N refits; 0 (default): from the curvature"
    )
    parser.add_argument("--suggest", type=int, default=0, metavar="N", help="name N pairs worth asking next")
    parser.add_argument("--about", type=Path, metavar="FILE", help="CSV that describes options: goods, amounts, scores")
    parser.add_argument("--lotteries", type=Path, metavar="FILE", help="CSV of lotteries over outcomes")
    parser.add_argument("--process", type=Path, metavar="FILE", help="CSV of states and where they lead")
    parser.add_argument(
        "--choices", type=Path, metavar="FILE", help="CSV of what was offered and chosen in open answers"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the resampling (0)")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write the utilities as CSV")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw utilities: .svg, .png, .html or .json")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")


def _run(args: argparse.Namespace) -> int:
    import numpy as np

    from dashboards.terminal import show
    from dashboards.tools.plotting import check_ending, save_chart
    from dashboards.tools.utilities import chart, findings, option_rows, read_pairs, sections
    from dashboards.tools.utilities_about import about, about_sections

    if not 0 <= args.holdout <= 0.5:
        raise UserError(f"--holdout {args.holdout} cannot be used.", "It is a share of the pairs.", "use 0 to 0.5")
    for name, least in (("bootstrap", 20), ("suggest", 1)):
        given = getattr(args, name)
        if given and given < least:
            raise UserError(f"--{name} {given} cannot be used.", f"It needs at least {least}.", f"leave --{name} out")
    if args.plot:
        check_ending(args.plot)
    if args.csv and not args.csv.parent.is_dir():
        folder = args.csv.parent
        raise UserError(
            f"{args.csv} cannot be written.", f"there is no folder {folder}.", f"make it: mkdir -p {folder}"
        )
    found = findings(
        read_pairs(args.pairs),
        holdout=args.holdout,
        num_resamples=args.bootstrap,
        num_suggested=args.suggest,
        seed=args.seed,
    )
    more = about(
        [row.option for row in found.options],
        np.array([row.mu for row in found.options]),
        described=args.about,
        lotteries=args.lotteries,
        process=args.process,
        choices=args.choices,
        seed=args.seed,
    )
    if args.json:
        import orjson

        # Numbers that are not there (nan) come out as null.
        said = orjson.loads(orjson.dumps(found)) | {"about": more}
        print(orjson.dumps(said, option=orjson.OPT_INDENT_2).decode())
    else:
        show([*sections(found), *about_sections(more)], sys.stdout)
    if args.csv:
        temporary = args.csv.with_name(f".{args.csv.name}.tmp")
        temporary.write_text("\n".join(option_rows(found)) + "\n", encoding="utf-8")
        temporary.replace(args.csv)
    if args.plot:
        save_chart(chart(found), args.plot)
        if not args.json:
            print(f"\nchart {args.plot}")
    return 0


verb = Verb(help="utilities with intervals from a CSV of pairwise answers", configure=_configure, run=_run)
