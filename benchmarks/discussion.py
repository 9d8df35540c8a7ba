"""The all-hear-all discussion of 400 agents against a server with 100 ms latency, over HTTP and in process.

    python -m benchmarks.discussion --json

Build time is left out, the server is a process of its own on the same cores, and the ceiling is measured beside it:
the raw aiohttp client with the very same bodies.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import resource
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson

from agents.requests import Reply
from benchmarks.discussion_script import discussion
from sim.engines.base import Engine, Ticket
from sim.engines.endpoint import OpenaiConfig
from sim.engines.kind import EngineSetting
from sim.engines.openai import OpenaiEngine
from sim.engines.scripted import ScriptedEngine
from sim.engines.test_server import reply_text
from sim.limits import Limits
from sim.scheduler import Scheduler


@contextmanager
def server(latency_ms: float) -> Iterator[str]:
    """Run the test server in a process of its own and give its address."""
    command = [sys.executable, "-m", "sim.engines.test_server", "--latency-ms", str(latency_ms)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()


def ask(url: str, *, post: bool = False) -> Any:
    """Fetch a JSON page of the server."""
    request = urllib.request.Request(url, data=b"" if post else None)
    with urllib.request.urlopen(request, timeout=30) as page:
        return json.loads(page.read())


def play(engine: Engine, agents: int, rounds: int, window: int) -> tuple[float, str, int]:
    """Play one discussion; return seconds, the transcript's hash and the number of requests."""
    scheduler = Scheduler(engine, run_seed=7, stage="bench", limits=Limits(window=window))
    began = time.perf_counter()
    outcomes = list(scheduler.play([("meeting", discussion(agents, rounds))]))
    seconds = time.perf_counter() - began
    assert outcomes[0].cause is None, outcomes[0].why
    rows = [note.row for _, _, note in outcomes[0].notes]
    digest = hashlib.blake2b(orjson.dumps(rows), digest_size=8).hexdigest()
    return seconds, digest, scheduler.tally.num_requests


def canned(ticket: Ticket) -> Reply:
    """Answer as the server would, without it."""
    digest = int.from_bytes(hashlib.blake2b(body_of(ticket), digest_size=8).digest(), "big")
    return Reply(text=reply_text({}, digest), identity=ticket.key)


def body_of(ticket: Ticket) -> bytes:
    """Return a request body of the size that the HTTP engine sends."""
    request = ticket.request
    return orjson.dumps({"model": "scripted", "messages": request.messages, "seed": ticket.seed, "max_tokens": 48})


def in_process(agents: int, rounds: int, latency_s: float, window: int) -> tuple[float, str, int]:
    """Play against the scripted engine in this process."""
    return play(ScriptedEngine(canned, latency_s=latency_s), agents, rounds, window)


async def raw_client(url: str, bodies: list[bytes], in_flight: int) -> float:
    """Return requests per second of aiohttp alone with these bodies."""
    import aiohttp

    gate = asyncio.Semaphore(in_flight)

    async def one(body: bytes) -> None:
        async with gate, session.post(url, data=body, headers={"Content-Type": "application/json"}) as response:
            orjson.loads(await response.read())

    connector = aiohttp.TCPConnector(limit=in_flight)
    async with aiohttp.ClientSession(connector=connector) as session:
        began = time.perf_counter()
        await asyncio.gather(*(one(body) for body in bodies))
        return len(bodies) / (time.perf_counter() - began)


def collect_bodies(agents: int, rounds: int) -> list[bytes]:
    """Return the request bodies of the discussion."""
    bodies: list[bytes] = []

    def answer(ticket: Ticket) -> Reply:
        bodies.append(body_of(ticket))
        return canned(ticket)

    play(ScriptedEngine(answer), agents, rounds, 1)
    return bodies


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agents", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--latency-ms", type=float, default=100.0)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    num = given.agents * given.rounds
    http, cpu_ms, raw, stats, http_hashes = [], [], [], {}, set()
    bodies = collect_bodies(given.agents, given.rounds)
    with server(given.latency_ms) as url:
        for _ in range(given.repeats):
            raw.append(asyncio.run(raw_client(f"{url}/v1/chat/completions", bodies, 400)))
            ask(f"{url}/reset", post=True)
            engine = OpenaiEngine(OpenaiConfig(url=f"{url}/v1", model="scripted"), EngineSetting())
            before = resource.getrusage(resource.RUSAGE_SELF)
            seconds, digest, _ = play(engine, given.agents, given.rounds, 400)
            after = resource.getrusage(resource.RUSAGE_SELF)
            engine.close()
            cpu_ms.append((after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000 / num)
            http.append(num / seconds)
            http_hashes.add(digest)
            stats = ask(f"{url}/stats")
    inside = [in_process(given.agents, given.rounds, given.latency_ms / 1000, 400) for _ in range(given.repeats)]
    # The same meeting with 1, 64 and 400 answered side by side: another order of completion, the same transcript.
    hashes = {}
    for window in (1, 64, 400):
        engine = ScriptedEngine(canned, latency_s=0.0001, max_in_flight=window)
        hashes[window] = play(engine, given.agents, given.rounds, window)[1]
    result = {
        "agents": given.agents,
        "rounds": given.rounds,
        "latency_ms": given.latency_ms,
        "turns_per_s_http": round(statistics.median(http), 1),
        "turns_per_s_http_range": [round(min(http), 1), round(max(http), 1)],
        "raw_client_per_s": round(statistics.median(raw), 1),
        "share_of_raw_client": round(statistics.median(http) / statistics.median(raw), 3),
        "client_cpu_ms_per_turn": round(statistics.median(cpu_ms), 2),
        "turns_per_s": round(statistics.median([num / seconds for seconds, _, _ in inside]), 1),
        "calls_per_turn": stats["requests"] / num,
        "seeded_share": stats["seeded"] / stats["requests"],
        "prefix_share": round(stats["prefix_share"], 4),
        "max_in_flight": stats["max_in_flight"],
        "mean_prompt_kb": round(stats["prompt_chars"] / stats["requests"] / 1024, 1),
        "transcript_hash": hashes[400],
        "same_at_windows_1_64_400": len(set(hashes.values())) == 1,
        "same_over_http": len(http_hashes) == 1,
        "num_cores": os.cpu_count(),
        "n": given.repeats,
    }
    print(json.dumps(result) if given.json else "\n".join(f"{key:26} {value}" for key, value in result.items()))


if __name__ == "__main__":
    main()
