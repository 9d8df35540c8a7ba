"""Answer from journals alone: reruns of demos, papers and tests on machines without a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from pydantic import ConfigDict

from agents.errors import UserError
from agents.requests import request_digest
from sim.engines.base import Finished, Ticket, Usage
from sim.engines.kind import EngineKind, EngineSetting
from sim.journal import Journal, read_failures


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayConfig:
    """The `engine` section for `name: replay`."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    journal: str = ""
    """A journal file, or a run folder or journal folder whose journals are all used."""


class ReplayEngine:
    """Answer each ticket with what a journal holds under its identity and digest."""

    def __init__(self, paths: Sequence[Path]) -> None:
        """Open the journals read-only. Raises UserError when there is none."""
        self._paths = list(paths)
        self._journals = [Journal(path, header=read_header(path), readonly=True) for path in paths]
        self._failures = [read_failures(path) for path in paths]
        self._queue: list[Ticket] = []

    def submit(self, tickets: Sequence[Ticket]) -> None:
        """Take tickets."""
        self._queue.extend(tickets)

    def poll(self) -> list[Finished]:
        """Answer everything. Raises UserError at the first step that no journal holds, or holds differently."""
        queue, self._queue = self._queue, []
        return [self._answer(ticket) for ticket in queue]

    def _answer(self, ticket: Ticket) -> Finished:
        digest = ticket.digest or request_digest(ticket.request)
        for journal in self._journals:
            known = journal.lookup(ticket.key, digest)
            if known is not None:
                return Finished(ticket, known[0], known[1])
        for failures in self._failures:
            if (failed := known_failure(failures, ticket, digest)) is not None:
                return failed
        raise UserError(
            f'The journal does not hold the step "{ticket.key}" ({ticket.request.purpose}).',
            f"searched: {', '.join(str(path) for path in self._paths)}; "
            "the run may have been stopped before this step, or its config and seed differ.",
            "resume the run with its engine to play what is missing, or replay with the run's own config",
        )

    def withdraw(self) -> int:
        """Every ticket comes back by itself."""
        return 0

    def facts(self) -> dict[str, Any]:
        """Say that answers were read, not made."""
        return {"engine": "replay", "journals": [str(path) for path in self._paths]}

    def close(self) -> None:
        """Close the journals."""
        for journal in self._journals:
            journal.close()


def known_failure(failures: Mapping[str, tuple[str, str, Usage]], ticket: Ticket, digest: str) -> Finished | None:
    """Return a request as it failed, where it did: what is known of it by `sim.journal.read_failures`."""
    there, error, usage = failures.get(ticket.key, ("", "", Usage()))
    return Finished(ticket, None, usage, error) if there == digest else None


def read_header(path: Path) -> dict[str, Any]:
    """Return the settings that a journal was written under."""
    with path.open("rb") as file:
        line = file.readline()
    try:
        header: dict[str, Any] = orjson.loads(line[9:])
        header.pop("folkmoot_journal")
    except (orjson.JSONDecodeError, KeyError, AttributeError) as error:
        raise UserError(
            f"{path} is not a journal of Folkmoot.", "its first line is no journal header.", "name another"
        ) from error
    return header


def find_journals(path: Path) -> list[Path]:
    """Return the journal files that a path names: itself, or those of a run folder or journal folder, sorted."""
    if path.is_file():
        return [path]
    found = sorted(path.glob("journal/*.jsonl")) or sorted(path.glob("*.jsonl"))
    if not found:
        raise UserError(
            f"There is no journal at {path}.",
            "it is neither a journal file nor a folder that holds some.",
            "set engine.journal to a run folder or to a file journal/<stage>.jsonl",
        )
    return found


def open_engine(config: ReplayConfig, setting: EngineSetting) -> ReplayEngine:
    """Open the engine."""
    if not config.journal:
        raise UserError(
            "engine.name = replay needs a journal.", "its answers come from one.", "set engine.journal to a run folder"
        )
    return ReplayEngine(find_journals(Path(config.journal)))


kind = EngineKind(name="replay", config=ReplayConfig, open=open_engine, needs_model=False)
