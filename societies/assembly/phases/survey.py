"""Surveys and quizzes: private, outside every conversation, answered as distributions."""

from __future__ import annotations

import numpy as np

from agents.requests import Script
from societies.assembly.clerk import Clerk, distribution, expected, first
from societies.assembly.hall import Hall

LEVELS = {
    5: ("not at all", "rather not", "partly", "rather yes", "fully"),
    7: (
        "strongly disagree",
        "disagree",
        "rather disagree",
        "neither agree nor disagree",
        "rather agree",
        "agree",
        "strongly agree",
    ),
}
"""Levels of agreement, lowest first."""


def items_of(clerk: Clerk) -> list[tuple[str, str]]:
    """Return (id, statement) of what is surveyed: both sides of the question."""
    return [("affirming", clerk.question.affirming), ("negating", clerk.question.negating)]


def survey_before(round_: int) -> str:
    """Return the survey before a round of tables."""
    return "before" if round_ == 1 else f"round-{round_ - 1}"


def pre_survey(clerk: Clerk, hall: Hall) -> Script[None]:
    """Ask everybody before they have heard anything."""
    hall.before = yield from probe(clerk, hall, "before")
    yield from quiz(clerk, hall, "before")


def post_survey(clerk: Clerk, hall: Hall) -> Script[None]:
    """Ask everybody the same again after the vote."""
    hall.after = yield from probe(clerk, hall, "after")
    yield from quiz(clerk, hall, "after")


def probe(clerk: Clerk, hall: Hall, t: str) -> Script[np.ndarray]:
    """Return expected agreement (citizens, items), 0 to 1, and write every answer down. Nobody else sees it."""
    items = items_of(clerk)
    levels = LEVELS[clerk.config.scale]
    asked = [(citizen, item) for item in items for citizen in hall.citizens]
    found = yield from clerk.weigh(
        [clerk.poll(citizen, "survey.v1", levels, statement=text) for citizen, (_, text) in asked]
    )
    out = np.zeros((len(hall.citizens), len(items)))
    for number, ((citizen, (item, text)), scores) in enumerate(zip(asked, found, strict=True)):
        level = expected(scores)
        out[number % len(hall.citizens), number // len(hall.citizens)] = level
        citizen.levels[f"{t}/{item}"] = level
        yield clerk.event(
            "probes",
            citizen=citizen.citizen_id,
            t=t,
            item=item,
            text=text,
            level=level,
            dist=distribution(scores),
            mass=scores.mass,
            identity=scores.identity,
        )
    return out


def quiz(clerk: Clerk, hall: Hall, t: str) -> Script[None]:
    """Ask the questions of fact, if the agenda has any."""
    asked = [(citizen, item) for item in clerk.question.quiz for citizen in hall.citizens]
    found = yield from clerk.weigh(
        [clerk.poll(citizen, "quiz.v1", item.options, item=item.text) for citizen, item in asked]
    )
    for (citizen, item), scores in zip(asked, found, strict=True):
        yield clerk.event(
            "quiz",
            citizen=citizen.citizen_id,
            t=t,
            item=item.text,
            p_right=first(scores),
            identity=scores.identity,
        )
