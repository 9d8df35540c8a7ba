"""Opening vLLM: its settings, the weights of the policies that will speak, and a quiet import."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import random
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from agents.errors import UserError, missing_extra
from sim.engines.base import PolicyRef
from sim.engines.merging import CannotMerge, adapter_config, adapter_modules, merge_adapter
from sim.engines.number_format import NumberFormat, number_format

log = logging.getLogger(__name__)

_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)


@dataclass(frozen=True, slots=True, kw_only=True)
class VllmConfig:
    """The `engine` section for `name: vllm`."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    in_process: bool | None = None
    """Run the engine core in this process (repeatable scheduling, small machines). Null: on a CPU yes, on CUDA no."""
    dtype: NumberFormat = "auto"
    """Number format of weights and activations. auto: bfloat16 where the machine multiplies it, else float32."""
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
    """On a CPU, merge an adapter that speaks alone into the weights, which is faster than to speak through it."""
    grouped_lora: bool = True
    """On a CPU, in this process: multiply rows that share an adapter together. False: vLLM's own way, much slower."""
    sleep_mode: bool = False
    """Let the engine give its GPU memory to the trainer (`sleep`, `wake`); CUDA only."""
    batch_invariant: bool = False
    """Ask vLLM for results that do not depend on batch mates (compute capability 8.0 and up; slower)."""
    thinking: bool = False
    """Let templates that know a thinking mode use it."""


@dataclass(slots=True, kw_only=True)
class Weights:
    """What to load for the policies that will speak.

    folder: of the model. loras: for each policy asked by name, its LoRARequest or None. told: kind and digest of each
    policy, for the manifest. rank, modules: what the adapters need together.
    """

    folder: Path
    loras: dict[str, Any] = field(default_factory=dict)
    told: dict[str, dict[str, str]] = field(default_factory=dict)
    rank: int = 0
    modules: set[str] = field(default_factory=set)


def choose_weights(
    config: VllmConfig, base: Path, policies: Sequence[PolicyRef], stack: contextlib.ExitStack, *, on_cpu: bool
) -> Weights:
    """Return what to load. A policy that speaks alone is loaded whole, merged if need be (CPU); several are adapters.

    stack: keeps the folder of merged weights until the engine has read it. Raises UserError for policies that cannot
    speak together.
    """
    told = {p.name: {"kind": str(p.kind), "digest": p.digest} for p in policies}
    weights = Weights(folder=base, told=told)
    alone = policies[0] if len(policies) == 1 else None
    merged = [p for p in policies if p.kind == "merged"]
    if alone is not None and alone.kind == "merged" and alone.folder is not None:
        weights.folder, weights.loras = alone.folder, {alone.name: None}
        return weights
    if merged:
        raise UserError(
            f'The policy "{merged[0].name}" is a whole model and cannot speak beside others in one engine.',
            f"asked together: {', '.join(p.name for p in policies)}.",
            "train it as an adapter (LoRA), or let it speak alone in this stage",
        )
    if alone is not None and alone.kind == "adapter" and on_cpu and config.merge_when_single:
        assert alone.folder is not None
        room = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="folkmoot-merged-")))
        try:
            merge_adapter(base, alone.folder, room / "model")
        except CannotMerge as error:
            log.warning("adapter is served unmerged, which decodes slower on a CPU: %s", error)
        else:
            told[alone.name]["kind"] = "adapter, merged at load"
            weights.folder, weights.loras = room / "model", {alone.name: None}
            return weights
    _as_adapters(weights, policies)
    return weights


def _as_adapters(weights: Weights, policies: Sequence[PolicyRef]) -> None:
    from vllm.lora.request import LoRARequest

    for number, policy in enumerate(policies, start=1):
        if policy.kind == "base":
            weights.loras[policy.name] = None
            continue
        if policy.folder is None:
            raise UserError(
                f'The policy "{policy.name}" has no folder.',
                "an adapter is read from one.",
                "give the adapter's folder",
            )
        rank = int(adapter_config(policy.folder).get("r", 8))
        weights.modules |= adapter_modules(policy.folder)
        weights.rank = max(weights.rank, next((r for r in _RANKS if r >= rank), rank))
        # vLLM neither checks that ids are unique nor sees a rewritten folder: number and name stand for the bytes.
        name = f"{policy.name}@{policy.digest[:16]}"
        weights.loras[policy.name] = LoRARequest(lora_name=name, lora_int_id=number, lora_path=str(policy.folder))


def engine_arguments(config: VllmConfig, weights: Weights, *, on_cpu: bool) -> dict[str, Any]:
    """Return the arguments of `vllm.LLM`, apart from the model's folder."""
    own = _model_limit(weights.folder)
    length = min(config.max_model_len, own) if own else config.max_model_len
    num_seqs = config.max_num_seqs or (64 if on_cpu else 256)
    arguments: dict[str, Any] = {
        "dtype": number_format(config.dtype, on_cpu=on_cpu),
        "max_model_len": length,
        "max_num_seqs": num_seqs,
        "enable_prefix_caching": config.prefix_caching,
        "enforce_eager": on_cpu if config.enforce_eager is None else config.enforce_eager,
        "seed": 0,
        "logprobs_mode": "raw_logprobs",
        "max_logprobs": 26,
        "disable_log_stats": True,
        "generation_config": "vllm",
        "use_tqdm_on_load": False,
        "structured_outputs_config": {"backend": "guidance", "disable_any_whitespace": True},
    }
    if on_cpu:
        # A seeded request that is prefilled in parts kills vLLM on a CPU: "CPU Generator does not use offset".
        arguments["enable_chunked_prefill"] = False
        arguments["max_num_batched_tokens"] = max(length, 2048)
        arguments["block_size"] = config.block_size or 32
    else:
        arguments["gpu_memory_utilization"] = config.gpu_memory_share
        arguments["enable_sleep_mode"] = config.sleep_mode
        if config.block_size:
            arguments["block_size"] = config.block_size
    num_adapters = sum(lora is not None for lora in weights.loras.values())
    if num_adapters:
        arguments.update(
            enable_lora=True,
            # On a CPU, rows without an adapter read the last slot (index -1): it must stay an empty one.
            max_loras=num_adapters + on_cpu,
            max_cpu_loras=num_adapters + on_cpu,
            max_lora_rank=weights.rank,
            # Wrapping lm_head for nothing costs time, and on a CPU it breaks `prompt_logprobs`.
            lora_target_modules=sorted(weights.modules),
        )
    return arguments


def choose_lora(*, grouped: bool) -> None:
    """Say which class multiplies by adapters on a CPU: the platform names it, and vLLM builds what it names."""
    from vllm.platforms import current_platform

    name = "sim.engines.grouped_lora.GroupedLora" if grouped else "vllm.lora.punica_wrapper.punica_cpu.PunicaWrapperCPU"
    type(current_platform).get_punica_wrapper = classmethod(lambda _: name)


def import_vllm(config: VllmConfig) -> Any:
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
def own_random_state() -> Iterator[None]:
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


def _model_limit(folder: Path) -> int:
    config = json.loads((folder / "config.json").read_text("utf-8"))
    return int(config.get("max_position_embeddings") or 0)


def trim_heap() -> None:
    """Hand freed memory back to the system (glibc keeps it otherwise)."""
    import ctypes

    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)
