"""The desk: questions to people who take a seat in a run, as small files in the run folder, and their answers.

Anything may answer: `folkmoot sit`, a dashboard, or an editor. A question is `desk/<seat>/<number>.json`; its answer is
`desk/<seat>/<number>.answer.json` with {"text": ...} or {"option": ...} and {"who": ...}. What a person wrote is
journalled like any other answer, so a run with people in it replays without them.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from agents.errors import UserError
from agents.requests import Generate, Message, Reply, Request, Result, Scores
from sim.tables import write_whole

MAX_TEXT = 4_000
CERTAIN, RULED_OUT = 0.0, -30.0
"""Log-probabilities of the option that a person chose and of the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a person is asked. options: empty where a text is wanted. until: Unix time, 0 for no end."""

    seat: str
    number: str
    key: str
    messages: tuple[Message, ...]
    options: tuple[str, ...] = ()
    until: float = 0.0


def ask(folder: Path, seat: str, key: str, request: Request, *, until: float = 0.0) -> Question:
    """Write a question down and return it. Asking the same twice leaves the first, with the time that is left now."""
    number = hashlib.blake2b(key.encode(), digest_size=6).hexdigest()
    options = () if isinstance(request, Generate) else request.options
    question = Question(seat=seat, number=number, key=key, messages=request.messages, options=options, until=until)
    path = folder / seat / f"{number}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    body = {
        "key": key,
        "seat": seat,
        "asked": (_load(path) or {}).get("asked", time.time()),
        "until": until,
        "messages": [{"role": one.role, "content": one.content} for one in request.messages],
        "options": list(options),
    }
    if not _answer_path(path).exists():
        write_whole(path, orjson.dumps(body, option=orjson.OPT_INDENT_2))
    return question


def pending(folder: Path, seat: str = "") -> list[Question]:
    """Return the questions that wait for an answer, the oldest first. seat: only of this one.

    One whose time is over waits no more: somebody stood in.
    """
    found: list[tuple[float, Question]] = []
    for path in folder.glob(f"{seat or '*'}/*.json"):
        if path.name.endswith(".answer.json") or _answer_path(path).exists():
            continue
        body = _load(path)
        if body is None:
            continue
        question = Question(
            seat=path.parent.name,
            number=path.stem,
            key=str(body["key"]),
            messages=tuple(Message(one["role"], one["content"]) for one in body["messages"]),
            options=tuple(body["options"]),
            until=float(body["until"]),
        )
        if _is_over(question):
            continue
        found.append((float(body["asked"]), question))
    return [question for _, question in sorted(found, key=lambda pair: (pair[0], pair[1].number))]


def answer(folder: Path, question: Question, given: str, *, who: str = "") -> None:
    """Write a person's answer. Raises UserError for an empty or overlong text, or what is none of the options."""
    text = given.strip()
    if question.options:
        if text.isdigit() and 1 <= int(text) <= len(question.options):
            text = question.options[int(text) - 1]
        if text not in question.options:
            raise UserError(
                f"{text[:60]!r} is none of the options.",
                f"there are {len(question.options)}: {'; '.join(question.options)}.",
                f"give one of them, or its number from 1 to {len(question.options)}",
            )
    elif not text:
        raise UserError("The answer is empty.", "somebody waits for it.", "write at least a word")
    elif len(text) > MAX_TEXT:
        raise UserError(
            f"The answer has {len(text)} characters.", f"at most {MAX_TEXT} fit the others' prompts.", "shorten it"
        )
    if _is_over(question):
        raise UserError(
            "The time for this question is over.", "the base policy answered for the seat.", "go on to the next"
        )
    path = folder / question.seat / f"{question.number}.answer.json"
    if path.exists():
        raise UserError("This question was answered already.", "the first answer stands.", "go on to the next")
    body = {"option" if question.options else "text": text, "who": who, "answered": time.time()}
    write_whole(path, orjson.dumps(body))


def answered(folder: Path, questions: Iterable[Question]) -> list[tuple[Question, Result]]:
    """Return the questions among these that have a usable answer, with it."""
    found: list[tuple[Question, Result]] = []
    for question in questions:
        body = _load(folder / question.seat / f"{question.number}.answer.json")
        if body is not None and (result := _result(question, body)) is not None:
            found.append((question, result))
    return found


def _result(question: Question, body: dict[str, Any]) -> Result | None:
    if not question.options:
        text = body.get("text")
        return Reply(text=text[:MAX_TEXT], identity=question.key) if isinstance(text, str) and text.strip() else None
    option = body.get("option")
    if option not in question.options:
        return None
    row = tuple(CERTAIN if one == option else RULED_OUT for one in question.options)
    return Scores(
        options=question.options,
        logp=(row,),
        identity=question.key,
        num_tokens=(1,) * len(question.options),
        mode="person",
    )


def _is_over(question: Question) -> bool:
    return bool(question.until) and time.time() > question.until


def _answer_path(path: Path) -> Path:
    return path.with_name(f"{path.stem}.answer.json")


def _load(path: Path) -> dict[str, Any] | None:
    """Return a file's object; None where it is not there or half-written."""
    try:
        body = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return None
    return body if isinstance(body, dict) else None
