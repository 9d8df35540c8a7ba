"""The deciding vote counted again under every rule, and whom its winner and the clauses speak for."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dashboards.assembly_numbers import Number, number_of
from dashboards.assembly_signs import best_by_chance, sure_by_chance
from dashboards.assembly_source import FloatArray, Poll
from dashboards.sources import text

NUM_RESAMPLES = 200
NOT_RESAMPLED = frozenset({"birdwatch"})
"""Rules whose fit takes as long as all others together; they name a winner without a probability."""
SIGNS_FROM = 0.5
"""Expected agreement from which somebody counts as willing to sign: the middle of the scale."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleLine:
    """What one rule says. chance: bootstrap probability that whoever wins here wins; None without one.

    recorded: whether the winner is the one that the assembly wrote down. to_flip: ballots to rewrite, "" unknown.
    """

    rule: str
    winners: tuple[str, ...]
    chance: float | None
    to_flip: str
    recorded: bool
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recount:
    """The deciding vote. candidates: (id, mean support, share of first choices). null: chance of each at random.
    best_support: mean support of the best candidate when each citizen's ballots are dealt to candidates at random.
    sure_by_chance: the share of resamples that this best one then wins.
    confirmed: whether the assembly's own rule gives the recorded winner again; None when that rule is not known.
    """

    vote: str
    rule: str
    winner: str
    candidates: tuple[tuple[str, float, float], ...]
    rules: tuple[RuleLine, ...]
    condorcet: str
    cyclic: bool
    null: float
    best_support: float
    sure_by_chance: float
    num_voters: int
    num_resamples: int
    confirmed: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupLine:
    """Support for one text. by_group: share in each group. worst: the group with the least; its null is what random
    groups of these sizes would have.
    """

    what: str
    overall: Number
    by_group: Mapping[str, Number]
    worst: str
    least: Number


def recount(poll: Poll, rule: str, seed: int) -> Recount:
    """Count the deciding vote under every rule. rule, poll.winner: as the assembly wrote them down."""
    from societies.assembly import rules as r

    vote_id, items, levels = poll.votes[-1]
    # An expected level is a sum of floats: it may pass 1 in the last place.
    ratings = r.ratings_of(np.clip(levels, 0, 1), names=list(items), lo=0.0, hi=1.0)
    vote = r.vote_of_ratings(ratings, list(poll.groups) if len(set(poll.groups)) > 1 else None)
    quick = {name: each for name, each in r.RATING_RULES.items() if name not in NOT_RESAMPLED}
    slow = {name: each for name, each in r.RATING_RULES.items() if name in NOT_RESAMPLED}
    found = r.compare(
        vote,
        r.RULES,
        quick,
        r.GROUP_RULES,
        consistent=r.CONDORCET_CONSISTENT,
        num_resamples=NUM_RESAMPLES,
        seed=seed,
    )
    more = r.compare(vote, {}, slow, {}, num_resamples=0, seed=seed)
    lines = tuple(_rule_line(report, items, poll.winner) for report in (*found.reports, *more.reports))
    firsts = [float((poll.firsts == k).mean()) for k in range(len(items))]
    order = sorted(range(len(items)), key=lambda k: (-levels[:, k].mean(), k))
    return Recount(
        vote=vote_id,
        rule=rule,
        winner=poll.winner,
        candidates=tuple((items[k], float(levels[:, k].mean()), firsts[k]) for k in order),
        rules=lines,
        condorcet="" if found.condorcet is None else items[found.condorcet],
        cyclic=found.cyclic,
        null=1 / len(items),
        best_support=best_by_chance(levels),
        sure_by_chance=sure_by_chance(levels),
        num_voters=len(poll.citizens),
        num_resamples=NUM_RESAMPLES,
        confirmed=next((line.recorded for line in lines if line.rule == rule), None),
    )


def _rule_line(report: Any, items: Sequence[str], winner: str) -> RuleLine:
    o, flip = report.outcome, report.flip
    taken = report.tie_break.order[0] if report.tie_break else (o.winners[0] if o.winners else None)
    chance = None if taken is None or math.isnan(report.chance[taken]) else float(report.chance[taken])
    note = o.note
    if o.lottery:
        likely = sorted(o.winners, key=lambda c: -o.lottery[c])[:4]
        note = "a lottery: " + ", ".join(f"{items[c]} {o.lottery[c]:.2f}" for c in likely)
    elif len(o.winners) > 1:
        note = f"a tie of {len(o.winners)}"
    to_flip = ""
    if flip is not None:
        to_flip = f">= {flip.least}" if flip.most is None else str(flip.least)
        if flip.most is not None and not flip.exact:
            to_flip = f"{flip.least}-{flip.most}"
    return RuleLine(
        rule=o.rule,
        winners=tuple(items[c] for c in o.winners),
        chance=chance,
        to_flip=to_flip,
        recorded=winner in {items[c] for c in o.winners},
        note=note,
    )


def support_by_group(
    poll: Poll, clauses: Sequence[Mapping[str, Any]], ballots: Sequence[Mapping[str, Any]], seed: int
) -> tuple[GroupLine, ...]:
    """Return support for the winner and for every clause, overall and by group; abstentions of clauses are left out."""
    groups = dict(zip(poll.citizens, poll.groups, strict=True))
    lines = []
    if poll.for_winner is not None:
        lines.append(_group_line(f"{poll.winner} (the winner)", _signs(poll, poll.for_winner), groups, seed))
    for clause in clauses:
        name = text(clause.get("clause"))
        said = {
            text(row.get("citizen")): row.get("kind") == "yes"
            for row in ballots
            if row.get("item") == name and row.get("vote") == "clauses" and row.get("kind") in ("yes", "no")
        }
        lines.append(_group_line(name, {who: yes for who, yes in said.items() if who in groups}, groups, seed))
    return tuple(line for line in lines if line.overall.n)


def _signs(poll: Poll, levels: FloatArray) -> dict[str, bool]:
    return {citizen: bool(level >= SIGNS_FROM) for citizen, level in zip(poll.citizens, levels, strict=True)}


def _group_line(what: str, said: Mapping[str, bool], groups: Mapping[str, str], seed: int) -> GroupLine:
    from societies.assembly.metrics import endorsement

    own = [groups[citizen] for citizen in said]
    found = endorsement(list(said.values()), own, seed=seed)
    sizes = {name: own.count(name) for name in set(own)}
    chance = found.chance_min if math.isfinite(found.chance_min) else None
    return GroupLine(
        what=what,
        overall=number_of(found.overall, 0.5, found.n),
        by_group={name: number_of(share, found.overall.point, sizes[name]) for name, share in found.by_group},
        worst=found.worst,
        least=number_of(found.min_group, chance, sizes.get(found.worst, 0)),
    )
