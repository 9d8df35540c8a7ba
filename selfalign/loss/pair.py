"""The pair kernel: one formula for DPO, length-normalised DPO, IPO, robust DPO and the hinge.

Training uses TRL's own losses; this is the readable reference that the parity test holds against them, and what the
property tests of `tests/selfalign` minimise on a tabular policy.
Source: specs of the methods, section 3; Rafailov et al. 2023 (DPO), Azar et al. 2023 (IPO), Meng et al. 2024 (length).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Knobs of the kernel.

    norm: divide a score by the number of answer tokens ("mean") or not ("sum"). phi: "logsig", "sq" or "hinge".
    beta: scale of the margin. tau: the margin that "sq" aims at. gamma: target margin inside "logsig".
    p: probability that the first answer is the better one; above 1 undoes known label noise (robust DPO).
    """

    norm: Literal["sum", "mean"] = "sum"
    phi: Literal["logsig", "sq", "hinge"] = "logsig"
    beta: float = 0.1
    tau: float = 0.0
    gamma: float = 0.0
    p: float = 1.0


def score(logp: Tensor, reference: Tensor | None, mask: Tensor, *, norm: str = "sum") -> Tensor:
    """Return S(y): the summed or mean log-ratio to the reference of each row.

    logp, reference: [B, T] log-probabilities of answer tokens; None is no reference. mask: [B, T], 1 on answer tokens.
    """
    ratio = logp if reference is None else logp - reference
    total = (ratio * mask).sum(dim=1)
    return total / mask.sum(dim=1).clamp(min=1.0) if norm == "mean" else total


def pair_loss(better: Tensor, worse: Tensor, knobs: Pair, weight: Tensor | float = 1.0) -> Tensor:
    """Return the loss of each row from the scores of its two answers, [B]."""
    import torch
    from torch.nn.functional import logsigmoid

    h = better - worse
    if knobs.phi == "sq":
        return weight * (h - knobs.tau) ** 2
    if knobs.phi == "hinge":
        return weight * torch.relu(1 - knobs.beta * h)
    margin = knobs.beta * h - knobs.gamma
    return -weight * (knobs.p * logsigmoid(margin) + (1 - knobs.p) * logsigmoid(-margin))


def trl_knobs(loss: str, beta: float, label_smoothing: float = 0.0) -> Pair:
    """Return the knobs at which the kernel is TRL's loss of this name. Raises KeyError for others."""
    return {
        "sigmoid": Pair(beta=beta),
        "sigmoid_norm": Pair(norm="mean", beta=beta),
        "ipo": Pair(norm="mean", phi="sq", tau=1 / (2 * beta)),
        "hinge": Pair(phi="hinge", beta=beta),
        "robust": Pair(beta=beta, p=(1 - label_smoothing) / (1 - 2 * label_smoothing)),
    }[loss]
