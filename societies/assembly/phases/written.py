"""The written round: statements by citizens, votes by everybody who saw them, and the groups that show.

The procedure is Polis': agree, disagree or pass, one statement at a time. Source: Small et al. 2021, Polis: Scaling
Deliberation by Mapping High Dimensional Opinion Spaces; the mathematics is in `societies.assembly.polis`.
"""

from __future__ import annotations

import numpy as np

from agents.requests import Script
from societies.assembly import parsing
from societies.assembly.clerk import Clerk, distribution
from societies.assembly.hall import Hall
from societies.assembly.phases.caucus import statement_event
from societies.assembly.polis import find_groups, find_space, positions
from societies.assembly.records import Statement

CHOICES = ("agree", "disagree", "pass")
VALUES = {"agree": 1.0, "disagree": -1.0, "pass": 0.0}
FEWEST = 4
"""Citizens and statements from which opinion groups are looked for."""


def write_round(clerk: Clerk, hall: Hall) -> Script[None]:
    """Collect up to `written` statements, the two positions of the question among them, and let everybody vote."""
    num = clerk.config.written
    if not num:
        return
    statements = [
        Statement(statement_id=f"P{k}", text=text, author="agenda", kind="written")
        for k, text in enumerate((clerk.question.affirming, clerk.question.negating))
    ][:num]
    authors = [hall.citizens[n] for n in clerk.rng("written").permutation(len(hall.citizens))][: num - len(statements)]
    answers = yield from clerk.hear_all(
        [
            (
                f"written-{citizen.citizen_id}",
                clerk.of(citizen, "statement.v1", max_tokens=clerk.config.max_tokens.clause, one_line=True),
                parsing.sentence,
            )
            for citizen in authors
        ]
    )
    seen = {one.text for one in statements}
    for citizen, answer in zip(authors, answers, strict=True):
        if answer.value is None or answer.value in seen:
            yield clerk.degrade("written", f"{citizen.citizen_id} wrote nothing usable or what is there already")
            continue
        seen.add(answer.value)
        statements.append(
            Statement(
                statement_id=f"P{len(statements)}",
                text=answer.value,
                author=citizen.citizen_id,
                kind="written",
                identity=answer.identities[-1],
            )
        )
    for one in statements:
        hall.statements[one.statement_id] = one
        yield statement_event(clerk, one)
    yield from _vote(clerk, hall, statements)


def _vote(clerk: Clerk, hall: Hall, statements: list[Statement]) -> Script[None]:
    cells = [(one, citizen) for one in statements for citizen in hall.citizens]
    found = yield from clerk.weigh(
        [clerk.poll(citizen, "statement_vote.v2", CHOICES, statement=one.text, briefing=[]) for one, citizen in cells]
    )
    values = np.zeros((len(hall.citizens), len(statements)))
    for k, ((one, citizen), scores) in enumerate(zip(cells, found, strict=True)):
        shares = distribution(scores)
        choice = CHOICES[max(range(3), key=lambda place: (shares[place], -place))]
        values[k % len(hall.citizens), k // len(hall.citizens)] = VALUES[choice]
        yield clerk.event(
            "ballots",
            citizen=citizen.citizen_id,
            vote="written",
            kind=choice,
            item=one.statement_id,
            value=VALUES[choice],
            dist=shares,
            weight=citizen.weight,
            identity=scores.identity,
        )
    if min(values.shape) >= FEWEST:
        labels = find_groups(positions(values, find_space(values))).labels
        hall.camps = {citizen.citizen_id: str(label + 1) for citizen, label in zip(hall.citizens, labels, strict=True)}
    for name, camp in hall.camps.items():
        yield clerk.event("camps", citizen=name, camp=camp)
