"""Ballots that divide a whole among options: what each rule makes of them, how surely, and whom it leaves out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from agents.errors import UserError, nearest
from agents.statistics.intervals import NAN, Interval
from dashboards.rows import percent
from dashboards.terminal import Section
from dashboards.tools.vote_tables import dropped_section
from societies.assembly.rules import SHARE_RULES, overlap
from societies.assembly.rules.ballots import Ballots
from societies.assembly.rules.ensemble import resampled_weights
from societies.assembly.rules.profile import FloatArray

_BATCH = 50
"""Resamples counted at once, so that a large vote does not fill the memory."""
NOTES = {
    "mean": "a voter can gain by exaggerating",
    "median": "medians rescaled to the whole; small options may get nothing",
    "independent_markets": "no voter gains by misreporting; one-option ballots get their proportion",
    "quadratic_shares": "by quadratic votes: spreading a ballot pays",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Division:
    """What one rule divides. shares: an interval an option, over voters. met: mean share of the division that a voter
    asked for. least: the same of the voter worst off. by_group: group, number of voters, its mean, its null.

    Everything is nan where the rule is undefined: medians that are all 0.
    """

    rule: str
    shares: tuple[Interval, ...]
    met: Interval
    least: float
    by_group: tuple[tuple[str, int, float, float], ...]
    undefined: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ShareFindings:
    """Everything the tool says about a vote of shares. even: `met` of an even split, the null of every rule's."""

    source: str
    ballots: Ballots
    names: tuple[str, ...]
    divisions: tuple[Division, ...]
    even: float
    num_voters: int
    num_resamples: int
    seed: int


def divided(
    source: str, ballots: Ballots, *, only: Sequence[str] = (), num_resamples: int = 1000, seed: int = 0
) -> ShareFindings:
    """Divide the whole by every rule, with bootstrap intervals over voters within strata.

    only: names of rules to keep, all by default. Raises UserError for a name that is no rule on shares.
    """
    for name in only:
        if name not in SHARE_RULES:
            raise UserError(
                f'No rule on shares is called "{name}".',
                f"rules are {', '.join(SHARE_RULES)}.",
                nearest(name, SHARE_RULES),
            )
    assert ballots.ratings is not None
    p, weights = ballots.ratings.values, ballots.ratings.weights
    drawn = resampled_weights(weights, num_resamples, np.random.default_rng(seed), ballots.strata)
    even = overlap(p, np.full(p.shape[1], 1 / p.shape[1]))
    return ShareFindings(
        source=source,
        ballots=ballots,
        names=ballots.ratings.names,
        divisions=tuple(
            _division(rule, p, weights, drawn, ballots.groups) for rule in SHARE_RULES if not only or rule in only
        ),
        even=float(weights @ even / weights.sum()),
        num_voters=len(weights),
        num_resamples=num_resamples,
        seed=seed,
    )


def _division(
    rule: str, p: FloatArray, weights: FloatArray, drawn: FloatArray, groups: Sequence[str] | None
) -> Division:
    divide = SHARE_RULES[rule]
    shares = divide(p, weights)
    met = overlap(p, shares)
    again, satisfied = [], []
    for start in range(0, len(drawn), _BATCH):
        batch = drawn[start : start + _BATCH]
        found = divide(p, batch)
        again.append(found)
        satisfied.append((batch * overlap(p, found)).sum(axis=1) / batch.sum(axis=1))
    resampled = np.concatenate(again) if again else np.empty((0, p.shape[1]))
    counted = weights > 0
    return Division(
        rule=rule,
        shares=tuple(_interval(float(shares[c]), resampled[:, c]) for c in range(p.shape[1])),
        met=_interval(float(weights @ met / weights.sum()), np.concatenate(satisfied) if again else np.empty(0)),
        least=float(met[counted].min()),
        by_group=_by_group(met, overlap(p, np.full(p.shape[1], 1 / p.shape[1])), weights, groups),
        undefined=int(np.isnan(resampled).any(axis=1).sum()),
    )


def _by_group(
    met: FloatArray, even: FloatArray, weights: FloatArray, groups: Sequence[str] | None
) -> tuple[tuple[str, int, float, float], ...]:
    labels = np.asarray(list(groups)) if groups is not None else np.empty(0, dtype="<U1")
    rows = []
    for label in np.unique(labels):
        member = labels == label
        total = float(weights[member].sum())
        mean, null = (float(weights[member] @ x[member]) / total if total else NAN for x in (met, even))
        rows.append((str(label), int(member.sum()), mean, null))
    return tuple(rows)


def _interval(point: float, values: FloatArray) -> Interval:
    """Return a percentile interval; nan when the rule is undefined here or in too many resamples to tell."""
    known = values[~np.isnan(values)]
    if math.isnan(point) or known.size < max(2, 0.95 * values.size):
        return Interval(point, NAN, NAN, NAN)
    lo, hi = np.quantile(known, [0.025, 0.975])
    return Interval(point, float(known.std(ddof=1)), float(lo), float(hi))


def share_sections(found: ShareFindings) -> list[Section]:
    """Return the tables of the report."""
    b = found.ballots
    even = 1 / len(found.names)
    sure = (
        f"In brackets: 95 % bootstrap interval over {found.num_resamples} resamples of the {found.num_voters} voters"
        + (" within strata." if b.strata else ".")
        if found.num_resamples
        else "The bootstrap was left out."
    )
    parts = [
        Section(
            title=f"Vote: {found.source}",
            lines=(f"{found.num_voters} of {b.num_rows} ballots counted, {len(b.dropped)} dropped.",),
        ),
        dropped_section(b),
        Section(
            title="Division by rule",
            columns=("option", *(one.rule for one in found.divisions)),
            rows=tuple((name, *(told(one.shares[c]) for one in found.divisions)) for c, name in enumerate(found.names)),
            right=tuple(range(1, len(found.divisions) + 1)),
            notes=(sure, f"null: an even split gives {percent(even)} to each."),
        ),
        _satisfaction(found),
        _groups(found),
    ]
    return [part for part in parts if part.lines or part.rows]


def told(one: Interval) -> str:
    """Return a share with its interval, as the table shows it."""
    if math.isnan(one.point):
        return "undefined"
    return percent(one.point) + ("" if math.isnan(one.lo) else f" [{percent(one.lo)}, {percent(one.hi)}]")


def _share(value: float) -> str:
    return "-" if math.isnan(value) else percent(value)


def _satisfaction(found: ShareFindings) -> Section:
    rows = []
    for one in found.divisions:
        note = NOTES[one.rule]
        if math.isnan(one.met.point):
            note = "every median is 0, so there is nothing to rescale"
        elif one.undefined:
            note += f"; undefined in {one.undefined} resamples"
        rows.append((one.rule, told(one.met), percent(found.even), _share(one.least), str(found.num_voters), note))
    return Section(
        title="How much of the division voters asked for",
        columns=("rule", "mean", "null", "worst off", "n", "note"),
        rows=tuple(rows),
        right=(1, 2, 3, 4),
        notes=("1 less half the distance between ballot and division. null: that of an even split.",),
    )


def _groups(found: ShareFindings) -> Section:
    groups = found.divisions[0].by_group
    rows = tuple(
        (name, str(num), *(_share(one.by_group[g][2]) for one in found.divisions), _share(null))
        for g, (name, num, _, null) in enumerate(groups)
    )
    return Section(
        title="The same by group",
        columns=("group", "n", *(one.rule for one in found.divisions), "null"),
        rows=rows,
        right=tuple(range(1, len(found.divisions) + 3)),
    )


def plain_shares(found: ShareFindings) -> dict[str, Any]:
    """Return what --json prints: every share with its interval, null where undefined."""
    return {
        "source": found.source,
        "kind": "shares",
        "options": list(found.names),
        "num_ballots": found.num_voters,
        "num_rows": found.ballots.num_rows,
        "dropped": [{"row": d.row, "reason": d.reason} for d in found.ballots.dropped],
        "num_resamples": found.num_resamples,
        "seed": found.seed,
        "even_share": 1 / len(found.names),
        "rules": [
            {
                "rule": one.rule,
                "note": NOTES[one.rule],
                "shares": [_number(share.point) for share in one.shares],
                "intervals": [[_number(share.lo), _number(share.hi)] for share in one.shares],
                "met": {
                    "mean": _number(one.met.point),
                    "interval": [_number(one.met.lo), _number(one.met.hi)],
                    "null": found.even,
                    "least": _number(one.least),
                    "n": found.num_voters,
                },
                "by_group": [
                    {"group": name, "n": num, "met": _number(met), "null": _number(null)}
                    for name, num, met, null in one.by_group
                ],
                "undefined_resamples": one.undefined,
            }
            for one in found.divisions
        ],
    }


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def share_chart(found: ShareFindings) -> Any:
    """Return a bar an option and rule with its interval; the line is an even split."""
    import altair as alt

    values = [
        {
            "rule": one.rule,
            "option": name,
            "share": _number(share.point),
            "lo": _number(share.lo),
            "hi": _number(share.hi),
            "even": 1 / len(found.names),
        }
        for one in found.divisions
        for name, share in zip(found.names, one.shares, strict=True)
    ]
    base = alt.Chart().encode(y=alt.Y("option:N", title=None, sort=list(found.names)))
    bars = base.mark_bar().encode(x=alt.X("share:Q", title="share", axis=alt.Axis(format="%")))
    whiskers = base.mark_rule(color="black").encode(x="lo:Q", x2="hi:Q")
    even = base.mark_rule(strokeDash=[4, 3], color="grey").encode(x="even:Q", y=alt.Y())
    layers = alt.layer(bars, whiskers, even, data=alt.Data(values=values)).properties(width=220)
    return layers.facet(
        facet=alt.Facet("rule:N", title=None, sort=[d.rule for d in found.divisions]), columns=2
    ).properties(title=f"How each rule divides the whole: {found.source}")
