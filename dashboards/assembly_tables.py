"""The tables of who sat and how they voted: lottery, panel, winners by rule, support by group. Records in, rows out."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dashboards.assembly import Account
from dashboards.assembly_words import amount, between, null, size
from dashboards.drawing import short
from dashboards.rows import count, percent, spaced
from dashboards.terminal import Section

ROUNDING = 1e-9
"""A chance or error below this is what rounding leaves, and told as 0."""


def lottery(account: Account) -> Section:
    """Return the certificate: how the panel was drawn and what chance everybody had."""
    one = account.certificate
    if one is None:
        return Section(title="Lottery")
    alternates = f", {one.num_alternates} of them alternates" if one.num_alternates else ""
    lines = [
        (
            f"{count(one.num_invited)} invited, {count(one.num_responded)} came forward, {one.num_seats} seats"
            f"{alternates}. Drawn by {one.algorithm} over {_panels(one.num_panels)} the quotas."
        ),
        (
            f"Everybody's chance lies between {_chance(one.min_pi)} and {_chance(one.max_pi)}, geometric mean "
            f"{_chance(one.geometric_mean)}, Gini {_tiny(one.gini)}; with no quota everybody would have "
            f"{_chance(one.equal_chance)}. Chances are {_how(one.log)}; n = {count(one.num_responded)}."
        ),
        *(f"Note: {note}." for note in one.notes),
    ]
    if len(one.policies) > 1:
        lines.append("Who speaks: " + ", ".join(f"{num} citizens by {name}" for name, num in one.policies) + ".")
    if one.log:
        lines.append(f"The solver says: {_solver(one.log)}.")
    return Section(title="Lottery certificate", lines=tuple(lines))


def _solver(log: str) -> str:
    """Return the solver's log in words, its numbers with three digits."""
    return re.sub(r"\d+\.\d+(?:e[+-]?\d+)?", lambda found: _tiny(float(found[0])), spaced(log))


def _tiny(value: float | None) -> str:
    return "0" if value is not None and abs(value) < ROUNDING else short(value)


def _how(log: str) -> str:
    return "estimated by drawing" if "estimated" in log else "exact"


def _panels(num: int) -> str:
    return "1 panel that meets" if num == 1 else f"{count(num)} panels that all meet"


def _chance(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"


def quotas(account: Account) -> Section:
    """Return the seats by feature against the quotas and the invited."""
    one = account.certificate
    if one is None or not one.quotas:
        return Section(title="Panel")
    gap = (
        ""
        if one.gap is None
        else f"No feature's seats differ from the shares of the invited by more than {percent(one.gap)} of the seats."
    )
    return Section(
        title="Panel against quotas and pool",
        columns=("feature", "value", "quota", "seats", "share of panel", "95 % interval", "share of invited", "met"),
        rows=tuple(
            (
                q.feature,
                q.value,
                f"{q.low} to {q.high}",
                str(q.seats),
                percent(q.share.value or 0),
                between(q.share),
                "-" if q.share.null is None else percent(q.share.null),
                "yes" if q.met else "no",
            )
            for q in one.quotas
        ),
        right=(3, 4, 6),
        notes=tuple(filter(None, (gap,))),
    )


def winners(account: Account) -> Section:
    """Return the winner under every rule."""
    one = account.recount
    if one is None:
        return Section(title="Winners")
    again = {True: "gives it again", False: "does NOT give it again", None: "is not among the rules known here"}
    same = sum(line.recorded for line in one.rules)
    lines = [
        (
            f"{one.winner} won vote {one.vote} by {one.rule}, which {again[one.confirmed]} when the ballots are "
            f"counted anew. {same} of {len(one.rules)} rules have it among their winners."
        ),
        f"Condorcet winner: {one.condorcet or 'none'}; majorities {'circle' if one.cyclic else 'do not circle'}.",
    ]
    return Section(
        title="Winners under every rule",
        lines=tuple(lines),
        columns=("rule", "winner", "P(win)", "to flip", "note"),
        rows=tuple(
            (
                f"{spaced(line.rule)}{' (decided)' if line.rule == one.rule else ''}",
                names(line.winners, 3),
                "-" if line.chance is None else f"{line.chance:.2f}",
                line.to_flip or "-",
                line.note,
            )
            for line in one.rules
        ),
        right=(2, 3),
        notes=(
            (
                f"P(win): of the winner (of a tie or lottery, whoever the seeded draw takes) over {one.num_resamples} "
                f"resamples of the {one.num_voters} ballots. With ballots dealt to candidates at random the best by "
                f"mean support wins {short(one.sure_by_chance)} of them. To flip: "
                "ballots to rewrite until the winner no longer wins alone."
            ),
        ),
    )


def candidates(account: Account) -> Section:
    """Return the statements of the deciding vote."""
    one = account.recount
    if one is None:
        return Section(title="Candidates")
    return Section(
        title=f"Candidates of vote {one.vote}",
        columns=("statement", "mean support", "first choices"),
        rows=tuple((name, short(support), percent(first)) for name, support, first in one.candidates),
        right=(1, 2),
        notes=(
            (
                f"n = {one.num_voters} citizens; first choices at random: {percent(one.null)} each. Of ballots dealt "
                f"to candidates at random the best has a mean support of {short(one.best_support)}."
            ),
        ),
    )


def groups(account: Account) -> Section:
    """Return support by group, with the worst-off group against random groups."""
    rows = []
    for line in account.groups:
        own = "; ".join(f"{name} {percent(one.value or 0)} of {one.n}" for name, one in line.by_group.items())
        rows.append(
            (line.what, amount(line.overall), size(line.overall), line.worst, amount(line.least), null(line.least), own)
        )
    return Section(
        title="Representation: who stands behind it",
        columns=("text", "support", "n", "least in", "there", "random groups", "by group"),
        rows=tuple(rows),
        right=(2, 5),
        notes=(
            (
                "Support of the winner: share whose expected agreement is above the middle; of a clause: yes among yes "
                "and no. 95 % intervals. Random groups: the least share if the same citizens were grouped at random."
            ),
        )
        if rows
        else (),
    )


def procedure(account: Account) -> Section:
    """Return the phases with their requests."""
    return Section(
        title="Procedure",
        columns=("phase", "requests"),
        rows=tuple((name, count(num)) for name, num in account.phases),
        right=(1,),
    )


def names(named: Sequence[str], most: int) -> str:
    """Return the first few of some names, and how many there are more; "none" for none."""
    more = f" and {len(named) - most} more" if len(named) > most else ""
    return ", ".join(named[:most]) + more or "none"
