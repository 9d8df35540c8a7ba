"""Play one stage of a run: scripts in, and journal, events, samples, dead letters, heartbeat and tally out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import orjson

from agents.requests import Event, Forfeit, Script
from agents.sample import Sample
from sim.control import Control
from sim.engines.base import Engine, EngineDied
from sim.interrupts import draining
from sim.journal import Journal
from sim.limits import SCRIPT_LIMITS, Limits
from sim.scheduler import Scheduler
from sim.store import Run
from sim.tables import event_frame, sample_frame, write_frame, write_json, write_whole
from sim.tally import Tally
from sim.task import Outcome

CHUNK = 256
"""Root scripts per Parquet part. A part is written once all of its scripts have ended, so its bytes never depend on
the order of completion."""


class Stopped(Exception):
    """A stage ended early but cleanly (Ctrl-C or a budget). The run can be resumed."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Watcher(Protocol):
    """What a stage tells while it plays: the panel, a plain line, or nothing."""

    def begin(self, stage: str, total: int | None, stop: Callable[[str], None]) -> None:
        """A stage begins; `stop` asks for its clean end."""

    def progress(self, tally: Tally) -> None:
        """Called about twice a second."""

    def end(self, tally: Tally) -> None:
        """The stage has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageResult:
    """What a stage leaves in memory: its counts, and return values by script name where they were asked for."""

    tally: Tally
    values: dict[str, Any]


def play_stage(
    run: Run,
    stage: str,
    scripts: Iterable[tuple[str, Script[Any]]],
    engine: Engine,
    *,
    run_seed: int,
    tables: Mapping[str, Mapping[str, str]] | None = None,
    limits: Limits | None = None,
    header: Mapping[str, Any] | None = None,
    total: int | None = None,
    watcher: Watcher | None = None,
    keep_values: bool = False,
    control: Control | None = None,
) -> StageResult:
    """Play scripts to their end and write everything they did into the run folder.

    run_seed: see `sim.engines.base.derive_seed`. header: further facts that a journal must share to be reused, such
    as the digests of the policies. keep_values: return every script's return value by name (for measuring).
    control: where orders to pause, go on or stop come from; it is read with every heartbeat.
    Raises Stopped after Ctrl-C, an order to stop or a used-up budget, EngineDied when the engine cannot go on; both
    can be resumed.
    """
    journal = Journal(run.journal_path(stage), header={"stage": stage, "run_seed": run_seed, **(header or {})})
    parts = _Parts(run, stage, tables or {})
    values: dict[str, Any] = {}
    heartbeat = _Heartbeat(run, stage, total, watcher, control)
    scheduler = Scheduler(
        engine, run_seed=run_seed, stage=stage, journal=journal, limits=limits, on_progress=heartbeat.progress
    )
    heartbeat.obey(scheduler)
    if watcher is not None:
        watcher.begin(stage, total, scheduler.stop)
    complete = False
    try:
        with draining(scheduler.stop):
            for outcome in scheduler.play(scripts):
                if keep_values:
                    values[outcome.path.removeprefix(f"{stage}/")] = outcome.value
                parts.add(outcome)
        if not scheduler.tally.stopped:
            parts.finish()
            # Only now: where a script could not be made or a part not be written, the stage is still owed.
            complete = True
    except EngineDied as died:
        scheduler.tally.stopped = f"engine: {died}"
        raise
    finally:
        journal.close()
        tally = scheduler.tally
        told = {name: getattr(limits or Limits(), name) for name in SCRIPT_LIMITS}
        facts = {**asdict(tally), "stage": stage, "complete": complete, "script_limits": told}
        write_json(run.folder / "tallies" / f"{stage}.json", facts)
        heartbeat.end(tally)
    if tally.stopped:
        raise Stopped(tally.stopped)
    return StageResult(tally=tally, values=dict(sorted(values.items())))


class _Parts:
    """Collect outcomes by chunk, and write a chunk's files once it is whole."""

    def __init__(self, run: Run, stage: str, tables: Mapping[str, Mapping[str, str]]) -> None:
        self._run = run
        self._stage = stage
        self._tables = {**tables, "lost": {"cause": "str", "why": "str"}}
        self._open: dict[int, dict[int, Outcome]] = {}
        self._letters: dict[int, bytes] = {}

    def add(self, outcome: Outcome) -> None:
        chunk = self._open.setdefault(outcome.index // CHUNK, {})
        outcome.value = None
        chunk[outcome.index] = outcome
        if len(chunk) == CHUNK:
            self._write(outcome.index // CHUNK)

    def finish(self) -> None:
        for number in sorted(self._open):
            self._write(number)
        letters = b"".join(self._letters[number] for number in sorted(self._letters))
        write_whole(self._run.folder / "deadletter" / f"{self._stage}.jsonl", letters)

    def _write(self, number: int) -> None:
        chunk = self._open.pop(number)
        rows: dict[str, list[dict[str, Any]]] = {name: [] for name in self._tables}
        samples: list[Sample] = []
        letters: list[bytes] = []
        for index in sorted(chunk):
            outcome = chunk[index]
            for seq, (script, ordinal, note) in enumerate(outcome.notes):
                if isinstance(note, Event):
                    if note.table not in rows:
                        raise ValueError(f'{script} wrote to an undeclared event table "{note.table}"')
                    rows[note.table].append({**note.row, "script": script, "seq": seq})
                elif isinstance(note, Sample):
                    samples.append(note)
                else:
                    letters.append(_letter(script, ordinal, note))
            if outcome.cause is not None:
                lost = {"cause": outcome.cause.value, "why": outcome.why}
                rows["lost"].append({**lost, "script": outcome.path, "seq": len(outcome.notes)})
        events = self._run.folder / "events" / self._stage
        for name, columns in self._tables.items():
            path = events / f"{name}-{number:05d}.parquet"
            if rows[name]:
                write_frame(path, event_frame(rows[name], columns))
            else:
                path.unlink(missing_ok=True)  # of an attempt in which a request failed that is answered now
        path = self._run.folder / "samples" / self._stage / f"part-{number:05d}.parquet"
        if samples:
            write_frame(path, sample_frame(samples))
        else:
            path.unlink(missing_ok=True)
        self._letters[number] = b"".join(letters)


def _letter(path: str, ordinal: int, forfeit: Forfeit) -> bytes:
    record = {
        "script": path,
        "request": f"{path}#{ordinal - 1}",
        "cause": forfeit.cause.value,
        "why": forfeit.why,
        "final": forfeit.final,
        "reply": forfeit.reply,
        "asked": forfeit.request,
    }
    return orjson.dumps(record) + b"\n"


class _Heartbeat:
    """Write `status.json` while a stage plays, pass the tally on to the watcher, and orders on to the scheduler."""

    def __init__(
        self, run: Run, stage: str, total: int | None, watcher: Watcher | None, control: Control | None
    ) -> None:
        self._control = control
        self._scheduler: Scheduler | None = None
        self._run = run
        self._stage = stage
        self._total = total
        self._watcher = watcher

    def obey(self, scheduler: Scheduler) -> None:
        """Hand orders to this scheduler from now on, beginning with the one that stands."""
        self._scheduler = scheduler
        self._pass_on()

    def _pass_on(self) -> None:
        if self._control is None or self._scheduler is None:
            return
        order, who = self._control.read()
        if order == "stop":
            self._scheduler.stop(f"stopped by {who or 'an order'}")
        self._scheduler.pause(order == "pause")

    def progress(self, tally: Tally) -> None:
        self._pass_on()
        self._beat(tally, self._scheduler.state if self._scheduler is not None else "running")
        if self._watcher is not None:
            self._watcher.progress(tally)

    def end(self, tally: Tally) -> None:
        self._beat(tally, "stopped" if tally.stopped else "running")
        if self._watcher is not None:
            self._watcher.end(tally)

    def _beat(self, tally: Tally, state: str) -> None:
        done = tally.num_done + tally.num_lost
        eta = tally.seconds / done * (self._total - done) if self._total and done else None
        self._run.write_status(
            state=state,
            pid=os.getpid(),
            stage=self._stage,
            total=self._total,
            done=done,
            eta_s=None if eta is None else round(eta, 1),
            why=tally.stopped,
            tally=asdict(tally),
        )
