"""Options that an assembly compares in pairs: read from a file of the user's or from the built-in list, and split.

Some options are held out whole, and of the pairs among the others some are held out too, so that agreement can be
measured on pairs and on options that no training saw.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import numpy as np

from agents.errors import UserError

Split = Literal["train", "held_pair", "held_option"]
MAX_LENGTH = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two options, positions in the list of options, and what the pair is for."""

    first: int
    second: int
    split: Split


def load_options(path: Path | None) -> list[str]:
    """Return the options of a file: JSON (a list of texts, or lists by category) or one option a line.

    Without a path, the built-in list. Raises UserError for fewer than four different options or an overlong one.
    """
    if path is None:
        text, name = (resources.files("societies.assembly") / "data" / "proposals.txt").read_text("utf-8"), "the list"
    else:
        try:
            text, name = path.read_text(encoding="utf-8"), str(path)
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"The options {path} cannot be read.", str(error), "give a JSON or text file") from error
    found = [" ".join(str(one).split()) for one in _raw(text, name)]
    options = list(dict.fromkeys(one for one in found if one))
    if len(options) < 4:
        raise UserError(f"{name} holds {len(options)} different options.", "pairs need at least four.", "add some")
    too_long = [one for one in options if len(one) > MAX_LENGTH]
    if too_long:
        raise UserError(
            f"{name} has an option of {len(too_long[0])} characters.",
            f"at most {MAX_LENGTH} fit a question about two of them.",
            f'shorten "{too_long[0][:40]}..."',
        )
    return options


def _raw(text: str, name: str) -> Sequence[Any]:
    if not text.lstrip().startswith(("[", "{")):
        return [line for line in text.splitlines() if not line.startswith("#")]
    try:
        value = json.loads(text)
    except ValueError as error:
        raise UserError(f"{name} is not JSON.", str(error), "give a JSON list or one option a line") from error
    lists = list(value.values()) if isinstance(value, Mapping) else [value]
    if not all(isinstance(one, list) for one in lists):
        raise UserError(
            f"{name} holds no lists of options.",
            "options are texts in a JSON list, or in lists by category.",
            'write ["A", "B", ...] or {"CATEGORY": ["A", ...], ...}',
        )
    return [option for one in lists for option in one]


def chosen(options: Sequence[str], num: int, seed: int) -> list[str]:
    """Return `num` options drawn evenly at random, in the order of the list; all where there are fewer."""
    if num >= len(options):
        return list(options)
    rng = np.random.default_rng([seed, 1])
    return [options[n] for n in sorted(rng.choice(len(options), size=num, replace=False).tolist())]


def pairs_of(
    num: int, *, num_held: int, num_train: int, num_held_pairs: int, num_held_options: int, seed: int
) -> list[Pair]:
    """Return pairs to vote on, in a seeded order; none twice, and none of a held-out option among the first two splits.

    num: options. num_held: of them held out whole. The other three: pairs of each split, as many as there are at most.
    """
    rng = np.random.default_rng([seed, 2])
    order = rng.permutation(num).tolist()
    held, known = order[:num_held], order[num_held:]
    inside = _shuffled([(a, b) for k, a in enumerate(known) for b in known[k + 1 :]], rng)
    across = _shuffled([(a, b) for a in held for b in known], rng)
    train, rest = inside[:num_train], inside[num_train : num_train + num_held_pairs]
    named: list[tuple[Split, list[tuple[int, int]]]] = [
        ("train", train),
        ("held_pair", rest),
        ("held_option", across[:num_held_options]),
    ]
    return [Pair(first=a, second=b, split=split) for split, found in named for a, b in found]


def _shuffled(pairs: list[tuple[int, int]], rng: np.random.Generator) -> list[tuple[int, int]]:
    flips = rng.random(len(pairs)) < 0.5
    turned = [(b, a) if flip else (a, b) for (a, b), flip in zip(pairs, flips, strict=True)]
    return [turned[k] for k in rng.permutation(len(turned))]
