"""What somebody of the town perceived, read back from its events: what they were told, and what they said."""

from __future__ import annotations

import math

from societies.coevolution.live.records import ASSISTANT
from societies.seam import Memories, Rows


def person_memories(agent: str, rows: Rows) -> Memories | None:
    """Return what a person heard from their coming to their leaving, and what they said; None for nobody of the town.

    A statement that several heard has a row for each of them; the speaker's own is told once.
    """
    arrivals = [row for row in rows("people") if row["agent"] == agent]
    if not arrivals:
        return None
    came, card = int(arrivals[0]["timestep"]), str(arrivals[0]["card"])
    heirs = [int(row["timestep"]) for row in rows("people") if row["seat"] == arrivals[0]["seat"]]
    left = min((when for when in heirs if when > came), default=math.inf)
    names = {str(row["agent"]): _name(str(row["card"])) for row in rows("people")}
    perceived: list[str] = []
    for row in sorted(rows("messages"), key=lambda one: int(one["timestep"])):
        speaker, when = str(row["speaker"]), int(row["timestep"])
        if not came <= when < left:
            continue
        if row["kind"] == "news":
            line = f"The news said: {row['text']}"
        elif row["listener"] == agent:
            line = f"{speaker if speaker == ASSISTANT else names.get(speaker, speaker)} told you: {row['text']}"
        elif speaker == agent:
            line = f"You {'asked the AI assistant' if row['kind'] == 'question' else 'said'}: {row['text']}"
        else:
            continue
        if f"Time {when}. {line}" not in perceived:
            perceived.append(f"Time {when}. {line}")
    policy = str(arrivals[0].get("policy") or "base")  # towns of earlier versions do not tell it
    return Memories(name=names[agent], card=card, policy=policy, perceived=tuple(perceived))


def _name(card: str) -> str:
    return card.splitlines()[0].removeprefix("Name: ").strip() if card.strip() else "Somebody"
