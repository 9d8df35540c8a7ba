"""Asking until the answer can be used: the one place where a script retries.

A parser is a pure function that returns its value or raises `Unusable`; `ask` retries within a budget, writes every
unusable reply down, and returns None when no usable one came (a forfeit). Nothing the model says can raise past it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from agents.requests import Cause, Forfeit, Generate, Reply, Script

T = TypeVar("T")
RETRY_TEMPERATURE = 0.7


class Unusable(ValueError):
    """Raised by a parser: why this text cannot be used."""

    def __init__(self, why: str, cause: Cause = Cause.PARSE) -> None:
        super().__init__(why)
        self.why = why
        self.cause = cause


def nonempty(text: str) -> str:
    """Return the text without outer whitespace; an empty one is unusable."""
    stripped = text.strip()
    if not stripped:
        raise Unusable("the reply is empty")
    return stripped


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """What `ask` came back with. value is None when the question was forfeited.

    identities: of every request made for it, the used one last.
    """

    value: T | None
    identities: tuple[str, ...]
    text: str = ""


def ask(request: Generate, parse: Callable[[str], T], *, num_retries: int = 2) -> Script[Answer[T]]:
    """Yield the request until `parse` accepts the reply; forfeit after `num_retries` more tries.

    A retry draws afresh (its identity, and so its seed, is new), never greedily.
    """
    identities: list[str] = []
    for tries_left in range(num_retries, -1, -1):
        reply: Reply = yield request
        identities.append(reply.identity)
        try:
            return Answer(parse(reply.text), tuple(identities), reply.text)
        except Unusable as bad:
            yield Forfeit(cause=bad.cause, request=request, reply=reply.text, why=bad.why, final=tries_left == 0)
        warm = max(request.sampling.temperature, RETRY_TEMPERATURE)
        request = replace(request, sampling=replace(request.sampling, temperature=warm))
    return Answer(None, tuple(identities))
