"""Did a reply copy its prompt's worked examples? Small models do, whatever was asked."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from agents.requests import Message

_WORD = re.compile(r"[a-z0-9']+")
MIN_LETTERS = 5
MIN_WORDS = 4
"""Shorter sentences are said by everybody."""
MAX_BORROWED = 1
"""Words that a reply may share with a worked example by chance."""


def long_words(text: str, length: int = MIN_LETTERS) -> set[str]:
    """Return the words of at least so many letters, in lower case."""
    return {word for word in _WORD.findall(text.lower()) if len(word) >= length}


def borrowed(said: str, examples: Sequence[str], given: str) -> set[str]:
    """Return the words of five letters or more that a text took from one of the worked examples.

    A word counts when it stands in a single example (what several share is manner, not matter) and was not given.

    >>> sorted(borrowed("The nurses and patients suffer.", ["Nurses lose their patients.", "Their tools."], ""))
    ['nurses', 'patients']
    """
    shared = Counter(word for example in examples for word in long_words(example))
    own = {word for word, number in shared.items() if number == 1}
    return (long_words(said) & own) - long_words(given)


def worked_examples(messages: Sequence[Message]) -> list[str]:
    """Return the example exchanges that stand before the last user turn, one text each."""
    turns = [message.content for message in messages[:-1] if message.role != "system"]
    return ["\n".join(turns[at : at + 2]) for at in range(0, len(turns), 2)]


def copies_example(said: str, messages: Sequence[Message], given: str) -> set[str]:
    """Return the words that a reply borrows from its prompt's worked examples, when they are too many for chance.

    One such word is too many in a sentence that an example has word for word: short ones hold no second.
    """
    examples = worked_examples(messages)
    taken = borrowed(said, examples, given)
    if len(taken) > MAX_BORROWED:
        return taken
    known = {sentence for example in examples for sentence in _sentences(example)}
    return {word for sentence in _sentences(said) if sentence in known for word in taken.intersection(sentence)}


def _sentences(text: str) -> list[tuple[str, ...]]:
    """Return the words of each sentence of at least four."""
    split = (tuple(_WORD.findall(part.lower())) for part in re.split(r"[.!?\n]", text))
    return [words for words in split if len(words) >= MIN_WORDS]
