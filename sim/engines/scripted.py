"""A deterministic engine without a model: for tests, dry runs and null baselines, never for a result.

`ScriptedEngine` answers from a callable or from texts; opened from a config, it babbles (see `babbler`). The manifest
of a run on it says `scripted: true`, and the report marks every number of such a run.
"""

from __future__ import annotations

import heapq
import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import orjson
from pydantic import ConfigDict, Field

from agents.requests import Generate, Reply, Result, Scores
from agents.scoring import permutations
from sim.engines.babbler import Babbler
from sim.engines.base import EngineDied, Finished, Ticket, Usage
from sim.engines.kind import EngineKind, EngineSetting

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

    def withdraw(self) -> int:
        """Every ticket comes back by itself."""
        return 0

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


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptedConfig:
    """The `engine` section for `name: scripted`: seeded babble, never a result."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    garbage: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Share of replies that are empty, garbled or beside the point."""
    latency_s: Annotated[float, Field(ge=0)] = 0.0
    """How long each answer takes."""
    num_words: Annotated[int, Field(ge=3)] = 12
    """Longest sentence in words."""


def open_engine(config: ScriptedConfig, setting: EngineSetting) -> ScriptedEngine:
    """Open the babbling engine."""
    return ScriptedEngine(Babbler(garbage=config.garbage, num_words=config.num_words), latency_s=config.latency_s)


kind = EngineKind(name="scripted", config=ScriptedConfig, open=open_engine, needs_model=False)
