"""The requests of a finished run as they were asked: their scripts are played again against the journal alone.

Prompts are not stored. Playing the few root scripts behind some requests renders them again, and the digest in the
journal proves that each came out as it was asked. Nothing is written, and no model is needed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from agents.errors import UserError
from agents.requests import Message, Request, Score, ScoreMode, Script, request_digest
from agents.scoring import listed, permutations
from sim.engines.base import Finished, Ticket
from sim.journal import Journal
from sim.scheduler import Scheduler
from sim.session import Session
from sim.store import Run, read_json


@dataclass(frozen=True, slots=True)
class Rendered:
    """requests: identity -> what was asked, equal to the journal by digest. why_not: of those that could not be."""

    requests: dict[str, Request] = field(default_factory=dict)
    why_not: dict[str, str] = field(default_factory=dict)


def render_again(run: Run, keys: Collection[str]) -> Rendered:
    """Return the requests with these identities ("r1.play/scene-1#0"), rendered again.

    Stages in which the society plays can be rendered. Never raises for a run that this version cannot play again: each
    request then says why.
    """
    out = Rendered()
    stages: dict[str, set[str]] = {}
    for key in keys:
        stages.setdefault(key.partition("/")[0], set()).add(key)
    for stage, wanted in sorted(stages.items()):
        found: dict[str, Request] = {}
        try:
            found = _stage(run, stage, wanted)
            why = "the scripts of this version do not ask it"
        except UserError as error:
            why = " ".join(filter(None, (error.given, error.why)))
        out.requests.update(found)
        out.why_not.update(dict.fromkeys(wanted - found.keys(), why))
    return out


def messages_of(request: Request) -> tuple[Message, ...]:
    """Return the messages of a request, with the options of a `Score` listed in the first order that was asked."""
    if isinstance(request, Score) and request.mode is ScoreMode.LETTER and len(request.options) > 1:
        return listed(request, permutations(len(request.options), request.orders)[0])
    return request.messages


def _stage(run: Run, stage: str, wanted: set[str]) -> dict[str, Request]:
    head, _, verb = stage.partition(".")
    path = run.journal_path(stage)
    if verb != "play" or not head[1:].isdigit():
        raise UserError(
            f"{stage} is no stage in which a society plays.",
            "only these are rendered again.",
            "look at the other stages' requests in the journal",
        )
    if not path.is_file():
        raise UserError(
            f"The journal of {stage} is not there.",
            "prompts are rendered from the answers that it holds.",
            "put the run's journal folder back where it was",
        )
    session = Session.reopen(run.folder)
    names = {key.split("/", 2)[1].partition("#")[0] for key in wanted}
    setting = session.setting(round_=int(head[1:]), policies={"all": _in_force(run, int(head[1:]))})
    journal = Journal(path, header=_header(path), readonly=True)
    try:
        recital = _Recital(journal, wanted)
        limits = replace(session.limits, run_requests=None, run_tokens=None, run_seconds=None)
        scheduler = Scheduler(recital, run_seed=session.seed, stage=stage, limits=limits)
        for _ in scheduler.play(_only(session.scripts(setting), names)):
            pass
    finally:
        journal.close()
    return recital.found


def _in_force(run: Run, round_: int) -> str:
    """Return the policy that was in force in a round: what the gate before it decided, else the base."""
    decided = read_json(run.folder / "gates" / f"r{round_ - 1}.decision.json")
    return str(decided.get("current") or "base")


def _header(path: Any) -> dict[str, Any]:
    with path.open("rb") as file:
        head = orjson.loads(file.readline()[9:])
    return {key: value for key, value in head.items() if key != "folkmoot_journal"}


def _only(scripts: Iterator[tuple[str, Script[Any]]], names: set[str]) -> Iterator[tuple[str, Script[Any]]]:
    """Yield the scripts with these names, and stop when all were there."""
    left = set(names)
    for name, script in scripts:
        if name in left:
            left.discard(name)
            yield name, script
        if not left:
            return


class _Recital:
    """An engine that answers from the journal, and keeps the requests that are wanted."""

    def __init__(self, journal: Journal, wanted: set[str]) -> None:
        self.found: dict[str, Request] = {}
        self._journal, self._wanted = journal, wanted
        self._done: list[Finished] = []

    def submit(self, tickets: Sequence[Ticket]) -> None:
        """Answer at once. Raises JournalMismatch for a request that came out otherwise than it was asked."""
        for ticket in tickets:
            known = self._journal.lookup(ticket.key, request_digest(ticket.request))
            if known is None:  # requests that failed are not in the journal, and fail again
                self._done.append(Finished(ticket, None, error="not in the journal"))
                continue
            if ticket.key in self._wanted:
                self.found[ticket.key] = ticket.request
            self._done.append(Finished(ticket, *known))

    def poll(self) -> list[Finished]:
        """Return what was answered."""
        done, self._done = self._done, []
        return done

    def withdraw(self) -> int:
        """Every ticket comes back by itself."""
        return 0

    def facts(self) -> dict[str, Any]:
        """Say what this is."""
        return {"engine": "requests rendered again from the journal"}

    def close(self) -> None:
        """Nothing to give back."""
