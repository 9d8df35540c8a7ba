"""Parsers of what is said in an assembly: pure, and they raise nothing but `Unusable`."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence

from agents.asking import Unusable
from agents.prompts import inline

_WORD = re.compile(r"[^\W\d_]{2,}")
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_MARK = re.compile(r"^\s*(?:[-*•#>]+|\d+[.)]|\(\w\)|\[\w+\]:?)\s*")
_ID = re.compile(r"\[([A-Za-z]\d{1,3}(?:\.\d{1,3})*)\]")
OUTER = " \"'`*<>"
"""What a model puts around a text: quotes, marks of emphasis, and fences that it copies."""
_FENCE = re.compile(r"<{2,}|>{2,}")
_LABEL = re.compile(r"^(?:statement|clause|opinion|answer|question|note|report|critique)\s*:\s*", re.IGNORECASE)


def said(text: str, *, min_words: int = 3) -> str:
    """Return a text on one line, loops cut off and an unfinished last sentence dropped. Too few words are unusable.

    A fence after a whole sentence is where a reply begins to write its prompt once more: it ends there.
    """
    inner = _MARK.sub("", text).strip(OUTER + "\n")
    before = _FENCE.split(inner, maxsplit=1)[0].strip()
    own = before if before[-1:] in tuple(".!?") and len(_WORD.findall(before)) >= min_words else inner
    clean = _LABEL.sub("", inline(own).strip(OUTER)).strip(OUTER)
    kept: list[str] = []
    for sentence in _SENTENCE.split(clean):
        if sentence.casefold() in (one.casefold() for one in kept):
            break
        kept.append(sentence)
    if len(kept) > 1 and kept[-1][-1:] not in ".!?":
        kept.pop()
    whole = " ".join(kept)
    if len(_WORD.findall(whole)) < min_words:
        raise Unusable("there is no sentence in it")
    return whole


def statement(text: str) -> str:
    """Return a candidate statement: at least six words."""
    return said(text, min_words=6)


def sentence(text: str) -> str:
    """Return the first sentence of a text."""
    return _SENTENCE.split(said(text))[0]


def cited(text: str, known: Collection[str]) -> tuple[str, ...]:
    """Return the ids in brackets that are known, each once, in order.

    >>> cited("As [E2] says, and [E9].", {"E1", "E2"})
    ('E2',)
    """
    return tuple(dict.fromkeys(found for found in _ID.findall(text) if found in known))


def clauses(text: str, max_clauses: int) -> list[str]:
    """Return the sentences of a statement that can stand alone as clauses, at least one.

    >>> clauses("We want a tax. Why? It is fair to all of us.", 4)
    ['We want a tax.', 'It is fair to all of us.']
    """
    found = [one.strip() for one in _SENTENCE.split(text) if len(_WORD.findall(one)) >= 3 and not one.endswith("?")]
    return (found or [text.strip()])[:max_clauses]


def card(text: str) -> tuple[str, tuple[str, ...]]:
    """Return (title, attention policies) of a values card in JSON, at most five policies."""
    start, stop = text.find("{"), text.rfind("}")
    try:
        value = json.loads(text[start : stop + 1]) if 0 <= start < stop else None
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict) or not isinstance(value.get("title"), str):
        raise Unusable("no card in it")
    given = value.get("policies")
    raw: Sequence[object] = given if isinstance(given, list) else ()
    policies = tuple(dict.fromkeys(inline(one)[:160] for one in raw if isinstance(one, str) and _WORD.search(one)))
    title = inline(value["title"])[:60]
    if not policies or not _WORD.search(title):
        raise Unusable("a card without title or policies")
    return title, policies[:5]
