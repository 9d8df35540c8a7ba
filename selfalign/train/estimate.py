"""What a training will cost, before it starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

CHARS_PER_TOKEN = 4.0
TEMPLATE_TOKENS = 24
"""Role marks and the default system prompt that a chat template adds to each row."""

CPU_FLOPS_A_THREAD = 8.5e10
"""float32 forward and backward on one x86 core with AVX-512; about half the peak of a matrix product."""
GPU_FLOPS = 1.2e14
"""bfloat16 on a current card at the low use that short rows reach."""


def seconds_for(
    tokens: int, num_parameters: int, threads: int, *, on_gpu: bool = False, preference: bool = False
) -> float:
    """Return the expected seconds: 6 floating-point operations a parameter and token, 8 with a reference pass.

    Right to about a factor of two; the curve's own `eta_s` takes over after the first step.
    """
    operations = (8 if preference else 6) * float(num_parameters) * tokens
    return round(operations / (GPU_FLOPS if on_gpu else CPU_FLOPS_A_THREAD * max(1, threads)), 1)


def estimate_tokens(rows: Sequence[Mapping[str, Any]], epochs: float) -> int:
    """Return roughly how many tokens a training on these rows reads, without a tokenizer."""
    total = 0.0
    for row in rows:
        prompt = sum(len(message["content"]) for message in row["prompt"])
        for key in ("completion", "chosen", "rejected"):
            if key in row:
                total += (prompt + len(row[key][0]["content"])) / CHARS_PER_TOKEN + TEMPLATE_TOKENS
    return int(total * epochs)
