"""What witnesses say: asked by the house to open, to answer another, or to be heard; and how all testimony is kept."""

from __future__ import annotations

from collections.abc import Sequence

from agents.requests import Generate, Script
from societies.assembly import parsing
from societies.assembly.clerk import Clerk
from societies.assembly.hall import Hall, Testimony
from societies.assembly.records import Witness


def speak(
    clerk: Clerk, hall: Hall, occasion: str, speakers: Sequence[tuple[str, Witness, Testimony | None]]
) -> Script[None]:
    """Hear witnesses side by side. speakers: (id of what they say, who, what they answer)."""
    answers = yield from clerk.hear_all(
        [
            (f"{occasion}-{answer_id}", _request(clerk, occasion, one, answered), parsing.said)
            for answer_id, one, answered in speakers
        ]
    )
    for (answer_id, one, answered), answer in zip(speakers, answers, strict=True):
        if answer.value is None:
            yield clerk.degrade("witness", f"{one.name} said nothing usable ({occasion})")
            continue
        yield testify(
            clerk,
            hall,
            one,
            answer_id=answer_id,
            kind=occasion,
            replies_to="" if answered is None else answered.answer_id,
            question="",
            asker="",
            support=float("nan"),
            answer=answer.value,
            identity=answer.identities[-1],
        )


def _request(clerk: Clerk, occasion: str, witness: Witness, answered: Testimony | None) -> Generate:
    return clerk.text(
        "testify.v1",
        clerk.view(
            witness=witness.name,
            role=witness.role,
            stance=witness.stance,
            unheard=occasion == "call",
            other="" if answered is None else answered.name,
            speech="" if answered is None else answered.text,
        ),
        policy=clerk.policy("witness"),
        max_tokens=clerk.config.max_tokens.turn,
    )


def testify(clerk: Clerk, hall: Hall, witness: Witness, *, answer_id: str, answer: str, **row: object) -> object:
    """Let everybody hear what a witness said, and return its row."""
    cites = parsing.cited(answer, {one.evidence_id for one in clerk.evidence})
    hall.testimony.append(
        Testimony(answer_id=answer_id, name=witness.name, text=answer, stance=witness.stance, cites=cites)
    )
    for one in hall.citizens:
        one.heard.append(answer_id)
    return clerk.event(
        "testimony",
        answer_id=answer_id,
        witness=witness.name,
        role=witness.role,
        stance=witness.stance,
        answer=answer,
        cites=list(cites),
        **row,
    )
