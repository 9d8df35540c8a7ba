"""The one seam for what third parties add: societies, engines, recipes, instruments and verbs, by entry point.

A distribution registers an object under the group `folkmoot.<kind>`; ours does it the same way. Nothing else in the
project looks a thing up by name, and loading happens only when the name is asked for.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal

from agents.errors import UserError, did_you_mean

Kind = Literal["societies", "engines", "recipes", "instruments", "verbs"]


@cache
def _entries(kind: Kind) -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=f"folkmoot.{kind}")}


def names(kind: Kind) -> list[str]:
    """Return the registered names of a kind, sorted; imports none of them."""
    return sorted(_entries(kind))


def find(kind: Kind, name: str, *, where: str = "") -> Any:
    """Import and return what is registered under this name.

    where: the config path that named it, for the message. Raises UserError for an unknown name.
    """
    entry = _entries(kind).get(name)
    if entry is None:
        raise UserError(
            f'{where or kind} = "{name}" is not known.',
            f"no installed package registers it under folkmoot.{kind}.",
            did_you_mean(name, _entries(kind)),
        )
    return entry.load()
