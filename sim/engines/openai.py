"""Any OpenAI-compatible endpoint, over plain HTTP: `/v1/chat/completions` is all it must have.

An asyncio loop in its own thread keeps many requests in flight; `submit` and `poll` only hand tickets across. Built on
aiohttp alone, since a client library at 5 to 20 ms of CPU a call would be the cap of every simulation. What an endpoint
cannot do (log-probabilities, constraints) is degraded loudly: a warning, the mode in the result, and the manifest.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import Any

import orjson

from agents.requests import Generate, Reply, Result
from sim.engines.base import EngineDied, Finished, Ticket, Usage
from sim.engines.chat import finite, nearest_choice
from sim.engines.endpoint import Endpoint, OpenaiConfig, Refused, Server
from sim.engines.endpoint_scores import Scorer
from sim.engines.kind import EngineKind, EngineSetting


class OpenaiEngine:
    """An engine whose answers come over HTTP."""

    def __init__(self, config: OpenaiConfig, setting: EngineSetting) -> None:
        """Start the loop. Raises UserError for an unusable address or an unset key variable."""
        self.config = config
        self.endpoint = Endpoint(config, setting)
        self._scorer = Scorer(self.endpoint)
        self._done: deque[Finished] = deque()
        self._signal = threading.Event()
        self._death: EngineDied | None = None
        self._in_flight = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="openai-engine", daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.endpoint.open(), self._loop).result()

    # -- the two verbs

    def submit(self, tickets: Sequence[Ticket]) -> None:
        """Take tickets; they wait for a free slot inside."""
        if self._death is not None:
            raise self._death
        self._in_flight += len(tickets)
        self._loop.call_soon_threadsafe(self._start, list(tickets))

    def poll(self) -> list[Finished]:
        """Return what has finished, after at most a fifth of a second."""
        if not self._done and self._in_flight and self._death is None:
            self._signal.wait(0.2)
        self._signal.clear()
        out = []
        with contextlib.suppress(IndexError):
            while True:
                out.append(self._done.popleft())
        self._in_flight -= len(out)
        if not out and self._death is not None:
            raise self._death
        return out

    def _start(self, tickets: list[Ticket]) -> None:
        for ticket in tickets:
            task = self._loop.create_task(self._answer(ticket))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _answer(self, ticket: Ticket) -> None:
        began = time.monotonic()
        usages: list[Usage] = []
        result: Result | None = None
        error = ""
        request = ticket.request
        try:
            if isinstance(request, Generate):
                result = await self._generate(ticket, request, usages)
            else:
                result = await self._scorer.answer(ticket, request, usages)
        except Refused as refused:
            error = str(refused)
        except EngineDied as death:
            self._death = self._death or death
            self._signal.set()
            return
        except asyncio.CancelledError:
            raise
        except Exception as unforeseen:  # an answer of an unforeseen shape must not leave its script waiting for ever
            error = f"{type(unforeseen).__name__}: {unforeseen}"
        usage = Usage(
            sum(u.num_prompt for u in usages),
            sum(u.num_cached for u in usages),
            sum(u.num_output for u in usages),
            time.monotonic() - began,
        )
        self._done.append(Finished(ticket, result, usage, error))
        self._signal.set()

    # -- Generate

    async def _generate(self, ticket: Ticket, request: Generate, usages: list[Usage]) -> Reply:
        sampling = request.sampling
        body = self.endpoint.body(request, request.messages, ticket.seed)
        body |= {"temperature": sampling.temperature, self.config.max_tokens_field: sampling.max_tokens}
        if sampling.top_p != 1.0:
            body["top_p"] = sampling.top_p
        if sampling.stop:
            body["stop"] = sampling.stop
        if sampling.logps and self.endpoint.gives_logprobs:
            body["logprobs"] = True
        constraint = request.constraint
        if constraint is not None:
            if self.config.server is Server.vllm:
                body["structured_outputs"] = (
                    {"choice": constraint.choices}
                    if constraint.choices
                    else {"regex": constraint.regex}
                    if constraint.regex
                    else {"json": orjson.loads(constraint.schema)}
                )
                if constraint.choices:
                    room = max(len(c.encode()) for c in constraint.choices) + 1
                    body[self.config.max_tokens_field] = max(sampling.max_tokens, room)
            elif constraint.schema and self.config.server is Server.openai:
                body["response_format"] = {
                    "type": "json_schema",
                    "json_schema": {"name": "answer", "schema": orjson.loads(constraint.schema)},
                }
        data = await self.endpoint.post(ticket, "/chat/completions", body, usages)
        choice = data["choices"][0]
        text = choice["message"].get("content") or ""
        if constraint is not None and constraint.choices:
            text = nearest_choice(text, constraint.choices)
        tokens = (choice.get("logprobs") or {}).get("content") or ()
        if sampling.logps and text and not tokens:
            self.endpoint.degrade("logps", "the endpoint gives no log-probabilities of sampled tokens; they stay empty")
        return Reply(
            text=text,
            identity=ticket.key,
            finish="length" if choice.get("finish_reason") == "length" else "stop",
            num_tokens=usages[-1].num_output,
            logps=tuple(finite(token["logprob"]) for token in tokens),
        )

    # -- the rest of an engine's life

    def withdraw(self) -> int:
        """Every ticket comes back by itself."""
        return 0

    def facts(self) -> dict[str, Any]:
        """Return address, served models, limits and everything that was degraded."""
        import aiohttp

        config = self.config
        return {
            "engine": "openai",
            "url": self.endpoint.url,
            "server": config.server.value,
            "models": self.endpoint.models,
            "aiohttp": aiohttp.__version__,
            "concurrency": config.concurrency,
            "requests_per_minute": config.requests_per_minute,
            "tokens_per_minute": config.tokens_per_minute,
            "num_retried": self.endpoint.num_retried,
            "degraded": self.endpoint.degraded,
        }

    def close(self) -> None:
        """Cancel what is in flight, close the connections and end the thread; harmless when done twice."""
        if self._loop.is_closed():
            return
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _close(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.endpoint.close()


def open_engine(config: OpenaiConfig, setting: EngineSetting) -> OpenaiEngine:
    """Open the engine."""
    return OpenaiEngine(config, setting)


kind = EngineKind(name="openai", config=OpenaiConfig, open=open_engine, needs_model=False)
