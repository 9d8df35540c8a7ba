"""Splits by scene, prompt and people: whatever is tied together is on one side.

Rows that share a scene, a prompt, a persona or a voter form a group. A group's side follows from a hash of the seed and
of its smallest key, so more runs move nobody, unless they tie an old group to an older key; `diff` shows that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

SPLITS = ("train", "validation", "test")
BARE = "~values|"
"""Beginning of the keys of rows that hold neither text nor people. It sorts behind every other key."""


def groups(keys: Sequence[Sequence[str]]) -> list[str]:
    """Return the smallest key of the group of each row. keys: of each row, at least one; a shared one ties rows."""
    parent: dict[str, str] = {}

    def root(key: str) -> str:
        while (above := parent.setdefault(key, key)) != key:
            parent[key] = key = parent.setdefault(above, above)
        return key

    for row in keys:
        first = root(row[0])
        for key in row[1:]:
            low, high = sorted((first, root(key)))
            parent[high] = low
            first = low
    return [root(row[0]) for row in keys]


def side(group: str, seed: int, test_share: float, validation_share: float) -> str:
    """Return the split of a group: "train", "validation" or "test". Bare numbers are no test of anything: "train"."""
    if group.startswith(BARE):
        return "train"
    number = int.from_bytes(hashlib.blake2b(f"{seed}|{group}".encode(), digest_size=8).digest(), "big") / 2.0**64
    if number < test_share:
        return "test"
    return "validation" if number < test_share + validation_share else "train"
