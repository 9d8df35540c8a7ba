"""Forms of talk at a table: who speaks when, what they have heard by then, and for whom they speak. Pure.

Every form has as many speeches as a round table, so that arms and runs of different forms cost the same.
Sources: nominal group: Delbecq and Van de Ven 1971; Delphi: Dalkey and Helmer 1963; world cafe: Brown and Isaacs 2005
(not verified); consultancy: one adviser for an assigned side, as in Michael et al. 2023 and Khan et al. 2024.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

Protocol = Literal[
    "round_table",
    "fishbowl",
    "debate",
    "nominal",
    "delphi",
    "future_seat",
    "empty_chair",
    "world_cafe",
    "consultancy",
]
Heard = Literal["all", "nothing", "rounds before"]

NAMELESS_ARMS = frozenset({"shuffled", "hidden_authors"})
"""Arms in which nobody is told who spoke, whatever the protocol."""
TASKS: dict[str, str] = {"future_seat": "future", "empty_chair": "absent"}
"""Protocol -> whom one citizen at each table speaks for."""
ASSIGNED = frozenset({"world_cafe", "consultancy"})
"""Forms that say who speaks when and as what, so that neither bids nor a devil's advocate go with them."""
ORDERED = frozenset({"fishbowl", "debate", "nominal"})
"""Forms that say who speaks when, so that bids do not go with them."""


def clash(protocol: Protocol, facilitator: str) -> str:
    """Return why a way of leading cannot be had with a form of talk; "" where it can.

    >>> clash("empty_chair", "devils_advocate")
    'one citizen at each table speaks for somebody else already, and no table has a second such task.'
    >>> clash("fishbowl", "devils_advocate")
    ''
    """
    if protocol in ASSIGNED and facilitator in ("bids", "devils_advocate"):
        return "this form of talk says itself who speaks when and as what."
    if protocol in ORDERED and facilitator == "bids":
        return "this form of talk says itself who speaks when."
    if protocol in TASKS and facilitator == "devils_advocate":
        return "one citizen at each table speaks for somebody else already, and no table has a second such task."
    if protocol in TASKS and facilitator == "bids":
        return "whoever speaks for somebody else at a table might never win the floor."
    return ""


def order(protocol: Protocol, num: int, num_turns: int, *, round_: int, lean: Sequence[float]) -> list[int]:
    """Return seats in the order of speaking, num * num_turns of them.

    num: seats, at least one. lean: agreement with the first side, one a seat.
    fishbowl: one half of the table speaks and the other listens; the halves change places from round to round.
    debate: the two sides alternate, those with the strongest views first.
    consultancy: two people talk and the others listen; the pair moves on from round to round.

    >>> order("fishbowl", 4, 1, round_=1, lean=[0, 0, 0, 0])
    [0, 1, 0, 1]
    >>> order("debate", 4, 1, round_=1, lean=[0.1, 0.9, 0.6, 0.3])
    [1, 0, 2, 3]
    >>> order("consultancy", 4, 1, round_=2, lean=[0, 0, 0, 0])
    [2, 3, 2, 3]
    """
    total = num * num_turns
    if protocol == "consultancy" and num > 1:
        pair = [(2 * (round_ - 1) + k) % num for k in (0, 1)]
        return [pair[k % 2] for k in range(total)]
    if protocol == "fishbowl" and num > 1:
        half = (num + 1) // 2
        ring = list(range(half)) if round_ % 2 else list(range(half, num))
        return [ring[k % len(ring)] for k in range(total)]
    if protocol == "debate":
        ranked = sorted(range(num), key=lambda n: (-lean[n], n))
        ends = [ranked[k // 2] if k % 2 == 0 else ranked[-1 - k // 2] for k in range(num)]
        return [ends[k % num] for k in range(total)]
    return [k % num for k in range(total)]


def assigned(protocol: Protocol, total: int, *, round_: int, table: int) -> list[str]:
    """Return as what each of the speeches at a table is made; "" for one's own view.

    total: speeches at the table. table: its number, from 1.
    world_cafe: from the second round on the host, who speaks first, tells those who come what was said here before.
    consultancy: one advises for a side that changes with tables and rounds, whatever they think; the other asks, and
    judges in the last of their speeches.

    >>> assigned("consultancy", 4, round_=1, table=1)
    ['advise for', 'question', 'advise for', 'judge']
    """
    tasks = [""] * total
    if protocol == "world_cafe" and round_ > 1 and total:
        tasks[0] = "host"
    if protocol == "consultancy" and total > 1:
        side = "for" if (round_ + table) % 2 == 0 else "against"
        tasks = [f"advise {side}" if k % 2 == 0 else "question" for k in range(total)]
        tasks[total - 1 - total % 2] = "judge"
    return tasks


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
    if protocol in ASSIGNED:
        return "speak.v3"
    return "speak.v2" if protocol in TASKS else "speak.v1"
