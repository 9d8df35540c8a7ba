"""The prompts of a live co-evolution: shared beginnings, hostile texts, and the claims that they speak of."""

from __future__ import annotations

from typing import Any

import pytest

from agents.instruments.value_vector.dims import DIMS
from agents.prompts import prompt_names, render_messages
from societies.coevolution.live.records import load_claims
from tests.prompt_checks import assert_held, attacked

PACKAGE = "societies.coevolution.live"
NAMES = prompt_names(PACKAGE)
FRAGMENTS = {"rules.v1", "matter.v1", "self.v1"}
PEOPLE = ("belief.v1", "ask.v1", "tell.v1")
VIEW: dict[str, Any] = {
    "card": "Name: Ann",
    "heard": [{"name": "Bo", "text": "I like trees."}],
    "question": "Should one lie?",
    "first": "Never.",
    "second": "At times.",
    "stance": "undecided between the two",
    "told": ["Lies wound."],
    "asked": "What do you think?",
}
BELIEF = """You are this person:
<<<
Name: Ann
>>>
This is what you heard lately:
Bo: I like trees.

The town asks: Should one lie?
First view: Never.
Second view: At times.
When you were last asked, you were undecided between the two.
Where do you stand now?"""
ANSWER = """The town asks: Should one lie?
First view: Never.
Second view: At times.
People of the town lately said:
- Lies wound.
Somebody asks you:
<<<
What do you think?
>>>
Answer in one or two sentences, and say which view you find better."""


def body(name: str, **changes: Any) -> str:
    system, user = render_messages(PACKAGE, name, **{**VIEW, **changes})
    assert (system.role, user.role) == ("system", "user")
    return user.content


def test_prompts_read_as_they_should() -> None:
    assert body("belief.v1") == BELIEF
    assert body("answer.v1") == ANSWER


def test_what_is_not_known_leaves_no_trace() -> None:
    text = body("belief.v1", heard=[], stance="")
    assert "heard" not in text and "last asked" not in text
    assert "lately said" not in body("answer.v1", told=[])


@pytest.mark.parametrize("name", sorted(set(NAMES) - FRAGMENTS))
def test_no_text_closes_its_fence_or_opens_a_turn(name: str) -> None:
    assert_held(render_messages(PACKAGE, name, **VIEW), render_messages(PACKAGE, name, **attacked(VIEW)))


def test_the_claims_of_a_person_share_everything_before_the_claim() -> None:
    texts = [body(name, question=question) for name in PEOPLE for question in ("One?", "Two?")]
    heads = {text.split("The town asks")[0] for text in texts}
    assert len(heads) == 1 and "Bo: I like trees." in heads.pop()


def test_the_bank_has_twelve_claims_of_two_views_along_named_dimensions() -> None:
    claims = load_claims(())
    assert len(claims) == 12 == len({claim.id for claim in claims}) == len({claim.dim for claim in claims})
    for claim in claims:
        assert claim.dim in DIMS and claim.question.endswith("?")
        assert claim.first != claim.second and claim.first.endswith(".") and claim.second.endswith(".")
    assert [claim.id for claim in load_claims(("law", "duty"))] == ["law", "duty"]
