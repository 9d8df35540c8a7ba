"""How a `Score` is asked of an HTTP endpoint: label log-probabilities, prompt log-probabilities, or counted answers."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from typing import Any

from agents.requests import Message, Score, ScoreMode, Scores
from agents.scoring import LABELS, canonical, listed, permutations
from sim.engines.base import Ticket, Usage, derive_seed
from sim.engines.chat import LOGP_FLOOR, continuation_stub, finite, nearest_choice
from sim.engines.endpoint import Endpoint, Refused, Server, defused

_LETTER = re.compile(r"(?<![A-Za-z])([A-Z])(?![A-Za-z])")
TOP_LOGPROBS = 20


class NoLogprobs(Exception):
    """The endpoint gives no log-probabilities."""


class Scorer:
    """Answer `Score` requests from one endpoint."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    async def answer(self, ticket: Ticket, score: Score, usages: list[Usage]) -> Scores:
        """Return the scores in the request's own option order. Raises Refused for this request, EngineDied for all."""
        if score.mode is ScoreMode.CONTINUATION or not score.messages:
            if self._endpoint.config.server is Server.vllm:
                return await self._continuations(ticket, score, usages)
            if not score.messages:
                raise Refused("a chat endpoint cannot score plain documents; use engine=vllm or server: vllm")
            self._endpoint.degrade(
                "continuation", "options are listed under letters, since continuations cannot be scored"
            )
        if len(score.options) > len(LABELS):
            raise Refused(f"{len(score.options)} options; letters reach {len(LABELS)}")
        orders = permutations(len(score.options), score.orders)
        if self._endpoint.gives_logprobs:
            try:
                rows = await together(self._letters(ticket, score, order, usages) for order in orders)
                return self._scores(ticket, score, rows, ScoreMode.LETTER.value)
            except NoLogprobs:
                self._endpoint.gives_logprobs = False
        self._endpoint.degrade("scores", "the endpoint gives no log-probabilities; scores are sampled answers")
        rows = await together(self._sampled(ticket, score, order, at, usages) for at, order in enumerate(orders))
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
        if self._endpoint.config.server is Server.vllm:
            body = self._endpoint.body(score, (*messages, Message("assistant", score.stub)), seed)
            return body | {"add_generation_prompt": False, "continue_final_message": True}
        # A plain endpoint cannot begin the answer, so the stub ends the question.
        last = messages[-1]
        return self._endpoint.body(
            score, (*messages[:-1], replace(last, content=f"{last.content}\n{score.stub}")), seed
        )

    async def _letters(
        self, ticket: Ticket, score: Score, order: Sequence[int], usages: list[Usage]
    ) -> tuple[float, ...]:
        body = self._listing(score, order, ticket.seed)
        body |= {
            "temperature": 0,
            self._endpoint.config.max_tokens_field: 1,
            "logprobs": True,
            "top_logprobs": TOP_LOGPROBS,
        }
        try:
            data = await self._endpoint.post(ticket, "/chat/completions", body, usages)
        except Refused as refused:
            if "logprob" in str(refused) and not self._endpoint.gave_logprobs:
                raise NoLogprobs from refused
            raise
        tokens = (data["choices"][0].get("logprobs") or {}).get("content") or ()
        if not tokens or not tokens[0].get("top_logprobs"):
            # One odd answer, such as an empty one, is this request's alone: no other mode of scoring for all to come.
            if self._endpoint.gave_logprobs:
                raise Refused("the endpoint gave no log-probabilities with this answer, as it did with others")
            raise NoLogprobs
        self._endpoint.gave_logprobs = True
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
        for draw in range(self._endpoint.config.score_samples):
            body = self._listing(score, order, derive_seed(ticket.seed, f"{at}.{draw}"))
            body |= {"temperature": 1.0, self._endpoint.config.max_tokens_field: 8}
            data = await self._endpoint.post(ticket, "/chat/completions", body, usages)
            slot = _answered_slot(data["choices"][0]["message"].get("content") or "", shown)
            if slot is not None:
                counts[slot] += 1
        num = self._endpoint.config.score_samples
        return canonical([math.log(c / num) if c else LOGP_FLOOR for c in counts], order)

    async def _continuations(self, ticket: Ticket, score: Score, usages: list[Usage]) -> Scores:
        if not score.messages:
            bodies = [{"model": self._endpoint.model(score), "prompt": defused(option)} for option in score.options]
            rows = await together(self._prompt_rows(ticket, "/completions", body, usages) for body in bodies)
            start = 1
        else:
            stub = continuation_stub(score.stub)
            bodies = [
                self._endpoint.body(score, (*score.messages, Message("assistant", stub + option)), ticket.seed)
                | {"add_generation_prompt": False, "continue_final_message": True}
                for option in ("", *score.options)
            ]
            bare, *rows = await together(
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
        data = await self._endpoint.post(
            ticket, path, body | {"max_tokens": 1, "temperature": 0, "prompt_logprobs": 0}, usages
        )
        found = data.get("prompt_logprobs") or data["choices"][0].get("prompt_logprobs")
        if not found:
            raise Refused("the endpoint gives no prompt_logprobs; engine.server is vllm, is that a vLLM server?")
        return [("", 0.0) if not row else next((i, float(t["logprob"])) for i, t in row.items()) for row in found]


async def together(coroutines: Any) -> list[Any]:
    """Run coroutines side by side; one alone without the cost of a task."""
    waiting: list[Coroutine[Any, Any, Any]] = list(coroutines)
    if len(waiting) == 1:
        return [await waiting[0]]
    done = await asyncio.gather(*waiting, return_exceptions=True)
    error = next((item for item in done if isinstance(item, BaseException)), None)
    if error is not None:
        raise error
    return list(done)


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
