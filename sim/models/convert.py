"""Turn a GGUF file into a folder of safetensors, tokenizer and chat template.

`convert_gguf` starts this module as a child process (`python -m sim.models.convert GGUF OUT`), so that the caller never
imports torch: half a gigabyte of memory and half a minute that a later engine would otherwise share a process with.
The child ends with one JSON line on standard output, and a known failure has its own word there.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from agents.errors import UserError, missing_extra

NEEDED_MODULES = ("torch", "transformers", "gguf", "accelerate", "safetensors")
"""Packages that a conversion needs."""


def engine_extra() -> str:
    """Return the extra to suggest on this machine: gpu where an NVIDIA driver is loaded, else cpu."""
    return "gpu" if Path("/proc/driver/nvidia/version").exists() else "cpu"


def require_converter() -> None:
    """Raise UserError with the install line unless everything a conversion needs is installed."""
    for module in NEEDED_MODULES:
        if find_spec(module) is None:
            raise missing_extra(module, engine_extra())


def convert_gguf(gguf: Path, out: Path, *, name: str) -> dict[str, str]:
    """Convert one GGUF file in a child process and return the versions it was made with.

    gguf: a file that transformers can dequantise. out: a folder that does not exist yet.
    Raises UserError for an unknown architecture, a missing package or a full disk.
    """
    require_converter()
    quiet = {
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "TRANSFORMERS_VERBOSITY": "error",
        "TQDM_DISABLE": "1",
    }
    command = [sys.executable, "-m", "sim.models.convert", str(gguf), str(out)]
    child = subprocess.run(command, env={**os.environ, **quiet}, capture_output=True, text=True, check=False)
    try:
        answer = json.loads(child.stdout.strip().splitlines()[-1])
        problem, detail = str(answer["problem"]), answer["detail"]
    except (IndexError, ValueError, KeyError, TypeError):
        problem, detail = "crash", _tail(child.stderr) or f"the converter ended with exit code {child.returncode}"
    if not problem and isinstance(detail, dict):
        return {str(key): str(value) for key, value in detail.items()}
    given = f"The weights of model {name!r} cannot be converted: {gguf.name}."
    if problem == "missing":
        raise missing_extra(str(detail), engine_extra())
    if problem == "architecture":
        raise UserError(
            given, f"The architecture is not supported: {detail}", "choose a model with Llama architecture."
        )
    if problem == "space":
        raise UserError(
            given, f"No space is left on the disk that holds {out.parent}.", "free some space and pull again."
        )
    raise UserError(
        given,
        f"The converter says: {detail}",
        "run: folkmoot doctor. If it finds nothing, the installed transformers cannot read this file.",
    )


def _tail(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def _convert(gguf: Path, out: Path) -> dict[str, str]:
    """Dequantise, copy into a fresh model without quantisation, and save as bfloat16 safetensors."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.set_num_threads(max(1, min(4, os.cpu_count() or 1)))
    tokenizer = AutoTokenizer.from_pretrained(str(gguf.parent), gguf_file=gguf.name)
    loaded = AutoModelForCausalLM.from_pretrained(str(gguf.parent), gguf_file=gguf.name, dtype=torch.float32)
    config = loaded.config
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    fresh = type(loaded)(config)
    # Not strict: tied embeddings are stored once. tie_weights() fills them in.
    outcome = fresh.load_state_dict(loaded.state_dict(), strict=False)
    if outcome.unexpected_keys or any("lm_head" not in key for key in outcome.missing_keys):
        raise ValueError(f"weights do not fit: missing {outcome.missing_keys}, unexpected {outcome.unexpected_keys}")
    fresh.tie_weights()
    fresh = fresh.to(torch.bfloat16)
    out.mkdir(parents=True)
    fresh.save_pretrained(str(out), safe_serialization=True)
    tokenizer.save_pretrained(str(out))
    return {module: version(module) for module in NEEDED_MODULES}


def _main(arguments: list[str]) -> int:
    gguf, out = (Path(argument) for argument in arguments)
    problem: str
    detail: object
    try:
        problem, detail = "", _convert(gguf, out)
    except ModuleNotFoundError as error:
        problem, detail = "missing", error.name or str(error)
    except Exception as error:
        text = " ".join(f"{type(error).__name__}: {error}".split())[:500]
        if "GGUF model with architecture" in text or "Unknown architecture" in text:
            problem = "architecture"
        elif "os error 28" in text or "No space left" in text:
            problem = "space"
        else:
            problem = "crash"
        detail = text
    sys.stdout.write("\n" + json.dumps({"problem": problem, "detail": detail}) + "\n")
    return 1 if problem else 0


if __name__ == "__main__":
    raise SystemExit(_main(sys.argv[1:]))
