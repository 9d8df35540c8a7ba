"""An engine with people in it: requests of the policy `human` go to the desk, all others to the engine inside.

Where a person does not answer in time, the base policy answers for the seat, and that is written down.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from agents.requests import HUMAN
from sim.desk import Question, answered, ask
from sim.engines.base import Engine, Finished, Ticket

log = logging.getLogger(__name__)
LOOK_EVERY_S = 0.2


def is_human(policy: str) -> bool:
    """Return whether a person answers for this policy: "human", or "human:SEAT"."""
    return policy == HUMAN or policy.startswith(f"{HUMAN}:")


class Seated:
    """The engine inside, and a desk. minutes: how long a person is waited for; None is for ever."""

    def __init__(
        self,
        inner: Engine,
        folder: Path,
        *,
        minutes: float | None = None,
        absent: Callable[[str], None] = lambda line: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._inner = inner
        self._folder = folder
        self._minutes = minutes
        self._absent = absent
        self._clock = clock
        self._waiting: dict[str, tuple[Ticket, Question]] = {}
        self._stand_ins: dict[str, Ticket] = {}
        self._num_inside = 0
        self._looked = 0.0

    def submit(self, tickets: Sequence[Ticket]) -> None:
        """Take tickets; those for people become questions at once."""
        inside = []
        for ticket in tickets:
            if is_human(ticket.request.policy):
                self._put(ticket)
            else:
                inside.append(ticket)
        if inside:
            self._num_inside += len(inside)
            self._inner.submit(inside)

    def poll(self) -> list[Finished]:
        """Return what the engine finished and what people answered."""
        done = [self._own(one) for one in self._inner.poll()] if self._num_inside else []
        if self._waiting and (not self._num_inside or self._clock() - self._looked > LOOK_EVERY_S):
            if not self._num_inside:
                time.sleep(LOOK_EVERY_S)
            self._looked = self._clock()
            done += self._look()
        return done

    def withdraw(self) -> int:
        """Give up waiting for people (the run stops); return how many tickets will not come back."""
        num, self._waiting = len(self._waiting), {}
        inside = self._inner.withdraw()
        self._num_inside -= inside
        return num + inside

    def facts(self) -> dict[str, Any]:
        """Return the inner engine's facts."""
        return self._inner.facts()

    def close(self) -> None:
        """Close the inner engine."""
        self._inner.close()

    def _put(self, ticket: Ticket) -> None:
        seat = ticket.request.policy.partition(":")[2] or "seat"
        until = 0.0 if self._minutes is None else self._clock() + 60 * self._minutes
        question = ask(self._folder, seat, ticket.key, ticket.request, until=until)
        self._waiting[question.number] = (ticket, question)

    def _look(self) -> list[Finished]:
        done = []
        for question, result in answered(self._folder, [question for _, question in self._waiting.values()]):
            ticket, _ = self._waiting.pop(question.number)
            done.append(Finished(ticket, result))
        now = self._clock()
        for number, (ticket, question) in list(self._waiting.items()):
            if question.until and now > question.until:
                del self._waiting[number]
                self._stand_in(ticket, question)
        return done

    def _stand_in(self, ticket: Ticket, question: Question) -> None:
        self._absent(f"seat {question.seat} did not answer {question.key} in time; the base policy answered")
        log.warning("seat %s did not answer %s in time", question.seat, question.key)
        inner = Ticket(replace(ticket.request, policy="base"), ticket.path, ticket.ordinal, ticket.run_seed)
        self._stand_ins[inner.key] = ticket
        self._num_inside += 1
        self._inner.submit([inner])

    def _own(self, finished: Finished) -> Finished:
        self._num_inside -= 1
        ticket = self._stand_ins.pop(finished.ticket.key, None)
        if ticket is None:
            return finished
        return Finished(ticket, finished.result, finished.usage, finished.error)
