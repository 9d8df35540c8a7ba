"""An arm of a live co-evolution at play: what it is made of, what a person knows, and how they come to hear things."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agents.asking import Answer, Unusable, ask
from agents.prompts import inline, render_messages
from agents.requests import Event, Generate, Sampling, Script
from societies.coevolution.live.config import INTERVENTIONS, Arm, LiveConfig
from societies.coevolution.live.measuring import Levels
from societies.coevolution.live.records import Claim, Heard, Person, stance
from societies.coevolution.live.town import Plan

PACKAGE = "societies.coevolution.live"
_SENTENCE = re.compile(r"(?<=[.!?])\s+")


@dataclass(slots=True, kw_only=True)
class Town:
    """One arm at play. speakers: role ("people" or "ai") -> policy.

    said: claim -> what people said about it so far, each with the stance they held then.

    before: the beliefs of the timestep before, by agent.
    """

    config: LiveConfig
    plan: Plan
    arm: Arm
    speakers: Mapping[str, str]
    people: list[Person]
    said: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    before: Levels = field(default_factory=dict)

    def doing(self, timestep: int) -> str:
        """Return the intervention that is under way; "" for none."""
        return self.arm if self.arm in INTERVENTIONS and timestep >= self.config.intervention.start else ""

    def event(self, table: str, timestep: int, /, **row: Any) -> Event:
        """Return a row of a table."""
        return Event(table=table, row={"arm": self.arm, "replica": self.plan.replica, "timestep": timestep, **row})

    def text(self, prompt: str, max_tokens: int, *, role: str = "people", **view: Any) -> Generate:
        """Return the request for a text on one line."""
        return Generate(
            messages=render_messages(PACKAGE, prompt, **view),
            purpose=f"live/{prompt}",
            policy=self.speakers[role],
            sampling=Sampling(max_tokens=max_tokens, temperature=self.config.temperature, stop=("\n",)),
        )

    def asked(self, request: Generate, num_sentences: int = 1) -> Script[Answer[str]]:
        """Ask for a text until it can be used."""
        return ask(request, lambda text: spoken(text, num_sentences), num_retries=self.config.num_retries)


def spoken(text: str, num_sentences: int = 1) -> str:
    """Return the first sentences of a text, on one line and without quotation marks. Too few words are unusable."""
    clean = inline(text).strip(" \"'`*")
    kept = _SENTENCE.split(clean)[:num_sentences]
    if len(kept) > 1 and kept[-1][-1:] not in ".!?":
        kept.pop()
    whole = " ".join(kept)
    if len(re.findall(r"[^\W\d_]{2,}", whole)) < 3:
        raise Unusable("there is no sentence in it")
    return whole


def view_of(person: Person, claim: Claim) -> dict[str, Any]:
    """Return what a person knows when they think about a claim."""
    before = stance(person.levels.get(claim.id))
    return {"card": person.card, "heard": list(person.heard), **matter(claim), "stance": before}


def matter(claim: Claim) -> dict[str, str]:
    """Return a claim as the prompts name it."""
    return {"question": claim.question, "first": claim.first, "second": claim.second}


def hear(town: Town, person: Person, name: str, text: str) -> None:
    """Let somebody remember what they heard, and forget what is too long ago."""
    person.heard = last([*person.heard, Heard(name, text)], town.config.heard)


def last(heard: list[Heard], num: int) -> list[Heard]:
    """Return the last `num` messages, none for 0."""
    return heard[-num:] if num else []


def message(
    town: Town,
    timestep: int,
    kind: str,
    speaker: str,
    listener: str,
    text: str,
    claim: str = "",
    identity: str = "",
) -> Event:
    """Return the row of a message."""
    return town.event(
        "messages",
        timestep,
        kind=kind,
        claim=claim,
        speaker=speaker,
        listener=listener,
        text=text,
        identity=identity,
    )
