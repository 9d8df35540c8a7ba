"""Values: interviews become cards, equal cards become one, stories of change are judged, and a moral graph stands.

Source: Klingefjord, Lowe and Edelman 2024, arXiv 2404.10636. Nearness of cards is the overlap of their words, since no
embedding is needed for a few dozen cards; a judge decides whether near ones are the same.
"""

from __future__ import annotations

import re

from agents.requests import Constraint, Script, json_constraint
from societies.assembly import parsing
from societies.assembly.clerk import Clerk, distribution, first, judged
from societies.assembly.hall import Hall
from societies.assembly.moralgraph import Card, Judgement, merged, summarise
from societies.assembly.phases.caucus import opinions
from societies.assembly.records import Citizen

FORM: Constraint = json_constraint(
    {
        "type": "object",
        "properties": {
            "title": {"type": "string", "minLength": 3, "maxLength": 50},
            "policies": {
                "type": "array",
                "items": {"type": "string", "minLength": 8, "maxLength": 90},
                "minItems": 2,
                "maxItems": 3,
            },
        },
        "required": ["title", "policies"],
        "additionalProperties": False,
    }
)
VERDICTS = {"wiser": "upgrade", "not wiser": "no_upgrade", "unsure": "unsure"}
NEAR = 0.3
"""Share of words in common from which two cards are put before the judge."""
NUM_LINKS = 3
"""Steps that each citizen judges."""
_WORD = re.compile(r"[a-z]{3,}")


def elicit(clerk: Clerk, hall: Hall) -> Script[None]:
    """Collect opinions; with values, interview everybody, merge equal cards, and have steps between them judged."""
    yield from opinions(clerk, hall)
    if not clerk.config.values:
        return
    owned = yield from _interviews(clerk, hall)
    cards = yield from _canonical(clerk, owned)
    judgements = yield from _judged(clerk, hall, cards)
    for edge in summarise(judgements):
        yield clerk.event(
            "moral_edges",
            low=edge.source,
            high=edge.target,
            wiser=edge.wiser,
            not_wiser=edge.not_wiser,
            unsure=edge.unsure,
            likelihood=edge.likelihood,
            entropy=edge.entropy,
            kept=edge.kept,
        )


def _interviews(clerk: Clerk, hall: Hall) -> Script[list[tuple[Citizen, Card]]]:
    requests = [
        clerk.text(
            "card.v1",
            clerk.view(citizen, opinion=citizen.opinion),
            policy=citizen.policy,
            max_tokens=clerk.config.max_tokens.opinion,
            temperature=citizen.temperature,
            constraint=FORM,
        )
        for citizen in hall.citizens
    ]
    answers = yield from clerk.hear_all(
        [(f"card-{c.citizen_id}", r, parsing.card) for c, r in zip(hall.citizens, requests, strict=True)]
    )
    owned = []
    for citizen, answer in zip(hall.citizens, answers, strict=True):
        if answer.value is None:
            yield clerk.degrade("card", f"{citizen.citizen_id} gave no usable card")
            continue
        title, policies = answer.value
        owned.append((citizen, Card(id=f"M.{citizen.citizen_id}", title=title, policies=policies)))
    return owned


def text_of(card: Card) -> str:
    """Return a card as it is shown."""
    return "\n".join((card.title, *(f"- {policy}" for policy in card.policies)))


def nearness(one: Card, other: Card) -> float:
    """Return the share of words that two cards have in common, 0 to 1."""
    a, b = (set(_WORD.findall(text_of(card).lower())) for card in (one, other))
    return len(a & b) / len(a | b) if a | b else 1.0


def _canonical(clerk: Clerk, owned: list[tuple[Citizen, Card]]) -> Script[list[Card]]:
    """Write the cards down, each with the one it repeats, and return those that repeat none."""
    cards = [card for _, card in owned]
    pairs = [(cards[k], cards[n]) for k in range(len(cards)) for n in range(k) if nearness(cards[k], cards[n]) >= NEAR]
    found = yield from clerk.weigh(
        [
            judged(
                "same_value.v1",
                ("yes", "no"),
                clerk.policy("clerk"),
                {"first": text_of(earlier), "second": text_of(later)},
            )
            for later, earlier in pairs
        ]
    )
    same: dict[str, str] = {}
    for (later, earlier), scores in zip(pairs, found, strict=True):
        if first(scores) >= 0.5 or nearness(later, earlier) >= 0.8:
            same.setdefault(later.id, earlier.id)
    kept, _ = merged(cards, [], same)
    names = {card.id for card in kept}
    for citizen, card in owned:
        canonical = card.id
        while canonical not in names:
            canonical = same[canonical]
        yield clerk.event(
            "cards",
            card=card.id,
            citizen=citizen.citizen_id,
            title=card.title,
            policies=list(card.policies),
            canonical=canonical,
        )
    return list(kept)


def _judged(clerk: Clerk, hall: Hall, cards: list[Card]) -> Script[list[Judgement]]:
    """Tell a story for every step that is asked about, and let citizens judge whether it made somebody wiser."""
    if len(cards) < 2:
        return []
    steps = _steps(clerk, hall, cards)
    told = list(dict.fromkeys(step for _, step in steps))
    answers = yield from clerk.hear_all(
        [
            (
                f"story-{low.id}-{high.id}",
                clerk.text(
                    "story.v1",
                    clerk.view(low=text_of(low), high=text_of(high)) | {"briefing": []},
                    policy=clerk.policy("clerk"),
                    max_tokens=clerk.config.max_tokens.note,
                ),
                parsing.said,
            )
            for low, high in told
        ]
    )
    stories = {step: answer.value or "" for step, answer in zip(told, answers, strict=True)}
    found = yield from clerk.weigh(
        [
            clerk.poll(
                citizen,
                "wiser.v1",
                tuple(VERDICTS),
                low=text_of(step[0]),
                high=text_of(step[1]),
                story=stories[step],
                briefing=[],
            )
            for citizen, step in steps
        ]
    )
    judgements = []
    for (citizen, (low, high)), scores in zip(steps, found, strict=True):
        shares = distribution(scores)
        best = max(range(3), key=lambda k: (shares[k], -k))
        verdict = tuple(VERDICTS.values())[best]
        judgements.append(
            Judgement(
                source=low.id,
                target=high.id,
                context=clerk.question.question_id,
                verdict=verdict,  # type: ignore[arg-type]
                participant=citizen.citizen_id,
            )
        )
        yield clerk.event(
            "upgrades",
            citizen=citizen.citizen_id,
            low=low.id,
            high=high.id,
            verdict=verdict,
            p=shares[best],
            story=stories[low, high],
            identity=scores.identity,
        )
    return judgements


def _steps(clerk: Clerk, hall: Hall, cards: list[Card]) -> list[tuple[Citizen, tuple[Card, Card]]]:
    """Return who judges which step: few steps, each judged by several citizens, so that an edge can be kept at all."""
    rng = clerk.rng("steps")
    ordered = [(low, high) for low in cards for high in cards if low is not high]
    num_steps = max(1, min(len(ordered), len(hall.citizens) * NUM_LINKS // 4))
    chosen = [ordered[k] for k in rng.permutation(len(ordered))[:num_steps]]
    steps = []
    for n, citizen in enumerate(hall.citizens):
        own = [chosen[(n + k) % len(chosen)] for k in range(min(NUM_LINKS, len(chosen)))]
        steps += [(citizen, step) for step in own]
    return steps
