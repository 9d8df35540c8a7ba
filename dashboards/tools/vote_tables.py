"""The tables of `folkmoot vote`."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from dashboards.terminal import Section
from dashboards.tools.vote import SHAPE, Seats, VoteFindings
from societies.assembly import rules as r
from societies.assembly.rules.ballots import Ballots
from societies.assembly.rules.ensemble import RuleReport, first_choice_concentration


def sections(found: VoteFindings) -> list[Section]:
    """Return the tables of the report."""
    names = found.vote.profile.names
    parts = [_head(found), dropped_section(found.ballots), _winners(found), _agreement(found), _candidates(found)]
    if len(names) <= 12:
        parts.append(_pairwise(found))
    parts += [_seats(found), _funded(found), _own(found), _axiom_table(found)]
    return [part for part in parts if part.lines or part.rows]


def _head(found: VoteFindings) -> Section:
    p, b, e = found.vote.profile, found.ballots, found.ensemble
    tied = int((np.sort(p.ranks, axis=1)[:, 1:] == np.sort(p.ranks, axis=1)[:, :-1]).any(axis=1).sum())
    cut = int((~p.ranked).any(axis=1).sum())
    lines = [
        f"{p.num_voters} of {b.num_rows} ballots counted, {len(b.dropped)} dropped; {p.num_candidates} candidates.",
        f"{cut} ballots are truncated, {tied} have tied places (unranked candidates share one).",
    ]
    if not (p.weights == 1).all():
        lines.append(f"Weights add up to {p.total:g}; the effective number of ballots is {_effective(p.weights):.1f}.")
    best = f"beats every other by a majority: {p.names[e.condorcet]}" if e.condorcet is not None else "nobody does"
    lines.append(f"Condorcet winner: {best}. Smith set: {', '.join(p.names[c] for c in e.smith)}.")
    lines.append(f"Majorities {'run in a circle' if e.cyclic else 'do not run in circles'}.")
    lines.append(f"First-choice concentration (Herfindahl): {first_choice_concentration(p):.3f}.")
    return Section(title=f"Vote: {found.source}", lines=(*lines, *(f"Left out: {what}." for what in found.left_out)))


def _effective(weights: Any) -> float:
    return float(weights.sum() ** 2 / (weights**2).sum())


def dropped_section(ballots: Ballots) -> Section:
    """Return why ballots were dropped, and which rows; empty when none was."""
    reasons = Counter(d.reason for d in ballots.dropped)
    rows = tuple(
        (reason, str(num), ", ".join(str(d.row) for d in ballots.dropped if d.reason == reason)[:60])
        for reason, num in reasons.most_common(10)
    )
    return Section(title="Ballots dropped", columns=("reason", "ballots", "rows"), rows=rows, right=(1,))


def _winners(found: VoteFindings) -> Section:
    names = found.vote.profile.names
    rows = tuple(_winner_row(report, names, bool(found.num_panels)) for report in found.ensemble.reports)
    num = found.ensemble.num_resamples
    redrawn = (
        f"panels: how often it wins on {found.num_panels} panels of the lottery; {found.absent} seats had no ballot."
    )
    return Section(
        title="Winner by rule",
        columns=(
            "rule",
            "winner",
            "taken",
            "to flip",
            "P(win)",
            *(("panels",) if found.num_panels else ()),
            "bloc",
            "note",
        ),
        rows=rows,
        right=(3, 4, 5, 6) if found.num_panels else (3, 4, 5),
        notes=(
            "taken: after ties were broken by random ballots (seeded), or the lottery's draw.",
            "to flip: ballots to rewrite until the winner no longer wins alone; one number is exact, a-b are bounds.",
            f"P(win): bootstrap over {num} resamples of the ballots within strata, of whom was taken."
            if num
            else "P(win): the bootstrap was left out.",
            *((redrawn,) if found.num_panels else ()),
            "bloc: fewest voters found who gain together by one insincere ballot; a probe, so fewer may do.",
        ),
    )


def _winner_row(report: RuleReport, names: Sequence[str], redrawn: bool) -> tuple[str, ...]:
    o = report.outcome
    taken = report.tie_break.order[0] if report.tie_break else (o.winners[0] if o.winners else None)
    won = " = ".join(names[c] for c in o.winners) if len(o.winners) <= 5 else f"{len(o.winners)} candidates"
    if o.lottery:
        likely = sorted(o.winners, key=lambda c: -o.lottery[c])
        won = ", ".join(f"{names[c]} {o.lottery[c]:.2f}" for c in likely[:4]) + (" ..." if len(likely) > 4 else "")
    chance = "-" if taken is None or math.isnan(report.chance[taken]) else f"{report.chance[taken]:.3f}"
    bloc = report.manipulation.bloc if report.manipulation else None
    by_panel = ("-" if taken is None else f"{report.by_panel[taken]:.3f}",) if redrawn else ()
    return (
        o.rule,
        won or "nobody",
        "-" if taken is None or (len(o.winners) == 1 and not o.lottery) else names[taken],
        _flip(report),
        chance,
        *by_panel,
        "-" if bloc is None else str(bloc),
        o.note,
    )


def _flip(report: RuleReport) -> str:
    flip = report.flip
    if flip is None:
        return "-"
    if flip.most is None:
        return f">= {flip.least}"
    return str(flip.least) if flip.exact else f"{flip.least}-{flip.most}"


def _agreement(found: VoteFindings) -> Section:
    table, reports = found.ensemble.agreement, found.ensemble.reports
    if len(reports) < 2:
        return Section(title="Agreement")
    rows = []
    for a, report in enumerate(reports):
        others = (table[a].sum() - 1) / (len(reports) - 1)
        cells = ["." if a == b else f"{table[a, b]:.1f}".lstrip("0") or "0" for b in range(len(reports))]
        rows.append((f"{a + 1} {report.outcome.rule}", f"{others:.2f}", *cells))
    columns = ("rule", "mean", *(str(b + 1) for b in range(len(reports))))
    notes = ("Winners in common over winners of either rule; 1 is the same winners.",)
    right = tuple(range(1, len(columns)))
    return Section(title="Agreement between rules", columns=columns, rows=tuple(rows), right=right, notes=notes)


def _candidates(found: VoteFindings) -> Section:
    p = found.vote.profile
    first = np.asarray(r.plurality(p).scores)
    rows = []
    for c in np.argsort(-np.asarray(r.borda(p).scores), kind="stable").tolist():
        under = sum(c in report.outcome.winners for report in found.ensemble.reports if not report.outcome.lottery)
        beaten = int((p.margins[c] > 0).sum())
        rows.append((p.names[c], f"{first[c]:.4g}", str(beaten), f"{found.excess[c]:.4f}", str(under)))
    return Section(
        title="Candidates, in Borda's order",
        columns=("candidate", "first places", "beats", "veto excess", "rules won"),
        rows=tuple(rows),
        right=(1, 2, 3, 4),
        notes=("veto excess: 0 when no group can keep the candidate out in proportion to its size.",),
    )


def _pairwise(found: VoteFindings) -> Section:
    p = found.vote.profile
    rows = tuple(
        (name, *("." if a == b else f"{p.support[a, b]:.4g}" for b in range(p.num_candidates)))
        for a, name in enumerate(p.names)
    )
    right = tuple(range(1, p.num_candidates + 1))
    title = "Ballots that put the row above the column"
    return Section(title=title, columns=("candidate", *p.names), rows=rows, right=right)


def _seats(found: VoteFindings) -> Section:
    def told(seats: Seats) -> str:
        if not seats.failures:
            return "-"
        return ", ".join(f"{name} {'fails' if fails else 'holds'}" for name, fails in seats.failures.items())

    rows = tuple((s.rule, ", ".join(s.members), told(s), s.note) for s in found.seats)
    return Section(title="Committees", columns=("rule", "members", "checked", "note"), rows=rows)


def _funded(found: VoteFindings) -> Section:
    rows = tuple((f.rule, f"{f.spent:g}", f"{f.served:.1%}", ", ".join(f.projects), f.note) for f in found.funded)
    return Section(
        title=f"What a budget of {found.budget:g} buys",
        columns=("rule", "spent", "served", "projects", "note"),
        rows=rows,
        right=(1, 2),
        notes=("served: share of the voters' weight with at least one project that they support.",) if rows else (),
    )


def _own(found: VoteFindings) -> Section:
    rows = tuple(
        (rule, ", ".join(v.axiom for v in found.own if v.rule == rule))
        for rule in dict.fromkeys(v.rule for v in found.own)
    )
    return Section(title="Axioms broken on these very ballots", columns=("rule", "axioms"), rows=rows)


def _axiom_table(found: VoteFindings) -> Section:
    if not found.violations:
        return Section(title="Axioms broken")
    axioms = list(dict.fromkeys(v.axiom for v in found.violations))
    rows = []
    for rule in dict.fromkeys(v.rule for v in found.violations):
        mine = [v for v in found.violations if v.rule == rule]
        cells = []
        for axiom in axioms:
            broken, num = (sum(getattr(v, key) for v in mine if v.axiom == axiom) for key in ("broken", "num"))
            cells.append(f"{broken / num:.2f}" if num else "-")
        rows.append((rule, *cells))
    circles = ", ".join(f"{culture} {share:.2f}" for culture, share in found.cycles.items())
    return Section(
        title="Axioms broken, share of the profiles where they say something",
        columns=("rule", *axioms),
        rows=tuple(rows),
        right=tuple(range(1, len(axioms) + 1)),
        notes=(
            f"Profiles of {SHAPE[0]} voters and {SHAPE[1]} candidates from all cultures; --json has them apart.",
            f"Majorities in a circle: {circles}.",
        ),
    )
