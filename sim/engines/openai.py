"""Any OpenAI-compatible endpoint, over plain HTTP: `/v1/chat/completions` is all it must have.

An asyncio loop in its own thread keeps many requests in flight; `submit` and `poll` only hand tickets across. Built on
aiohttp alone, since a client library at 5 to 20 ms of CPU a call would be the cap of every simulation. What an endpoint
cannot do (log-probabilities, constraints) is degraded loudly: a warning, the mode in the result, and the manifest.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import os
import random
import re
import threading
import time
from collections import deque
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Annotated, Any

import orjson
from pydantic import ConfigDict, Field

from agents.errors import UserError
from agents.requests import Generate, Message, Reply, Request, Result, Score, ScoreMode, Scores
from agents.scoring import LABELS, canonical, listed, permutations
from sim.engines.base import EngineDied, Finished, Ticket, Usage, derive_seed
from sim.engines.chat import LOGP_FLOOR, continuation_stub, finite, nearest_choice
from sim.engines.kind import EngineKind, EngineSetting

log = logging.getLogger(__name__)

_MARK = re.compile(r"<(?=\|[^<>|\n]{0,64}\|>)")
_LETTER = re.compile(r"(?<![A-Za-z])([A-Z])(?![A-Za-z])")
_BUSY = frozenset({408, 425, 429, 502, 503, 504})
_NEVER = {401: "the key is missing or wrong", 403: "the key has no access", 404: "no such path or model there"}
MAX_WAIT_S = 60.0
TOP_LOGPROBS = 20


class Server(StrEnum):
    """What kind of server answers: decides which extras a request may carry."""

    plain = "plain"
    """Chat completions only; constraints are parsed after the fact."""
    openai = "openai"
    """Also `response_format` with a JSON schema."""
    vllm = "vllm"
    """`vllm serve`: structured outputs, begun answers, log-probabilities of prompts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenaiConfig:
    """The `engine` section for `name: openai`."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    url: str = "http://127.0.0.1:8000/v1"
    """Address of the endpoint, up to and including /v1."""
    model: str = ""
    """Name of the served base model. Empty: the run's model name."""
    models: dict[str, str] = field(default_factory=dict)
    """Served name of each other policy; a policy that is not here goes by its own name."""
    server: Server = Server.plain
    """plain, openai or vllm."""
    api_key_env: str = ""
    """Environment variable that holds the key. Empty: no key is sent."""
    concurrency: Annotated[int, Field(ge=1)] = 400
    """Requests in flight at most."""
    requests_per_minute: Annotated[int, Field(ge=0)] = 0
    """Rate limit; 0 is none."""
    tokens_per_minute: Annotated[int, Field(ge=0)] = 0
    """Rate limit on prompt and answer tokens, estimated at 4 characters a token; 0 is none."""
    timeout_s: Annotated[float, Field(gt=0)] = 120.0
    """Seconds until a single try is given up."""
    num_retries: Annotated[int, Field(ge=0, le=20)] = 6
    """Further tries after a full queue (429), a server error, a lost connection or a timeout."""
    backoff_s: Annotated[float, Field(gt=0)] = 0.5
    """Wait before the first retry; doubled each time, with jitter, at most a minute."""
    logprobs: bool = True
    """Ask for log-probabilities where a request needs them; the first refusal turns this off."""
    score_samples: Annotated[int, Field(ge=1, le=64)] = 1
    """Answers drawn an order for a `Score` when the endpoint gives no log-probabilities."""
    max_tokens_field: str = "max_tokens"
    """Name of the limit in the request; some servers want max_completion_tokens."""


class _Refused(Exception):
    """A request that cannot be answered, while others can."""


class _NoLogprobs(Exception):
    """The endpoint gave no log-probabilities."""


class _Pace:
    """Let through a given amount a minute, with a second's worth at once."""

    def __init__(self, per_minute: float) -> None:
        self._per_s = per_minute / 60
        self._free_at = 0.0

    async def take(self, amount: float) -> None:
        """Wait until the amount may pass."""
        if not self._per_s:
            return
        now = time.monotonic()
        begin = max(self._free_at, now - 1.0)
        self._free_at = begin + amount / self._per_s
        if begin > now:
            await asyncio.sleep(begin - now)


class OpenaiEngine:
    """An engine whose answers come over HTTP."""

    def __init__(self, config: OpenaiConfig, setting: EngineSetting) -> None:
        """Start the loop. Raises UserError for an unusable address or an unset key variable."""
        if not re.match(r"https?://[^/]+", config.url):
            raise UserError(
                f'engine.url = "{config.url}" is not an address.', "", "write it like http://127.0.0.1:8000/v1"
            )
        key = ""
        if config.api_key_env:
            key = os.environ.get(config.api_key_env, "")
            if not key:
                raise UserError(
                    f'engine.api_key_env = "{config.api_key_env}" names a variable that is not set.',
                    "the key is read from the environment only, never from a file.",
                    f"run: export {config.api_key_env}=...",
                )
        self.config = config
        self._url = config.url.rstrip("/")
        self._headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
        base = config.model or setting.model_name or "default"
        self._models = {p.name: base if p.kind == "base" else p.name for p in setting.policies} | config.models
        self._logprobs = config.logprobs
        self._degraded: dict[str, str] = {}
        if config.server is not Server.vllm:
            what = "regex and choice" if config.server is Server.openai else "schema, regex and choice"
            self._degraded["constraints"] = f"{what} constraints are not enforced; replies are parsed afterwards"
        self._requests = _Pace(config.requests_per_minute)
        self._tokens = _Pace(config.tokens_per_minute)
        self._done: deque[Finished] = deque()
        self._signal = threading.Event()
        self._death: EngineDied | None = None
        self._last_success = 0.0
        self._in_flight = 0
        self.num_retried = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._session: Any = None
        self._loop = asyncio.new_event_loop()
        self._slots: asyncio.Semaphore
        self._thread = threading.Thread(target=self._loop.run_forever, name="openai-engine", daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._open(), self._loop).result()

    async def _open(self) -> None:
        import aiohttp

        self._slots = asyncio.Semaphore(self.config.concurrency)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self.config.concurrency, keepalive_timeout=30),
            timeout=aiohttp.ClientTimeout(total=self.config.timeout_s),
            headers=self._headers,
            auto_decompress=True,
        )

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
                result = await self._score(ticket, request, usages)
        except _Refused as refused:
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
        body = self._body(request, request.messages, ticket.seed)
        body |= {"temperature": sampling.temperature, self.config.max_tokens_field: sampling.max_tokens}
        if sampling.top_p != 1.0:
            body["top_p"] = sampling.top_p
        if sampling.stop:
            body["stop"] = sampling.stop
        if sampling.logps and self._logprobs:
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
        data = await self._post(ticket, "/chat/completions", body, usages)
        choice = data["choices"][0]
        text = choice["message"].get("content") or ""
        if constraint is not None and constraint.choices:
            text = nearest_choice(text, constraint.choices)
        tokens = (choice.get("logprobs") or {}).get("content") or ()
        if sampling.logps and not tokens:
            self._degrade("logps", "the endpoint gives no log-probabilities of sampled tokens; they stay empty")
        return Reply(
            text=text,
            identity=ticket.key,
            finish="length" if choice.get("finish_reason") == "length" else "stop",
            num_tokens=usages[-1].num_output,
            logps=tuple(finite(token["logprob"]) for token in tokens),
        )

    # -- Score

    async def _score(self, ticket: Ticket, score: Score, usages: list[Usage]) -> Scores:
        if score.mode is ScoreMode.CONTINUATION or not score.messages:
            if self.config.server is Server.vllm:
                return await self._continuations(ticket, score, usages)
            if not score.messages:
                raise _Refused("a chat endpoint cannot score plain documents; use engine=vllm or server: vllm")
            self._degrade("continuation", "options are listed under letters, since continuations cannot be scored")
        if len(score.options) > len(LABELS):
            raise _Refused(f"{len(score.options)} options; letters reach {len(LABELS)}")
        orders = permutations(len(score.options), score.orders)
        if self._logprobs:
            try:
                rows = await _together(self._letters(ticket, score, order, usages) for order in orders)
                return self._scores(ticket, score, rows, ScoreMode.LETTER.value)
            except _NoLogprobs:
                self._logprobs = False
        self._degrade("scores", "the endpoint gives no log-probabilities; scores are sampled answers")
        rows = await _together(self._sampled(ticket, score, order, at, usages) for at, order in enumerate(orders))
        return self._scores(ticket, score, rows, "sampled")

    def _scores(self, ticket: Ticket, score: Score, rows: list[tuple[float, ...]], mode: str) -> Scores:
        return Scores(
            options=score.options,
            logp=tuple(rows),
            identity=ticket.key,
            num_tokens=(1,) * len(score.options),
            mode=mode,
        )

    def _listing(self, score: Score, order: Sequence[int], seed: int) -> dict[str, Any]:
        messages = listed(score, order)
        if self.config.server is Server.vllm:
            body = self._body(score, (*messages, Message("assistant", score.stub)), seed)
            return body | {"add_generation_prompt": False, "continue_final_message": True}
        # A plain endpoint cannot begin the answer, so the stub ends the question.
        last = messages[-1]
        return self._body(score, (*messages[:-1], replace(last, content=f"{last.content}\n{score.stub}")), seed)

    async def _letters(
        self, ticket: Ticket, score: Score, order: Sequence[int], usages: list[Usage]
    ) -> tuple[float, ...]:
        body = self._listing(score, order, ticket.seed)
        body |= {"temperature": 0, self.config.max_tokens_field: 1, "logprobs": True, "top_logprobs": TOP_LOGPROBS}
        try:
            data = await self._post(ticket, "/chat/completions", body, usages)
        except _Refused as refused:
            if "logprob" in str(refused):
                raise _NoLogprobs from refused
            raise
        tokens = (data["choices"][0].get("logprobs") or {}).get("content") or ()
        if not tokens or not tokens[0].get("top_logprobs"):
            raise _NoLogprobs
        weights = [0.0] * len(order)
        for found in tokens[0]["top_logprobs"]:
            slot = LABELS.find(found["token"].strip(" \u0120\u2581()") or "?")
            if 0 <= slot < len(order):
                weights[slot] += math.exp(found["logprob"])
        return canonical([math.log(w) if w > 0 else LOGP_FLOOR for w in weights], order)

    async def _sampled(
        self, ticket: Ticket, score: Score, order: Sequence[int], at: int, usages: list[Usage]
    ) -> tuple[float, ...]:
        counts = [0] * len(order)
        shown = [score.options[option] for option in order]
        for draw in range(self.config.score_samples):
            body = self._listing(score, order, derive_seed(ticket.seed, f"{at}.{draw}"))
            body |= {"temperature": 1.0, self.config.max_tokens_field: 8}
            data = await self._post(ticket, "/chat/completions", body, usages)
            slot = _answered_slot(data["choices"][0]["message"].get("content") or "", shown)
            if slot is not None:
                counts[slot] += 1
        num = self.config.score_samples
        return canonical([math.log(c / num) if c else LOGP_FLOOR for c in counts], order)

    async def _continuations(self, ticket: Ticket, score: Score, usages: list[Usage]) -> Scores:
        if not score.messages:
            bodies = [{"model": self._model(score), "prompt": _safe(option)} for option in score.options]
            rows = await _together(self._prompt_rows(ticket, "/completions", body, usages) for body in bodies)
            start = 1
        else:
            stub = continuation_stub(score.stub)
            bodies = [
                self._body(score, (*score.messages, Message("assistant", stub + option)), ticket.seed)
                | {"add_generation_prompt": False, "continue_final_message": True}
                for option in ("", *score.options)
            ]
            bare, *rows = await _together(
                self._prompt_rows(ticket, "/chat/completions", body, usages) for body in bodies
            )
            start = min(_common(bare, row) for row in rows)
        return Scores(
            options=score.options,
            logp=(tuple(sum(finite(logp) for _, logp in row[start:]) for row in rows),),
            identity=ticket.key,
            num_tokens=tuple(len(row) - start for row in rows),
            mode=ScoreMode.CONTINUATION.value,
        )

    async def _prompt_rows(
        self, ticket: Ticket, path: str, body: dict[str, Any], usages: list[Usage]
    ) -> list[tuple[str, float]]:
        """Return (token id, log-probability) of every prompt token, as `vllm serve` tells them."""
        data = await self._post(ticket, path, body | {"max_tokens": 1, "temperature": 0, "prompt_logprobs": 0}, usages)
        found = data.get("prompt_logprobs") or data["choices"][0].get("prompt_logprobs")
        if not found:
            raise _Refused("the endpoint gives no prompt_logprobs; engine.server is vllm, is that a vLLM server?")
        return [("", 0.0) if not row else next((i, float(t["logprob"])) for i, t in row.items()) for row in found]

    # -- one HTTP call

    def _model(self, request: Request) -> str:
        return self._models.get(request.policy, request.policy)

    def _body(self, request: Request, messages: Sequence[Message], seed: int) -> dict[str, Any]:
        plain = [{"role": m.role, "content": _safe(m.content)} for m in messages]
        return {"model": self._model(request), "messages": plain, "seed": seed}

    async def _post(self, ticket: Ticket, path: str, body: dict[str, Any], usages: list[Usage]) -> Any:
        """Post until there is a usable answer. Raises _Refused for this request, EngineDied for the endpoint."""
        import aiohttp

        data = orjson.dumps(body)
        began = time.monotonic()
        why, endpoint_is_down = "", False
        for attempt in range(self.config.num_retries + 1):
            wait_s = 0.0
            async with self._slots:
                await self._requests.take(1)
                await self._tokens.take(len(data) / 4 + body.get(self.config.max_tokens_field, 1))
                try:
                    async with self._session.post(self._url + path, data=data) as response:
                        raw = await response.read()
                        status = response.status
                        if status == 200:
                            answer = orjson.loads(raw)
                            usages.append(_usage(answer))
                            self._last_success = time.monotonic()
                            return answer
                        with contextlib.suppress(ValueError):
                            wait_s = float(response.headers.get("Retry-After", 0))
                    why, endpoint_is_down = f"status {status}: {raw[:200].decode(errors='replace')}", status in _BUSY
                    if status in _NEVER:
                        raise self._died(f"{_NEVER[status]} ({why})")
                    if status < 500 and status not in _BUSY:
                        raise _Refused(why)
                except (aiohttp.ClientError, TimeoutError, OSError) as error:
                    why, endpoint_is_down = f"{type(error).__name__} {error}".strip(), True
                except ValueError as error:
                    why, endpoint_is_down = f"the answer is not JSON: {error}", False
            if attempt < self.config.num_retries:
                self.num_retried += 1
                jitter = random.Random(derive_seed(ticket.seed, f"retry {attempt}")).uniform(0.5, 1.5)
                pause_s = self.config.backoff_s * 2**attempt * jitter
                await asyncio.sleep(min(max(pause_s, wait_s), MAX_WAIT_S))
        if endpoint_is_down and self._last_success < began:
            raise self._died(why)
        raise _Refused(f"after {self.config.num_retries + 1} tries: {why}")

    def _died(self, why: str) -> EngineDied:
        return EngineDied(
            f"The endpoint {self._url} cannot be used: {why}.\n"
            f"Do:   start the server there, or correct engine.url, engine.model and engine.api_key_env; then resume"
        )

    def _degrade(self, what: str, how: str) -> None:
        if what not in self._degraded:
            self._degraded[what] = how
            log.warning("%s: %s", self._url, how)

    # -- the rest of an engine's life

    def facts(self) -> dict[str, Any]:
        """Return address, served models, limits and everything that was degraded."""
        import aiohttp

        config = self.config
        return {
            "engine": "openai",
            "url": self._url,
            "server": config.server.value,
            "models": self._models,
            "aiohttp": aiohttp.__version__,
            "concurrency": config.concurrency,
            "requests_per_minute": config.requests_per_minute,
            "tokens_per_minute": config.tokens_per_minute,
            "num_retried": self.num_retried,
            "degraded": self._degraded,
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
        await self._session.close()


async def _together(coroutines: Any) -> list[Any]:
    """Run coroutines side by side; one alone without the cost of a task."""
    waiting: list[Coroutine[Any, Any, Any]] = list(coroutines)
    if len(waiting) == 1:
        return [await waiting[0]]
    done = await asyncio.gather(*waiting, return_exceptions=True)
    error = next((item for item in done if isinstance(item, BaseException)), None)
    if error is not None:
        raise error
    return list(done)


def _safe(text: str) -> str:
    """Return text in which no common control mark stands whole; the server's tokenizer would read it as one."""
    return _MARK.sub("< ", text)


def _usage(answer: Any) -> Usage:
    usage = answer.get("usage") or {}
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
    return Usage(usage.get("prompt_tokens") or 0, cached, usage.get("completion_tokens") or 0)


def _answered_slot(text: str, shown: Sequence[str]) -> int | None:
    """Return the slot that an answer in words names, by letter or by the option itself."""
    chosen = nearest_choice(text, shown)
    if chosen in shown:
        return shown.index(chosen)
    letter = _LETTER.search(text)
    slot = LABELS.find(letter.group(1)) if letter else -1
    return slot if 0 <= slot < len(shown) else None


def _common(a: Sequence[tuple[str, float]], b: Sequence[tuple[str, float]]) -> int:
    for at, (x, y) in enumerate(zip(a, b, strict=False)):
        if x[0] != y[0]:
            return at
    return min(len(a), len(b))


def open_engine(config: OpenaiConfig, setting: EngineSetting) -> OpenaiEngine:
    """Open the engine."""
    return OpenaiEngine(config, setting)


kind = EngineKind(name="openai", config=OpenaiConfig, open=open_engine, needs_model=False)
