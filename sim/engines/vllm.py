"""vLLM in this process or beside it: continuous batching for thousands of scripts, the same code on CUDA and CPUs.

`submit` hands requests to the engine core, `poll` takes one step of it and returns what ended. A `Score` becomes
several passes that are joined here. A request that cannot be answered (too long, a schema that does not compile)
comes back with its reason; only the engine's own death is raised.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from agents.errors import UserError
from agents.requests import Constraint, Generate, Reply, Sampling
from sim.engines.base import EngineDied, Finished, Ticket, Usage
from sim.engines.chat import ChatTokenizer, Pass, ScorePlan, finite
from sim.engines.kind import EngineKind, EngineSetting
from sim.engines.vllm_load import (
    VllmConfig,
    choose_lora,
    choose_weights,
    engine_arguments,
    import_vllm,
    own_random_state,
    trim_heap,
)

log = logging.getLogger(__name__)

_SORTED_IDS = 1024
"""Prompts are sorted by policy and by this many first tokens, so that siblings meet in the prefix cache."""


@dataclass(slots=True)
class _Job:
    """A ticket in work: its passes that are still out, and what came back."""

    ticket: Ticket
    plan: ScorePlan | None
    waiting: int
    began: float
    values: list[list[float]] = field(default_factory=list)
    num_prompt: int = 0
    num_cached: int = 0
    num_output: int = 0
    error: str = ""


class VllmEngine:
    """An engine over one vLLM core that serves base, adapters or one whole model."""

    def __init__(self, config: VllmConfig, setting: EngineSetting) -> None:
        """Load the model and try one seeded request. Raises UserError when model, adapters or vLLM cannot work."""
        if setting.model_folder is None:
            raise UserError("engine.name = vllm needs a model.", "it loads one itself.", "name one under `model`")
        self.config = config
        self._llm: Any = None
        self._jobs: dict[str, tuple[_Job, int]] = {}
        self._finished: list[Finished] = []
        self._count = 0
        self._choice_tokens: dict[tuple[str, ...], int] = {}
        self._started = time.monotonic()
        vllm = import_vllm(config)
        from vllm.platforms import current_platform

        self.on_cpu: bool = current_platform.is_cpu()
        self.in_process = self.on_cpu if config.in_process is None else config.in_process
        os.environ["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0" if self.in_process else "1"
        self._sampling_class = vllm.SamplingParams
        with contextlib.ExitStack() as stack:
            weights = choose_weights(config, setting.model_folder, setting.policies, stack, on_cpu=self.on_cpu)
            folder, self._loras, self._policies = weights.folder, weights.loras, weights.told
            self.chat = ChatTokenizer(folder, thinking=config.thinking)
            self._arguments = engine_arguments(config, weights, on_cpu=self.on_cpu)
            if self.on_cpu:
                choose_lora(grouped=config.grouped_lora and self.in_process)
            with own_random_state(), warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)
                try:
                    self._llm = vllm.LLM(model=str(folder), **self._arguments)
                except Exception as error:
                    raise UserError(
                        f"vLLM could not load {folder}.",
                        f"{type(error).__name__}: {_first_line(error)}.",
                        "lower engine.max_model_len or engine.kv_cache_gib, or use engine=transformers",
                    ) from error
        self._core = self._llm.llm_engine
        self.max_model_len = int(self._core.model_config.max_model_len)
        self.load_seconds = time.monotonic() - self._started
        self._self_test()

    def _self_test(self) -> None:
        """Answer one tiny seeded request, so that an upgrade cannot break seeds unseen."""
        policy = next(iter(self._loras))
        probe = self.chat.encode(self.chat.turn + "Hello")
        params = self._sampling_class(max_tokens=2, temperature=1.0, seed=7, output_kind=_final_only())
        try:
            self._core.add_request("self-test", {"prompt_token_ids": probe}, params, lora_request=self._loras[policy])
            while self._core.has_unfinished_requests():
                self._core.step()
        except Exception as error:
            reason = f"{type(error).__name__}: {_first_line(error)}."
            self.close()
            raise UserError(
                "vLLM cannot answer a seeded request on this machine.",
                reason,
                "install the vLLM version that the lock file names, or use engine=transformers",
            ) from error

    # -- the two verbs

    def submit(self, tickets: Sequence[Ticket]) -> None:
        """Take tickets; siblings that share policy and prefix go in side by side, equals in the order given."""
        now = time.monotonic()
        wanted: list[tuple[str, list[int], _Job, int, Any]] = []
        for ticket in tickets:
            request = ticket.request
            if request.policy not in self._loras:
                self._fail(ticket, f'no policy "{request.policy}" in this engine: {", ".join(self._loras)}')
                continue
            try:
                if isinstance(request, Generate):
                    ids = self.chat.prompt(request.messages)
                    job = _Job(ticket, None, 1, now)
                    params = self._generate_params(request, ticket.seed, len(ids))
                    parts = [(ids, params)]
                else:
                    plan = self.chat.plan(request)
                    job = _Job(ticket, plan, len(plan.passes), now, [[] for _ in plan.passes])
                    parts = [(p.ids, self._score_params(p)) for p in plan.passes]
            except Exception as error:  # a bad parameter or a template that refuses: this request's fault alone
                self._fail(ticket, f"{type(error).__name__}: {_first_line(error)}")
                continue
            longest = max(len(ids) for ids, _ in parts)
            if longest >= self.max_model_len:
                self._fail(ticket, f"prompt of {longest} tokens is longer than {self.max_model_len - 1}")
            elif not all(ids for ids, _ in parts):
                self._fail(ticket, "the prompt is empty")
            else:
                wanted += [(request.policy, ids, job, at, params) for at, (ids, params) in enumerate(parts)]
        wanted.sort(key=lambda item: (item[0], item[1][:_SORTED_IDS]))
        for policy, ids, job, at, params in wanted:
            self._add(policy, ids, job, at, params)

    def _add(self, policy: str, ids: list[int], job: _Job, at: int, params: Any) -> None:
        name = f"{self._count}"
        self._count += 1
        try:
            self._core.add_request(name, {"prompt_token_ids": ids}, params, lora_request=self._loras[policy])
        except Exception as error:
            if type(error).__name__ == "EngineDeadError":
                raise EngineDied(f"vLLM took no request: {_first_line(error)}") from error
            # The request's own fault, such as a schema or regex that does not compile.
            self._end_pass(job, f"{type(error).__name__}: {_first_line(error)}")
        else:
            self._jobs[name] = (job, at)

    def poll(self) -> list[Finished]:
        """Take one step of the engine and return what ended by it."""
        if self._jobs:
            try:
                outputs = self._core.step()
            except Exception as error:
                raise EngineDied(f"vLLM stopped: {type(error).__name__}: {_first_line(error)}") from error
            for output in outputs:
                if output.finished:
                    self._take(output)
        finished, self._finished = self._finished, []
        return finished

    def _take(self, output: Any) -> None:
        found = self._jobs.pop(output.request_id, None)
        if found is None:
            return
        job, at = found
        answer = output.outputs[0]
        job.num_prompt += len(output.prompt_token_ids)
        job.num_cached += output.num_cached_tokens or 0
        job.num_output += len(answer.token_ids)
        if answer.finish_reason not in ("stop", "length"):
            self._end_pass(job, f"vLLM ended the request: {answer.finish_reason}")
        elif job.plan is None:
            logps: tuple[float, ...] = ()
            if answer.logprobs is not None:
                pairs = zip(answer.token_ids, answer.logprobs, strict=True)
                logps = tuple(finite(found_at[token].logprob) for token, found_at in pairs)
            self._end_pass(job)
            reply = Reply(
                text=answer.text,
                identity=job.ticket.key,
                finish=answer.finish_reason,
                num_tokens=len(answer.token_ids),
                logps=logps,
            )
            self._finished.append(Finished(job.ticket, reply, _usage(job)))
        else:
            job.values[at] = _read_pass(job.plan.passes[at], output)
            self._end_pass(job)

    def _end_pass(self, job: _Job, error: str = "") -> None:
        """Count a pass as over; the last one of a `Score`, or of anything that failed, finishes the ticket."""
        job.waiting -= 1
        job.error = job.error or error
        if job.waiting:
            return
        if job.error:
            self._finished.append(Finished(job.ticket, None, _usage(job), job.error))
        elif job.plan is not None:
            self._finished.append(Finished(job.ticket, job.plan.join(job.values, job.ticket.key), _usage(job)))

    def _fail(self, ticket: Ticket, why: str) -> None:
        self._finished.append(Finished(ticket, None, error=why))

    # -- parameters

    def _generate_params(self, request: Generate, seed: int, num_prompt: int) -> Any:
        sampling: Sampling = request.sampling
        max_tokens = sampling.max_tokens
        if request.constraint is not None and request.constraint.choices:
            # In the worst case an option is spelled byte by byte; a smaller limit would cut it into another word.
            max_tokens = max(max_tokens, max(len(c.encode()) for c in request.constraint.choices) + 1)
        return self._sampling_class(
            max_tokens=max(1, min(max_tokens, self.max_model_len - num_prompt)),
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            seed=seed if sampling.temperature > 0 else None,
            stop=list(sampling.stop) or None,
            logprobs=0 if sampling.logps else None,
            structured_outputs=_structured(request.constraint),
            output_kind=_final_only(),
        )

    def _score_params(self, one: Pass) -> Any:
        if one.labels:
            return self._sampling_class(
                max_tokens=1,
                temperature=0.0,
                logprob_token_ids=list(one.labels),
                detokenize=False,
                output_kind=_final_only(),
            )
        return self._sampling_class(
            max_tokens=1, temperature=0.0, prompt_logprobs=0, detokenize=False, output_kind=_final_only()
        )

    # -- the rest of an engine's life

    def sleep(self) -> None:
        """Give the GPU memory of weights and cache back while the trainer works; needs `sleep_mode` on CUDA."""
        self._need_sleep_mode()
        self._llm.sleep(level=1)

    def wake(self) -> None:
        """Take the memory again; the prefix cache starts empty."""
        self._need_sleep_mode()
        self._llm.wake_up()

    def _need_sleep_mode(self) -> None:
        if self.on_cpu or not self.config.sleep_mode:
            raise UserError(
                "This engine cannot sleep.",
                "vLLM has no sleep mode on a CPU." if self.on_cpu else "engine.sleep_mode is false.",
                "close the engine before training" if self.on_cpu else "set engine.sleep_mode=true",
            )

    def reset_prefix_cache(self) -> None:
        """Forget all cached prefixes: benchmarks start every run with an empty cache."""
        self._core.reset_prefix_cache()

    def withdraw(self) -> int:
        """Every ticket comes back by itself."""
        return 0

    def facts(self) -> dict[str, Any]:
        """Return versions, device, flags and policies for the manifest."""
        import torch
        import vllm

        return {
            "engine": "vllm",
            "vllm": vllm.__version__,
            "torch": torch.__version__,
            "device": "cpu" if self.on_cpu else torch.cuda.get_device_name(),
            "num_threads": torch.get_num_threads(),
            "in_process": self.in_process,
            "kv_cache_gib": self.config.kv_cache_gib if self.on_cpu else None,
            "grouped_lora": self.on_cpu and self.in_process and self.config.grouped_lora,
            "line_cache": self.chat.caches_lines,
            "policies": self._policies,
            "load_seconds": round(self.load_seconds, 1),
            **self._arguments,
        }

    def close(self) -> None:
        """Shut the core down and give its memory back, so that another engine can be opened in this process."""
        if self._llm is None:
            return
        from vllm.distributed import cleanup_dist_env_and_memory

        self._jobs.clear()
        self._core.engine_core.shutdown()
        self._core = self._llm = None
        gc.collect()
        if self.in_process:
            cleanup_dist_env_and_memory()
        trim_heap()


def _final_only() -> Any:
    from vllm.sampling_params import RequestOutputKind

    return RequestOutputKind.FINAL_ONLY


def _structured(constraint: Constraint | None) -> Any:
    if constraint is None:
        return None
    from vllm.sampling_params import StructuredOutputsParams

    if constraint.choices:
        return StructuredOutputsParams(choice=list(constraint.choices))
    if constraint.regex:
        return StructuredOutputsParams(regex=constraint.regex)
    return StructuredOutputsParams(json=constraint.schema)


def _read_pass(one: Pass, output: Any) -> list[float]:
    if one.labels:
        found = output.outputs[0].logprobs[0]
        return [found[label].logprob for label in one.labels]
    rows = output.prompt_logprobs
    return [sum(finite(rows[at][one.ids[at]].logprob) for at in range(one.start, len(one.ids)))]


def _usage(job: _Job) -> Usage:
    return Usage(job.num_prompt, job.num_cached, job.num_output, time.monotonic() - job.began)


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [""])[0][:300].rstrip(".")


def open_engine(config: VllmConfig, setting: EngineSetting) -> VllmEngine:
    """Open the engine."""
    return VllmEngine(config, setting)


kind = EngineKind(name="vllm", config=VllmConfig, open=open_engine)
