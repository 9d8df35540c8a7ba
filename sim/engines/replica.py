"""One engine in a process of its own: what a Ray actor runs. It knows no Ray, so it is tested without any.

`put` and `take` may be called from two threads. The engine is opened, fed and polled from the one that calls `open`,
`take` and `close`; `put` only hands requests over, so that a full batch never waits for a call to return.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from agents.errors import UserError
from agents.registry import find
from agents.requests import Request, Result
from sim.config import validate
from sim.engines.base import Engine, EngineDied, Ticket, Usage
from sim.engines.kind import EngineKind, EngineSetting

Asked: TypeAlias = tuple[int, Request, str, int, int]
"""(number, request, path, ordinal, run seed): a ticket without its owner, which stays where the scripts are."""
Answered: TypeAlias = tuple[int, Result | None, Usage, str]
"""(number, result, usage, error)."""
Trouble: TypeAlias = tuple[str, str, str]
"""The three parts of a UserError; exceptions themselves do not travel well between processes."""

TAKE_S = 0.2
"""How long `take` waits for something to finish."""
IDLE_S = 0.001


class Replica:
    """An engine of a registered kind, with an inbox."""

    def __init__(self, name: str, section: Mapping[str, Any], setting: EngineSetting) -> None:
        self._name = name
        self._section = dict(section)
        self._setting = setting
        self._engine: Engine | None = None
        self._inbox: deque[list[Asked]] = deque()
        self._arrived = threading.Event()
        self._numbers: dict[str, int] = {}

    def open(self) -> dict[str, Any] | Trouble:
        """Open the engine; return its facts, or the parts of the UserError that kept it from opening."""
        try:
            for policy in self._setting.policies:
                if policy.folder is not None and not policy.folder.is_dir():
                    raise UserError(
                        f'The policy "{policy.name}" is not on this node: {policy.folder} is no folder here.',
                        "every replica loads every policy from the path that the run gives.",
                        "put paths.runs on a file system that all nodes share",
                    )
            kind: EngineKind = find("engines", self._name, where="engine.inner.name")
            self._engine = kind.open(validate(kind.config, self._section, "engine.inner"), self._setting)
        except UserError as error:
            return error.given, error.why, error.fix
        return self._engine.facts()

    def put(self, asked: Sequence[Asked]) -> None:
        """Hand requests over."""
        self._inbox.append(list(asked))
        self._arrived.set()

    def take(self) -> list[Answered] | str:
        """Return what has finished, waiting a moment when nothing has; a text when the engine died of something."""
        assert self._engine is not None, "open comes first"
        ends = time.monotonic() + TAKE_S
        try:
            while True:
                self._arrived.clear()
                while self._inbox:
                    self._submit(self._inbox.popleft())
                finished = self._engine.poll() if self._numbers else []
                if finished:
                    return [(self._numbers.pop(f.ticket.key), f.result, f.usage, f.error) for f in finished]
                left = ends - time.monotonic()
                if left <= 0:
                    return []
                self._arrived.wait(IDLE_S if self._numbers else left)
        except EngineDied as died:
            return str(died) or "the engine died"

    def _submit(self, asked: Sequence[Asked]) -> None:
        assert self._engine is not None
        tickets = []
        for number, request, path, ordinal, run_seed in asked:
            ticket = Ticket(request, path, ordinal, run_seed)
            self._numbers[ticket.key] = number
            tickets.append(ticket)
        self._engine.submit(tickets)

    def facts(self) -> dict[str, Any]:
        """Return the engine's facts as they are now."""
        return self._engine.facts() if self._engine is not None else {}

    def close(self) -> None:
        """Close the engine."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None
