"""What the scheduler and the journal cost, with an engine that answers at once.

    python -m benchmarks.scheduler --json

100,000 scripts of three dependent requests each, on one core, without and with the journal; then peak memory for
10,000 and 1,000,000 scripts, each in a fresh process, to show that the window bounds it.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from agents.requests import Generate, Message, Reply, Script
from sim.engines.base import Finished, Ticket, Usage
from sim.journal import Journal
from sim.limits import Limits
from sim.scheduler import Scheduler

NUM_REQUESTS = 3


class Instant:
    """An engine that has the answer before it is asked."""

    def __init__(self) -> None:
        self._queue: list[Ticket] = []

    def submit(self, tickets: Sequence[Ticket]) -> None:
        """Take tickets."""
        self._queue.extend(tickets)

    def poll(self) -> list[Finished]:
        """Answer all."""
        queue, self._queue = self._queue, []
        usage = Usage(100, 50, 20, 0.01)
        return [Finished(t, Reply(text="So be it.", identity=t.key, num_tokens=20), usage) for t in queue]

    def withdraw(self) -> int:
        """Every ticket comes back by itself."""
        return 0

    def facts(self) -> dict[str, Any]:
        """Return nothing of interest."""
        return {}

    def close(self) -> None:
        """Nothing to give back."""


def talk(number: int) -> Script[int]:
    """Ask three times, each time with what was answered before."""
    said = ""
    for _ in range(NUM_REQUESTS):
        reply: Reply = yield Generate(messages=(Message("user", f"{number}: {said}"),), purpose="bench.v1")
        said = reply.text
    return len(said)


def scripts(num: int) -> Iterator[tuple[str, Script[int]]]:
    """Name and make the scripts one by one."""
    return ((f"s{number:07d}", talk(number)) for number in range(num))


def requests_per_s(num_scripts: int, journal_folder: Path | None = None) -> float:
    """Play and return the rate."""
    journal = None if journal_folder is None else Journal(journal_folder / "bench.jsonl", header={"seed": 1})
    scheduler = Scheduler(Instant(), run_seed=1, journal=journal, limits=Limits(window=512))
    began = time.perf_counter()
    num_done = sum(outcome.cause is None for outcome in scheduler.play(scripts(num_scripts)))
    seconds = time.perf_counter() - began
    assert num_done == num_scripts
    if journal is not None:
        journal.close()
    return num_scripts * NUM_REQUESTS / seconds


def peak_mb(num_scripts: int) -> float:
    """Return the peak memory of a fresh process that plays so many scripts."""
    command = [sys.executable, "-m", "benchmarks.scheduler", "--peak", str(num_scripts)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scripts", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--small", type=int, default=10_000)
    parser.add_argument("--large", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--peak", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.peak:
        requests_per_s(given.peak)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        return
    plain, journalled = [], []
    for _ in range(given.repeats):
        plain.append(requests_per_s(given.scripts))
        with tempfile.TemporaryDirectory() as folder:
            journalled.append(requests_per_s(given.scripts, Path(folder)))
    result = {
        "scripts": given.scripts,
        "requests_per_script": NUM_REQUESTS,
        "requests_per_s": round(statistics.median(plain)),
        "requests_per_s_range": [round(min(plain)), round(max(plain))],
        "requests_per_s_journal": round(statistics.median(journalled)),
        "requests_per_s_journal_range": [round(min(journalled)), round(max(journalled))],
        "peak_mb": {str(num): round(peak_mb(num), 1) for num in (given.small, given.large)},
        "window": 512,
        "num_cores": os.cpu_count(),
        "n": given.repeats,
    }
    print(json.dumps(result) if given.json else "\n".join(f"{key:28} {value}" for key, value in result.items()))


if __name__ == "__main__":
    main()
