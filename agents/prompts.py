"""Prompts are versioned text resources, rendered strictly, with hostile text kept inside fences.

A prompt is `<package>/prompts/<name>.v<k>.jinja`. A header comment says who reads it, its variables, the form of the
answer and the source. Sections marked `=== system ===` and `=== user ===` (alone on a line) become chat messages.
Text by agents or users enters through the `quote` filter, which fences it and defuses whatever could close the fence
or pass for a control token of a chat template.
"""

from __future__ import annotations

import hashlib
import re
from functools import cache
from importlib import resources
from typing import Any, Literal, cast

import jinja2
from jinja2 import meta

from agents.requests import Message

FENCE_OPEN, FENCE_CLOSE = "<<<", ">>>"
_CONTROL = re.compile(r"<\|[^<>|\n]{0,64}\|>|</?s>|\[/?INST\]|<</?SYS>>|<(?:start|end)_of_turn>", re.IGNORECASE)
_MARKER = re.compile(r"^=== (system|user|assistant) ===[ \t]*$", re.MULTILINE)
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_TURN = re.compile(r"^(\s*)(system|user|assistant|human|modulator)(\s*:)", re.IGNORECASE | re.MULTILINE)


def defuse(text: str) -> str:
    """Return text that cannot close a fence, open a section, forge a role line or carry a control token.

    Idempotent. Invisible and control characters are dropped, since they hide such marks from a reader.
    """
    text = _UNSEEN.sub("", text)
    text = _CONTROL.sub(lambda m: "(" + re.sub(r"[<>|\[\]/]", "", m.group()) + ")", text)
    text = re.sub(r"<{2,}", "<", text)
    text = re.sub(r">{2,}", ">", text)
    text = re.sub(r"={3,}", "==", text)
    return _TURN.sub(r"\1\2 -", text)


def quote(value: object) -> str:
    """Return one fenced piece of foreign text, on its own lines."""
    return f"{FENCE_OPEN}\n{defuse(str(value)).strip()}\n{FENCE_CLOSE}"


def inline(value: object) -> str:
    """Return foreign text for the middle of a line: defused, and every run of whitespace made one blank."""
    return " ".join(defuse(str(value)).split())


@cache
def _environment(package: str) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: prompt_source(package, name.removesuffix(".jinja"))),
        undefined=jinja2.StrictUndefined,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )
    environment.filters.update(quote=quote, inline=inline)
    return environment


def prompt_source(package: str, name: str) -> str:
    """Return a prompt's template text. package: such as "societies.scenes"; name: such as "reaction.v1"."""
    return (resources.files(package) / "prompts" / f"{name}.jinja").read_text(encoding="utf-8")


@cache
def prompt_digest(package: str, name: str) -> str:
    """Return the digest of a prompt's template text, 16 hexadecimal digits."""
    return hashlib.blake2b(prompt_source(package, name).encode(), digest_size=8).hexdigest()


def prompt_variables(package: str, name: str) -> set[str]:
    """Return the variables that the template uses."""
    return meta.find_undeclared_variables(_environment(package).parse(prompt_source(package, name)))


def prompt_names(package: str) -> list[str]:
    """Return all prompts of a package, sorted, such as ["condense.v1", "draft.v1"]."""
    folder = resources.files(package) / "prompts"
    return sorted(item.name.removesuffix(".jinja") for item in folder.iterdir() if item.name.endswith(".jinja"))


def render_prompt(package: str, name: str, **variables: Any) -> str:
    """Render a prompt to one text. Raises jinja2.UndefinedError when a variable is missing."""
    return _environment(package).get_template(f"{name}.jinja").render(**variables).strip()


def render_messages(package: str, name: str, **variables: Any) -> tuple[Message, ...]:
    """Render a prompt to chat messages, split at its `=== role ===` markers; without markers it is one user message.

    Variables cannot forge a marker: `defuse` breaks every run of three equal signs.
    """
    text = render_prompt(package, name, **variables)
    parts = _MARKER.split(text)
    if len(parts) == 1:
        return (Message("user", text),)
    pairs = zip(parts[1::2], parts[2::2], strict=True)
    return tuple(Message(cast(Literal["system", "user", "assistant"], role), body.strip()) for role, body in pairs)
