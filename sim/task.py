"""A script on its way: where it stands, what it waits for, what it wrote, and how it ended."""

from __future__ import annotations

import logging
import traceback
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from agents.requests import Cause, Event, Forfeit, OverBudget, RequestFailed, Script
from agents.sample import Sample

log = logging.getLogger(__name__)

NoteItem: TypeAlias = Event | Sample | Forfeit
Note: TypeAlias = tuple[str, int, NoteItem]
"""(path of the script that wrote it, number of requests that script had made, what it wrote)."""


@dataclass(slots=True, kw_only=True)
class Outcome:
    """How one root script ended. value is its return value; cause and why are set when it was lost."""

    index: int
    path: str
    value: Any = None
    notes: list[Note] = field(default_factory=list)
    cause: Cause | None = None
    why: str = ""


class Task:
    """One script, root or forked child.

    spent: (requests, tokens) along the branch from the root. results: answers of a list, by slot, while one is missing.
    """

    __slots__ = (
        "children",
        "error",
        "index",
        "notes",
        "num_refused",
        "ordinal",
        "parent",
        "path",
        "results",
        "script",
        "slot",
        "spent",
        "value",
        "waiting",
    )

    def __init__(self, script: Script[Any], path: str, parent: Task | None, slot: int, index: int) -> None:
        self.script = script
        self.path = path
        self.parent = parent
        self.slot = slot
        self.index = index
        self.ordinal = 0
        self.waiting = 0
        self.num_refused = 0
        self.results: list[Any] | None = None
        self.children: list[Task] = []
        self.notes: list[Note] = []
        self.spent: tuple[int, int] = (0, 0) if parent is None else parent.spent
        self.value: Any = None
        self.error: BaseException | None = None


def cause_of(task: Task) -> tuple[Cause, str]:
    """Return why a script was lost. What no boundary explains is a bug: it is logged with its traceback."""
    error = task.error
    if isinstance(error, OverBudget):
        return Cause.BUDGET, str(error)
    if isinstance(error, RequestFailed):
        return Cause.ENGINE, str(error)
    assert error is not None
    log.error("script %s failed:\n%s", task.path, "".join(traceback.format_exception(error)))
    return Cause.BUG, f"{type(error).__name__}: {error}"
