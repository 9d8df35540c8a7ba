"""Adapters on a CPU, grouped: the same products as vLLM's own operations, which copy an adapter for every token."""

from __future__ import annotations

import importlib.util

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

# vLLM is imported by the tests, not by who collects them: it takes seconds.
pytestmark = pytest.mark.skipif(importlib.util.find_spec("vllm") is None, reason="vllm is not installed")
KINDS = ("float32", "bfloat16")


def test_rows_without_an_adapter_are_in_no_group() -> None:
    import torch

    from sim.engines.grouped_lora import groups_of

    assert groups_of(torch.tensor([-1, -1])) == []
    assert groups_of(torch.tensor([1, 1])) == [(1, None)]
    (first, second) = groups_of(torch.tensor([1, -1, 0, 1]))
    assert (first[0], second[0]) == (0, 1)
    assert first[1] is not None and first[1].tolist() == [2]
    assert second[1] is not None and second[1].tolist() == [0, 3]


@settings(deadline=None, max_examples=60)
@given(
    slots=st.lists(st.integers(-1, 2), min_size=1, max_size=9),
    start=st.integers(0, 3),
    add=st.booleans(),
    seed=st.integers(0, 999),
    kind=st.sampled_from(KINDS),
)
def test_the_products_are_those_of_vllm(slots: list[int], start: int, add: bool, seed: int, kind: str) -> None:
    import torch
    from vllm.lora.ops.torch_ops import bgmv_expand_slice, bgmv_shrink

    from sim.engines.grouped_lora import expand, groups_of, shrink

    chance = torch.Generator().manual_seed(seed)
    format_ = getattr(torch, kind)
    rows, wide, rank, out = len(slots), 6, 4, 5
    # The last slot is empty: vLLM's own operations read it for rows without an adapter.
    a, b = torch.zeros(4, 1, rank, wide, dtype=format_), torch.zeros(4, 1, out, rank, dtype=format_)
    a[:3], b[:3] = torch.randn(3, 1, rank, wide, generator=chance), torch.randn(3, 1, out, rank, generator=chance)
    x = torch.randn(rows, wide, generator=chance).to(format_)
    indices = torch.tensor(slots)
    small, expected_small = torch.ones(rows, rank), torch.ones(rows, rank)
    shrink(small, x, a, groups_of(indices), 0.5)
    bgmv_shrink(x, a, expected_small, indices, 0.5)
    assert torch.allclose(small, expected_small, atol=1e-5)
    large = torch.randn(rows, start + out, generator=chance).to(format_)
    expected = large.clone()
    expand(large, small, b, groups_of(indices), start, out, add=add)
    bgmv_expand_slice(expected_small, b, expected, indices, start, out, add)
    assert torch.allclose(large.float(), expected.float(), atol=0.06 if kind == "bfloat16" else 1e-5)
