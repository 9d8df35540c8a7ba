"""`folkmoot vote`: one file of ballots under many rules, with how near and how sure each result is."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from agents.errors import UserError
from sim.cli.seam import Verb

EPILOG = """examples:
  folkmoot vote ballots.csv --kind orders         (columns rank1, rank2, ...; a cell "A=B" is a tie)
  folkmoot vote ballots.csv --kind ranks --weight pi --stratum region
  folkmoot vote scores.csv --kind score --scale 0 5 --group camp --plot winners.svg
  folkmoot vote approvals.csv --kind approval --seats 5
  folkmoot vote credits.csv --kind credits --credits 100      (cumulative and quadratic voting)
  folkmoot vote shares.csv --kind shares --total 100 --id voter     (each voter divides 100 points)
  folkmoot vote approvals.csv --kind approval --costs costs.csv --budget 50000
  folkmoot vote proposals.csv --kind yesno --majority 0.6667 --quorum 0.5 --id id --delegate delegate
  folkmoot vote proposals.csv --kind yesno --chamber house --veto 0.25
  folkmoot vote pool.csv --kind ranks --id id --panels lottery/tickets.csv   (what other panels would decide)
  folkmoot vote 00001-00000001.soi --axioms 20 --json

costs.csv: candidate,cost. A yesno file has a column a proposal: yes, no, abstain, or blank for not voting.
"""


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("file", type=Path, help="ballot CSV (one row a voter) or PrefLib .soc, .soi, .toc, .toi")
    parser.add_argument(
        "--kind", default="", help="what a CSV holds: orders, ranks, approval, score, credits, shares, yesno"
    )
    parser.add_argument("--weight", default="", metavar="COLUMN", help="column with the weight of each ballot")
    parser.add_argument("--stratum", default="", metavar="COLUMN", help="resample within the values of this column")
    parser.add_argument("--group", default="", metavar="COLUMN", help="column with voters' groups (bridging rules)")
    parser.add_argument("--ignore", default="", metavar="A,B", help="columns that are no candidates, such as ids")
    parser.add_argument("--id", default="", metavar="COLUMN", help="column with the voters' ids")
    parser.add_argument("--candidates", default="", metavar="A,B", help="all candidates; who names others is dropped")
    parser.add_argument("--scale", nargs=2, type=float, metavar=("LO", "HI"), help="ends of the score scale")
    parser.add_argument(
        "--credits", type=float, metavar="N", help="credits a voter may spend; who spends more is dropped"
    )
    parser.add_argument(
        "--total", type=float, metavar="N", help="shares: what each ballot adds up to (default 1; within 1 %%)"
    )
    parser.add_argument("--costs", type=Path, metavar="FILE", help="CSV of what candidates cost")
    parser.add_argument("--budget", type=float, metavar="B", help="what may be spent on candidates")
    parser.add_argument("--panels", type=Path, metavar="FILE", help="tickets.csv: count the rules on every panel too")
    parser.add_argument("--majority", type=float, default=0.5, metavar="S", help="yesno: share to exceed (default .5)")
    parser.add_argument("--at-least", action="store_true", help="yesno: reaching the share is enough")
    parser.add_argument(
        "--quorum", type=float, default=0.0, metavar="S", help="yesno: least share of the eligible voting"
    )
    parser.add_argument(
        "--eligible", type=float, metavar="N", help="yesno: weight that could have voted (default: all)"
    )
    parser.add_argument("--delegate", default="", metavar="COLUMN", help="yesno: id of whoever votes for a blank")
    parser.add_argument("--chamber", default="", metavar="COLUMN", help="yesno: two chambers; the first row's is first")
    parser.add_argument("--override", type=float, metavar="S", help="yesno: share that overcomes the second chamber")
    parser.add_argument("--veto", type=float, metavar="S", help="yesno: share of no among the eligible that is a veto")
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
    from dashboards.tools.vote_files import read_costs, read_panels
    from dashboards.tools.vote_tables import sections

    _check(args)
    if args.kind == "yesno":
        return _proposals(args)
    if args.kind == "shares":
        return _shares(args)
    if args.plot:
        check_ending(args.plot)
    ballots = read_ballots(
        args.file,
        args.kind,
        **_columns(args),
        scale=tuple(args.scale) if args.scale else None,
        credits=args.credits,
    )
    names = (ballots.profile or ballots.ratings).names  # type: ignore[union-attr]
    found = find_out(
        args.file.name,
        ballots,
        only=_list(args.rules),
        seats=args.seats,
        num_resamples=args.bootstrap,
        num_profiles=args.axioms,
        panels=read_panels(args.panels, ballots.ids or ()) if args.panels else None,
        costs=read_costs(args.costs, names) if args.costs else None,
        budget=args.budget or 0.0,
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


_YESNO = ("at_least", "quorum", "eligible", "delegate", "chamber", "override", "veto")


def _check(args: argparse.Namespace) -> None:
    """Refuse options that would be passed over, and numbers that mean nothing."""
    wrong = [name for name in _YESNO if args.kind != "yesno" and getattr(args, name)]
    wrong += ["majority"] if args.kind != "yesno" and args.majority != 0.5 else []
    if wrong:
        option = wrong[0].replace("_", "-")
        raise UserError(f"--{option} was given without --kind yesno.", "it is about proposals.", "leave it out")
    if args.kind == "yesno":
        others = (
            "stratum",
            "group",
            "candidates",
            "rules",
            "scale",
            "credits",
            "costs",
            "budget",
            "panels",
            "plot",
            "total",
        )
        unused = [name for name in (*others, "seats", "axioms") if getattr(args, name)]
        if unused:
            raise UserError(f"--{unused[0]} does not go with --kind yesno.", "proposals stand alone.", "leave it out")
    _check_shares(args)
    shares = {name: getattr(args, name) for name in ("majority", "quorum", "override", "veto")}
    for name, share in shares.items():
        if share is not None and not 0 <= share <= 1:
            raise UserError(f"--{name} {share:g} is no share.", "a share lies between 0 and 1.", "give 0.5 for a half")
    for name, least in (("bootstrap", 0), ("axioms", 0), ("seats", 0), ("seed", 0)):
        if getattr(args, name) < least:
            raise UserError(
                f"--{name} {getattr(args, name)} is too small.", "it is a count or a seed.", f"give {least} or more"
            )
    if bool(args.costs) != (args.budget is not None):
        raise UserError("--costs and --budget belong together.", "one says what things cost.", "give both, or neither")
    if args.costs and args.kind not in ("approval", "score"):
        raise UserError(
            "--costs needs --kind approval or score.", "a budget is shared by support.", "give such ballots"
        )
    if args.budget is not None and args.budget <= 0:
        raise UserError(
            f"--budget {args.budget:g} buys nothing.", "every project costs something.", "give a number above 0"
        )
    if args.credits is not None and (args.kind != "credits" or args.credits <= 0):
        raise UserError(
            "--credits needs --kind credits and a number above 0.",
            "they say what a voter may spend.",
            "add the kind, or leave it out",
        )
    if args.panels and not args.id:
        raise UserError("--panels was given without --id.", "panels name their people by id.", "add --id COLUMN")


def _check_shares(args: argparse.Namespace) -> None:
    """Refuse what does not go with a division of a whole, and a whole that is none."""
    if args.kind != "shares":
        if args.total is not None:
            raise UserError(
                "--total was given without --kind shares.", "it is what a ballot adds up to.", "leave it out"
            )
        return
    if args.total is not None and not 0 < args.total < float("inf"):
        raise UserError(f"--total {args.total:g} cannot be divided.", "shares are above 0.", "give 1 or 100, say")
    unused = [
        name for name in ("scale", "credits", "costs", "budget", "panels", "seats", "axioms") if getattr(args, name)
    ]
    if unused:
        raise UserError(
            f"--{unused[0]} does not go with --kind shares.",
            "these ballots divide a whole, they elect nobody.",
            "leave it out, or count them as --kind credits",
        )


def _columns(args: argparse.Namespace) -> dict[str, Any]:
    """Return what the command line says of a ballot file's columns, as `read_ballots` takes it."""
    return {
        "weight": args.weight,
        "stratum": args.stratum,
        "group": args.group,
        "ignore": _list(args.ignore),
        "candidates": _list(args.candidates),
        "id": args.id,
    }


def _shares(args: argparse.Namespace) -> int:
    """Divide a whole."""
    from dashboards.tools.plotting import check_ending, save_chart
    from dashboards.tools.telling import tell
    from dashboards.tools.vote_files import read_ballots
    from dashboards.tools.vote_shares import divided, plain_shares, share_chart, share_sections

    if args.plot:
        check_ending(args.plot)
    ballots = read_ballots(
        args.file,
        args.kind,
        **_columns(args),
        total=1.0 if args.total is None else args.total,
    )
    found = divided(args.file.name, ballots, only=_list(args.rules), num_resamples=args.bootstrap, seed=args.seed)
    files = [save_chart(share_chart(found), args.plot)] if args.plot else []
    tell(found, files, sys.stdout, plain=plain_shares, sections=share_sections, as_json=args.json)
    return 0


def _proposals(args: argparse.Namespace) -> int:
    """Decide proposals."""
    import orjson

    from dashboards.terminal import show
    from dashboards.tools.vote_files import read_proposals
    from dashboards.tools.vote_proposals import decided, plain_proposals, proposal_sections
    from societies.assembly.rules import Terms

    cast = read_proposals(
        args.file,
        weight=args.weight,
        id=args.id,
        delegate=args.delegate,
        chamber=args.chamber,
        ignore=_list(args.ignore),
    )
    terms = Terms(
        majority=args.majority,
        strict=not args.at_least,
        quorum=args.quorum,
        veto=args.veto,
        override=args.override,
        eligible=args.eligible,
    )
    if args.eligible is not None and (args.chamber or args.eligible < cast.weights.sum()):
        raise UserError(
            f"--eligible {args.eligible:g} does not fit {cast.weights.sum():g} voters.",
            "it counts those who voted too, and does not go with chambers.",
            "give at least as many, or leave it out",
        )
    found = decided(args.file.name, cast, terms, num_resamples=args.bootstrap, seed=args.seed)
    if args.json:
        print(orjson.dumps(plain_proposals(found), option=orjson.OPT_INDENT_2).decode())
    else:
        show(proposal_sections(found), sys.stdout)
    return 0


def _list(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


verb = Verb(help="count one file of ballots under many voting rules", configure=_configure, run=_run)
