"""Responders for the value vector whose result is known: they show that order is undone once, and only once.

The content-only responder has p1 = 1 on every item; the position-only one has 1/2 (two actions) or 1/4 (four). An
evaluator that undoes the order twice, or not at all, gives them each other's values.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from agents.instruments.oracles import Responder, always_first
from agents.instruments.types import Item
from agents.instruments.value_vector.forms import COMPARE, prompt_of
from agents.prompts import inline
from agents.requests import Reply, Request, Result, Score, Scores
from agents.scoring import canonical, permutations


def content_only(items: Sequence[Item], *, action: int = 0) -> Responder:
    """Return a responder that takes this action of every item for what it says, wherever and however it is named.

    action: its place in the item. Probabilities are exactly 1 and 0.
    """
    wanted = {(inline(item.text), inline(item.options[action])) for item in items}

    def respond(request: Request) -> Result:
        if not isinstance(request, Score):
            return Reply(text="", num_tokens=0)
        question, *rest = request.messages[-1].content.splitlines()
        if request.purpose.endswith(prompt_of(COMPARE)):
            taken = 0 if (question, rest[0].removeprefix("Action one: ")) in wanted else 1
        else:
            taken = next(k for k, option in enumerate(request.options) if (question, inline(option)) in wanted)
        rows = []
        for order in permutations(len(request.options), request.orders):
            slots = [0.0 if option == taken else -math.inf for option in order]
            rows.append(canonical(slots, order))
        ones = tuple(1 for _ in request.options)
        return Scores(options=request.options, logp=tuple(rows), num_tokens=ones, mode=request.mode.value)

    return respond


def position_only() -> Responder:
    """Return a responder that takes whatever is named or listed first, and answers Yes to any comparison."""
    return always_first()
