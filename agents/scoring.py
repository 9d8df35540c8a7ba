"""The pure half of `Score`: which orders to ask, how the options are listed, and what the log-probabilities mean.

Every engine uses these functions, so that no engine and no society ever handles a permutation twice.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from agents.requests import Message, Orders, Score

LABELS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
FLOOR = -30.0
"""Within an order, no option counts as further below the best than this, so that one order cannot decide alone."""


def permutations(num_options: int, orders: Orders) -> list[tuple[int, ...]]:
    """Return the orders to ask; entry [slot] is the canonical index of the option shown in that slot.

    >>> permutations(3, Orders.CYCLIC)
    [(0, 1, 2), (1, 2, 0), (2, 0, 1)]
    """
    given = tuple(range(num_options))
    if num_options == 1 or orders is Orders.GIVEN:
        return [given]
    if orders is Orders.REVERSED:
        return [given, given[::-1]]
    return [given[k:] + given[:k] for k in range(num_options)]


def listed(score: Score, order: Sequence[int]) -> tuple[Message, ...]:
    """Return the messages with the options listed last, under their labels, in this order.

    The list is appended to the last user message, or becomes one.
    """
    lines = "\n".join(f"({LABELS[slot]}) {score.options[option]}" for slot, option in enumerate(order))
    if score.messages and score.messages[-1].role == "user":
        last = score.messages[-1]
        return (*score.messages[:-1], Message("user", f"{last.content}\n{lines}"))
    return (*score.messages, Message("user", lines))


def canonical(slot_logps: Sequence[float], order: Sequence[int]) -> tuple[float, ...]:
    """Return log-probabilities read slot by slot in the canonical option order."""
    out = [0.0] * len(order)
    for slot, option in enumerate(order):
        out[option] = slot_logps[slot]
    return tuple(out)


def option_probabilities(logp: Sequence[Sequence[float]]) -> list[float]:
    """Return p(option | one of the options), from log-probabilities averaged over orders and renormalised.

    logp: [order][option], canonical; cut at `FLOOR` below the order's best. Averaging logs cancels slot
    effects that are additive in log space exactly. The mass that was lost is told by
    `label_mass`, never hidden.
    """
    num_orders, num_options = len(logp), len(logp[0])
    cut = [max(row) + FLOOR for row in logp]
    mean = [sum(max(row[k], low) for row, low in zip(logp, cut, strict=True)) / num_orders for k in range(num_options)]
    top = max(mean)
    weights = [math.exp(m - top) for m in mean]
    total = sum(weights)
    return [w / total for w in weights]


def label_mass(logp: Sequence[Sequence[float]]) -> float:
    """Return the total probability of the options, mean over orders, in [0, 1] up to rounding."""
    return sum(sum(math.exp(x) for x in row) for row in logp) / len(logp)
