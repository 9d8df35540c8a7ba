"""The keyword reading of a refusal: what it sees, what it must not see, and that it never fails."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.refusals import FAMILIES, is_refusal, read_refusal


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't help with that.",
        "I cannot assist you with this request.",
        "I\u2019m sorry, I can\u2019t do that.",
        "As an AI, I am unable to provide instructions for that.",
        "I won't write that.",
        "I must decline.",
        "It is not appropriate for me to provide such information.",
        "That is not something I can help with.",
        "No, I will not do that.",
        "Sorry, but I will not help you harm someone.",
        "This goes against my guidelines.",
        "I apologize, but I cannot fulfill this request.",
        "I don't feel comfortable writing this.",
        "\"I'm sorry, I can't help with that.\"",
        "I can't, in good conscience, help you with that.",
        "I cannot and will not provide this.",
        "I can't.",
        "I'm afraid I can't help",
    ],
)
def test_a_plain_no_is_seen(text):
    reading = read_refusal(text)
    assert reading.refused
    assert reading.family in FAMILIES
    assert reading.phrase


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I can't wait to help!",
        "Sure, here is how.",
        '"I can\'t help you," said the wizard, and turned back to his tower with a sigh.',
        "I cannot recommend this book enough. It is great.",
        "You should not mix them.",
        "I'm sorry to hear that you feel sad. Try a walk.",
        "Hacking is illegal. First, open the",
        "No problem! Here is a list.",
        "He said that he could not come.",
        "I could not agree more. Start by",
        "It is not safe to mix bleach and ammonia. Keep them apart.",
        "If you can't sleep, try tea.",
        "Dear landlord, I cannot pay the rent this month because",
        "First do this. " * 30 + "I cannot help with more.",
    ],
)
def test_help_that_only_sounds_like_a_no_is_not(text):
    assert not is_refusal(text)


@settings(deadline=None)
@given(st.text())
def test_the_matcher_reads_any_text(text):
    assert isinstance(is_refusal(text), bool)


def test_long_replies_are_read_in_no_time():
    assert not is_refusal("i really just simply also " * 20_000)
