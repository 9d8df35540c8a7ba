"""A file of ballots counted under many rules: reading it, what was found, and one chart. Tables: `vote_tables`."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from agents.errors import UserError, did_you_mean
from societies.assembly import rules as r
from societies.assembly.rules.ballots import Ballots, parse_preflib, parse_table
from societies.assembly.rules.ensemble import RuleReport

PREFLIB = (".soc", ".soi", ".toc", ".toi")
SHAPE = (25, 4)
"""Voters and candidates of the profiles on which axioms are tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seats:
    """One committee. failures: property -> whether it fails, where it was checked."""

    rule: str
    members: tuple[str, ...]
    note: str
    failures: Mapping[str, bool]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VoteFindings:
    """Everything the tool says about one file. excess: [candidate], distance outside the proportional veto core."""

    source: str
    ballots: Ballots
    vote: r.Vote
    ensemble: r.Ensemble
    excess: tuple[float, ...]
    seats: tuple[Seats, ...]
    violations: tuple[r.Violation, ...]
    cycles: Mapping[str, float]
    left_out: tuple[str, ...]


def read_ballots(path: Path, kind: str = "", **columns: Any) -> Ballots:
    """Read a ballot CSV of a stated kind, or a PrefLib file by its ending. columns: as in `parse_table`.

    Raises UserError for a missing or unreadable file, a CSV without a kind, and a PrefLib file with one.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UserError(f"{path} cannot be read.", f"{error.strerror}.", "give a ballot file") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 text.", str(error), "save it as UTF-8") from error
    if path.suffix.lower() in PREFLIB:
        if kind or any(columns.values()):
            raise UserError("Column options were given with a PrefLib file.", "Its format is fixed.", "leave them out")
        return parse_preflib(text)
    if not kind:
        raise UserError(
            f"What {path.name} holds is not said.",
            "The same numbers can be ranks (1 is best) or scores (1 is worst), so the kind is never guessed.",
            "add --kind orders, ranks, approval or score",
        )
    reader = csv.DictReader(io.StringIO(text))
    header = list(reader.fieldnames or ())
    if not header or len(set(header)) < len(header):
        raise UserError(f"{path} has no header with distinct columns.", "", "give each column its own name")
    return parse_table(header, list(reader), kind, **columns)


def find_out(
    source: str,
    ballots: Ballots,
    *,
    only: Sequence[str] = (),
    seats: int = 0,
    num_resamples: int = 1000,
    num_profiles: int = 0,
    seed: int = 0,
) -> VoteFindings:
    """Count the ballots under every rule that can read them.

    only: names of rules to keep, all by default. seats: also elect committees of this size. num_profiles: random
    profiles a culture on which axioms are tried; 0 leaves that out.
    """
    vote, left_out = _vote(ballots)
    rating_rules = dict(r.RATING_RULES)
    if vote.ratings is not None and vote.ratings.binary:
        rating_rules = {"approval": r.approval, **rating_rules}
        rating_rules.pop("score")
    known = [*r.RULES, *(rating_rules if vote.ratings is not None else ()), *(r.GROUP_RULES if ballots.groups else ())]
    for name in only:
        if name not in known:
            raise UserError(f'No rule for these ballots is called "{name}".', did_you_mean(name, known), "see --help")
    chosen = _chosen(r.RULES, only)
    ensemble = r.compare(
        vote,
        chosen,
        _chosen(rating_rules, only),
        _chosen(r.GROUP_RULES, only),
        consistent=r.CONDORCET_CONSISTENT,
        strata=ballots.strata,
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
        seats=_committees(vote, seats, seed) if seats else (),
        violations=found,
        cycles=cycles,
        left_out=left_out,
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


def _committees(vote: r.Vote, k: int, seed: int) -> tuple[Seats, ...]:
    names = vote.profile.names
    if not 1 <= k <= len(names):
        raise UserError(f"{k} seats cannot be filled.", f"There are {len(names)} candidates.", "change --seats")
    count = r.single_transferable_vote(vote.profile, k, seed=seed)
    note = f"quota {count.quota:g}, {len(count.counts)} counts" + (", ties by random ballot" if count.tie_break else "")
    found = [Seats(rule="stv", members=tuple(names[c] for c in count.order), note=note, failures={})]
    if vote.ratings is None:
        return tuple(found)
    approvals = vote.ratings.seen & (vote.ratings.filled > (vote.ratings.lo + vote.ratings.hi) / 2)
    w = vote.ratings.weights
    equal = bool((w == w[0]).all())
    committees = [
        r.pav(approvals, k, weights=w),
        r.phragmen(approvals, k, weights=w),
        r.method_of_equal_shares(approvals, k, weights=w),
        r.chamberlin_courant(approvals, k, weights=w),
        r.coverage(approvals, k, weights=w),
    ]
    if equal and len(w) >= k:
        committees.append(r.monroe(approvals, k))
    for c in committees:
        failures = {}
        if equal:
            failures = {
                "JR": r.jr_failure(approvals, c.members, k) is not None,
                "EJR+": r.ejr_plus_failure(approvals, c.members, k) is not None,
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
