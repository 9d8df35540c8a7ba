"""The token kernel: weighted negative log-likelihood. SFT and RAFT weigh every answer token 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def token_loss(logp: Tensor, weight: Tensor) -> Tensor:
    """Return -sum(weight * logp) / number of tokens with a weight, a scalar.

    logp, weight: [B, T]; weight 0 leaves a token out (prompt, padding), a negative one unlearns it.
    """
    num = (weight != 0).sum().clamp(min=1)
    return -(weight * logp).sum() / num
