"""What `value_vector` reports: its dimensions with their null values, how orders matter, and its version."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from agents.instruments.types import Item, Mode, Scale
from agents.instruments.value_vector.dims import BLOCK_DIMS, BLOCKS, TEXTS
from agents.instruments.value_vector.forms import COMPARE, LETTERS, PACKAGE, prompt_of
from agents.instruments.value_vector.vector import aggregate, uniform_additions
from agents.prompts import prompt_digest

MASS, GAP = "label_mass", "order_gap"


def version_of(items: Sequence[Item], forms: Sequence[str], orders: str) -> str:
    """Return the digest of items, signs, orders and prompts that a score belongs to, 16 hexadecimal digits."""
    digest = hashlib.blake2b(digest_size=8)
    for item in items:
        scales = json.dumps(dict(sorted(item.scales.items())))
        digest.update("\x1f".join((item.id, item.group, item.text, *item.options, scales, "\x1e")).encode())
    digest.update(orders.encode())
    for form in forms:
        digest.update(prompt_digest(PACKAGE, prompt_of(form)).encode())
    return digest.hexdigest()


def scales_of(items: Sequence[Item], forms: Sequence[str]) -> tuple[Scale, ...]:
    """Return the nineteen dimensions with their uniform values, the order gap, and the label mass."""
    uniform = aggregate(uniform_additions(items))
    named = [(block, name) for block in BLOCKS for name in BLOCK_DIMS[block]]
    dims = [
        Scale(name=name, text=TEXTS[name], mode=_mode(forms), group=block, null=("uniform", float(value)))
        for (block, name), value in zip(named, uniform, strict=True)
    ]
    gap = Scale(
        name=GAP, text="how far an action's probability depends on the order of the actions", mode=_mode(forms),
        better=-1, null=("uniform", 0.0),
    )  # fmt: skip
    mass = Scale(name=MASS, text="probability that an offered label is answered at all", mode=Mode.LETTER, better=1)
    return (*dims, gap, *((mass,) if {LETTERS, COMPARE} & set(forms) else ()))


def _mode(forms: Sequence[str]) -> Mode:
    return Mode.LETTER if {LETTERS, COMPARE} & set(forms) else Mode.CONTINUATION
