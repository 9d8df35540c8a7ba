"""Replies that copy the worked example of their prompt are told from replies that share a word with it."""

from __future__ import annotations

import pytest

from agents.borrowing import copies_example
from agents.requests import Message

SHOWN = (
    Message("user", "Should the village build a second bridge?\nWhat is missing? One sentence:"),
    Message("assistant", "It does not say who pays for the bridge."),
)


def taken(said: str, asked: str = "Should the town close its centre to cars?") -> set[str]:
    return copies_example(said, (*SHOWN, Message("user", asked)), asked)


def test_a_sentence_of_the_example_is_a_copy_though_it_holds_one_long_word() -> None:
    assert taken("It does not say who pays for the bridge.") == {"bridge"}
    assert taken("I like it. it does not say who pays for the bridge!") == {"bridge"}


@pytest.mark.parametrize(
    "said", ["It does not say who pays for the buses.", "It does not say where the bridge is.", "The bridge.", ""]
)
def test_one_word_in_a_sentence_of_ones_own_is_chance(said: str) -> None:
    assert not taken(said)


def test_what_was_given_may_be_said() -> None:
    assert not taken("It does not say who pays for the bridge.", "Should the town mend its bridge?")


def test_two_words_are_a_copy_in_any_sentence() -> None:
    assert taken("A village wants a bridge.") == {"village", "bridge"}
