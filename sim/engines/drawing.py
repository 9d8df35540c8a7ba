"""Draws by inverting a cumulated distribution: a row's token depends on its own seed, never on its batch mates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def uniform(torch: Any, seed: int, num: int) -> list[float]:
    """Return `num` draws from [0, 1) that depend on the seed alone."""
    generator = torch.Generator().manual_seed(seed)
    draws: list[float] = torch.rand(num, generator=generator, dtype=torch.float64).tolist()
    return draws


def draw_index(weights: Sequence[float], at: float) -> int:
    """Return the index at this place, in [0, 1), of weights that need not sum to 1."""
    target = at * sum(weights)
    for index, weight in enumerate(weights):
        target -= weight
        if target < 0:
            return index
    return max(range(len(weights)), key=weights.__getitem__)


def draw_token(torch: Any, logp: Any, temperature: float, top_p: float, at: float) -> int:
    """Return the token at this place of the cumulated distribution; temperature 0 is greedy."""
    if temperature <= 0:
        return int(logp.argmax())
    probability = (logp.double() / temperature).softmax(-1)
    if top_p < 1:
        ordered, index = probability.sort(descending=True)
        num = int((ordered.cumsum(-1) < top_p).sum()) + 1
        # What is cut becomes nothing in its place; drawing along the sorted order would let near-ties swap tokens.
        probability[index[num:]] = 0.0
    place = int(torch.searchsorted(probability.cumsum(-1), at * float(probability.sum()), right=True))
    return min(place, len(probability) - 1)
