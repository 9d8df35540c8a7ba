"""Judges read the talk when all is over: the quality of every speech on the scales of `dqi.py`; nobody hears of it."""

from __future__ import annotations

from agents.asking import Unusable
from agents.requests import Script, json_constraint
from societies.assembly.clerk import Clerk
from societies.assembly.dqi import RUBRIC, Judged, answer_schema, instructions, read_answer, total
from societies.assembly.hall import Hall
from societies.assembly.records import Turn

FORM = json_constraint(answer_schema())
NUM_TOKENS = 160
"""Thirteen names with an integer each."""
NUM_BEFORE = 4
"""Speeches of the table that a judge reads before the one in question."""


def judge_talk(clerk: Clerk, hall: Hall) -> Script[None]:
    """Have every speech judged by each judge. A reply that cannot be read is written down and counts nowhere."""
    turns = list(hall.turns.values())
    if clerk.arm != "full" or not clerk.config.num_judges or not turns:
        return
    asked = [(turn, f"J{judge}") for turn in turns for judge in range(clerk.config.num_judges)]
    answers = yield from clerk.hear_all(
        [
            (
                f"judge-{turn.turn_id}-{judge}",
                clerk.text(
                    "dqi.v1",
                    clerk.view(
                        turns=_before(turns, turn), speaker=turn.name, speech=turn.text, rubric=instructions(RUBRIC)
                    ),
                    policy=clerk.policy("judge"),
                    max_tokens=NUM_TOKENS,
                    constraint=FORM,
                ),
                _codes,
            )
            for turn, judge in asked
        ]
    )
    given: dict[str, list[float]] = {}
    for (turn, judge), answer in zip(asked, answers, strict=True):
        codes = answer.value or {}
        score = total(Judged(turn=turn.turn_id, judge=judge, codes=codes)) if codes else float("nan")
        if codes:
            given.setdefault(turn.turn_id, []).append(score)
        yield clerk.event(
            "quality",
            turn=turn.turn_id,
            judge=judge,
            scales=list(codes),
            codes=list(codes.values()),
            total=score,
            why="" if codes else "no judgement could be read",
            identity=answer.identities[-1],
        )
    hall.quality.update({turn: sum(scores) / len(scores) for turn, scores in given.items()})


def _codes(reply: str) -> dict[str, int]:
    found = read_answer(reply, turn="", judge="")
    if not isinstance(found, Judged):
        raise Unusable(found.why)
    return dict(found.codes)


def _before(turns: list[Turn], turn: Turn) -> list[dict[str, str]]:
    same = [one for one in turns if (one.round_, one.table) == (turn.round_, turn.table)]
    earlier = same[: same.index(turn)][-NUM_BEFORE:]
    return [{"id": one.turn_id, "name": one.name, "text": one.text} for one in earlier]
