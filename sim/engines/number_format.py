"""Which number format weights and activations take on this machine."""

from __future__ import annotations

from typing import Literal

NumberFormat = Literal["auto", "bfloat16", "float16", "float32"]


def number_format(asked: NumberFormat, *, on_cpu: bool) -> str:
    """Return the torch name of the format: what was asked, or for `auto` the fast one.

    auto: bfloat16 on CUDA and on CPUs that multiply it (x86 with AVX-512, ARM with bf16), else float32. A CPU with AVX2
    alone converts every bfloat16 number on the way: a matrix product took 50 times as long as in float32 there.
    """
    if asked != "auto":
        return asked
    return "bfloat16" if not on_cpu or cpu_multiplies_bfloat16() else "float32"


def cpu_multiplies_bfloat16() -> bool:
    """Return whether torch's matrix library has bfloat16 kernels of its own for this CPU."""
    import torch

    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
