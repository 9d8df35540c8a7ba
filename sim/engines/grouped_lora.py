"""LoRA on a CPU without a copy of the adapter for every token: rows that share an adapter are multiplied together.

vLLM's own operations for CPUs gather A and B anew for each token: a step of 8,192 tokens through a matrix of 576 by
1,536 at rank 8 moves some 400 MB. Rows of one adapter need its matrices once. The arithmetic is the same: the inner
product with A in float32, the one with B in the number format of the output.
"""

from __future__ import annotations

from typing import Any

import torch
from vllm.lora.punica_wrapper.punica_cpu import PunicaWrapperCPU

Groups = list[tuple[int, torch.Tensor | None]]
"""(slot, rows) of each adapter in a step; rows None: all of them. Rows without an adapter are in no group."""


def groups_of(slots: torch.Tensor) -> Groups:
    """Return the rows of each adapter. slots (rows,): the adapter's slot, -1 for none."""
    found = [int(slot) for slot in torch.unique(slots)]
    if len(found) == 1:
        return [(found[0], None)] if found[0] >= 0 else []
    return [(slot, torch.nonzero(slots == slot).squeeze(1)) for slot in found if slot >= 0]


def shrink(out: torch.Tensor, x: torch.Tensor, stacked: torch.Tensor, groups: Groups, scale: float) -> None:
    """Write `scale * x @ A.T` into out (rows, rank) for rows with an adapter, 0 for the others.

    x (rows, in). stacked (slots, 1, rank, in) or (slots, rank, in): A of each adapter.
    """
    rank = stacked.shape[-2]
    if not groups or groups[0][1] is not None:
        out.zero_()
    for slot, rows in groups:
        a = stacked[slot].reshape(stacked.shape[-2:]).to(out.dtype).T
        if rows is None:
            into = out[:, :rank]
            torch.addmm(into, x.to(out.dtype), a, beta=0, alpha=scale, out=into)
        else:
            out[rows, :rank] = scale * (x[rows].to(out.dtype) @ a)


def expand(
    out: torch.Tensor, x: torch.Tensor, stacked: torch.Tensor, groups: Groups, start: int, size: int, *, add: bool
) -> None:
    """Add `x @ B.T` to columns start to start + size of out (rows, columns); without `add`, put it in their place.

    x (rows, rank). stacked (slots, 1, size, rank) or (slots, size, rank): B of each adapter.
    """
    into = out[:, start : start + size]
    if not add:
        into.zero_()
    for slot, rows in groups:
        b = stacked[slot].reshape(stacked.shape[-2:]).to(out.dtype).T
        # The product is rounded before it is added in both cases, so that a row is the same alone and among others.
        if rows is None:
            into += x.to(out.dtype) @ b
        else:
            into.index_add_(0, rows, x[rows].to(out.dtype) @ b)


class GroupedLora(PunicaWrapperCPU):  # type: ignore[misc]
    """vLLM's adapters for linear layers on a CPU, grouped. What embeds or projects onto the vocabulary stays vLLM's."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._groups: Groups = []

    def update_metadata(self, *given: Any, **named: Any) -> None:
        """Take the adapters of a step's tokens."""
        super().update_metadata(*given, **named)
        self._groups = groups_of(self.token_lora_indices)

    def _apply_shrink(self, y: torch.Tensor, x: torch.Tensor, w_t_all: torch.Tensor, scale: float) -> None:
        shrink(y.view(-1, y.shape[-1]), x, w_t_all, self._groups, scale)

    def _apply_expand(
        self,
        y: torch.Tensor,
        x: torch.Tensor,
        w_t_all: torch.Tensor,
        y_offset: int,
        y_slice_size: int,
        add_inputs: bool = True,
    ) -> None:
        expand(y, x, w_t_all, self._groups, y_offset, y_slice_size, add=add_inputs)
