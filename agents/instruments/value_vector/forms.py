"""Templates x permutations: which requests ask an item, and the one place where an order is undone.

Two-action items are put in three forms (letters, compare, repeat) and both orders; four-action items in two (letters,
repeat) and in four rotations, or in all 24 orders. The engine room undoes the order in which it lists a request's
options; `undo` maps what is left, the order in which a request names the actions, and it is used exactly once.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from agents.instruments.types import Item, Subject
from agents.prompts import render_messages
from agents.requests import Message, Orders, Score, ScoreMode, Scores
from agents.scoring import canonical, permutations

PACKAGE = "agents.instruments.value_vector"
LETTERS, COMPARE, REPEAT = "letters", "compare", "repeat"
FORMS = (LETTERS, COMPARE, REPEAT)
NO_CHOICE = "no_choice"
"""The form of an item with equal actions: nothing is asked, since every responder is undecided there."""

Permutations: TypeAlias = Literal["cyclic", "all"]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request of a form. named: entry k is the item's action for which the request's option k stands."""

    form: str
    request: Score
    named: tuple[int, ...]


def prompt_of(form: str) -> str:
    """Return the name and version of a form's prompt."""
    return f"value_{form}.v1"


def forms_of(item: Item, forms: Sequence[str]) -> tuple[str, ...]:
    """Return the forms in which this item is asked: more than two actions cannot be compared by yes or no."""
    if len(set(item.options)) < len(item.options):
        return (NO_CHOICE,)
    return tuple(form for form in forms if form != COMPARE or len(item.options) == 2)


def ask(item: Item, subject: Subject, form: str, orders: Permutations) -> list[Asked]:
    """Return the requests of one form, all orders of it together; they share everything but the order."""
    if form == LETTERS:
        return [_letters(item, subject, base) for base in _bases(len(item.options), orders)]
    if form == COMPARE:
        return [_compare(item, subject, order) for order in permutations(2, Orders.REVERSED)]
    return [_repeat(item, subject, order) for order in listings(len(item.options), orders)]


def listings(num_actions: int, orders: Permutations) -> list[tuple[int, ...]]:
    """Return the orders of the actions in which a repeated answer is asked for: rotations, or every permutation.

    >>> len(listings(4, "cyclic")), len(listings(4, "all")), listings(2, "all")
    (4, 24, [(0, 1), (1, 0)])
    """
    if orders == "cyclic":
        return permutations(num_actions, Orders.CYCLIC)
    return list(itertools.permutations(range(num_actions)))


def undo(asked: Sequence[Asked], answers: Sequence[Scores]) -> tuple[tuple[float, ...], ...]:
    """Return [order][action] log-probabilities in the item's own order of actions: the one place for that."""
    return tuple(canonical(row, one.named) for one, scores in zip(asked, answers, strict=True) for row in scores.logp)


def label_mass(answers: Sequence[Scores]) -> float:
    """Return the mean label mass of a form's answers; nan when its options were scored as continuations."""
    if any(scores.mode != ScoreMode.LETTER.value for scores in answers):
        return math.nan
    return math.fsum(scores.mass for scores in answers) / len(answers)


def _bases(num_actions: int, orders: Permutations) -> list[tuple[int, ...]]:
    """Return the option orders whose rotations, asked by one `Score` each, make up all the orders wanted."""
    if orders == "cyclic":
        return [tuple(range(num_actions))]
    return [(0, *rest) for rest in itertools.permutations(range(1, num_actions))]


def _letters(item: Item, subject: Subject, base: tuple[int, ...]) -> Asked:
    request = Score(
        messages=_messages(subject, LETTERS, context=item.text),
        options=tuple(item.options[k] for k in base),
        purpose=_purpose(LETTERS),
        policy=subject.policy,
        orders=Orders.CYCLIC,
    )
    return Asked(LETTERS, request, base)


def _compare(item: Item, subject: Subject, order: tuple[int, ...]) -> Asked:
    first, second = (item.options[k] for k in order)
    request = Score(
        messages=_messages(subject, COMPARE, context=item.text, first=first, second=second),
        options=("Yes", "No"),
        purpose=_purpose(COMPARE),
        policy=subject.policy,
        orders=Orders.GIVEN,
    )
    return Asked(COMPARE, request, order)


def _repeat(item: Item, subject: Subject, order: tuple[int, ...]) -> Asked:
    actions = tuple(item.options[k] for k in order)
    request = Score(
        messages=_messages(subject, REPEAT, context=item.text, actions=actions),
        options=actions,
        purpose=_purpose(REPEAT),
        policy=subject.policy,
        orders=Orders.GIVEN,
        mode=ScoreMode.CONTINUATION,
        stub="",
    )
    return Asked(REPEAT, request, order)


def _messages(subject: Subject, form: str, **context: object) -> tuple[Message, ...]:
    return (*subject.prefix, *render_messages(PACKAGE, prompt_of(form), **context))


def _purpose(form: str) -> str:
    return f"instruments/{prompt_of(form)}"
