"""The same answers through plain transformers, for machines where vLLM cannot be installed.

Static batches of left-padded prompts, one policy a batch, sampled by our own loop: each row draws from a generator of
its own seed by inverting the cumulated distribution, so a row's text depends on its mates only through rounding.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from agents.errors import UserError, missing_extra
from agents.requests import Generate, Reply, Result
from sim.engines.base import EngineDied, Finished, PolicyRef, Ticket, Usage
from sim.engines.chat import ChatTokenizer, Pass, ScorePlan, finite
from sim.engines.kind import EngineKind, EngineSetting

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class TransformersConfig:
    """The `engine` section for `name: transformers`."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    dtype: str = "bfloat16"
    """Number format of weights and activations."""
    device: str = "auto"
    """auto, cpu or cuda."""
    batch_size: Annotated[int, Field(ge=1)] = 32
    """Rows decoded side by side."""
    max_model_len: Annotated[int, Field(ge=64)] = 8192
    """Longest prompt plus answer in tokens."""
    thinking: bool = False
    """Let templates that know a thinking mode use it."""


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
        try:
            import torch
            import transformers
        except ImportError as error:
            raise missing_extra("transformers", "train") from error
        if setting.model_folder is None:
            raise UserError("engine.name = transformers needs a model.", "", "name one under `model`")
        self.config = config
        self._torch = torch
        self._versions = {"torch": torch.__version__, "transformers": transformers.__version__}
        self._device = config.device if config.device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
        folder, adapters = _sort_policies(setting.model_folder, setting.policies)
        self._policies = {p.name: p.kind for p in setting.policies}
        self._adapters = {p.name: f"policy{number}" for number, p in enumerate(adapters)}
        self.chat = ChatTokenizer(folder, thinking=config.thinking)
        try:
            model = transformers.AutoModelForCausalLM.from_pretrained(
                str(folder), dtype=getattr(torch, config.dtype), local_files_only=True
            )
            if adapters:
                from peft import PeftModel

                for policy in adapters:
                    name = self._adapters[policy.name]
                    if isinstance(model, PeftModel):
                        model.load_adapter(str(policy.folder), adapter_name=name)
                    else:
                        model = PeftModel.from_pretrained(model, str(policy.folder), adapter_name=name)
        except Exception as error:
            raise UserError(
                f"transformers could not load {folder}.",
                f"{type(error).__name__}: {str(error)[:300]}",
                "check the model",
            ) from error
        self._model = model.to(self._device).eval()
        own = int(getattr(model.config, "max_position_embeddings", 0) or config.max_model_len)
        self.max_model_len = min(config.max_model_len, own)
        eos = model.generation_config.eos_token_id if model.generation_config is not None else None
        ends = eos if isinstance(eos, list) else [] if eos is None else [eos]
        self._ends = {*ends, self.chat.tokenizer.eos_token_id} - {None}
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
                self._set_policy(first.job.ticket.request.policy)
                with self._torch.inference_mode():
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

    def _set_policy(self, policy: str) -> None:
        if not self._adapters:
            return
        name = self._adapters.get(policy)
        if name is None:
            self._model.base_model.disable_adapter_layers()
        else:
            self._model.base_model.enable_adapter_layers()
            self._model.set_adapter(name)

    # -- forward passes

    def _padded(self, rows: Sequence[_Row]) -> tuple[Any, Any, Any]:
        """Return ids, mask and positions, padded on the left, shape (num_rows, longest)."""
        torch = self._torch
        longest = max(len(row.ids) for row in rows)
        ids = torch.zeros((len(rows), longest), dtype=torch.long)
        mask = torch.zeros_like(ids)
        for at, row in enumerate(rows):
            ids[at, longest - len(row.ids) :] = torch.tensor(row.ids)
            mask[at, longest - len(row.ids) :] = 1
        positions = (mask.cumsum(1) - 1).clamp_min(0)
        return ids.to(self._device), mask.to(self._device), positions.to(self._device)

    def _read(self, rows: Sequence[_Row]) -> None:
        ids, mask, positions = self._padded(rows)
        width = ids.shape[1]
        first = [row.one.start if row.one and not row.one.labels else len(row.ids) - 1 for row in rows]
        # Logits of whole prompts would be the largest tensor by far; keep those from the first one that is read.
        keep = max(len(row.ids) - max(start - 1, 0) for row, start in zip(rows, first, strict=True))
        logits = self._model(
            input_ids=ids, attention_mask=mask, position_ids=positions, use_cache=False, logits_to_keep=keep
        ).logits
        for at, row in enumerate(rows):
            assert row.one is not None and row.job.plan is not None
            pad = width - len(row.ids)
            if row.one.labels:
                logp = logits[at, -1].float().log_softmax(-1)
                values = [float(logp[label]) for label in row.one.labels]
            else:
                total = 0.0
                for token in range(row.one.start, len(row.ids)):
                    line = logits[at, pad + token - 1 - (width - keep)].float().log_softmax(-1)
                    total += finite(float(line[row.ids[token]]))
                values = [total]
            job = row.job
            job.values[row.at] = values
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
            drawn = _draw_index(weights, _uniform(self._torch, job.ticket.seed, 1)[0])
            text = scores.options[drawn]
            result = Reply(text=text, identity=job.ticket.key, num_tokens=scores.num_tokens[drawn])
        self._finished.append(Finished(job.ticket, result, self._usage(job)))

    def _decode(self, rows: list[_Row]) -> None:
        """Go on with every row until it ends; finished rows leave the batch when they are half of it."""
        torch = self._torch
        ids, mask, positions = self._padded(rows)
        requests = [row.job.ticket.request for row in rows]
        room = [self.max_model_len - len(row.ids) for row in rows]
        limits = [min(r.sampling.max_tokens, n) for r, n in zip(requests, room, strict=True)]  # type: ignore[union-attr]
        draws = [_uniform(torch, row.job.ticket.seed, limit) for row, limit in zip(rows, limits, strict=True)]
        tokens: list[list[int]] = [[] for _ in rows]
        logps: list[list[float]] = [[] for _ in rows]
        live = list(range(len(rows)))  # live[i]: which row stands at place i of the batch, -1 once it has ended
        out = self._model(input_ids=ids, attention_mask=mask, position_ids=positions, use_cache=True, logits_to_keep=1)
        cache, position = out.past_key_values, positions[:, -1]
        while True:
            logp = out.logits[:, -1].float().log_softmax(-1).cpu()
            new = torch.zeros(len(live), dtype=torch.long)
            for place, at in enumerate(live):
                if at < 0:
                    continue
                sampling = requests[at].sampling  # type: ignore[union-attr]
                token = _draw(torch, logp[place], sampling.temperature, sampling.top_p, draws[at][len(tokens[at])])
                new[place] = token
                tokens[at].append(token)
                if sampling.logps:
                    logps[at].append(finite(float(logp[place, token])))
                ended = token in self._ends or len(tokens[at]) >= limits[at]
                if ended or (sampling.stop and self._stopped(tokens[at], sampling.stop)):
                    self._end_text(rows[at], tokens[at], logps[at])
                    live[place] = -1
            num_live = sum(at >= 0 for at in live)
            if not num_live:
                return
            if num_live * 2 <= len(live):
                kept = torch.tensor([place for place, at in enumerate(live) if at >= 0])
                cache.batch_select_indices(kept.to(self._device))
                mask, position, new = mask[kept], position[kept], new[kept]
                live = [at for at in live if at >= 0]
            mask = torch.cat([mask, torch.ones_like(mask[:, :1])], dim=1)
            position = position + 1
            out = self._model(
                input_ids=new[:, None].to(self._device),
                attention_mask=mask,
                position_ids=position[:, None],
                past_key_values=cache,
                use_cache=True,
            )

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
        by_itself = tokens[-1] in self._ends
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

    def facts(self) -> dict[str, Any]:
        """Return versions, device and what this engine cannot do."""
        return {
            "engine": "transformers",
            **self._versions,
            "device": self._device,
            "dtype": self.config.dtype,
            "batch_size": self.config.batch_size,
            "max_model_len": self.max_model_len,
            "num_threads": self._torch.get_num_threads(),
            "policies": self._policies,
            "degraded": {"constraints": "none for regex and schema; choices are drawn from the options' distribution"},
        }

    def close(self) -> None:
        """Drop the model and its memory."""
        import gc

        self._model = None
        self._queue.clear()
        gc.collect()
        if self._device == "cuda":
            self._torch.cuda.empty_cache()


def _sort_policies(base: Path, policies: Sequence[PolicyRef]) -> tuple[Path, list[PolicyRef]]:
    """Return the folder to load and the adapters to put on it."""
    merged = [p for p in policies if p.kind == "merged"]
    if merged and len(policies) == 1 and merged[0].folder is not None:
        return merged[0].folder, []
    if merged:
        raise UserError(
            f'The policy "{merged[0].name}" is a whole model and cannot speak beside others in one engine.',
            f"asked together: {', '.join(p.name for p in policies)}.",
            "train it as an adapter (LoRA), or let it speak alone in this stage",
        )
    return base, [p for p in policies if p.kind == "adapter"]


def _choice_score(request: Generate, choices: tuple[str, ...]) -> Any:
    from agents.requests import Score, ScoreMode

    return Score(
        messages=request.messages,
        options=choices,
        purpose=request.purpose,
        policy=request.policy,
        mode=ScoreMode.CONTINUATION,
        stub="",
    )


def _uniform(torch: Any, seed: int, num: int) -> list[float]:
    """Return `num` draws from [0, 1) that depend on the seed alone."""
    generator = torch.Generator().manual_seed(seed)
    draws: list[float] = torch.rand(num, generator=generator, dtype=torch.float64).tolist()
    return draws


def _draw_index(weights: Sequence[float], at: float) -> int:
    target = at * sum(weights)
    for index, weight in enumerate(weights):
        target -= weight
        if target < 0:
            return index
    return max(range(len(weights)), key=weights.__getitem__)


def _draw(torch: Any, logp: Any, temperature: float, top_p: float, at: float) -> int:
    """Return the token at this place of the cumulated distribution; temperature 0 is greedy."""
    if temperature <= 0:
        return int(logp.argmax())
    probability = (logp.double() / temperature).softmax(-1)
    if top_p < 1:
        ordered, index = probability.sort(descending=True)
        num = int((ordered.cumsum(-1) < top_p).sum()) + 1
        # What is cut becomes nothing in its place; drawing along the sorted order would let near-ties swap tokens.
        probability[index[num:]] = 0.0
    place = int(torch.searchsorted(probability.cumsum(-1), at * float(probability.sum()), right=True))
    return min(place, len(probability) - 1)


def open_engine(config: TransformersConfig, setting: EngineSetting) -> TransformersEngine:
    """Open the engine."""
    return TransformersEngine(config, setting)


kind = EngineKind(name="transformers", config=TransformersConfig, open=open_engine)
