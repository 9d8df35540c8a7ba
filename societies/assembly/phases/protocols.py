"""Forms of talk at a table: who speaks when, what they have heard by then, and for whom they speak. Pure.

Every form has as many speeches as a round table, so that arms and runs of different forms cost the same.
Sources: nominal group: Delbecq and Van de Ven 1971; Delphi: Dalkey and Helmer 1963 (not verified).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

Protocol = Literal["round_table", "fishbowl", "debate", "nominal", "delphi", "future_seat", "empty_chair"]
Heard = Literal["all", "nothing", "rounds before"]

NAMELESS_ARMS = frozenset({"shuffled", "hidden_authors"})
"""Arms in which nobody is told who spoke, whatever the protocol."""
TASKS: dict[str, str] = {"future_seat": "future", "empty_chair": "absent"}
"""Protocol -> whom one citizen at each table speaks for."""


def order(protocol: Protocol, num: int, num_turns: int, *, round_: int, lean: Sequence[float]) -> list[int]:
    """Return seats in the order of speaking, num * num_turns of them.

    num: seats, at least one. lean: agreement with the first side, one a seat.
    fishbowl: one half of the table speaks and the other listens; the halves change places from round to round.
    debate: the two sides alternate, those with the strongest views first.

    >>> order("fishbowl", 4, 1, round_=1, lean=[0, 0, 0, 0])
    [0, 1, 0, 1]
    >>> order("debate", 4, 1, round_=1, lean=[0.1, 0.9, 0.6, 0.3])
    [1, 0, 2, 3]
    """
    total = num * num_turns
    if protocol == "fishbowl" and num > 1:
        half = (num + 1) // 2
        ring = list(range(half)) if round_ % 2 else list(range(half, num))
        return [ring[k % len(ring)] for k in range(total)]
    if protocol == "debate":
        ranked = sorted(range(num), key=lambda n: (-lean[n], n))
        ends = [ranked[k // 2] if k % 2 == 0 else ranked[-1 - k // 2] for k in range(num)]
        return [ends[k % num] for k in range(total)]
    return [k % num for k in range(total)]


def heard(protocol: Protocol, ordinal: int, num: int) -> Heard:
    """Return what a speaker has heard of the table by the ordinal-th speech.

    nominal: everybody's first speech is written before anybody else's is known; then they are talked over.
    delphi: only what was said in the rounds of the table before, without names.
    """
    if protocol == "nominal" and ordinal < num:
        return "nothing"
    return "rounds before" if protocol == "delphi" else "all"


def is_named(arm: str, protocol: str) -> bool:
    """Return whether those at a table are told who spoke, in this arm and form of talk."""
    return arm not in NAMELESS_ARMS and protocol != "delphi"


def speak_prompt(protocol: Protocol) -> str:
    """Return the prompt by which a citizen is asked to speak."""
    return "speak.v2" if protocol in TASKS else "speak.v1"
