"""A file of ballots counted under many rules: reading it, what was found, and one chart. Tables: `vote_tables`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from agents.errors import UserError, nearest
from dashboards.tools.vote_files import read_ballots
from societies.assembly import rules as r
from societies.assembly.rules.ballots import Ballots
from societies.assembly.rules.ensemble import RuleReport
from societies.assembly.rules.profile import FloatArray, IntArray

SHAPE = (25, 4)
"""Voters and candidates of the profiles on which axioms are tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seats:
    """One committee. failures: property -> whether it fails, where it was checked."""

    rule: str
    members: tuple[str, ...]
    note: str
    failures: Mapping[str, bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Funded:
    """What one rule buys with the budget. served: share of the voters' weight with something that they support."""

    rule: str
    projects: tuple[str, ...]
    spent: float
    served: float
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VoteFindings:
    """Everything the tool says about one file. excess: [candidate], distance outside the proportional veto core.

    own: axioms that rules break on these very ballots. num_panels: panels that every rule was counted on as well, and
    absent: seats of theirs without a ballot. funded: what the budget buys.
    """

    source: str
    ballots: Ballots
    vote: r.Vote
    ensemble: r.Ensemble
    excess: tuple[float, ...]
    seats: tuple[Seats, ...]
    violations: tuple[r.Violation, ...]
    cycles: Mapping[str, float]
    left_out: tuple[str, ...]
    own: tuple[r.Violation, ...] = ()
    num_panels: int = 0
    absent: int = 0
    budget: float = 0.0
    funded: tuple[Funded, ...] = ()


def find_out(
    source: str,
    ballots: Ballots,
    *,
    only: Sequence[str] = (),
    seats: int = 0,
    num_resamples: int = 1000,
    num_profiles: int = 0,
    panels: tuple[Sequence[IntArray], int] | None = None,
    costs: FloatArray | None = None,
    budget: float = 0.0,
    seed: int = 0,
) -> VoteFindings:
    """Count the ballots under every rule that can read them.

    panels: positions of ballots, and how many seats had none (see `read_panels`). costs: [candidate],
    spent within the budget.

    only: names of rules to keep, all by default. seats: also elect committees of this size. num_profiles: random
    profiles a culture on which axioms are tried; 0 leaves that out.
    """
    vote, left_out = _vote(ballots)
    rating_rules = dict(r.CREDIT_RULES if ballots.kind == "credits" else r.RATING_RULES)
    if vote.ratings is not None and vote.ratings.binary and ballots.kind != "credits":
        rating_rules = {"approval": r.approval, **rating_rules}
        rating_rules.pop("score")
    group_rules = r.GROUP_RULES if ballots.groups and ballots.kind != "credits" else {}
    known = [*r.RULES, *(rating_rules if vote.ratings is not None else ()), *group_rules]
    for name in only:
        if name not in known:
            raise UserError(
                f'No rule for these ballots is called "{name}".',
                f"rules for them are {', '.join(known)}.",
                nearest(name, known),
            )
    chosen = _chosen(r.RULES, only)
    ensemble = r.compare(
        vote,
        chosen,
        _chosen(rating_rules, only),
        _chosen(group_rules, only),
        consistent=r.CONDORCET_CONSISTENT,
        strata=ballots.strata,
        panels=None if panels is None else panels[0],
        num_resamples=num_resamples,
        seed=seed,
    )
    found, cycles = _axioms(vote.profile, chosen, num_profiles, seed)
    return VoteFindings(
        source=source,
        ballots=ballots,
        vote=vote,
        ensemble=ensemble,
        excess=tuple(r.veto_excess(vote.profile).tolist()),
        seats=_committees(vote, seats, seed, approvals=ballots.kind != "credits") if seats else (),
        violations=found,
        cycles=cycles,
        left_out=left_out,
        own=_own_axioms(vote.profile, chosen, seed) if num_profiles else (),
        num_panels=0 if panels is None else len(panels[0]),
        absent=0 if panels is None else panels[1],
        budget=budget,
        funded=() if costs is None else _funded(vote, costs, budget),
    )


def _vote(ballots: Ballots) -> tuple[r.Vote, tuple[str, ...]]:
    if ballots.ratings is None:
        assert ballots.profile is not None
        return r.Vote(ballots.profile), ("approval, score and bridging rules need --kind approval or score",)
    left_out = () if ballots.groups else ("group-aware consensus and the least group need --group COLUMN",)
    return r.vote_of_ratings(ballots.ratings, ballots.groups), left_out


def _chosen(rules: Mapping[str, Any], only: Sequence[str]) -> dict[str, Any]:
    return {name: rule for name, rule in rules.items() if not only or name in only}


def _axioms(
    profile: r.Profile, rules: Mapping[str, Any], num: int, seed: int
) -> tuple[tuple[r.Violation, ...], dict[str, float]]:
    """Try the axioms on three random cultures and on resamples of these ballots."""
    if not num:
        return (), {}
    n, m = SHAPE
    cultures: dict[str, Callable[[np.random.Generator], r.Profile]] = {
        "impartial": lambda rng: r.impartial(n, m, rng),
        "Mallows .8": lambda rng: r.mallows(n, m, rng),
        "Euclidean": lambda rng: r.euclidean(n, m, rng),
        "these ballots": lambda rng: r.resampled(profile, n, m, rng),
    }
    deterministic = {name: rule for name, rule in rules.items() if name != "random_dictator"}
    found: list[r.Violation] = []
    cycles = {}
    for number, (culture, draw) in enumerate(cultures.items()):
        rng = np.random.default_rng([seed, number])
        drawn = [draw(rng) for _ in range(num)]
        found += r.violations(deterministic, drawn, culture=culture, seed=seed)
        cycles[culture] = r.cycle_share(drawn)
    return tuple(found), cycles


def _own_axioms(profile: r.Profile, rules: Mapping[str, Any], seed: int) -> tuple[r.Violation, ...]:
    """Return the axioms that rules break on these ballots as they are."""
    lasting = {name: rule for name, rule in rules.items() if name not in ("random_dictator", "maximal_lottery")}
    tried = r.violations(lasting, [profile], culture="this vote", seed=seed)
    return tuple(one for one in tried if one.broken)


def _funded(vote: r.Vote, costs: FloatArray, budget: float) -> tuple[Funded, ...]:
    assert vote.ratings is not None
    ratings, names = vote.ratings, vote.profile.names
    utility = ratings.filled - ratings.lo
    if (costs > budget).all():
        raise UserError(f"The budget of {budget:g} buys nothing.", f"the cheapest costs {costs.min():g}.", "raise it")
    w = ratings.weights
    plain = r.equal_shares(utility, costs, budget, weights=w)
    more = r.equal_shares_add_one(utility, costs, budget, weights=w)
    left = [c for c in range(len(costs)) if c not in more.projects]
    rest = r.greedy_budget(utility[:, left], costs[left], budget - more.spent, weights=w) if left else ()
    chosen = {
        "equal shares": (plain.projects, "may leave money over"),
        "equal shares, completed": ((*more.projects, *(left[c] for c in rest)), "more money a head, then by support"),
        "greedy by support": (r.greedy_budget(utility, costs, budget, weights=w), "the usual practice"),
    }
    supported = utility > 0
    return tuple(
        Funded(
            rule=rule,
            projects=tuple(names[c] for c in projects),
            spent=float(costs[list(projects)].sum()),
            served=float(w @ supported[:, list(projects)].any(axis=1) / w.sum()),
            note=note,
        )
        for rule, (projects, note) in chosen.items()
    )


def _committees(vote: r.Vote, k: int, seed: int, *, approvals: bool) -> tuple[Seats, ...]:
    names = vote.profile.names
    if not 1 <= k <= len(names):
        raise UserError(f"{k} seats cannot be filled.", f"There are {len(names)} candidates.", "change --seats")
    count = r.single_transferable_vote(vote.profile, k, seed=seed)
    note = f"quota {count.quota:g}, {len(count.counts)} counts" + (", ties by random ballot" if count.tie_break else "")
    found = [Seats(rule="stv", members=tuple(names[c] for c in count.order), note=note, failures={})]
    if vote.ratings is None or not approvals:
        return tuple(found)
    approves = vote.ratings.seen & (vote.ratings.filled > (vote.ratings.lo + vote.ratings.hi) / 2)
    w = vote.ratings.weights
    equal = bool((w == w[0]).all())
    committees = [
        r.pav(approves, k, weights=w),
        r.phragmen(approves, k, weights=w),
        r.method_of_equal_shares(approves, k, weights=w),
        r.chamberlin_courant(approves, k, weights=w),
        r.coverage(approves, k, weights=w),
    ]
    if equal and len(w) >= k:
        committees.append(r.monroe(approves, k))
    for c in committees:
        failures = {}
        if equal:
            failures = {
                "JR": r.jr_failure(approves, c.members, k) is not None,
                "EJR+": r.ejr_plus_failure(approves, c.members, k) is not None,
            }
        ties = f"{c.num_ties} ties to the earlier candidate" if c.num_ties else ""
        note = "; ".join(part for part in (c.note, ties) if part)
        found.append(Seats(rule=c.rule, members=tuple(names[m] for m in c.order), note=note, failures=failures))
    return tuple(found)


def as_plain(found: VoteFindings) -> dict[str, Any]:
    """Return the findings as plain values for JSON; candidates by name."""
    p, e = found.vote.profile, found.ensemble
    return {
        "source": found.source,
        "kind": found.ballots.kind,
        "candidates": list(p.names),
        "num_ballots": p.num_voters,
        "num_rows": found.ballots.num_rows,
        "dropped": [{"row": d.row, "reason": d.reason} for d in found.ballots.dropped],
        "condorcet_winner": None if e.condorcet is None else p.names[e.condorcet],
        "smith_set": [p.names[c] for c in e.smith],
        "cyclic": e.cyclic,
        "support": p.support.tolist(),
        "veto_excess": list(found.excess),
        "rules": [_plain_rule(report, p.names) for report in e.reports],
        "agreement": e.agreement.tolist(),
        "num_resamples": e.num_resamples,
        "seed": e.seed,
        "committees": [
            {"rule": s.rule, "members": list(s.members), "note": s.note, "fails": dict(s.failures)} for s in found.seats
        ],
        "axioms": [
            {"rule": v.rule, "axiom": v.axiom, "culture": v.culture, "broken": v.broken, "num": v.num}
            for v in found.violations
        ],
        "cycles": dict(found.cycles),
        "left_out": list(found.left_out),
        "broken_here": [{"rule": v.rule, "axiom": v.axiom} for v in found.own],
        "num_panels": found.num_panels,
        "seats_without_ballot": found.absent,
        "budget": found.budget,
        "funded": [
            {"rule": f.rule, "projects": list(f.projects), "spent": f.spent, "served": f.served} for f in found.funded
        ],
    }


def _plain_rule(report: RuleReport, names: Sequence[str]) -> dict[str, Any]:
    o, flip, tie = report.outcome, report.flip, report.tie_break
    return {
        "rule": o.rule,
        "winners": [names[c] for c in o.winners],
        "ranking": [[names[c] for c in tier] for tier in o.ranking],
        "scores": list(o.scores),
        "lottery": list(o.lottery),
        "exact": o.exact,
        "note": o.note,
        "tie_break": None
        if tie is None
        else {
            "order": [names[c] for c in tie.order],
            "ballots": list(tie.ballots),
            "by_lot": tie.num_by_lot,
            "seed": tie.seed,
        },
        "flip": None if flip is None else {"least": flip.least, "most": flip.most, "exact": flip.exact},
        "chance": [None if math.isnan(x) else x for x in report.chance],
        "by_panel": list(report.by_panel),
        "bloc": report.manipulation.bloc if report.manipulation else None,
        "single": report.manipulation.single
        if report.manipulation and not math.isnan(report.manipulation.single)
        else None,
    }


def chart(found: VoteFindings) -> Any:
    """Return a heat map of each rule's bootstrap chance for each candidate (winners only when there was none)."""
    import altair as alt

    names = found.vote.profile.names
    values = []
    for report in found.ensemble.reports:
        for c, name in enumerate(names):
            won = report.outcome.lottery[c] if report.outcome.lottery else float(c in report.outcome.winners)
            chance = won if math.isnan(report.chance[c]) else report.chance[c]
            values.append({"rule": report.outcome.rule, "candidate": name, "chance": chance, "wins": won > 0})
    base = alt.Chart(alt.Data(values=values)).encode(
        x=alt.X("candidate:N", title=None, sort=list(names)),
        y=alt.Y("rule:N", title=None, sort=[report.outcome.rule for report in found.ensemble.reports]),
    )
    cells = base.mark_rect().encode(
        color=alt.Color("chance:Q", title="P(win)", scale=alt.Scale(scheme="blues", domain=[0, 1]))
    )
    marks = base.transform_filter("datum.wins").mark_point(filled=True, size=40, color="black")
    return (cells + marks).properties(
        width=alt.Step(28), title=f"Who wins under which rule: {found.source} (dot: wins)"
    )


__all__ = ["SHAPE", "Funded", "Seats", "VoteFindings", "as_plain", "chart", "find_out", "read_ballots"]
