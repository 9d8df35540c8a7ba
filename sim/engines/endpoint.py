"""An HTTP endpoint: where it is, what it can do, and one call to it with rate limits, retries and a verdict.

Everything here runs on the engine's own event loop. A call ends in an answer, in `Refused` (this request alone) or in
`EngineDied` (nothing more will come from there).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import random
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any

import orjson
from pydantic import ConfigDict, Field

from agents.errors import UserError
from agents.requests import Message, Request
from sim.engines.base import EngineDied, Ticket, Usage, derive_seed
from sim.engines.kind import EngineSetting

log = logging.getLogger(__name__)

_MARK = re.compile(r"<(?=\|[^<>|\n]{0,64}\|>)")
_BUSY = frozenset({408, 425, 429, 502, 503, 504})
_NEVER = {401: "the key is missing or wrong", 403: "the key has no access", 404: "no such path or model there"}
MAX_WAIT_S = 60.0


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


class Refused(Exception):
    """A request that cannot be answered, while others can."""


class Pace:
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


class Endpoint:
    """One address with its key, limits and served models.

    gives_logprobs: whether log-probabilities are asked for; turned off by the first refusal, unless there were some
    before (gave_logprobs). degraded: what this endpoint cannot do and what is done instead.
    """

    def __init__(self, config: OpenaiConfig, setting: EngineSetting) -> None:
        """Check the settings. Raises UserError for an unusable address or an unset key variable."""
        if not re.match(r"https?://[^/]+", config.url):
            raise UserError(
                f'engine.url = "{config.url}" is not an address.',
                "it does not begin with http:// or https:// and a name.",
                "write it like http://127.0.0.1:8000/v1",
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
        self.url = config.url.rstrip("/")
        self._headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
        base = config.model or setting.model_name or "default"
        self.models = {p.name: base if p.kind == "base" else p.name for p in setting.policies} | config.models
        self.gives_logprobs = config.logprobs
        self.gave_logprobs = False
        self.degraded: dict[str, str] = {}
        if config.server is not Server.vllm:
            what = "regex and choice" if config.server is Server.openai else "schema, regex and choice"
            self.degraded["constraints"] = f"{what} constraints are not enforced; replies are parsed afterwards"
        self._requests = Pace(config.requests_per_minute)
        self._tokens = Pace(config.tokens_per_minute)
        self._last_success = 0.0
        self.num_retried = 0
        self._session: Any = None
        self._slots: asyncio.Semaphore

    async def open(self) -> None:
        """Open the connections; to be called on the loop that makes the calls."""
        import aiohttp

        self._slots = asyncio.Semaphore(self.config.concurrency)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self.config.concurrency, keepalive_timeout=30),
            timeout=aiohttp.ClientTimeout(total=self.config.timeout_s),
            headers=self._headers,
            auto_decompress=True,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    def model(self, request: Request) -> str:
        """Return the name under which the endpoint serves the request's policy."""
        return self.models.get(request.policy, request.policy)

    def body(self, request: Request, messages: Sequence[Message], seed: int) -> dict[str, Any]:
        """Return what every request carries: model, messages without control marks, seed."""
        plain = [{"role": m.role, "content": defused(m.content)} for m in messages]
        return {"model": self.model(request), "messages": plain, "seed": seed}

    async def post(self, ticket: Ticket, path: str, body: dict[str, Any], usages: list[Usage]) -> Any:
        """Post until there is a usable answer. Raises Refused for this request, EngineDied for the endpoint."""
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
                    async with self._session.post(self.url + path, data=data) as response:
                        raw = await response.read()
                        status = response.status
                        if status == 200:
                            answer = orjson.loads(raw)
                            if not isinstance(answer, dict) or not answer.get("choices"):
                                raise ValueError(f"no choices in {raw[:200].decode(errors='replace')}")
                            usages.append(_usage(answer))
                            self._last_success = time.monotonic()
                            return answer
                        with contextlib.suppress(ValueError):
                            wait_s = float(response.headers.get("Retry-After", 0))
                    why, endpoint_is_down = f"status {status}: {raw[:200].decode(errors='replace')}", status in _BUSY
                    if status in _NEVER:
                        raise self._died(f"{_NEVER[status]} ({why})")
                    if status < 500 and status not in _BUSY:
                        raise Refused(why)
                except (aiohttp.ClientError, TimeoutError, OSError) as error:
                    why, endpoint_is_down = f"{type(error).__name__} {error}".strip(), True
                except ValueError as error:
                    why, endpoint_is_down = f"the answer cannot be read: {error}", False
            if attempt < self.config.num_retries:
                self.num_retried += 1
                jitter = random.Random(derive_seed(ticket.seed, f"retry {attempt}")).uniform(0.5, 1.5)
                pause_s = self.config.backoff_s * 2**attempt * jitter
                await asyncio.sleep(min(max(pause_s, wait_s), MAX_WAIT_S))
        if endpoint_is_down and self._last_success < began:
            raise self._died(why)
        raise Refused(f"after {self.config.num_retries + 1} tries: {why}")

    def _died(self, why: str) -> EngineDied:
        return EngineDied(
            f"The endpoint {self.url} cannot be used: {why}.\n"
            f"Do:   start the server there, or correct engine.url, engine.model and engine.api_key_env; then resume"
        )

    def degrade(self, what: str, how: str) -> None:
        """Write down, and warn of, something that this endpoint cannot do; once each."""
        if what not in self.degraded:
            self.degraded[what] = how
            log.warning("%s: %s", self.url, how)


def defused(text: str) -> str:
    """Return text in which no common control mark stands whole; the server's tokenizer would read it as one."""
    return _MARK.sub("< ", text)


def _usage(answer: Any) -> Usage:
    usage = answer.get("usage") or {}
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
    return Usage(usage.get("prompt_tokens") or 0, cached, usage.get("completion_tokens") or 0)
