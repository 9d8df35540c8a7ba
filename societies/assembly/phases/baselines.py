"""Texts that no assembly made, put before the same citizens: what deliberation has to beat.

A single model's statement (nobody was heard), a draft drawn by lot, and the side that the first survey favoured.
"""

from __future__ import annotations

from agents.requests import Script
from societies.assembly import parsing
from societies.assembly.clerk import Clerk, distribution, expected
from societies.assembly.hall import Hall
from societies.assembly.phases.caucus import statement_event
from societies.assembly.phases.survey import LEVELS
from societies.assembly.records import Statement

VOTE = "baselines"


def stand_beside(clerk: Clerk, hall: Hall) -> Script[None]:
    """Collect the three texts and let everybody say how far they could sign each, as in the deciding vote."""
    if clerk.arm != "full" or not clerk.config.baselines:
        return
    texts = yield from _texts(clerk, hall)
    levels = LEVELS[clerk.config.scale]
    cells = [(one, citizen) for one in texts for citizen in hall.citizens]
    found = yield from clerk.weigh(
        [
            clerk.poll(citizen, "endorse.v2", levels, statement=one.text, opinion=citizen.opinion, briefing=[])
            for one, citizen in cells
        ]
    )
    for (one, citizen), scores in zip(cells, found, strict=True):
        yield clerk.event(
            "ballots",
            citizen=citizen.citizen_id,
            vote=VOTE,
            kind="baseline",
            item=one.statement_id,
            value=expected(scores),
            dist=distribution(scores),
            weight=citizen.weight,
            identity=scores.identity,
        )


def _texts(clerk: Clerk, hall: Hall) -> Script[list[Statement]]:
    request = clerk.text(
        "solo.v1",
        clerk.view() | {"briefing": []},
        policy=clerk.policy("drafter"),
        max_tokens=clerk.config.max_tokens.statement,
    )
    (answer,) = yield from clerk.hear_all([("solo", request, parsing.statement)])
    found = []
    if answer.value is None:
        yield clerk.degrade("baseline", "the single model wrote no usable statement")
    else:
        found.append(_text("single", answer.value, "drafter", identity=answer.identities[-1]))
    others = [one for one in hall.tallies[0].statements if one is not hall.winner]
    if others:
        drawn = others[int(clerk.rng("baseline").integers(len(others)))]
        found.append(_text("lot", drawn.text, drawn.author, parents=(drawn.statement_id,), identity=drawn.identity))
    assert hall.before is not None
    first, second = hall.before.mean(axis=0)
    side = clerk.question.affirming if first >= second else clerk.question.negating
    found.append(_text("survey", side, "agenda"))
    for one in found:
        yield statement_event(clerk, one)
    return found


def _text(name: str, text: str, author: str, *, parents: tuple[str, ...] = (), identity: str = "") -> Statement:
    return Statement(
        statement_id=f"B.{name}", text=text, author=author, kind="baseline", parents=parents, identity=identity
    )
