"""Yes-or-no votes on proposals: what passes, by how much, how surely, and what delegates and chambers did."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from dashboards.rows import percent
from dashboards.terminal import Section
from societies.assembly.rules import Proposals, Ruling, Terms, rulings


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ProposalFindings:
    """Everything the tool says about a vote on proposals."""

    source: str
    cast: Proposals
    terms: Terms
    rulings: tuple[Ruling, ...]
    num_resamples: int


def decided(source: str, cast: Proposals, terms: Terms, *, num_resamples: int, seed: int) -> ProposalFindings:
    """Return what passes under the terms."""
    found = rulings(cast, terms, num_resamples=num_resamples, seed=seed)
    return ProposalFindings(source=source, cast=cast, terms=terms, rulings=found, num_resamples=num_resamples)


def proposal_sections(found: ProposalFindings) -> list[Section]:
    """Return the tables of the report."""
    terms, cast = found.terms, found.cast
    more = "more than" if terms.strict else "at least"
    lines = [
        f"{len(cast.weights)} voters on {len(cast.names)} proposals. To pass: {more} {percent(terms.majority)} of yes "
        f"and no" + (f", {percent(terms.quorum)} of the eligible voting" if terms.quorum else "") + "."
    ]
    if terms.veto is not None:
        lines.append(f"A no by {percent(terms.veto)} of the eligible is a veto.")
    parts = [
        Section(title=f"Vote: {found.source}", lines=tuple(lines)),
        Section(
            title="Proposals",
            columns=(
                "proposal",
                "result",
                "yes",
                "no",
                "abstain",
                "share",
                "95 % interval",
                "turnout",
                "P(pass)",
                "why",
            ),
            rows=tuple(_row(one) for one in found.rulings),
            right=(2, 3, 4, 5, 6, 7, 8),
            notes=(
                f"P(pass), interval: bootstrap over {found.num_resamples} resamples of the voters"
                + (" within chambers." if cast.chambers else ".")
                if found.num_resamples
                else "P(pass): the bootstrap was left out.",
            ),
        ),
        _chambers(found),
        _delegation(found),
    ]
    return [part for part in parts if part.lines or part.rows]


def _row(one: Ruling) -> tuple[str, ...]:
    share = one.share
    band = "-" if math.isnan(share.lo) else f"{percent(share.lo)} to {percent(share.hi)}"
    return (
        one.name,
        "passes" if one.passage.passed else "fails",
        *(f"{weight:g}" for weight in (one.yes, one.no, one.abstain)),
        "-" if math.isnan(share.point) else percent(share.point),
        band,
        percent(one.passage.turnout),
        "-" if math.isnan(one.chance) else f"{one.chance:.3f}",
        one.passage.reason,
    )


def _chambers(found: ProposalFindings) -> Section:
    rows = tuple(
        (
            one.name,
            name,
            "passes" if part.passed else "refuses",
            percent(part.share),
            percent(part.turnout),
            part.reason,
        )
        for one in found.rulings
        for name, part in one.chambers
    )
    columns = ("proposal", "chamber", "says", "yes", "turnout", "why")
    return Section(title="Chambers, the first one first", columns=columns, rows=rows, right=(3, 4))


def _delegation(found: ProposalFindings) -> Section:
    if found.cast.delegates is None:
        return Section(title="Delegation")
    rows = tuple((one.name, f"{one.delegated:g}", f"{one.lost:g}") for one in found.rulings)
    return Section(
        title="Delegation",
        columns=("proposal", "cast by delegates", "lost"),
        rows=rows,
        right=(1, 2),
        notes=("lost: delegations that go round in a circle, or end with somebody who does not vote.",),
    )


def plain_proposals(found: ProposalFindings) -> dict[str, Any]:
    """Return what --json prints."""
    return {
        "source": found.source,
        "kind": "yesno",
        "num_voters": int(np.size(found.cast.weights)),
        "num_resamples": found.num_resamples,
        "proposals": [
            {
                "name": one.name,
                "passed": one.passage.passed,
                "reason": one.passage.reason,
                "yes": one.yes,
                "no": one.no,
                "abstain": one.abstain,
                "share": _number(one.share.point),
                "interval": [_number(one.share.lo), _number(one.share.hi)],
                "turnout": one.passage.turnout,
                "chance": _number(one.chance),
                "delegated": one.delegated,
                "lost": one.lost,
                "chambers": {name: part.passed for name, part in one.chambers},
            }
            for one in found.rulings
        ],
    }


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value
