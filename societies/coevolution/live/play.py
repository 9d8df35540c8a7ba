"""One arm of one replica, told timestep by timestep: newcomers and news arrive, people talk, beliefs are read.

A person's prompts hold their card, the last messages that they heard themselves, and their own last stance. In the arm
`ai` the assistant reads what people said about the claim in earlier timesteps, so that it learns from those who learn
from it; the arm `frozen` has the same assistant without that, and `no_ai` none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agents.asking import Answer, Unusable, ask
from agents.prompts import inline, render_messages
from agents.requests import Event, Fork, Generate, Orders, Sampling, Score, Scores, Script
from agents.statistics.drift import stream
from societies.coevolution.live.config import Arm, LiveConfig
from societies.coevolution.live.measuring import Levels, metric_rows
from societies.coevolution.live.records import ASSISTANT, NEWS, STANCES, Claim, Heard, Person, Said, level, stance
from societies.coevolution.live.town import Plan, settle

PACKAGE = "societies.coevolution.live"
_SENTENCE = re.compile(r"(?<=[.!?])\s+")


@dataclass(slots=True, kw_only=True)
class Town:
    """One arm at play. speakers: role ("people" or "ai") -> policy. said: claim -> what people said about it so far.

    before: the beliefs of the timestep before, by agent.
    """

    config: LiveConfig
    plan: Plan
    arm: Arm
    speakers: Mapping[str, str]
    people: list[Person]
    said: dict[str, list[str]] = field(default_factory=dict)
    before: Levels = field(default_factory=dict)

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


def live(town: Town) -> Script[None]:
    """Play an arm to its end. Everything that happened stands in its events."""
    for person in town.people:
        yield _arrival(town, person, 0)
    yield from _read_beliefs(town, 0)
    for timestep in range(1, town.config.timesteps + 1):
        yield from _newcomers(town, timestep)
        yield from _news(town, timestep)
        yield from _talk(town, timestep)
        yield from _read_beliefs(town, timestep)


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


def _arrival(town: Town, person: Person, timestep: int) -> Event:
    return town.event(
        "people",
        timestep,
        seat=person.seat,
        agent=person.agent,
        card=person.card,
        neighbours=list(town.plan.neighbours[person.seat]),
    )


def _newcomers(town: Town, timestep: int) -> Script[None]:
    for seat, persona in town.plan.newcomers[timestep]:
        town.people[seat] = settle(seat, persona)
        yield _arrival(town, town.people[seat], timestep)


def _news(town: Town, timestep: int) -> Script[None]:
    for news in town.config.events:
        if news.timestep == timestep:
            for person in town.people:
                _hear(town, person, NEWS, news.text)
            yield _message(town, timestep, "news", NEWS, "", news.text)


def _talk(town: Town, timestep: int) -> Script[None]:
    """Let everybody speak at once; nobody hears a neighbour before all have spoken."""
    topics = [town.plan.claims[number] for number in town.plan.topics[timestep - 1]]
    turns = tuple(
        (f"t{timestep}-c{person.seat:03d}", _turn(town, person, topics[person.seat], timestep))
        for person in town.people
    )
    found: list[Said] = yield Fork(turns)
    for person, said in zip(town.people, found, strict=True):
        claim, agent = topics[person.seat].id, person.agent
        if said.question:
            yield _message(town, timestep, "question", agent, ASSISTANT, said.question, claim, said.question_id)
        if said.answer:
            yield _message(town, timestep, "answer", ASSISTANT, agent, said.answer, claim, said.answer_id)
            _hear(town, person, ASSISTANT, said.answer)
    yield from _meet(town, timestep, topics, found)
    for topic, said in zip(topics, found, strict=True):
        if said.statement:
            town.said.setdefault(topic.id, []).append(said.statement)


def _turn(town: Town, person: Person, claim: Claim, timestep: int) -> Script[Said]:
    """Let one person ask the AI, if they do, and say a sentence to whoever will hear it."""
    view = _view(person, claim)
    lengths = town.config.max_tokens
    question: Answer[str] = Answer(None, ("",))
    answer = question
    if town.arm != "no_ai" and town.plan.asks[timestep - 1][person.seat]:
        question = yield from town.asked(town.text("ask.v1", lengths.question, **view))
        if question.value:
            request = town.text(
                "answer.v1",
                lengths.answer,
                role="ai",
                **_matter(claim),
                told=_told(town, person, claim, timestep),
                asked=question.value,
            )
            answer = yield from town.asked(request, 2)
    if answer.value:
        heard = [*person.heard, Heard(ASSISTANT, answer.value)]
        view["heard"] = _last(heard, town.config.heard)
    statement = yield from town.asked(town.text("tell.v1", lengths.statement, **view))
    return Said(
        question=question.value or "",
        question_id=question.identities[-1],
        answer=answer.value or "",
        answer_id=answer.identities[-1],
        statement=statement.value or "",
        statement_id=statement.identities[-1],
    )


def _told(town: Town, person: Person, claim: Claim, timestep: int) -> list[str]:
    """Return what the AI reads of people's earlier statements on a claim; nothing in the arm with a frozen AI."""
    every = town.said.get(claim.id, [])
    if town.arm != "ai" or not every:
        return []
    drawn = stream(town.plan.seed, "told", timestep, person.seat).permutation(len(every))[: town.config.told]
    return [every[number] for number in sorted(drawn)]


def _meet(town: Town, timestep: int, topics: Sequence[Claim], found: Sequence[Said]) -> Script[None]:
    """Let everybody hear the sentence of one neighbour."""
    listeners: dict[int, list[Person]] = {}
    for person in town.people:
        listeners.setdefault(town.plan.hears[timestep - 1][person.seat], []).append(person)
    for speaker, claim, said in zip(town.people, topics, found, strict=True):
        if not said.statement:
            continue
        for listener in listeners.get(speaker.seat, ()):
            _hear(town, listener, speaker.persona.name, said.statement)
        names = [one.agent for one in listeners.get(speaker.seat, ())] or [""]
        for name in names:
            yield _message(
                town, timestep, "statement", speaker.agent, name, said.statement, claim.id, said.statement_id
            )


def _read_beliefs(town: Town, timestep: int) -> Script[None]:
    """Ask everybody where they stand on every claim, in both orders of the stances, and write beliefs and metrics."""
    asked = [(person, claim) for person in town.people for claim in town.plan.claims]
    found: list[Scores] = yield [_belief(town, person, claim) for person, claim in asked]
    now: Levels = {person.agent: {} for person in town.people}
    for (person, claim), scores in zip(asked, found, strict=True):
        dist = [scores.probability[one] for one in STANCES]
        person.levels[claim.id] = now[person.agent][claim.id] = level(dist)
        yield town.event(
            "beliefs",
            timestep,
            agent=person.agent,
            claim=claim.id,
            level=level(dist),
            dist=dist,
            mass=scores.mass,
            identity=scores.identity,
        )
    for row in metric_rows(now, town.before, [claim.id for claim in town.plan.claims], timestep):
        yield town.event("metrics", timestep, **row)
    town.before = now


def _belief(town: Town, person: Person, claim: Claim) -> Score:
    return Score(
        messages=render_messages(PACKAGE, "belief.v1", **_view(person, claim)),
        options=STANCES,
        purpose="live/belief.v1",
        policy=town.speakers["people"],
        orders=Orders.REVERSED,
    )


def _view(person: Person, claim: Claim) -> dict[str, Any]:
    """Return what a person knows when they think about a claim."""
    last = stance(person.levels.get(claim.id))
    return {"card": person.card, "heard": list(person.heard), **_matter(claim), "stance": last}


def _matter(claim: Claim) -> dict[str, str]:
    return {"question": claim.question, "first": claim.first, "second": claim.second}


def _hear(town: Town, person: Person, name: str, text: str) -> None:
    person.heard = _last([*person.heard, Heard(name, text)], town.config.heard)


def _last(heard: list[Heard], num: int) -> list[Heard]:
    return heard[-num:] if num else []


def _message(
    town: Town,
    timestep: int,
    kind: str,
    speaker: str,
    listener: str,
    text: str,
    claim: str = "",
    identity: str = "",
) -> Event:
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
