"""A deterministic engine without a model: for tests, dry runs and null baselines, never for a result.

`ScriptedEngine` answers from a callable; `Babbler` is a callable that answers anything from the ticket's own seed, so
every parser meets empty, garbled, fenced and overlong text. The manifest of a run on it says `scripted: true`, and
the report marks every number of such a run.
"""

from __future__ import annotations

import heapq
import math
import random
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import orjson

from agents.requests import Generate, Reply, Result, Score, Scores
from agents.scoring import permutations
from sim.engines.base import EngineDied, Finished, Ticket, Usage
from sim.engines.schemas import smallest_valid

Answerer = Callable[[Ticket], Result | str | dict[str, float]]


class ScriptedEngine:
    """Answer every ticket from a callable or an iterable of texts.

    answer: called with the ticket; returns a text, a mapping option -> probability, or a whole result.
    latency_s: how long each answer takes on the wall clock. max_in_flight: how many are answered side by side;
    None is all. die_after: raise EngineDied after this many answers (tests of crash and resume).
    """

    def __init__(
        self,
        answer: Answerer | Iterable[str],
        *,
        latency_s: float = 0.0,
        max_in_flight: int | None = None,
        die_after: int | None = None,
    ) -> None:
        if callable(answer):
            self._answer: Answerer = answer
        else:
            texts = iter(answer)
            self._answer = lambda _: next(texts)
        self._latency_s = latency_s
        self._max = max_in_flight
        self._die_after = die_after
        self._queue: deque[Ticket] = deque()
        self._due: list[tuple[float, int, Ticket]] = []
        self._count = 0
        self.num_answered = 0

    def submit(self, tickets: Sequence[Ticket]) -> None:
        """Take tickets."""
        self._queue.extend(tickets)

    def poll(self) -> list[Finished]:
        """Answer what is due; with latency, sleep until the first is."""
        if self._die_after is not None and self.num_answered >= self._die_after:
            raise EngineDied(f"the scripted engine was told to die after {self._die_after} answers")
        if not self._latency_s:
            num = len(self._queue) if self._max is None else min(self._max, len(self._queue))
            return [self._finish(self._queue.popleft()) for _ in range(num)]
        now = time.monotonic()
        while self._queue and (self._max is None or len(self._due) < self._max):
            heapq.heappush(self._due, (now + self._latency_s, self._count, self._queue.popleft()))
            self._count += 1
        if self._due and self._due[0][0] > now:
            time.sleep(self._due[0][0] - now)
            now = time.monotonic()
        out = []
        while self._due and self._due[0][0] <= now:
            out.append(self._finish(heapq.heappop(self._due)[2]))
        return out

    def _finish(self, ticket: Ticket) -> Finished:
        self.num_answered += 1
        result = as_result(ticket, self._answer(ticket))
        prompt = sum(len(m.content) for m in ticket.request.messages) // 4
        output = len(result.text) // 4 if isinstance(result, Reply) else 1
        return Finished(ticket, result, Usage(num_prompt=prompt, num_output=output))

    def facts(self) -> dict[str, Any]:
        """Say plainly that nothing here is a model's."""
        return {"engine": "scripted", "scripted": True}

    def close(self) -> None:
        """Nothing to give back."""


def as_result(ticket: Ticket, answer: Result | str | dict[str, float]) -> Result:
    """Turn a text or option probabilities into the result of this ticket's request."""
    request = ticket.request
    if isinstance(answer, Reply | Scores):
        return answer
    if isinstance(request, Generate):
        text = answer if isinstance(answer, str) else orjson.dumps(answer).decode()
        return Reply(text=text, identity=ticket.key, num_tokens=max(1, len(text) // 4))
    if isinstance(answer, str):
        answer = {option: float(option == answer) for option in request.options}
    row = tuple(math.log(max(answer.get(option, 0.0), 1e-12)) for option in request.options)
    num_orders = len(permutations(len(request.options), request.orders))
    return Scores(
        options=request.options,
        logp=(row,) * num_orders,
        identity=ticket.key,
        num_tokens=(1,) * len(request.options),
        mode=request.mode.value,
    )


class Babbler:
    """Answer anything from the ticket's seed: plausible words, and a given share of unusable replies.

    garbage: share of replies that are empty, garbled or beside the point. Constrained requests get valid text
    unless garbage strikes.
    """

    WORDS = tuple(
        "the council asks neighbours whether water schools roads trust risk harm help mayor doctor farmer teacher "
        "agrees refuses walks speaks shares waits warns offers plans market bridge letter vote money time child "
        "safety law fair open quiet".split()
    )

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
