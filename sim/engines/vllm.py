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
import random
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from agents.errors import UserError, missing_extra
from agents.requests import Constraint, Generate, Reply, Sampling
from sim.engines.base import EngineDied, Finished, PolicyRef, Ticket, Usage
from sim.engines.chat import ChatTokenizer, Pass, ScorePlan, finite
from sim.engines.kind import EngineKind, EngineSetting
from sim.engines.merging import CannotMerge, adapter_config, adapter_modules, merge_adapter

log = logging.getLogger(__name__)

_SORTED_IDS = 1024
"""Prompts are sorted by policy and by this many first tokens, so that siblings meet in the prefix cache."""
_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)


@dataclass(frozen=True, slots=True, kw_only=True)
class VllmConfig:
    """The `engine` section for `name: vllm`."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    in_process: bool | None = None
    """Run the engine core in this process (repeatable scheduling, small machines). Null: on a CPU yes, on CUDA no."""
    dtype: str = "bfloat16"
    """Number format of weights and activations."""
    max_model_len: Annotated[int, Field(ge=64)] = 8192
    """Longest prompt plus answer in tokens; never more than the model's own limit."""
    max_num_seqs: Annotated[int, Field(ge=0)] = 0
    """Sequences decoded side by side. 0: 64 on a CPU, 256 on CUDA."""
    kv_cache_gib: Annotated[int, Field(ge=1)] = 4
    """Room for the KV cache on a CPU, in GiB."""
    gpu_memory_share: Annotated[float, Field(gt=0, lt=1)] = 0.85
    """Share of GPU memory for weights and KV cache."""
    block_size: Annotated[int, Field(ge=0)] = 0
    """Tokens in a block of the prefix cache, which hits whole blocks only. 0: 32 on a CPU, vLLM's choice on CUDA."""
    prefix_caching: bool = True
    """Serve what prompts share from the cache."""
    enforce_eager: bool | None = None
    """Skip compilation and CUDA graphs. Null: on a CPU yes (compiling takes minutes), on CUDA no."""
    merge_when_single: bool = True
    """On a CPU, merge an adapter that speaks alone into the weights: decoding through it is about 3.4 times slower."""
    sleep_mode: bool = False
    """Let the engine give its GPU memory to the trainer (`sleep`, `wake`); CUDA only."""
    batch_invariant: bool = False
    """Ask vLLM for results that do not depend on batch mates (compute capability 8.0 and up; slower)."""
    thinking: bool = False
    """Let templates that know a thinking mode use it."""


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
            raise UserError("engine.name = vllm needs a model.", "", "name one under `model`")
        self.config = config
        self._llm: Any = None
        self._jobs: dict[str, tuple[_Job, int]] = {}
        self._finished: list[Finished] = []
        self._count = 0
        self._choice_tokens: dict[tuple[str, ...], int] = {}
        self._started = time.monotonic()
        vllm = _import_vllm(config)
        from vllm.platforms import current_platform

        self.on_cpu: bool = current_platform.is_cpu()
        self.in_process = self.on_cpu if config.in_process is None else config.in_process
        os.environ["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0" if self.in_process else "1"
        self._sampling_class = vllm.SamplingParams
        with contextlib.ExitStack() as stack:
            folder, self._loras = self._weights(setting.model_folder, setting.policies, stack)
            self.chat = ChatTokenizer(folder, thinking=config.thinking)
            self._arguments = self._engine_arguments(folder)
            with _own_random_state(), warnings.catch_warnings():
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

    # -- opening

    def _weights(
        self, base: Path, policies: Sequence[PolicyRef], stack: contextlib.ExitStack
    ) -> tuple[Path, dict[str, Any]]:
        """Return the folder to load and, for each policy that is asked for by name, its LoRARequest or None."""
        from vllm.lora.request import LoRARequest

        self._policies = {p.name: {"kind": p.kind, "digest": p.digest} for p in policies}
        self._lora_rank = 0
        self._lora_modules: set[str] = set()
        alone = policies[0] if len(policies) == 1 else None
        merged = [p for p in policies if p.kind == "merged"]
        if alone is not None and alone.kind == "merged" and alone.folder is not None:
            return alone.folder, {alone.name: None}
        if merged:
            raise UserError(
                f'The policy "{merged[0].name}" is a whole model and cannot speak beside others in one engine.',
                f"asked together: {', '.join(p.name for p in policies)}.",
                "train it as an adapter (LoRA), or let it speak alone in this stage",
            )
        if alone is not None and alone.kind == "adapter" and self.on_cpu and self.config.merge_when_single:
            assert alone.folder is not None
            room = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="folkmoot-merged-")))
            try:
                merge_adapter(base, alone.folder, room / "model")
            except CannotMerge as error:
                log.warning("adapter is served unmerged, which decodes slower on a CPU: %s", error)
            else:
                self._policies[alone.name]["kind"] = "adapter, merged at load"
                return room / "model", {alone.name: None}
        loras: dict[str, Any] = {}
        for number, policy in enumerate(policies, start=1):
            if policy.kind == "base":
                loras[policy.name] = None
                continue
            if policy.folder is None:
                raise UserError(f'The policy "{policy.name}" has no folder.', "", "give the adapter's folder")
            rank = int(adapter_config(policy.folder).get("r", 8))
            self._lora_modules |= adapter_modules(policy.folder)
            self._lora_rank = max(self._lora_rank, next((r for r in _RANKS if r >= rank), rank))
            # vLLM neither checks that ids are unique nor sees a rewritten folder: number and name stand for the bytes.
            name = f"{policy.name}@{policy.digest[:16]}"
            loras[policy.name] = LoRARequest(lora_name=name, lora_int_id=number, lora_path=str(policy.folder))
        return base, loras

    def _engine_arguments(self, folder: Path) -> dict[str, Any]:
        config = self.config
        own = _model_limit(folder)
        length = min(config.max_model_len, own) if own else config.max_model_len
        num_seqs = config.max_num_seqs or (64 if self.on_cpu else 256)
        arguments: dict[str, Any] = {
            "dtype": config.dtype,
            "max_model_len": length,
            "max_num_seqs": num_seqs,
            "enable_prefix_caching": config.prefix_caching,
            "enforce_eager": self.on_cpu if config.enforce_eager is None else config.enforce_eager,
            "seed": 0,
            "logprobs_mode": "raw_logprobs",
            "max_logprobs": 26,
            "disable_log_stats": True,
            "generation_config": "vllm",
            "use_tqdm_on_load": False,
            "structured_outputs_config": {"backend": "guidance", "disable_any_whitespace": True},
        }
        if self.on_cpu:
            # A seeded request that is prefilled in parts kills vLLM on a CPU: "CPU Generator does not use offset".
            arguments["enable_chunked_prefill"] = False
            arguments["max_num_batched_tokens"] = max(length, 2048)
            arguments["block_size"] = config.block_size or 32
        else:
            arguments["gpu_memory_utilization"] = config.gpu_memory_share
            arguments["enable_sleep_mode"] = config.sleep_mode
            if config.block_size:
                arguments["block_size"] = config.block_size
        num_adapters = sum(lora is not None for lora in self._loras.values())
        if num_adapters:
            arguments.update(
                enable_lora=True,
                # On a CPU, rows without an adapter read the last slot (index -1): it must stay an empty one.
                max_loras=num_adapters + self.on_cpu,
                max_cpu_loras=num_adapters + self.on_cpu,
                max_lora_rank=self._lora_rank,
                # Wrapping lm_head for nothing costs time, and on a CPU it breaks `prompt_logprobs`.
                lora_target_modules=sorted(self._lora_modules),
            )
        return arguments

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
        _trim_heap()


def _import_vllm(config: VllmConfig) -> Any:
    """Import vLLM quietly, with its switches set before it reads them."""
    os.environ.update(VLLM_NO_USAGE_STATS="1", DO_NOT_TRACK="1", VLLM_CPU_KVCACHE_SPACE=str(config.kv_cache_gib))
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
    os.environ.setdefault("TQDM_DISABLE", "1")
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    # Threads that spin while they wait slow everything by an order of magnitude once another process wants the cores.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    logging.getLogger("vllm").setLevel(logging.ERROR)
    os.environ.setdefault("VLLM_WORKER_MULTIPROC_METHOD", "spawn")
    if config.batch_invariant:
        os.environ["VLLM_BATCH_INVARIANT"] = "1"
    try:
        import vllm
    except ImportError as error:
        raise missing_extra("vllm", "cpu") from error
    return vllm


@contextlib.contextmanager
def _own_random_state() -> Iterator[None]:
    """Keep the global random states of this process, which vLLM seeds for itself."""
    import numpy as np
    import torch

    kept = random.getstate(), np.random.get_state(), torch.get_rng_state()
    try:
        yield
    finally:
        random.setstate(kept[0])
        np.random.set_state(kept[1])
        torch.set_rng_state(kept[2])


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


def _model_limit(folder: Path) -> int:
    import json

    config = json.loads((folder / "config.json").read_text("utf-8"))
    return int(config.get("max_position_embeddings") or 0)


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [""])[0][:300].rstrip(".")


def _trim_heap() -> None:
    """Hand freed memory back to the system (glibc keeps it otherwise)."""
    import ctypes

    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def open_engine(config: VllmConfig, setting: EngineSetting) -> VllmEngine:
    """Open the engine."""
    return VllmEngine(config, setting)


kind = EngineKind(name="vllm", config=VllmConfig, open=open_engine)
