"""Where an instrument's items come from: a user's file, or the small banks of ours that are shipped with it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from agents.errors import UserError
from agents.instructions import Instruction, Kind, load_instructions
from agents.instruments.types import Item
from agents.prompts import prompt_digest

T = TypeVar("T")
ITEMS = Path(__file__).parent / "items"
PACKAGE = "agents.instruments"


def items_file(name: str) -> Path:
    """Return the path of a built-in bank: harmful, ordinary, safe, dilemmas or paragraphs."""
    return ITEMS / f"{name}.jsonl"


def resolve(path: str, data_folder: Path) -> Path:
    """Return a user's file: relative paths are looked up in the data folder, then in the working directory."""
    beside = data_folder / path
    return beside if not Path(path).is_absolute() and beside.exists() else Path(path)


def spread(every: Sequence[T], num: int | None) -> list[T]:
    """Return `num` entries at even steps, so that a sorted file gives some of every kind; all when there are fewer.

    >>> spread("abcdefgh", 3)
    ['a', 'c', 'f']
    """
    if num is None or num >= len(every):
        return list(every)
    return [every[k * len(every) // num] for k in range(num)]


def instructions(path: str, bank: str, kind: Kind, data_folder: Path, *, num: int | None, skip: int = 0) -> list[Item]:
    """Return the items of one arm, their ids "<bank>-<id>". Instructions without a kind belong to the arm that asks.

    path: a file, empty for the built-in bank. num: how many, spread evenly over what `skip` leaves.
    """
    every = load_instructions(resolve(path, data_folder) if path else items_file(bank))
    kept = [one for one in every if one.kind in (kind, "unlabelled")][skip:]
    if not kept:
        raise UserError(
            f"{path or 'The built-in bank ' + bank} leaves no {kind} instruction after skipping {skip}.",
            f"it has {len(every)} instructions, of any kind.",
            "lower skip, or name another file",
        )
    return [_item(one, bank, path) for one in spread(kept, num)]


def _item(one: Instruction, bank: str, path: str) -> Item:
    meta = {"source": one.source if path else "built-in", "category": one.category}
    if bank != "ordinary":
        meta["sensitive"] = "yes"
    return Item(id=f"{bank}-{one.id}", instrument="", text=one.text, group=bank, meta=meta)


def check_num(where: str, **numbers: int | None) -> None:
    """Raise UserError for a number of items below 1."""
    for name, value in numbers.items():
        if value is not None and value < 1:
            hint = "use 1 or more, or null for all" if name.startswith("num") else "use 1 or more"
            raise UserError(f"{where}.{name} = {value} asks nothing.", "it counts from 1.", hint)


def version_of(items: Iterable[Item], prompts: Sequence[str] = ()) -> str:
    """Return the digest of items and prompts that a score belongs to, 16 hexadecimal digits."""
    digest = hashlib.blake2b(digest_size=8)
    for item in items:
        digest.update("\x1f".join((item.id, item.group, item.text, *item.options, "\x1e")).encode())
    for name in prompts:
        digest.update(prompt_digest(PACKAGE, name).encode())
    return digest.hexdigest()


def script_name(instrument: str, subject: str, place: int, item: Item) -> str:
    """Return the name of an item's script: unique by its place, readable by its id."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", item.id)[:40]
    return f"{instrument}/{subject}/{place:04d}-{plain}"
