"""The small real model, and engines that finish in another order."""

import random
from pathlib import Path

import pytest

from sim.engines.scripted import ScriptedEngine


@pytest.fixture(scope="session")
def model_folder(small_model: Path) -> Path:
    """Folder of SmolLM2-135M-Instruct."""
    return small_model


class ShuffledEngine(ScriptedEngine):
    """Finish a random few of what is out, in random order."""

    def __init__(self, answer, seed: int):
        super().__init__(answer)
        self._rng = random.Random(seed)

    def poll(self):
        """Answer a random part of the queue."""
        waiting = list(self._queue)
        self._queue.clear()
        self._rng.shuffle(waiting)
        num = self._rng.randint(1, len(waiting)) if waiting else 0
        self._queue.extend(waiting[num:])
        return [self._finish(ticket) for ticket in waiting[:num]]


def drain(engine, tickets):
    """Submit and poll until all are back; return them in the order given."""
    assert len({t.key for t in tickets}) == len(tickets)
    engine.submit(tickets)
    done = {}
    while len(done) < len(tickets):
        for item in engine.poll():
            done[item.ticket.key] = item
    return [done[t.key] for t in tickets]


def write_adapter(base: Path, folder: Path, *, seed: int, strength: float) -> Path:
    """Write a random LoRA over a llama's q and v projections, as PEFT would."""
    import json

    import torch
    from safetensors.torch import save_file

    config = json.loads((base / "config.json").read_text())
    hidden, rank = config["hidden_size"], 4
    head = config.get("head_dim") or hidden // config["num_attention_heads"]
    outs = {"q_proj": config["num_attention_heads"] * head, "v_proj": config["num_key_value_heads"] * head}
    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for layer in range(config["num_hidden_layers"]):
        for name, out in outs.items():
            key = f"base_model.model.model.layers.{layer}.self_attn.{name}"
            tensors[f"{key}.lora_A.weight"] = torch.randn(rank, hidden, generator=generator) / hidden**0.5
            tensors[f"{key}.lora_B.weight"] = torch.randn(out, rank, generator=generator) * strength
    folder.mkdir(parents=True)
    save_file(tensors, str(folder / "adapter_model.safetensors"))
    plain = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "r": rank, "lora_alpha": 2 * rank, "bias": "none"}
    plain |= {"target_modules": sorted(outs), "base_model_name_or_path": str(base), "lora_dropout": 0.0}
    (folder / "adapter_config.json").write_text(json.dumps(plain))
    return folder


def reference_logits(folder: Path, ids, *, dtype: str = "float32"):
    """Return next-token log-probabilities at every place, by a direct transformers forward."""
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(str(folder), dtype=getattr(torch, dtype)).eval()
    with torch.inference_mode():
        return [model(torch.tensor([row])).logits[0].float().log_softmax(-1) for row in ids]


@pytest.fixture(scope="session")
def tiny_folder(model_folder: Path, tmp_path_factory) -> Path:
    """A random llama of two layers with the real tokenizer."""
    import shutil

    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    folder = tmp_path_factory.mktemp("tiny") / "model"
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=49152,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=2,
        initializer_range=0.2,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copy(model_folder / name, folder / name)
    return folder
