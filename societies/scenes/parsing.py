"""Parsers of what models say: pure, and they raise nothing but `Unusable`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

from agents.asking import Unusable
from agents.borrowing import MAX_BORROWED, borrowed
from agents.prompts import inline
from agents.refusals import is_refusal
from agents.requests import Cause
from societies.scenes.records import Step
from societies.scenes.rules import alike, head, takes_back, tidy, unlooped

T = TypeVar("T")
Parser: TypeAlias = Callable[[str], T]
MAX_NAME = 40
_MARKS = re.compile(r"^\s*(?:[-*\u2022#>]+|\d+[.)]|\(\w\))\s*")
_WORDS = re.compile(r"[^\W\d_]{2,}")


def line(text: str, *, max_words: int = 60, min_words: int = 2) -> str:
    """Return the first line that says something: at least `min_words` words, without list marks and quotes."""
    for raw in text.splitlines():
        clean = inline(_MARKS.sub("", raw)).strip(" \"'`*")
        if len(_WORDS.findall(clean)) >= min_words:
            return head(clean, max_words)
    raise Unusable("no line with a statement in it")


def statement(text: str, *, max_words: int = 60) -> str:
    """Return one line of narration, a loop cut off. A refusal to play is unusable, and said so."""
    said = tidy(line(text, max_words=max_words))
    if is_refusal(said):
        raise Unusable("the narrator declines", Cause.REFUSAL)
    return said


def passage(text: str) -> str:
    """Return a short text of several sentences, a loop cut off."""
    said = tidy(inline(text))
    if len(_WORDS.findall(said)) < 3:
        raise Unusable("no sentence in it")
    return said


def role_name(text: str) -> str:
    """Return one role's name, of one to five words."""
    name = line(text, min_words=1).split(",")[0].split(".")[0].split(":")[0].strip()
    name = re.sub(r"^(?:the|a|an)\s+", "", name, flags=re.IGNORECASE)
    if not _WORDS.search(name) or len(name) > MAX_NAME or len(name.split()) > 5:
        raise Unusable(f"not a role's name: {name[:60]!r}")
    return name[0].upper() + name[1:]


def role_list(text: str, places: Sequence[str]) -> list[tuple[str, str]]:
    """Return (name, place) of each role in a JSON reply; at least one usable. Unknown places become the first."""
    found: list[tuple[str, str]] = []
    for entry in _entries(text, "roles"):
        fields = entry if isinstance(entry, dict) else {"name": entry}
        try:
            name = role_name(str(fields.get("name", "")))
        except Unusable:
            continue
        found.append((name, _place(fields, places)))
    if not found:
        raise Unusable("no usable role in it")
    return found


def plan(text: str, *, max_steps: int, places: Sequence[str]) -> tuple[Step, ...]:
    """Return the plan in a JSON reply, trimmed to `max_steps`; at least one usable step, none twice."""
    steps: list[Step] = []
    for entry in _entries(text, "steps"):
        fields = entry if isinstance(entry, dict) else {"act": entry}
        try:
            act = line(str(fields.get("act", "")), max_words=30)
        except Unusable:
            continue
        if any(alike(act, step.act) >= 0.9 for step in steps):
            continue
        thing = inline(str(fields.get("thing", "")))[:MAX_NAME]
        steps.append(
            Step(
                act=act,
                place=_place(fields, places),
                thing=thing if _WORDS.search(thing) else "",
                secret=fields.get("secret") in ("yes", True),
            )
        )
    if not steps:
        raise Unusable("no usable step in it")
    return tuple(steps[:max_steps])


def persona(text: str) -> tuple[str, str]:
    """Return (traits, duties) of a line "traits; duties"."""
    traits, _, duties = line(text, max_words=60).partition(";")
    return unlooped(traits), unlooped(duties)


def reaction(name: str, received: Sequence[str]) -> Parser[str]:
    """Return the parser of one role's reaction: one line that names the role and does not restate what it received."""

    def parse(text: str) -> str:
        said = statement(text, max_words=40)
        said = re.sub(r"^I\b(?!')", name, said)
        if any(alike(said, one) >= 0.8 for one in received):
            raise Unusable("it only restates what was noticed")
        return said if name.lower() in said.lower() else f"{name}: {said}"

    return parse


def revision(draft: str, examples: Sequence[str] = (), *, instruction: str = "", consequence: str = "") -> Parser[str]:
    """Return the parser of a revised answer.

    It is neither the draft again nor a worked example's words (one text each), and it does not offer after a refusal
    what it has just refused.
    """

    def parse(text: str) -> str:
        said = passage(text)
        if alike(said, draft) >= 0.85:
            raise Unusable("the revision repeats the draft")
        taken = borrowed(said, examples, f"{instruction} {consequence}")
        if len(taken) > MAX_BORROWED:
            raise Unusable(f"the revision borrows from a worked example: {', '.join(sorted(taken))}")
        if is_refusal(said) and takes_back(said, instruction):
            raise Unusable("the revision offers what it refuses")
        return said

    return parse


def after_mark(text: str, mark: str = "Answer:") -> str:
    """Return what follows a mark, or all of it where there is none; empty text is unusable."""
    said = (text.split(mark, 1)[1] if mark in text else text).strip()
    if not said:
        raise Unusable("the reply is empty")
    return said


def _place(fields: Mapping[str, Any], places: Sequence[str]) -> str:
    given = fields.get("place")
    return given if isinstance(given, str) and given in places else places[0]


def _entries(text: str, key: str) -> list[Any]:
    start, stop = text.find("{"), text.rfind("}")
    try:
        value = json.loads(text[start : stop + 1]) if 0 <= start < stop else None
    except (ValueError, RecursionError):
        value = None
    entries = value.get(key) if isinstance(value, dict) else None
    if not isinstance(entries, list):
        raise Unusable(f'no JSON object with a list "{key}" in it')
    return entries
