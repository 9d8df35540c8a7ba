"""Learning: the briefing is read, witnesses are called, citizens ask, everybody chooses the questions, and witnesses
answer from the briefing. Who is heard, and what they say unasked, stands in `hearing.py`.
"""

from __future__ import annotations

from agents.requests import Script
from societies.assembly import parsing
from societies.assembly.clerk import Clerk, first
from societies.assembly.hall import Hall, Testimony
from societies.assembly.phases.guardian import guard
from societies.assembly.phases.hearing import YES_NO, cross_examine, summon
from societies.assembly.phases.testimony import testify
from societies.assembly.records import Citizen, Witness


def learn(clerk: Clerk, hall: Hall) -> Script[None]:
    """Write the briefing down and hear the witnesses. The arm without evidence has neither."""
    for one in clerk.evidence:
        yield clerk.event(
            "evidence",
            evidence=one.evidence_id,
            claim=one.claim,
            source=one.source,
            stance=one.stance,
            planted=one.planted,
        )
    yield from summon(clerk, hall)
    for number, witness in enumerate(hall.bench):
        answers = yield from _hear(clerk, hall, witness, number)
        yield from cross_examine(clerk, hall, witness, answers)
    yield from guard(clerk, hall, "hearing", call=True)


def _hear(clerk: Clerk, hall: Hall, witness: Witness, number: int) -> Script[list[Testimony]]:
    asked = yield from _questions(clerk, hall, witness)
    chosen = yield from _chosen(clerk, hall, witness, asked)
    answers = yield from clerk.hear_all(
        [
            (
                f"answer-{number}-{k}",
                clerk.text(
                    "witness.v1",
                    clerk.view(witness=witness.name, role=witness.role, stance=witness.stance, asked=text),
                    policy=clerk.policy("witness"),
                    max_tokens=clerk.config.max_tokens.turn,
                ),
                parsing.said,
            )
            for k, (_, text, _) in enumerate(chosen)
        ]
    )
    before = len(hall.testimony)
    for k, ((citizen, text, support), answer) in enumerate(zip(chosen, answers, strict=True)):
        if answer.value is None:
            yield clerk.degrade("witness", f"{witness.name} gave no usable answer to question {k}")
            continue
        yield testify(
            clerk,
            hall,
            witness,
            answer_id=f"W{number}.{k}",
            kind="answer",
            replies_to="",
            question=text,
            asker=citizen.citizen_id,
            support=support,
            answer=answer.value,
            identity=answer.identities[-1],
        )
    return hall.testimony[before:]


def _questions(clerk: Clerk, hall: Hall, witness: Witness) -> Script[list[tuple[Citizen, str]]]:
    answers = yield from clerk.hear_all(
        [
            (
                f"question-{witness.name}-{citizen.citizen_id}",
                clerk.of(
                    citizen,
                    "ask_witness.v1",
                    max_tokens=clerk.config.max_tokens.note,
                    one_line=True,
                    witness=witness.name,
                    role=witness.role,
                ),
                parsing.sentence,
            )
            for citizen in hall.citizens
        ]
    )
    pairs = zip(hall.citizens, answers, strict=True)
    return list({answer.value: (citizen, answer.value) for citizen, answer in pairs if answer.value}.values())


def _chosen(
    clerk: Clerk, hall: Hall, witness: Witness, asked: list[tuple[Citizen, str]]
) -> Script[list[tuple[Citizen, str, float]]]:
    """Let a jury of citizens, drawn by lot, say which answers would help; keep the most wanted."""
    size = min(clerk.config.question_jury, len(hall.citizens))
    drawn = clerk.rng("question jury", witness.name).choice(len(hall.citizens), size=size, replace=False)
    jury = [hall.citizens[k] for k in sorted(drawn)]
    cells = [(k, citizen) for k in range(len(asked)) for citizen in jury]
    found = yield from clerk.weigh(
        [clerk.poll(citizen, "want_answer.v2", YES_NO, asked=asked[k][1]) for k, citizen in cells]
    )
    support = [0.0] * len(asked)
    for (k, _), scores in zip(cells, found, strict=True):
        support[k] += first(scores) / len(jury)
    order = sorted(range(len(asked)), key=lambda k: (-support[k], k))[: clerk.config.num_questions]
    return [(asked[k][0], asked[k][1], support[k]) for k in order]
