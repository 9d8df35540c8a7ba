"""The agenda: questions to settle, read from a file of the user's or from the built-in bank. Files are only read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from agents.errors import UserError
from societies.assembly.records import Evidence, Question, QuizItem, Witness

STANCES = ("for", "against", "neutral")
MAX_LENGTH = 2_000
MAX_WITNESSES = 26
"""Most that one question may list as options."""


def load_agenda(path: Path | None, *, skip: int = 0) -> list[Question]:
    """Return the questions of a JSON list or a file of JSON lines; of the built-in bank where no path is given.

    Each needs question, affirming_statement and negating_statement (the layout of the Habermas Machine's public list),
    and may carry topic, evidence, witnesses, reserve, falsehood and quiz. Raises UserError with the entry that cannot
    be used.
    """
    text, name = _read(path)
    entries = _entries(text, name)
    if not entries:
        raise UserError(f"{name} holds no question.", "an assembly needs one.", "give a file with at least one")
    questions = [_question(entry, f"{name}, entry {number}") for number, entry in enumerate(entries, start=1)]
    ids = [one.question_id for one in questions]
    if len(set(ids)) != len(ids):
        twice = next(one for one in ids if ids.count(one) > 1)
        raise UserError(f"{name} has the id {twice!r} twice.", "ids name questions.", "give every question its own id")
    if skip >= len(questions):
        raise UserError(
            f"society.skip = {skip} leaves nothing of {name}.", f"it holds {len(questions)} questions.", "skip fewer"
        )
    return questions[skip:]


def divided(questions: Sequence[Question], held: int) -> tuple[list[Question], list[Question]]:
    """Return (questions to learn from, the last `held` of them, which teach nothing)."""
    first = len(questions) - held
    return list(questions[:first]), list(questions[first:])


def _read(path: Path | None) -> tuple[str, str]:
    if path is None:
        return (resources.files("societies.assembly") / "data" / "agenda.json").read_text(
            "utf-8"
        ), "the built-in agenda"
    try:
        return path.read_text(encoding="utf-8"), str(path)
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"The agenda {path} cannot be read.", str(error), "set society.agenda to a file of questions"
        ) from error


def _entries(text: str, name: str) -> list[Any]:
    try:
        if text.lstrip().startswith("["):
            return list(json.loads(text))
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    except ValueError as error:
        raise UserError(
            f"{name} is not JSON.", str(error), "give a JSON list of objects, or one JSON object a line"
        ) from error


def _question(entry: Any, where: str) -> Question:
    if not isinstance(entry, Mapping):
        raise UserError(f"{where} is no object.", "a question has named fields.", "see society.agenda in the docs")
    text = {key: _text(entry, key, where) for key in ("question", "affirming_statement", "negating_statement")}
    witnesses, reserve = (_witnesses(entry, key, where) for key in ("witnesses", "reserve"))
    names = [one.name for one in (*witnesses, *reserve)]
    if len(set(names)) != len(names) or len(names) > MAX_WITNESSES:
        raise UserError(
            f"{where} offers {len(names)} witnesses, {len(set(names))} of them with a name of their own.",
            "citizens choose witnesses by name from one list.",
            f"give every witness another name, and at most {MAX_WITNESSES} in all",
        )
    return Question(
        question_id=str(entry.get("id", where.rpartition(" ")[2])),
        text=text["question"],
        affirming=text["affirming_statement"],
        negating=text["negating_statement"],
        topic=str(entry.get("topic", "")),
        evidence=tuple(
            Evidence(
                evidence_id=f"E{number}",
                claim=_text(one, "claim", f"{where}, evidence {number}"),
                source=str(one.get("source", "")),
                stance=_stance(one, f"{where}, evidence {number}"),
            )
            for number, one in enumerate(_list(entry, "evidence", where), start=1)
        ),
        witnesses=witnesses,
        reserve=reserve,
        falsehood=_falsehood(entry, where),
        quiz=tuple(_quiz(one, f"{where}, a quiz item") for one in _list(entry, "quiz", where)),
    )


def _witnesses(entry: Mapping[str, Any], key: str, where: str) -> tuple[Witness, ...]:
    return tuple(
        Witness(
            name=_text(one, "name", f"{where}, a witness"),
            role=str(one.get("role", "expert")),
            stance=_stance(one, f"{where}, a witness"),
        )
        for one in _list(entry, key, where)
    )


def _falsehood(entry: Mapping[str, Any], where: str) -> Evidence | None:
    """Return the false claim, under the id of the evidence that it replaces or under the next one."""
    given = entry.get("falsehood")
    if given is None:
        return None
    where, num = f"{where}, falsehood", len(_list(entry, "evidence", where))
    if not isinstance(given, Mapping):
        raise UserError(
            f"{where} is no object.",
            f"it is {type(given).__name__}; a claim needs its parts by name.",
            "write claim, source, stance and, if you like, replaces",
        )
    place = given.get("replaces", num + 1)
    if not isinstance(place, int) or not 1 <= place <= num + 1:
        raise UserError(f"{where} replaces {place!r}.", f"the evidence has {num} pieces.", "count them from 1")
    return Evidence(
        evidence_id=f"E{place}",
        claim=_text(given, "claim", where),
        source=str(given.get("source", "")),
        stance=_stance(given, where),
        planted=True,
    )


def _quiz(entry: Mapping[str, Any], where: str) -> QuizItem:
    options = tuple(str(one) for one in entry.get("options", ()))
    if not 2 <= len(set(options)) == len(options) <= 6:
        raise UserError(f"{where} has no two to six different options.", "the first is the right one.", "give them")
    return QuizItem(text=_text(entry, "question", where), options=options)


def _list(entry: Mapping[str, Any], key: str, where: str) -> Sequence[Mapping[str, Any]]:
    value = entry.get(key, [])
    if not isinstance(value, list) or not all(isinstance(one, Mapping) for one in value):
        raise UserError(
            f"{where}: {key} is no list of objects.",
            "each piece of it is put before the citizens by itself.",
            f'write "{key}": [{{...}}, {{...}}], or leave it out',
        )
    return value


def _text(entry: Mapping[str, Any], key: str, where: str) -> str:
    value = " ".join(str(entry.get(key, "")).split())
    if not value:
        raise UserError(f"{where} has no {key}.", "it cannot be put before anybody.", f"add {key}")
    if len(value) > MAX_LENGTH:
        raise UserError(
            f"{where}: {key} has {len(value)} characters.", f"at most {MAX_LENGTH} fit a prompt.", "shorten it"
        )
    return value


def _stance(entry: Mapping[str, Any], where: str) -> str:
    stance = str(entry.get("stance", "neutral"))
    if stance not in STANCES:
        raise UserError(
            f"{where} has the stance {stance!r}.",
            "it says which side of the question this speaks for.",
            f"use one of {', '.join(STANCES)}",
        )
    return stance
