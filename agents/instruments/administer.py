"""Put an instrument to subjects, as one script: for personas in a society, and for anything with listed options.

The loop streams `instrument.scripts` instead, so that a window bounds what is live; here everything is forked at once
and joined, which suits a panel of personas inside a society's own script.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from agents.instruments.arrays import to_response
from agents.instruments.replies import of_scores, reading
from agents.instruments.types import Admin, Instrument, Item, Mode, Readings, Response, Subject
from agents.prompts import defuse
from agents.requests import Fork, Message, Orders, Score, ScoreMode, Scores, Script

LIST = "list"
DEFAULT_ADMIN = Admin()


def administer(subjects: Sequence[Subject], instrument: Instrument, admin: Admin = DEFAULT_ADMIN) -> Script[Response]:
    """Ask every subject every item that has options, and return the answers in canonical option order.

    Requests are grouped by subject, whose prefix the cache then serves. Raises ValueError for equal subject names or
    an instrument without options: its own scripts know what to ask.
    """
    if len({subject.name for subject in subjects}) < len(subjects):
        raise ValueError("subjects need different names")
    items = [item for item in instrument.items if item.options]
    if not items:
        raise ValueError(f"{instrument.name} has no item with options; use administer_all")
    children = [(subject.name, _ask_subject(subject, items, instrument, admin)) for subject in subjects]
    found: list[Readings] = yield Fork(tuple(children))
    readings = [one for group in found for one in group]
    return to_response(readings, form=LIST, subjects=[s.name for s in subjects], items=[i.id for i in items])


def administer_all(subjects: Sequence[Subject], instrument: Instrument) -> Script[list[Readings]]:
    """Play the instrument's own scripts for every subject, and return what `instrument.score` takes."""
    children = [pair for subject in subjects for pair in instrument.scripts(subject)]
    found: list[Readings] = yield Fork(tuple(children))
    return found


def option_request(subject: Subject, item: Item, admin: Admin, *, purpose: str) -> Score:
    """Return the `Score` of one item by one subject: what it reads before, the question, the options last."""
    return Score(
        messages=(*subject.prefix, Message("user", defuse(item.text))),
        options=item.options,
        purpose=purpose,
        policy=subject.policy,
        orders=admin.orders if admin.mode == "letter" else Orders.GIVEN,
        mode=ScoreMode.LETTER if admin.mode == "letter" else ScoreMode.CONTINUATION,
        stub=admin.stub if admin.mode == "letter" else "",
    )


def _ask_subject(subject: Subject, items: Sequence[Item], instrument: Instrument, admin: Admin) -> Script[Readings]:
    purpose = f"instruments/{instrument.name}"
    answers: list[Scores] = yield [option_request(subject, item, admin, purpose=purpose) for item in items]
    return [
        reading(
            item,
            subject,
            instrument=instrument.name,
            version=instrument.version,
            form=LIST,
            mode=Mode.LETTER if scores.mode == ScoreMode.LETTER.value else Mode.CONTINUATION,
            orders=admin.orders.value,
            forfeit="" if math.isfinite(max(map(max, scores.logp))) else "engine",
            **of_scores(scores),
        )
        for item, scores in zip(items, answers, strict=True)
    ]
