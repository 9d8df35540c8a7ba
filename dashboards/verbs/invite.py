"""`folkmoot invite`: letters for the first stage of a civic lottery, from an address list."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from agents.errors import UserError
from sim.cli.seam import Verb

EPILOG = """examples:
  folkmoot invite addresses.csv --letters 2000 --response 0.04
  folkmoot invite addresses.csv --letters 2000 --by district --household street,number --rates rates.csv
  folkmoot invite addresses.csv --letters 2000 --by district --shares letters.csv --rates rates.csv \\
      --quotas quotas.csv --size 48 --draw-seed 417253 --out invitation --plot pool.svg
  folkmoot sortition pool.csv quotas.csv --size 48 --invited invitation/invited.csv     (the second stage)

addresses.csv: one person a row, an id column, columns of the household, a column for each feature.
rates.csv: feature,value,invited,responded in counts of past invitations.
letters.csv for --shares: stratum,share of the letters; a stratum is the values of --by joined by " & ".
quotas.csv: as for folkmoot sortition; quotas of features that the list does not hold are named and left out.
"""


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("addresses", type=Path, help="CSV of the people who may be invited")
    parser.add_argument("--letters", type=int, required=True, metavar="N", help="letters, one a household at most")
    parser.add_argument("--by", metavar="COLUMNS", help="comma-separated columns that make the strata")
    parser.add_argument("--shares", type=Path, metavar="FILE", help="CSV of each stratum's share of the letters")
    parser.add_argument("--household", metavar="COLUMNS", help="comma-separated columns that name a household")
    parser.add_argument("--rates", type=Path, metavar="FILE", help="CSV of past response rates by feature")
    parser.add_argument("--response", type=float, metavar="P", help="one response rate for all, in place of --rates")
    parser.add_argument("--quotas", type=Path, metavar="FILE", help="CSV of the quotas of the panel to come")
    parser.add_argument("--size", type=int, metavar="K", help="seats on the panel to come")
    parser.add_argument("--id-column", metavar="NAME", help="column of the ids (default: id, or row numbers)")
    parser.add_argument("--draw-seed", type=int, default=0, help="public seed that casts the lot (default 0)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the simulated invitations (default 0)")
    parser.add_argument("--draws", type=int, default=400, metavar="B", help="simulated invitations (default 400)")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="write letters, everybody's chances, certificate")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="write a chart: .svg, .png, .html or .json")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")


def _run(args: argparse.Namespace) -> int:
    from dashboards.tools.invite import Wishes, find_out, plain, write
    from dashboards.tools.invite_files import rate_members, read_addresses, read_letter_shares, read_rates
    from dashboards.tools.invite_view import chart, sections
    from dashboards.tools.plotting import check_ending, save_chart
    from dashboards.tools.sortition import check_folder
    from dashboards.tools.telling import names, tell

    _check(args)
    if args.plot:
        check_ending(args.plot)
    if args.out:
        check_folder(args.out)
    rates = read_rates(args.rates) if args.rates else []
    addresses = read_addresses(
        args.addresses,
        id_column=args.id_column,
        household=names(args.household),
        by=names(args.by),
        rates=rates,
        quotas=args.quotas,
    )
    wishes = Wishes(
        letters=args.letters,
        response=args.response,
        size=args.size,
        num_draws=args.draws,
        seed=args.seed,
        draw_seed=args.draw_seed,
    )
    found = find_out(
        addresses,
        wishes,
        rates=rates,
        member=rate_members(args.rates, addresses, rates) if rates else None,
        shares=read_letter_shares(args.shares, addresses) if args.shares else None,
    )
    files = write(found, args.out) if args.out else []
    if args.plot:
        files.append(save_chart(chart(found), args.plot))
    tell(found, files, sys.stdout, plain=plain, sections=sections, as_json=args.json)
    return 0


def _check(args: argparse.Namespace) -> None:
    """Refuse what cannot be meant, before a file is read."""
    if (args.rates is None) == (args.response is None):
        raise UserError(
            "An invitation needs past response rates or one rate for all, and not both.",
            "how many letters make a pool depends on who answers.",
            "give --rates FILE (feature,value,invited,responded) or --response P",
        )
    if args.response is not None and not 0 < args.response <= 1:
        raise UserError(f"--response is {args.response}.", "a rate lies above 0 and up to 1.", "give such as 0.04")
    if args.shares and not args.by:
        raise UserError("--shares needs --by.", "shares are of strata.", "name the columns that make them")
    if args.draws < 1 or (args.size is not None and args.size < 1):
        raise UserError("--draws or --size is below 1.", "a simulation and a panel need at least one.", "give more")


verb = Verb(help="draw whom to invite to a civic lottery, and what pool to expect", configure=_configure, run=_run)
