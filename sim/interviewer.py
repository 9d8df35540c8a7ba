"""The process behind an interview: who is asked, one engine, and a loop that ends by itself.

It listens to its folder (and, in a terminal, to standard input), answers one question after another, and ends when it
is told to, when nobody asked for a while, or at its deadline, whichever comes first. The engine is closed on every way
out. The run folder is read and, outside `interviews/`, not written to.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

from agents.errors import UserError, did_you_mean
from agents.interview import interview_request
from agents.persona import Persona, render
from agents.requests import Reply
from sim.engines.base import Engine, Ticket
from sim.interrupts import draining
from sim.interview import ANSWERING, ENDED, LISTENING, Interview
from sim.store import Run
from societies.seam import Memories, Remembers, Society

LOOK_EVERY_S, BEAT_EVERY_S = 0.1, 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long an interview lasts. idle_s: without a question. most_s: in all, counted from when the engine is open."""

    idle_s: float = 600.0
    most_s: float = 3_600.0

    def __post_init__(self) -> None:
        for name, seconds in (("--idle", self.idle_s), ("--minutes", self.most_s)):
            if not 0 < seconds <= 24 * 3_600:
                raise UserError(
                    f"{name} {seconds / 60:g} is out of range.", "minutes lie above 0, up to 1440.", "use 10"
                )


def whom(run: Run, society: Society, people: Callable[[], Sequence[Persona]], persona: str) -> Memories:
    """Return who is asked.

    persona: "" (the policy by itself), the id of somebody of the run's population (their card), or SCRIPT:AGENT such as
    "r1.play/assembly-0000.full:c003" (their card, and what they perceived there). Raises UserError for anybody else.
    """
    if not persona:
        return Memories(name="the policy by itself", card="", policy="base", perceived=())
    if "/" in persona:
        return _of_play(run, society, persona)
    known = {one.persona_id: one for one in people()}
    if persona not in known:
        raise UserError(
            f"The run's population has nobody with the id {persona}.",
            "a name without a slash is the id of somebody of the population.",
            f"{did_you_mean(persona, sorted(known)[:8] if len(known) > 8 else known)} Somebody of a play is named as "
            "SCRIPT:AGENT, such as r1.play/assembly-0000.full:c003",
        )
    one = known[persona]
    return Memories(name=one.name, card=render(one), policy=one.policy, perceived=())


def _of_play(run: Run, society: Society, persona: str) -> Memories:
    script, _, agent = persona.rpartition(":")
    stage = script.partition("/")[0]
    if not isinstance(society, Remembers):
        raise UserError(
            f'Nobody of the society "{society.name}" can be asked about what they perceived.',
            "its events do not tell that.",
            "give the id of somebody of the population, or leave --persona out",
        )
    found = society.memories(agent, lambda table: rows_of(run, stage, table, script)) if agent else None
    if found is None:
        raise UserError(
            f"Nobody in {script or persona} is called {agent or 'so'}.",
            f"the run has events of: {', '.join(_stages(run)) or 'no stage'}.",
            "give SCRIPT:AGENT, such as r1.play/assembly-0000.full:c003, as the dashboard's page shows it",
        )
    return found


def _stages(run: Run) -> list[str]:
    return sorted(path.name for path in (run.folder / "events").glob("*") if path.is_dir())


def rows_of(run: Run, stage: str, table: str, script: str) -> list[dict[str, Any]]:
    """Return an event table's rows of one script and its children, in their order."""
    import polars as pl

    if stage not in _stages(run):
        return []
    own = (pl.col("script") == script) | pl.col("script").str.starts_with(f"{script}/")
    parts = sorted((run.folder / "events" / stage).glob(f"{table}-*.parquet"))
    found = [pl.scan_parquet(part).filter(own).collect() for part in parts]
    return [row for frame in found for row in frame.sort("seq", maintain_order=True).to_dicts()]


@dataclass(slots=True, kw_only=True)
class Interviewed:
    """Somebody who answers. told: called with (number, question, answer) after each."""

    interview: Interview
    engine: Engine
    who: Memories
    policy: str
    run_seed: int
    patience: Patience
    told: Callable[[int, str, str], None] = lambda number, question, answer: None
    look: Callable[[], None] = lambda: None
    clock: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep
    _said: list[tuple[str, str]] = field(default_factory=list)
    _stop: str = ""
    _beaten: float = -BEAT_EVERY_S

    def listen(self) -> str:
        """Answer questions until the end; return why it ended. look: called in every turn, such as to read a line."""
        began = heard = self.clock()
        number = 1
        with draining(self._halt):
            while not (why := self._over(began, heard)):
                self._beat(LISTENING)
                self.look()
                question = self.interview.question(number)
                if question is None:
                    if self.interview.is_ended:
                        self._stop = "ended by the person who asked"
                    else:
                        self.pause(LOOK_EVERY_S)
                    continue
                self._answer(number, question, began)
                number, heard = number + 1, self.clock()
        self.interview.beat(ENDED, pid=os.getpid(), why=why)
        return why

    def _halt(self, why: str) -> None:
        self._stop = why

    def _over(self, began: float, heard: float) -> str:
        if self._stop:
            return self._stop
        if self.clock() - began >= self.patience.most_s:
            return f"its {self.patience.most_s / 60:g} minutes were over"
        if self.clock() - heard >= self.patience.idle_s:
            return f"nobody asked anything for {self.patience.idle_s / 60:g} minutes"
        return ""

    def _beat(self, state: str, *, always: bool = False) -> None:
        if always or self.clock() - self._beaten >= BEAT_EVERY_S:
            self._beaten = self.clock()
            self.interview.beat(state, pid=os.getpid())

    def _answer(self, number: int, question: str, began: float) -> None:
        self._beat(ANSWERING, always=True)
        request = interview_request(
            question, card=self.who.card, perceived=self.who.perceived, said=self._said, policy=self.policy
        )
        ticket = Ticket(request, f"interview/{self.interview.folder.name}", number - 1, self.run_seed)
        self.engine.submit([ticket])
        while True:
            done = next((one for one in self.engine.poll() if one.ticket is ticket), None)
            if done is not None or self._over(began, self.clock()):
                break
            self._beat(ANSWERING)
        if done is None:
            self.interview.answer(number, question, "", error="the interview ended before the answer")
            return
        text = done.result.text.strip() if isinstance(done.result, Reply) else ""
        usage = done.usage
        facts: Mapping[str, Any] = {
            "policy": self.policy, "prompt_tokens": usage.num_prompt, "output_tokens": usage.num_output,
            "seconds": round(usage.seconds, 2), "error": done.error or ("" if text else "the answer is empty"),
        }  # fmt: skip
        self.interview.answer(number, question, text, **facts)
        if text:
            self._said.append((question, text))
        self._beat(LISTENING, always=True)
        self.told(number, question, text or f"(no answer: {facts['error']})")


class Lines:
    """Lines of a terminal or a pipe, taken without waiting, so that the clock goes on while nobody types."""

    def __init__(self, stream: IO[str], take: Callable[[str], None], end: Callable[[], None]) -> None:
        self._stream, self._file = stream, stream.fileno()
        self._take, self._end = take, end
        self._rest = b""
        self._open = True

    def look(self) -> None:
        """Take the next line, if there is one; an empty line, or the stream's end, ends."""
        while self._open and b"\n" not in self._rest and select.select([self._file], [], [], 0)[0]:
            data = os.read(self._file, 65_536)
            if not data:
                self._open = False
            self._rest += data
        if b"\n" in self._rest or (not self._open and self._rest):
            line, _, self._rest = self._rest.partition(b"\n")
            words = line.decode("utf-8", "replace").strip()
            if words:
                self._take(words)
                return
            self._open, self._rest = False, b""
        if not self._open:
            self._end()
