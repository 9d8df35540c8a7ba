"""What does it cost on a CPU to speak through an adapter? `python -m benchmarks.adapters [--json] [--requests N]`.

The same requests, half of them scores and half texts, go to: the base alone; base and adapter in one engine, with
vLLM's own LoRA operations and with ours; the adapter merged into the weights. One engine a process, all in one run;
the ways take turns, so that a machine that slows down slows all. The adapter is random, at rank 8 on all projections.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from agents.requests import Generate, Message, Sampling, Score
from sim.engines.base import PolicyRef, Ticket

WAYS = ("base alone", "vllm's own", "grouped", "merged")
WORDS = "The town has talked of the bridge for years, and everybody has said what they think of it. " * 12


def tickets(num: int, policy: str, start: int) -> list[Ticket]:
    """Return requests of about 300 tokens, of which a third is shared."""
    out = []
    for k in range(start, start + num):
        said = Message("user", f"{WORDS} Speaker {k}: I would {'build' if k % 3 else 'leave'} it in year {1900 + k}.")
        if k % 2:
            one: Generate | Score = Score(messages=(said,), options=("yes", "no"), purpose="bench", policy=policy)
        else:
            sampling = Sampling(max_tokens=32, temperature=0.7)
            one = Generate(messages=(said,), purpose="bench", policy=policy, sampling=sampling)
        out.append(Ticket(one, f"{policy}-{k}", k, k))
    return out


def write_adapter(base: Path, folder: Path) -> Path:
    """Write a random LoRA over all projections of a llama, as PEFT would."""
    import torch
    from safetensors.torch import save_file

    config = json.loads((base / "config.json").read_text())
    hidden, inner, rank = config["hidden_size"], config["intermediate_size"], 8
    head = config.get("head_dim") or hidden // config["num_attention_heads"]
    wide, narrow = config["num_attention_heads"] * head, config["num_key_value_heads"] * head
    shapes = {
        "self_attn.q_proj": (hidden, wide),
        "self_attn.k_proj": (hidden, narrow),
        "self_attn.v_proj": (hidden, narrow),
        "self_attn.o_proj": (wide, hidden),
        "mlp.gate_proj": (hidden, inner),
        "mlp.up_proj": (hidden, inner),
        "mlp.down_proj": (inner, hidden),
    }
    chance = torch.Generator().manual_seed(1)
    tensors = {}
    for layer in range(config["num_hidden_layers"]):
        for name, (wide_in, wide_out) in shapes.items():
            key = f"base_model.model.model.layers.{layer}.{name}"
            tensors[f"{key}.lora_A.weight"] = torch.randn(rank, wide_in, generator=chance) / wide_in**0.5
            tensors[f"{key}.lora_B.weight"] = torch.randn(wide_out, rank, generator=chance) * 0.02
    folder.mkdir(parents=True)
    save_file(tensors, str(folder / "adapter_model.safetensors"))
    plain = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "r": rank, "lora_alpha": 2 * rank, "bias": "none"}
    plain |= {"target_modules": sorted({name.split(".")[1] for name in shapes}), "lora_dropout": 0.0}
    (folder / "adapter_config.json").write_text(json.dumps(plain | {"base_model_name_or_path": str(base)}))
    return folder


def time_one(way: str, num: int, adapter: Path) -> dict[str, float]:
    """Return seconds and tokens of one way, in this process."""
    from sim.engines.kind import EngineSetting
    from sim.engines.vllm import VllmConfig, VllmEngine
    from sim.models import path

    base, learned = PolicyRef(name="base"), PolicyRef(name="p1", kind="adapter", folder=adapter, digest="random")
    policies = {"base alone": (base,), "merged": (learned,)}.get(way, (base, learned))
    config = VllmConfig(max_model_len=2048, kv_cache_gib=2, grouped_lora=way == "grouped")
    engine = VllmEngine(config, EngineSetting(model_folder=path(), policies=policies))
    try:
        asked = policies[-1].name
        _answer(engine, tickets(4, asked, 100_000))
        engine.reset_prefix_cache()
        began = time.perf_counter()
        usages = _answer(engine, tickets(num, asked, 0))
        seconds = time.perf_counter() - began
    finally:
        engine.close()
    read = sum(one.num_prompt - one.num_cached for one in usages)
    return {"seconds": seconds, "tokens_read": read, "tokens_written": sum(one.num_output for one in usages)}


def _answer(engine, asked):  # type: ignore[no-untyped-def]
    engine.submit(asked)
    done = []
    while len(done) < len(asked):
        done += engine.poll()
    assert not any(one.error for one in done)
    return [one.usage for one in done]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--adapter", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.way:
        print(json.dumps(time_one(given.way, given.requests, given.adapter)))
        return
    from sim.models import path

    rows: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory(prefix="folkmoot-adapter-") as room:
        adapter = write_adapter(path(), Path(room) / "p1")
        for _ in range(given.repeats):
            for way in WAYS:
                words = [sys.executable, "-m", "benchmarks.adapters", "--way", way, "--adapter", str(adapter)]
                told = subprocess.run(
                    [*words, "--requests", str(given.requests)], check=True, stdout=subprocess.PIPE, text=True
                )
                rows[way].append(json.loads(told.stdout.splitlines()[-1]))
    seconds = {way: statistics.median(one["seconds"] for one in found) for way, found in rows.items()}
    result = {
        "seconds": {way: round(one, 2) for way, one in seconds.items()},
        "times_base": {way: round(one / seconds["base alone"], 2) for way, one in seconds.items()},
        "tokens": {way: [found[0]["tokens_read"], found[0]["tokens_written"]] for way, found in rows.items()},
        "requests": given.requests,
        "repeats": given.repeats,
        "num_cores": os.cpu_count(),
    }
    if given.json:
        print(json.dumps(result))
        return
    for way in WAYS:
        print(f"{way:12} {seconds[way]:8.2f} s {result['times_base'][way]:7.2f} x")


if __name__ == "__main__":
    main()
