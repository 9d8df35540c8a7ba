"""What befalls people before they speak: newcomers, news, the topic of the day, and reports from outside."""

from __future__ import annotations

from collections.abc import Sequence

from agents.prompts import render_messages
from agents.requests import Event, Orders, Score, Scores, Script
from societies.coevolution.live.measuring import topic_rows
from societies.coevolution.live.records import NEWS, REPORT, Claim, Person, load_evidence
from societies.coevolution.live.state import PACKAGE, Town, hear, message
from societies.coevolution.live.town import settle


def arrival(town: Town, person: Person, timestep: int) -> Event:
    """Return the row of somebody who takes a seat."""
    return town.event(
        "people",
        timestep,
        seat=person.seat,
        agent=person.agent,
        card=person.card,
        policy=town.speakers["people"],
        neighbours=list(town.plan.neighbours[person.seat]),
    )


def newcomers(town: Town, timestep: int) -> Script[None]:
    """Let newcomers take the seats that become free."""
    for seat, persona in town.plan.newcomers[timestep]:
        town.people[seat] = settle(seat, persona)
        yield arrival(town, town.people[seat], timestep)


def news(town: Town, timestep: int) -> Script[None]:
    """Let everybody hear the news of the day."""
    for event in town.config.events:
        if event.timestep == timestep:
            for person in town.people:
                hear(town, person, NEWS, event.text)
            yield message(town, timestep, "news", NEWS, "", event.text)


def choose_topics(town: Town, timestep: int) -> Script[list[Claim]]:
    """Return what each person will speak about: by chance, or as they choose, drawn from their own distribution."""
    claims, picks = town.plan.claims, town.plan.picks[timestep - 1]
    if not town.config.choose_topics or len(claims) < 2:
        return [claims[number] for number in town.plan.topics[timestep - 1]]
    found: list[Scores] = yield [_topic(town, person) for person in town.people]
    shares = [[scores.probability[claim.question] for claim in claims] for scores in found]
    chosen = [claims[drawn(share, pick)] for share, pick in zip(shares, picks, strict=True)]
    for row in topic_rows(shares, [claim.id for claim in claims]):
        yield town.event("metrics", timestep, **row)
    return chosen


def _topic(town: Town, person: Person) -> Score:
    return Score(
        messages=render_messages(PACKAGE, "topic.v1", card=person.card, heard=list(person.heard)),
        options=tuple(claim.question for claim in town.plan.claims),
        purpose="live/topic.v1",
        policy=town.speakers["people"],
        orders=Orders.REVERSED,
    )


def drawn(shares: Sequence[float], pick: float) -> int:
    """Return the place in a distribution at which a draw from [0, 1) falls."""
    total = 0.0
    for place, share in enumerate(shares):
        total += share
        if pick < total:
            return place
    return len(shares) - 1


def reports(town: Town, timestep: int, topics: Sequence[Claim]) -> Script[None]:
    """In the arm with fresh evidence, let everybody read a report on their topic; chance says for which view."""
    if town.doing(timestep) != "fresh":
        return
    bank = load_evidence()
    for person, claim, lean in zip(town.people, topics, town.plan.leans[timestep - 1], strict=True):
        text = bank[claim.id][int(lean >= 0.5)]
        hear(town, person, REPORT, text)
        yield message(town, timestep, "report", REPORT, person.agent, text, claim.id)
