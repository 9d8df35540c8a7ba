"""The same answers through plain transformers, for machines where vLLM cannot be installed.

Static batches of left-padded prompts, one policy a batch, sampled by our own loop: each row draws from a generator of
its own seed by inverting the cumulated distribution, so a row's text depends on its mates only through rounding.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from agents.errors import UserError
from agents.requests import Generate, Reply, Result, Score, ScoreMode
from sim.engines.base import EngineDied, Finished, Ticket, Usage
from sim.engines.chat import ChatTokenizer, Pass, ScorePlan
from sim.engines.drawing import draw_index, uniform
from sim.engines.kind import EngineKind, EngineSetting
from sim.engines.transformers_model import LoadedModel, Prompt, TransformersConfig, folder_and_adapters


@dataclass(slots=True)
class _Row:
    """A prompt to go on with, or a pass of a `Score` to read."""

    job: _Job
    at: int
    ids: list[int]
    one: Pass | None


@dataclass(slots=True)
class _Job:
    ticket: Ticket
    plan: ScorePlan | None
    waiting: int
    began: float
    values: list[list[float]] = field(default_factory=list)
    num_prompt: int = 0
    num_output: int = 0


class TransformersEngine:
    """An engine over one loaded model with adapters by name."""

    def __init__(self, config: TransformersConfig, setting: EngineSetting) -> None:
        """Load the model and its adapters. Raises UserError when that cannot work."""
        if setting.model_folder is None:
            raise UserError(
                "engine.name = transformers needs a model.", "it loads one itself.", "name one under `model`"
            )
        self.config = config
        self._policies = {p.name: p.kind for p in setting.policies}
        folder, adapters = folder_and_adapters(setting.model_folder, setting.policies)
        self.chat = ChatTokenizer(folder, thinking=config.thinking)
        self._model = LoadedModel(config, folder, adapters)
        self._model.ends |= {self.chat.tokenizer.eos_token_id} - {None}
        self.max_model_len = self._model.max_model_len
        self._queue: list[_Row] = []
        self._finished: list[Finished] = []

    # -- the two verbs

    def submit(self, tickets: Sequence[Ticket]) -> None:
        """Take tickets."""
        now = time.monotonic()
        for ticket in tickets:
            request = ticket.request
            if request.policy not in self._policies:
                self._fail(ticket, f'no policy "{request.policy}" in this engine: {", ".join(self._policies)}')
                continue
            try:
                plan: ScorePlan | None = None
                passes: tuple[Pass | None, ...] = (None,)
                if isinstance(request, Generate):
                    choices = request.constraint.choices if request.constraint is not None else ()
                    ids = self.chat.prompt(request.messages)
                    if choices:
                        # A choice is drawn from the options' own distribution: nothing else can come out.
                        plan = self.chat.plan(_choice_score(request, choices))
                        passes = plan.passes
                else:
                    plan = self.chat.plan(request)
                    passes = plan.passes
            except Exception as error:  # a template that refuses these messages: this request's fault alone
                self._fail(ticket, f"{type(error).__name__}: {str(error)[:300]}")
                continue
            job = _Job(ticket, plan, len(passes), now, [[] for _ in passes])
            rows = [_Row(job, at, ids if one is None else one.ids, one) for at, one in enumerate(passes)]
            longest = max(len(row.ids) for row in rows)
            if longest >= self.max_model_len:
                self._fail(ticket, f"prompt of {longest} tokens is longer than {self.max_model_len - 1}")
            else:
                self._queue += rows

    def poll(self) -> list[Finished]:
        """Run one batch to its end and return what is finished."""
        if self._queue:
            first = self._queue[0]
            key = self._batch_key(first)
            batch = [row for row in self._queue if self._batch_key(row) == key][: self.config.batch_size]
            chosen = {id(row) for row in batch}
            self._queue = [row for row in self._queue if id(row) not in chosen]
            try:
                self._model.speak_as(first.job.ticket.request.policy)
                if first.one is None:
                    self._decode(batch)
                else:
                    self._read(batch)
            except RuntimeError as error:
                raise EngineDied(f"transformers stopped: {error}") from error
        finished, self._finished = self._finished, []
        return finished

    def _batch_key(self, row: _Row) -> tuple[str, bool]:
        return row.job.ticket.request.policy, row.one is None

    def _read(self, rows: Sequence[_Row]) -> None:
        values = self._model.read([row.one for row in rows if row.one is not None])
        for row, value in zip(rows, values, strict=True):
            job = row.job
            job.values[row.at] = value
            job.num_prompt += len(row.ids)
            job.num_output += 1
            job.waiting -= 1
            if not job.waiting:
                self._end_score(job)

    def _end_score(self, job: _Job) -> None:
        assert job.plan is not None
        scores = job.plan.join(job.values, job.ticket.key)
        result: Result = scores
        if isinstance(job.ticket.request, Generate):
            sampling = job.ticket.request.sampling
            top = max(scores.logp[0])
            weights = [math.exp((x - top) / max(sampling.temperature, 1e-6)) for x in scores.logp[0]]
            drawn = draw_index(weights, uniform(self._model.torch, job.ticket.seed, 1)[0])
            text = scores.options[drawn]
            result = Reply(text=text, identity=job.ticket.key, num_tokens=scores.num_tokens[drawn])
        self._finished.append(Finished(job.ticket, result, self._usage(job)))

    def _decode(self, rows: Sequence[_Row]) -> None:
        prompts = []
        for row in rows:
            ticket = row.job.ticket
            assert isinstance(ticket.request, Generate)
            sampling = ticket.request.sampling
            limit = min(sampling.max_tokens, self.max_model_len - len(row.ids))
            prompts.append(Prompt(ids=row.ids, sampling=sampling, seed=ticket.seed, limit=limit))
        for row, (tokens, logps) in zip(rows, self._model.decode(prompts, self._stopped), strict=True):
            self._end_text(row, tokens, logps)

    def _text(self, tokens: Sequence[int]) -> str:
        text: str = self.chat.tokenizer.decode(tokens, skip_special_tokens=True)
        return text

    def _stopped(self, tokens: Sequence[int], stops: Sequence[str]) -> bool:
        tail = self._text(tokens[-64:])
        return any(stop in tail for stop in stops)

    def _end_text(self, row: _Row, tokens: list[int], logps: list[float]) -> None:
        job = row.job
        request = job.ticket.request
        assert isinstance(request, Generate)
        by_itself = tokens[-1] in self._model.ends
        text = self._text(tokens)
        cuts = [text.find(stop) for stop in request.sampling.stop if stop in text]
        if cuts:
            text, by_itself = text[: min(cuts)], True
        job.num_prompt, job.num_output = len(row.ids), len(tokens)
        reply = Reply(
            text=text,
            identity=job.ticket.key,
            finish="stop" if by_itself else "length",
            num_tokens=len(tokens),
            logps=tuple(logps),
        )
        self._finished.append(Finished(job.ticket, reply, self._usage(job)))

    def _usage(self, job: _Job) -> Usage:
        return Usage(job.num_prompt, 0, job.num_output, time.monotonic() - job.began)

    def _fail(self, ticket: Ticket, why: str) -> None:
        self._finished.append(Finished(ticket, None, error=why))

    # -- the rest of an engine's life

    def withdraw(self) -> int:
        """Every ticket comes back by itself."""
        return 0

    def facts(self) -> dict[str, Any]:
        """Return versions, device and what this engine cannot do."""
        return {
            "engine": "transformers",
            **self._model.versions,
            "device": self._model.device,
            "dtype": self._model.dtype,
            "batch_size": self.config.batch_size,
            "max_model_len": self.max_model_len,
            "num_threads": self._model.torch.get_num_threads(),
            "policies": self._policies,
            "degraded": {"constraints": "none for regex and schema; choices are drawn from the options' distribution"},
        }

    def close(self) -> None:
        """Drop the model and its memory."""
        self._queue.clear()
        self._model.close()


def _choice_score(request: Generate, choices: tuple[str, ...]) -> Score:
    return Score(
        messages=request.messages,
        options=choices,
        purpose=request.purpose,
        policy=request.policy,
        mode=ScoreMode.CONTINUATION,
        stub="",
    )


def open_engine(config: TransformersConfig, setting: EngineSetting) -> TransformersEngine:
    """Open the engine."""
    return TransformersEngine(config, setting)


kind = EngineKind(name="transformers", config=TransformersConfig, open=open_engine)
