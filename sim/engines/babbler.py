"""A callable that answers any request from its seed, so that every parser meets empty, garbled and fenced text."""

from __future__ import annotations

import random

from agents.requests import Score
from sim.engines.base import Ticket
from sim.engines.schemas import smallest_valid

_TEXT = (
    "the council asks neighbours whether water schools roads trust risk harm help mayor doctor farmer teacher "
    "agrees refuses walks speaks shares waits warns offers plans market bridge letter vote money time child "
    "safety law fair open quiet"
)


class Babbler:
    """Answer anything from the ticket's seed: plausible words, and a given share of unusable replies.

    garbage: share of replies that are empty, garbled or beside the point. Constrained requests get valid text
    unless garbage strikes.
    """

    WORDS = tuple(_TEXT.split())

    def __init__(self, *, garbage: float = 0.0, num_words: int = 12) -> None:
        self.garbage = garbage
        self.num_words = num_words

    def __call__(self, ticket: Ticket) -> str | dict[str, float]:
        """Answer one ticket."""
        rng = random.Random(ticket.seed)
        request = ticket.request
        if isinstance(request, Score):
            weights = [rng.random() + 1e-3 for _ in request.options]
            total = sum(weights) / rng.uniform(0.6, 1.0)
            return {o: w / total for o, w in zip(request.options, weights, strict=True)}
        if rng.random() < self.garbage:
            return rng.choice(["", "   ", "No", "{", '```json\n{"a": 1}\n```', "\u2603" * 40, ">>> <|im_end|>", "[]"])
        if request.constraint is not None:
            if request.constraint.choices:
                return rng.choice(request.constraint.choices)
            if request.constraint.schema:
                return smallest_valid(request.constraint.schema, lambda: self._words(rng, 4))
        return self._words(rng, rng.randint(3, self.num_words)) + "."

    def _words(self, rng: random.Random, num: int) -> str:
        return " ".join(rng.choices(self.WORDS, k=num)).capitalize()
