"""`folkmoot sortition`: a fair lottery, a panel, alternates and a certificate from two CSV files."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from agents.errors import UserError
from sim.cli.seam import Verb

METHODS = ("leximin", "maximin", "nash", "goldilocks", "legacy", "diversimax", "stratified", "random")
EPILOG = """methods:
  leximin     the smallest chance as large as can be, then the next smallest, ... (default)
  maximin     the smallest chance as large as can be
  nash        the largest product of chances
  goldilocks  neither too small nor too large a chance
  legacy      the greedy draw of old; chances estimated
  diversimax  one panel with even intersections; no lottery
  stratified  a yardstick: quotas met on average, drawn systematically
  random      a yardstick: a simple random sample, quotas or not

examples:
  folkmoot sortition pool.csv quotas.csv --size 22
  folkmoot sortition pool.csv quotas.csv --size 22 --draw-seed 417253 --out lottery --plot chances.svg
  folkmoot sortition pool.csv quotas.csv --size 22 --tickets 1000 --alternates 6 --out lottery
  folkmoot sortition pool.csv quotas.csv --size 22 --household street,postcode --compare legacy random --json
  folkmoot sortition pool.csv quotas.csv --size 48 --tables 6 --rounds 4 --out lottery
  folkmoot sortition pool.csv quotas.csv --size 22 --population shares.csv
  folkmoot sortition pool.csv quotas.csv --size 22 --invited invitation/invited.csv   (after folkmoot invite)
  folkmoot sortition reference_output --golden panels     (published figures of ten panels)
  folkmoot sortition POOLS --golden pools                 (two public pools)

pool.csv: one person a row, an id column, a column for each feature.
quotas.csv: feature,value,min,max and if wanted min_flex,max_flex; "gender & age","female & 16-29" for intersections.
shares.csv: feature,value,share of the whole population.
"""


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("pool", type=Path, help="CSV of the people who may be drawn; with --golden a folder")
    parser.add_argument("quotas", type=Path, nargs="?", help="CSV of the quotas")
    parser.add_argument("--size", type=int, metavar="K", help="seats on the panel")
    parser.add_argument("--algorithm", choices=METHODS, default="leximin", help="method (default leximin)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the search for the lottery (default 0)")
    parser.add_argument("--draw-seed", type=int, default=0, help="public seed that casts the lot (default 0)")
    parser.add_argument("--id-column", metavar="NAME", help="column of the ids (default: id, or row numbers)")
    parser.add_argument("--household", metavar="COLUMNS", help="comma-separated columns that name a household")
    parser.add_argument("--tickets", type=int, default=0, metavar="M", help="draw from M equal tickets")
    parser.add_argument("--alternates", type=int, default=0, metavar="N", help="choose N alternates")
    parser.add_argument("--dropout", type=float, default=0.15, metavar="P", help="chance of dropping out (default .15)")
    parser.add_argument("--population", type=Path, metavar="FILE", help="CSV of population shares to compare with")
    parser.add_argument("--invited", type=Path, metavar="FILE", help="invited.csv: chances from end to end")
    parser.add_argument("--tables", type=int, default=0, metavar="G", help="seat the panel at G rotating tables")
    parser.add_argument("--rounds", type=int, default=1, metavar="R", help="rounds of tables (default 1)")
    parser.add_argument("--compare", nargs="+", choices=METHODS, default=[], help="other methods' fairness beside it")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="write certificate, chances, panel, alternates")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="write a chart: .svg, .png, .html or .json")
    parser.add_argument("--golden", choices=("panels", "pools"), help="compare with public figures instead")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")


def _run(args: argparse.Namespace) -> int:
    from dashboards.tools.plotting import check_ending, save_chart
    from dashboards.tools.sortition import Wishes, check_folder, find_out, plain, read, write
    from dashboards.tools.sortition_files import read_invited, read_shares
    from dashboards.tools.sortition_view import chart, sections
    from dashboards.tools.telling import names, tell

    if args.golden:
        return _golden(args)
    if args.quotas is None or args.size is None:
        raise UserError(
            "A lottery needs a file of quotas and --size.",
            "the pool alone does not say how many are drawn, or what the panel must look like.",
            "folkmoot sortition pool.csv quotas.csv --size 22",
        )
    if not 0 <= args.dropout <= 1:
        raise UserError(
            f"--dropout {args.dropout:g} is out of range.", "a chance lies between 0 and 1.", "give .15, say"
        )
    for name, least in (("tickets", 0), ("alternates", 0), ("tables", 0), ("rounds", 1)):
        given = getattr(args, name)
        if given < least:
            raise UserError(
                f"--{name} {given} is out of range.", f"the least is {least}.", f"give {least} or more, or leave it out"
            )
    if args.plot:
        check_ending(args.plot)
    if args.out:
        check_folder(args.out)
    pool = read(args.pool, args.quotas, args.size, id_column=args.id_column, household=names(args.household))
    wishes = Wishes(
        algorithm=args.algorithm,
        seed=args.seed,
        draw_seed=args.draw_seed,
        num_tickets=args.tickets,
        num_alternates=args.alternates,
        dropout=args.dropout,
        compare=tuple(args.compare),
        num_tables=args.tables,
        num_rounds=args.rounds,
        population=read_shares(args.population, pool) if args.population else {},
        in_pool=read_invited(args.invited, pool) if args.invited else None,
    )
    found = find_out(pool, wishes)
    files = write(found, args.out) if args.out else []
    if args.plot:
        files.append(save_chart(chart(found), args.plot))
    tell(found, files, sys.stdout, plain=plain, sections=sections, as_json=args.json)
    return 0


def _golden(args: argparse.Namespace) -> int:
    """Compare with public figures; 0 when nothing differs, 1 otherwise."""
    from dataclasses import asdict

    from dashboards.terminal import show
    from dashboards.tools.public_checks import checks_section
    from dashboards.tools.sortition_golden import panel_checks, pool_checks

    checks = panel_checks(args.pool) if args.golden == "panels" else pool_checks(args.pool)
    if args.json:
        import orjson

        print(orjson.dumps([asdict(check) for check in checks], option=orjson.OPT_INDENT_2).decode())
    else:
        show([checks_section(checks)], sys.stdout)
    return 1 if any(check.ok is False for check in checks) else 0


verb = Verb(help="draw a panel by a fair lottery from two CSV files", configure=_configure, run=_run)
