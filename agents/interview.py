"""Asking a policy questions in a conversation, by itself or as a persona: the prompt, and what of it fits. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from agents.prompts import defuse, render_messages
from agents.requests import Generate, Message, Sampling

PROMPT = "interview.v1"
PURPOSE = f"agents/{PROMPT}"
MAX_PERCEIVED, MAX_THING, MAX_TALK = 4_000, 400, 4_000
"""Characters of what was perceived, of one thing in it, and of the conversation so far that a prompt holds at most."""
SAMPLING = Sampling(max_tokens=200, temperature=0.7)


def interview_request(
    question: str,
    *,
    card: str = "",
    perceived: Sequence[str] = (),
    said: Sequence[tuple[str, str]] = (),
    policy: str = "base",
) -> Generate:
    """Return the request for the answer to a question.

    card: who answers, in plain text; "" is the policy by itself. perceived: the oldest first; the newest are kept.
    said: the questions and answers before this one; the latest are kept. The question and they are chat messages of
    their own, without anything that could pass for a control token.
    """
    kept = newest(perceived, most=MAX_PERCEIVED, each=MAX_THING)
    head = render_messages("agents", PROMPT, card=card, perceived=kept, num_left_out=len(perceived) - len(kept))
    pairs = list(said)
    while sum(len(q) + len(a) for q, a in pairs) > MAX_TALK:
        pairs.pop(0)
    talk = [one for q, a in pairs for one in (Message("user", defuse(q)), Message("assistant", defuse(a)))]
    return Generate(
        messages=(*head, *talk, Message("user", defuse(question))), purpose=PURPOSE, policy=policy, sampling=SAMPLING
    )


def newest(texts: Sequence[str], *, most: int, each: int) -> list[str]:
    """Return the last texts that together have at most `most` characters, in their order, each cut at `each`.

    >>> newest(["aaaa", "bb", "cccc"], most=5, each=3)
    ['bb', 'ccc']
    """
    kept: list[str] = []
    for text in reversed(texts):
        short = text[:each]
        if sum(map(len, kept)) + len(short) > most:
            break
        kept.insert(0, short)
    return kept
