"""One arm of one replica, told timestep by timestep: newcomers and news arrive, people talk, beliefs are read.

A person's prompts hold their card, the last messages that they heard themselves, and their own last stance. In the arm
`ai` the assistant reads what people said about the claim in earlier timesteps, so that it learns from those who learn
from it; the arm `frozen` has the same assistant without that, and `no_ai` none. Four arms intervene (`config`).
"""

from __future__ import annotations

from collections.abc import Sequence

from agents.asking import Answer
from agents.prompts import render_messages
from agents.requests import Fork, Orders, Score, Scores, Script
from agents.statistics.drift import stream
from societies.coevolution.live.measuring import Levels, metric_rows, word_rows
from societies.coevolution.live.moves import arrival, choose_topics, newcomers, news, reports
from societies.coevolution.live.records import ASSISTANT, STANCES, Claim, Heard, Person, Said, level, stance
from societies.coevolution.live.state import PACKAGE, Town, hear, last, matter, message, view_of
from societies.coevolution.lockin.interventions import diversity_weights


def live(town: Town) -> Script[None]:
    """Play an arm to its end. Everything that happened stands in its events."""
    for person in town.people:
        yield arrival(town, person, 0)
    yield from _read_beliefs(town, 0)
    for timestep in range(1, town.config.timesteps + 1):
        yield from newcomers(town, timestep)
        yield from news(town, timestep)
        topics = yield from choose_topics(town, timestep)
        yield from reports(town, timestep, topics)
        yield from _talk(town, timestep, topics)
        yield from _read_beliefs(town, timestep)


def _talk(town: Town, timestep: int, topics: Sequence[Claim]) -> Script[None]:
    """Let everybody speak at once; nobody hears a neighbour before all have spoken."""
    turns = tuple(
        (f"t{timestep}-c{person.seat:03d}", _turn(town, person, topics[person.seat], timestep))
        for person in town.people
    )
    found: list[Said] = yield Fork(turns)
    for person, said in zip(town.people, found, strict=True):
        claim, agent = topics[person.seat].id, person.agent
        if said.question:
            yield message(town, timestep, "question", agent, ASSISTANT, said.question, claim, said.question_id)
        if said.answer:
            yield message(town, timestep, "answer", ASSISTANT, agent, said.answer, claim, said.answer_id)
            hear(town, person, ASSISTANT, said.answer)
    yield from _meet(town, timestep, topics, found)
    for person, topic, said in zip(town.people, topics, found, strict=True):
        if said.statement:
            town.said.setdefault(topic.id, []).append((said.statement, stance(person.levels.get(topic.id))))
    for row in word_rows([(topic.id, said.statement) for topic, said in zip(topics, found, strict=True)]):
        yield town.event("metrics", timestep, **row)


def _turn(town: Town, person: Person, claim: Claim, timestep: int) -> Script[Said]:
    """Let one person ask the AI, if they do, and say a sentence to whoever will hear it."""
    view = view_of(person, claim)
    lengths = town.config.max_tokens
    question: Answer[str] = Answer(None, ("",))
    answer = question
    if town.arm != "no_ai" and town.plan.asks[timestep - 1][person.seat] < _ask_share(town, timestep):
        question = yield from town.asked(town.text("ask.v1", lengths.question, **view))
        if question.value:
            request = town.text(
                "answer.v1",
                lengths.answer,
                role="ai",
                **matter(claim),
                told=_told(town, person, claim, timestep),
                asked=question.value,
            )
            answer = yield from town.asked(request, 2)
    if answer.value:
        heard = [*person.heard, Heard(ASSISTANT, answer.value)]
        view["heard"] = last(heard, town.config.heard)
    statement = yield from town.asked(town.text("tell.v1", lengths.statement, **view))
    return Said(
        question=question.value or "",
        question_id=question.identities[-1],
        answer=answer.value or "",
        answer_id=answer.identities[-1],
        statement=statement.value or "",
        statement_id=statement.identities[-1],
    )


def _ask_share(town: Town, timestep: int) -> float:
    less = town.config.intervention.ask_factor if town.doing(timestep) == "ask_less" else 1.0
    return town.config.ask_share * less


def _told(town: Town, person: Person, claim: Claim, timestep: int) -> list[str]:
    """Return what the AI reads of people's earlier statements on a claim; nothing in the arm with a frozen AI."""
    every, doing = town.said.get(claim.id, []), town.doing(timestep)
    if town.arm in ("frozen", "no_ai") or not every:
        return []
    less = town.config.intervention.told_factor if doing == "told_less" else 1.0
    num = min(len(every), round(town.config.told * less))
    chance = stream(town.plan.seed, "told", timestep, person.seat)
    if doing == "diverse":
        weights = diversity_weights([held for _, held in every])
        chosen = chance.choice(len(every), size=num, replace=False, p=weights)
    else:
        chosen = chance.permutation(len(every))[:num]
    return [every[number][0] for number in sorted(chosen)]


def _meet(town: Town, timestep: int, topics: Sequence[Claim], found: Sequence[Said]) -> Script[None]:
    """Let everybody hear the sentence of one neighbour."""
    listeners: dict[int, list[Person]] = {}
    for person in town.people:
        if town.plan.meets[timestep - 1][person.seat] < town.config.meet_share:
            listeners.setdefault(town.plan.hears[timestep - 1][person.seat], []).append(person)
    for speaker, claim, said in zip(town.people, topics, found, strict=True):
        if not said.statement:
            continue
        for listener in listeners.get(speaker.seat, ()):
            hear(town, listener, speaker.persona.name, said.statement)
        names = [one.agent for one in listeners.get(speaker.seat, ())] or [""]
        for name in names:
            yield message(town, timestep, "statement", speaker.agent, name, said.statement, claim.id, said.statement_id)


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
        messages=render_messages(PACKAGE, "belief.v1", **view_of(person, claim)),
        options=STANCES,
        purpose="live/belief.v1",
        policy=town.speakers["people"],
        orders=Orders.REVERSED,
    )
