"""Asking a subject for a reply in free words, and writing down what came."""

from __future__ import annotations

import math
from typing import Any

from agents.instruments.types import Item, Reading, Subject
from agents.prompts import defuse
from agents.requests import Cause, Forfeit, Generate, Message, Reply, Sampling, ScoreMode, Scores, Script


def reading(
    item: Item, subject: Subject, *, instrument: str, version: str, form: str, mode: str, **rest: Any
) -> Reading:
    """Return a reading with the columns that item and subject settle."""
    return Reading(
        instrument=instrument,
        version=version,
        item=item.id,
        group=item.group,
        subject=subject.name,
        policy=subject.policy,
        form=form,
        mode=mode,
        weight=subject.weight,
        **rest,
    )


def of_scores(scores: Scores) -> dict[str, Any]:
    """Return the columns of a reading that a `Scores` settles; mass is nan for continuations."""
    letter = scores.mode == ScoreMode.LETTER.value
    return {
        "options": scores.options,
        "logp": scores.logp,
        "num_tokens": scores.num_tokens,
        "mass": scores.mass if letter else math.nan,
        "identity": scores.identity,
    }


def ask_reply(item: Item, subject: Subject, *, policy: str, max_tokens: int, purpose: str) -> Script[Reply | None]:
    """Ask for a greedy reply to the item's text. None, with a forfeit written down, when the reply is empty."""
    request = Generate(
        messages=(*subject.prefix, Message("user", defuse(item.text))),
        purpose=purpose,
        policy=policy,
        sampling=Sampling(max_tokens=max_tokens, temperature=0.0),
    )
    reply: Reply = yield request
    if reply.text.strip():
        return reply
    yield Forfeit(cause=Cause.PARSE, request=request, reply=reply.text, why="the reply is empty", final=True)
    return None
