"""What an assembly hands to trainers: rankings and pairs with every vote, principles with their support, the dialogue.

Votes stay votes: one a citizen with group, so that any rule can count them anew; the soft-panel weight pi / seats
stands in the sample's meta. Chosen comes first in a pair.
"""

from __future__ import annotations

import numpy as np

from agents.prompts import defuse
from agents.requests import Message, Script
from agents.sample import Candidate, Lineage, Sample, Vote
from societies.assembly.clerk import Clerk
from societies.assembly.hall import Hall, Tally
from societies.assembly.records import Statement


def assembly_samples(clerk: Clerk, hall: Hall) -> Script[None]:
    """Write the samples of one arm. The control arms write none: they measure, they do not teach."""
    if clerk.arm != "full":
        return
    for tally in hall.tallies:
        yield _ranking(clerk, hall, tally)
        for number, loser in enumerate(tally.ranking[1 : 1 + clerk.config.pairs]):
            yield _pair(clerk, hall, tally, loser, number)
    for one in hall.adopted:
        yield _principle(clerk, hall, one)


def prompt_of(clerk: Clerk) -> tuple[Message, ...]:
    """Return the question as a user would put it."""
    return (Message("user", defuse(clerk.question.text)),)


def _ranking(clerk: Clerk, hall: Hall, tally: Tally) -> Sample:
    order = list(tally.ranking)
    means = tally.levels.mean(axis=0)
    return Sample(
        sample_id=f"{clerk.assembly}.{tally.vote}.ranking",
        kind="assembly_ranking",
        prompt=prompt_of(clerk),
        candidates=tuple(_candidate(clerk, tally.statements[k], float(means[k])) for k in order),
        votes=_votes(hall, tally.levels[:, order], tally.vote),
        lineage=_lineage(clerk, hall, tally, [tally.statements[k] for k in order]),
        meta=_meta(clerk, hall) | {"vote": tally.vote, "rule": clerk.config.rule},
    )


def _pair(clerk: Clerk, hall: Hall, tally: Tally, loser: int, number: int) -> Sample:
    """Return winner against loser. p_chosen: share of the panel, by soft weight, that puts the winner higher."""
    both = [tally.winner, loser]
    levels = tally.levels[:, both]
    weights = np.array([citizen.weight for citizen in hall.citizens])
    wins = (levels[:, 0] > levels[:, 1]) + 0.5 * (levels[:, 0] == levels[:, 1])
    share = float((weights * wins).sum() / weights.sum())
    statements = [tally.statements[k] for k in both]
    return Sample(
        sample_id=f"{clerk.assembly}.{tally.vote}.pair-{number}",
        kind="assembly_pair",
        prompt=prompt_of(clerk),
        candidates=(
            _candidate(clerk, statements[0], share, role="good"),
            _candidate(clerk, statements[1], 1 - share, role="bad"),
        ),
        votes=_votes(hall, levels, tally.vote),
        lineage=_lineage(clerk, hall, tally, statements),
        meta=_meta(clerk, hall) | {"vote": tally.vote, "rule": clerk.config.rule, "p_chosen": share},
    )


def _principle(clerk: Clerk, hall: Hall, one: Statement) -> Sample:
    return Sample(
        sample_id=f"{clerk.assembly}.{one.statement_id}.principle",
        kind="assembly_principle",
        prompt=prompt_of(clerk),
        candidates=(Candidate(text=one.text, author=one.author, role="good"),),
        lineage=Lineage(
            script=f"{clerk.assembly}.{clerk.arm}",
            requests=tuple(dict.fromkeys(_identities(hall, [one]))),
            prompts=("assembly/draft.v1", "assembly/clause_vote.v1"),
            policies=(clerk.policy("drafter"),),
        ),
        meta=_meta(clerk, hall) | {"clause": one.statement_id},
    )


def _candidate(clerk: Clerk, one: Statement, support: float, role: str = "") -> Candidate:
    author = clerk.policy("drafter") if one.author == "drafter" else one.author
    return Candidate(text=one.text, author=author, role=role, scores={"support": support})


def _votes(hall: Hall, levels: np.ndarray, vote: str) -> tuple[Vote, ...]:
    return tuple(
        Vote(
            voter=citizen.citizen_id,
            group=citizen.group,
            dim="endorse",
            kind="score",
            value=tuple(float(level) for level in row),
            rationale=citizen.notes[-1] if citizen.notes else "",
        )
        for citizen, row in zip(hall.citizens, levels, strict=True)
    )


def _lineage(clerk: Clerk, hall: Hall, tally: Tally, statements: list[Statement]) -> Lineage:
    columns = [tally.statements.index(one) for one in statements]
    ballots = [row[k] for row in tally.identities for k in columns]
    requests = tuple(dict.fromkeys((*_identities(hall, statements), *ballots)))
    citizens = dict.fromkeys(citizen.policy for citizen in hall.citizens)
    return Lineage(
        script=f"{clerk.assembly}.{clerk.arm}",
        requests=requests,
        prompts=("assembly/opinion.v1", "assembly/draft.v1", "assembly/redraft.v1", "assembly/endorse.v1"),
        policies=tuple(dict.fromkeys((clerk.policy("drafter"), *citizens))),
    )


def _identities(hall: Hall, statements: list[Statement]) -> list[str]:
    """Return the requests behind some statements: their own, their parents', and the turns that these had heard."""
    found: list[str] = []
    heard = {citizen.citizen_id: citizen.heard for citizen in hall.citizens}
    pending, seen = list(statements), set()
    while pending:
        one = pending.pop(0)
        if one.statement_id in seen:
            continue
        seen.add(one.statement_id)
        found += [one.identity] if one.identity else []
        found += [hall.turns[turn].identity for turn in heard.get(one.author, ()) if turn in hall.turns]
        pending += [hall.statements[parent] for parent in one.parents if parent in hall.statements]
    return found


def _meta(clerk: Clerk, hall: Hall) -> dict[str, object]:
    return {
        "scene_id": clerk.assembly,
        "assembly": clerk.assembly,
        "arm": clerk.arm,
        "topic": clerk.question.topic,
        "question_id": clerk.question.question_id,
        "num_voters": len(hall.citizens),
        "weights": [citizen.weight for citizen in hall.citizens],
    }
