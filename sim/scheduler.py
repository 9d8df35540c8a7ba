"""Drive thousands of scripts against one engine, with no global barrier.

Each answer at once advances the script that waits for it, and the script's next request goes straight to the engine.
Waiting happens only where a script joins its own list or fork. A window of live scripts bounds memory. Results never
depend on the order of completion: identities, seeds, notes and budgets follow the script tree alone.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from agents.errors import UserError
from agents.requests import Event, Forfeit, Fork, Generate, OverBudget, RequestFailed, Score, Script, request_digest
from agents.sample import Sample
from sim.engines.base import Engine, Finished, Ticket
from sim.journal import Journal
from sim.limits import Limits, Meter
from sim.tally import Tally
from sim.task import Outcome, Task, cause_of

MAX_REFUSED = 8
"""Times that a script may answer `OverBudget` with yet another request before it is ended."""
PAUSED_LOOK_S = 0.05
"""How long a paused scheduler sleeps before it looks again."""


class Scheduler:
    """Play scripts to their end against an engine, through a journal."""

    def __init__(
        self,
        engine: Engine,
        *,
        run_seed: int,
        stage: str = "",
        journal: Journal | None = None,
        limits: Limits | None = None,
        on_progress: Callable[[Tally], None] | None = None,
        progress_every_s: float = 0.5,
    ) -> None:
        self.engine = engine
        self.run_seed = run_seed
        self.prefix = f"{stage}/" if stage else ""
        self.journal = journal
        self.limits = limits or Limits()
        self.tally = Tally()
        self._on_progress = on_progress
        self._progress_every_s = progress_every_s
        self._ready: deque[tuple[Task, Any]] = deque()
        self._outbox: list[Ticket] = []
        self._in_flight = 0
        self._meter = Meter(self.limits)
        self._done: list[Outcome] = []
        self._stop = ""
        self._paused = False

    def stop(self, why: str) -> None:
        """Ask for a clean end: nothing new is submitted, what is in flight is awaited and journalled."""
        self._stop = self._stop or why

    def pause(self, paused: bool = True) -> None:
        """Submit nothing new until told otherwise; what is in flight is awaited. The time of waiting is not counted."""
        self._paused = paused

    @property
    def state(self) -> str:
        """Return "running", "pausing" while answers are still under way, or "paused"."""
        if not self._paused or self._stop:
            return "running"
        return "pausing" if self._in_flight else "paused"

    def play(self, scripts: Iterable[tuple[str, Script[Any]]]) -> Iterator[Outcome]:
        """Yield the outcome of every root script as it ends (in no particular order; `Outcome.index` tells).

        scripts: (name, script) pairs with unique names, drawn lazily as the window allows.
        Raises UserError from the journal, EngineDied from the engine.
        """
        self._reported = time.monotonic()
        self._meter = Meter(self.limits)
        source = iter(scripts)
        exhausted = False
        try:
            while True:
                # Scripts that a journal answers end in here; so that their outcomes do not pile up, they count as well.
                while (
                    not exhausted
                    and not self._stop
                    and not self._paused
                    and self.tally.num_live < self.limits.window
                    and len(self._done) < self.limits.window
                ):
                    pair = next(source, None)
                    if pair is None:
                        exhausted = True
                    else:
                        self._admit(*pair)
                    if len(self._ready) > 64:
                        self._advance_ready()
                self._advance_ready()
                if self._done:
                    done, self._done = self._done, []
                    yield from done
                if self._stop:
                    self._outbox.clear()
                    self._in_flight -= self.engine.withdraw()
                if self._outbox and not self._paused:
                    batch, self._outbox = self._outbox, []
                    self._in_flight += len(batch)
                    self.engine.submit(batch)
                if self._in_flight:
                    self._receive(self.engine.poll())
                elif self._paused and not self._stop:
                    self._meter.rest(PAUSED_LOOK_S)
                elif not self._ready and not self._done and (self._stop or (exhausted and not self.tally.num_live)):
                    break
                self._watch()
        finally:
            self.tally.seconds = self._meter.seconds
            self.tally.stopped = self._stop
            self._report()

    def _watch(self) -> None:
        tally = self.tally
        why = self._meter.spent(tally.num_requests - tally.num_from_journal)
        if why:
            self.stop(why)
        now = time.monotonic()
        if now - self._reported >= self._progress_every_s:
            tally.seconds = self._meter.seconds
            self._reported = now
            self._report()

    def _report(self) -> None:
        if self._on_progress is not None:
            self._on_progress(self.tally)

    def _admit(self, name: str, script: Script[Any]) -> None:
        task = Task(script, self.prefix + name, None, 0, self.tally.num_scripts)
        self.tally.num_scripts += 1
        self.tally.num_live += 1
        self._ready.append((task, None))

    def _receive(self, finished: list[Finished]) -> None:
        if not finished:
            return
        self._in_flight -= len(finished)
        if self.journal is not None:
            self.journal.append(finished)
        for item in finished:
            self._meter.num_tokens += item.usage.num_prompt + item.usage.num_output
            self._deliver(item)

    def _deliver(self, item: Finished) -> None:
        ticket, usage, tally = item.ticket, item.usage, self.tally
        task: Task = ticket.owner
        tally.count(ticket.request.purpose, usage)
        requests, tokens = task.spent
        task.spent = (requests, tokens + usage.num_prompt + usage.num_output)
        value: Any = item.result
        if value is None:
            tally.num_failed += 1
            value = RequestFailed(item.error)
        if task.results is None:
            self._ready.append((task, value))
            return
        task.results[ticket.slot] = value
        task.waiting -= 1
        if not task.waiting:
            results, task.results = task.results, None
            failed = next((r for r in results if isinstance(r, RequestFailed)), None)
            self._ready.append((task, failed if failed is not None else results))

    def _advance_ready(self) -> None:
        ready = self._ready
        while ready:
            self._advance(*ready.popleft())

    def _advance(self, task: Task, value: Any) -> None:
        """Run one script until it waits for something or ends."""
        script = task.script
        try:
            while True:
                item = script.throw(value) if isinstance(value, BaseException) else script.send(value)
                value = None
                kind = type(item)
                if kind is Generate or kind is Score:
                    refused = self._over_budget(task, 1)
                    if refused is None:
                        self._send(task, item, 0)
                        return
                    value = refused
                elif kind is Event or kind is Sample or kind is Forfeit:
                    task.notes.append((task.path, task.ordinal, item))
                elif kind is list or kind is tuple:
                    if not item:
                        value = []
                        continue
                    if not all(type(request) is Generate or type(request) is Score for request in item):
                        raise TypeError(f"{task.path} yielded a list that does not hold requests alone: {item!r}")
                    refused = self._over_budget(task, len(item))
                    if refused is None:
                        task.results = [None] * len(item)
                        task.waiting = len(item)
                        for slot, request in enumerate(item):
                            self._send(task, request, slot)
                        return
                    value = refused
                elif kind is Fork:
                    if not item.children:
                        value = []
                        continue
                    self._fork(task, item)
                    return
                else:
                    raise TypeError(f"{task.path} yielded {item!r}; expected a request, a list of them, Fork or a note")
        except StopIteration as end:
            task.value = end.value
            self._end(task)
        except UserError:
            raise
        except Exception as error:
            script.close()
            task.error = error
            self._end(task)

    def _over_budget(self, task: Task, num: int) -> OverBudget | None:
        requests, tokens = task.spent
        refused = self._meter.refusal(requests, tokens, num)
        if refused is None:
            task.spent = (requests + num, tokens)
            return None
        task.num_refused += 1
        if task.num_refused > MAX_REFUSED:
            raise refused
        return refused

    def _send(self, task: Task, request: Any, slot: int) -> None:
        ticket = Ticket(request, task.path, task.ordinal, self.run_seed, task, slot)
        task.ordinal += 1
        if self.journal is not None:
            ticket.digest = request_digest(request)
            known = self.journal.lookup(ticket.key, ticket.digest)
            if known is not None:
                self.tally.num_from_journal += 1
                self._deliver(Finished(ticket, known[0], known[1]))
                return
        self._outbox.append(ticket)

    def _fork(self, task: Task, fork: Fork) -> None:
        names = [name for name, _ in fork.children]
        if len(set(names)) != len(names):
            raise ValueError(f"{task.path} forks children with equal names: {sorted(names)}")
        # A second fork with the same child names must not reuse identities, so the fork's own ordinal goes in.
        base = f"{task.path}/{task.ordinal}."
        task.ordinal += 1
        task.waiting = len(names)
        task.children = [
            Task(script, base + name, task, slot, task.index) for slot, (name, script) in enumerate(fork.children)
        ]
        self._ready.extend((child, None) for child in task.children)

    def _end(self, task: Task) -> None:
        parent = task.parent
        if parent is None:
            self._end_root(task)
            return
        parent.waiting -= 1
        if parent.waiting:
            return
        children, parent.children = parent.children, []
        requests, tokens = parent.spent
        for child in children:
            parent.notes.extend(child.notes)
            requests += child.spent[0] - parent.spent[0]
            tokens += child.spent[1] - parent.spent[1]
        parent.spent = (requests, tokens)
        error = next((child.error for child in children if child.error is not None), None)
        self._ready.append((parent, error if error is not None else [child.value for child in children]))

    def _end_root(self, task: Task) -> None:
        outcome = Outcome(index=task.index, path=task.path, value=task.value, notes=task.notes)
        tally = self.tally
        tally.num_live -= 1
        for _, _, note in task.notes:
            if type(note) is Forfeit:
                tally.num_forfeits += 1
                tally.forfeits[note.cause.value] = tally.forfeits.get(note.cause.value, 0) + 1
        if task.error is None:
            tally.num_done += 1
        else:
            outcome.cause, outcome.why = cause_of(task)
            tally.num_lost += 1
            tally.lost[outcome.cause.value] = tally.lost.get(outcome.cause.value, 0) + 1
        self._done.append(outcome)
