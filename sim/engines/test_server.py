"""A scripted OpenAI-compatible server: the fixed point against which HTTP clients and peers are measured.

Every answer takes the same time, any number side by side; texts depend on a digest of the request, so duplicates are
not inflated. It counts what a comparison of simulators needs: requests, flight, seeds, duplicates, and the share of
prompt text that a perfect prefix cache would have served (64-character blocks, chain-hashed). No model, so never a
result.

    python -m sim.engines.test_server --port 8100 --latency-ms 100
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import math
import random
import sys
import time
from dataclasses import dataclass, field
from typing import Any

import orjson

from sim.engines.schemas import smallest_valid

BLOCK = 64
_TEXT = (
    "the library would help children learn and neighbours meet but taxes must stay fair so let us ask "
    "what it costs who pays when it opens and whether schools roads or parks need the money more"
)
WORDS = tuple(_TEXT.split())


@dataclass(slots=True)
class Counts:
    """What has been seen since the start or the last reset."""

    num_requests: int = 0
    num_seeded: int = 0
    num_duplicates: int = 0
    num_failed: int = 0
    in_flight: int = 0
    max_in_flight: int = 0
    busy_s: float = 0.0
    began: float = 0.0
    ended: float = 0.0
    num_blocks: int = 0
    num_shared_blocks: int = 0
    num_prompt_chars: int = 0
    blocks: set[int] = field(default_factory=set)
    digests: set[int] = field(default_factory=set)

    def see_prompt(self, text: str) -> None:
        """Count the blocks of a prompt whose whole prefix was seen before."""
        chain, shared = 0, True
        self.num_prompt_chars += len(text)
        for start in range(0, len(text) - BLOCK + 1, BLOCK):
            chain = hash((chain, text[start : start + BLOCK]))
            self.num_blocks += 1
            shared = shared and chain in self.blocks
            if shared:
                self.num_shared_blocks += 1
            else:
                self.blocks.add(chain)

    def facts(self) -> dict[str, Any]:
        """Return the counts as plain values."""
        return {
            "requests": self.num_requests,
            "seeded": self.num_seeded,
            "duplicates": self.num_duplicates,
            "failed": self.num_failed,
            "max_in_flight": self.max_in_flight,
            "mean_in_flight": round(self.busy_s / max(self.ended - self.began, 1e-9), 1),
            "prompt_chars": self.num_prompt_chars,
            "blocks": self.num_blocks,
            "prefix_share": self.num_shared_blocks / self.num_blocks if self.num_blocks else 0.0,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """How the server behaves.

    fail_every: every so many-th request fails once with fail_status. logprobs: give `logprobs` when asked.
    """

    latency_s: float = 0.1
    logprobs: bool = False
    fail_every: int = 0
    fail_status: int = 429
    retry_after_s: float | None = None
    count_prefix: bool = True


def reply_text(body: dict[str, Any], digest: int) -> str:
    """Return the canned answer: a sentence from the digest, or the smallest filling of a wanted schema."""
    rng = random.Random(digest)
    wanted = (body.get("response_format") or {}).get("json_schema", {}).get("schema")
    structured = body.get("structured_outputs") or {}
    wanted = wanted or structured.get("json")
    if wanted:
        return smallest_valid(orjson.dumps(wanted).decode(), lambda: " ".join(rng.choices(WORDS, k=3)))
    if structured.get("choice"):
        return str(rng.choice(structured["choice"]))
    if body.get("max_tokens") == 1 or body.get("max_tokens") == 8:
        return rng.choice("AB")
    return " ".join(rng.choices(WORDS, k=rng.randint(8, 16))).capitalize() + "."


def make_app(options: ServerOptions) -> Any:
    """Return the aiohttp application."""
    from aiohttp import web

    state = {"counts": Counts()}

    async def chat(request: web.Request) -> Any:
        counts = state["counts"]
        raw = await request.read()
        counts.num_requests += 1
        counts.in_flight += 1
        counts.max_in_flight = max(counts.max_in_flight, counts.in_flight)
        began = time.monotonic()
        counts.began = counts.began or began
        try:
            try:
                body = orjson.loads(raw)
                messages = body["messages"]
                text = "".join(f"{m['role']}: {m['content']}\n" for m in messages)
            except (orjson.JSONDecodeError, KeyError, TypeError):
                return _json({"error": {"message": "not a chat request"}}, 400)
            if options.fail_every and counts.num_requests % options.fail_every == 0:
                counts.num_failed += 1
                headers = {} if options.retry_after_s is None else {"Retry-After": str(options.retry_after_s)}
                return _json({"error": {"message": "told to fail"}}, options.fail_status, headers)
            digest = _digest(raw)
            counts.num_seeded += "seed" in body
            counts.num_duplicates += digest in counts.digests
            counts.digests.add(digest)
            if options.count_prefix:
                counts.see_prompt(text)
            await asyncio.sleep(options.latency_s)
            return _json(_answer(body, digest, len(text), options))
        finally:
            counts.in_flight -= 1
            counts.ended = time.monotonic()
            counts.busy_s += counts.ended - began

    async def models(_: web.Request) -> Any:
        return _json({"object": "list", "data": [{"id": "scripted", "object": "model"}]})

    async def stats(_: web.Request) -> Any:
        return _json(state["counts"].facts())

    async def reset(_: web.Request) -> Any:
        state["counts"] = Counts()
        return _json({})

    app = web.Application(client_max_size=64 * 2**20)
    app.router.add_post("/v1/chat/completions", chat)
    app.router.add_get("/v1/models", models)
    app.router.add_get("/stats", stats)
    app.router.add_post("/reset", reset)
    return app


def _digest(raw: bytes) -> int:
    import hashlib

    return int.from_bytes(hashlib.blake2b(raw, digest_size=8).digest(), "big")


def _answer(body: dict[str, Any], digest: int, num_chars: int, options: ServerOptions) -> dict[str, Any]:
    text = reply_text(body, digest)
    choice: dict[str, Any] = {
        "index": 0,
        "message": {"role": "assistant", "content": text},
        "finish_reason": "stop",
    }
    if options.logprobs and body.get("logprobs"):
        # Two thirds on A, a quarter on B, the rest on a refusal: position bias that a test can see vanish.
        top = [{"token": t, "logprob": math.log(p)} for t, p in (("A", 2 / 3), ("B", 1 / 4), ("Sorry", 1 / 12))]
        choice["logprobs"] = {"content": [{"token": "A", "logprob": top[0]["logprob"], "top_logprobs": top}]}
    num_output = max(1, len(text) // 4)
    return {
        "id": f"chatcmpl-{digest:016x}",
        "object": "chat.completion",
        "created": 0,
        "model": body.get("model", "scripted"),
        "choices": [choice],
        "usage": {
            "prompt_tokens": num_chars // 4,
            "completion_tokens": num_output,
            "total_tokens": num_chars // 4 + num_output,
        },
    }


def _json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Any:
    from aiohttp import web

    return web.Response(body=orjson.dumps(value), status=status, content_type="application/json", headers=headers)


class BackgroundServer:
    """The server in a thread of this process, for tests: `with BackgroundServer(options) as url: ...`."""

    def __init__(self, options: ServerOptions | None = None, port: int = 0) -> None:
        self.options = options or ServerOptions(latency_s=0.0)
        self._port = port
        self.url = ""

    def __enter__(self) -> str:
        import threading

        from aiohttp import web

        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._runner = web.AppRunner(make_app(self.options))

        async def start() -> int:
            await self._runner.setup()
            site = web.TCPSite(self._runner, "127.0.0.1", self._port)
            await site.start()
            return int(self._runner.addresses[0][1])

        port = asyncio.run_coroutine_threadsafe(start(), self._loop).result(10)
        self.url = f"http://127.0.0.1:{port}"
        return self.url

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def main(argv: list[str] | None = None) -> None:
    """Serve until interrupted; the first line on stdout is the address."""
    from aiohttp import web

    parser = argparse.ArgumentParser(description="Scripted OpenAI-compatible test server.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--latency-ms", type=float, default=100.0)
    parser.add_argument("--logprobs", action="store_true")
    parser.add_argument("--no-prefix-count", action="store_true", help="save the counting's CPU time")
    given = parser.parse_args(argv)
    options = ServerOptions(
        latency_s=given.latency_ms / 1000, logprobs=given.logprobs, count_prefix=not given.no_prefix_count
    )

    async def serve() -> None:
        runner = web.AppRunner(make_app(options), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", given.port, backlog=2048).start()
        sys.stdout.write(f"http://127.0.0.1:{runner.addresses[0][1]}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve())


if __name__ == "__main__":
    main()
