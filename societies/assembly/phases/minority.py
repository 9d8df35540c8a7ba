"""Minority reports: a coalition that lost a vote on an adopted clause writes what should stand there, and signs it.

A report is drafted where those who voted no are the share `minority` of the citizens, or n / k of them (k: clauses of
the text), or most of an opinion group of the written round. Its author is whoever opposed the clause most; the others
who voted no are each asked, alone, whether they sign. Only signers carry it: a report whose signers are none of the
three lapses, and is kept as such.
"""

from __future__ import annotations

import numpy as np

from agents.requests import Script
from societies.assembly import parsing
from societies.assembly.clauses import ClauseVote
from societies.assembly.clerk import Clerk, first
from societies.assembly.coalitions import Claim, claim_of
from societies.assembly.hall import Hall
from societies.assembly.phases.motions import YES_NO, opponents
from societies.assembly.records import Citizen


def dissent(clerk: Clerk, hall: Hall) -> Script[None]:
    """Let every coalition that is large enough write its report and sign it."""
    asked: list[tuple[ClauseVote, list[Citizen]]] = []
    for vote in hall.passed:
        if vote.counts["no"] and _claim(clerk, hall, opponents(hall, vote)).stands:
            asked.append((vote, opponents(hall, vote)))
    answers = yield from clerk.hear_all(
        [
            (
                f"dissent-{vote.clause.statement_id}",
                clerk.of(
                    coalition[0],
                    "dissent.v1",
                    max_tokens=clerk.config.max_tokens.clause,
                    clause=vote.clause.text,
                    num=len(coalition) - 1,
                    opinion=coalition[0].opinion,
                ),
                parsing.said,
            )
            for vote, coalition in asked
        ]
    )
    reports = []
    for (vote, coalition), answer in zip(asked, answers, strict=True):
        if answer.value is None:
            yield clerk.degrade("dissent", f"{coalition[0].citizen_id} wrote no usable report")
        else:
            reports.append((vote, coalition, answer.value, answer.identities[-1]))
    signers = yield from _signatures(clerk, [(vote, coalition, text) for vote, coalition, text, _ in reports])
    for (vote, coalition, text, identity), signed in zip(reports, signers, strict=True):
        claim = _claim(clerk, hall, signed)
        if claim.stands:
            hall.dissents[vote.clause.statement_id] = text
        yield clerk.event(
            "dissents",
            clause=vote.clause.statement_id,
            author=coalition[0].citizen_id,
            text=text,
            coalition=[citizen.citizen_id for citizen in coalition],
            share=len(coalition) / len(hall.citizens),
            signers=[citizen.citizen_id for citizen in signed],
            signed=len(signed) / len(hall.citizens),
            quota=claim.quota,
            entitled=claim.entitled,
            grounds=_grounds(claim),
            status="published" if claim.stands else "lapsed",
            identity=identity,
        )


def _claim(clerk: Clerk, hall: Hall, coalition: list[Citizen]) -> Claim:
    names = {citizen.citizen_id for citizen in coalition}
    members = np.array([citizen.citizen_id in names for citizen in hall.citizens])
    groups = [hall.camps[citizen.citizen_id] for citizen in hall.citizens] if hall.camps else []
    return claim_of(members, len(hall.passed), clerk.config.minority, groups)


def _grounds(claim: Claim) -> list[str]:
    named = (("n/k", claim.entitled), ("share", claim.by_share))
    return [name for name, holds in named if holds] + [f"group {name}" for name in claim.groups]


def _signatures(clerk: Clerk, reports: list[tuple[ClauseVote, list[Citizen], str]]) -> Script[list[list[Citizen]]]:
    """Ask everybody in each coalition but the author, and return who signs, the author first."""
    cells = [(k, citizen) for k, (_, coalition, _) in enumerate(reports) for citizen in coalition[1:]]
    found = yield from clerk.weigh(
        [
            clerk.poll(
                citizen,
                "sign.v1",
                YES_NO,
                clause=reports[k][0].clause.text,
                dissent=reports[k][2],
                opinion=citizen.opinion,
                briefing=[],
            )
            for k, citizen in cells
        ]
    )
    signers = [[coalition[0]] for _, coalition, _ in reports]
    for (k, citizen), scores in zip(cells, found, strict=True):
        share = first(scores)
        if share >= 0.5:
            signers[k].append(citizen)
        yield clerk.event(
            "ballots",
            citizen=citizen.citizen_id,
            vote="signatures",
            kind="sign" if share >= 0.5 else "decline",
            item=reports[k][0].clause.statement_id,
            value=share,
            dist=[share, 1 - share],
            weight=citizen.weight,
            identity=scores.identity,
        )
    return signers
