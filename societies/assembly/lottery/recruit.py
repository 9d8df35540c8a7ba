"""The first stage of a civic lottery: who gets a letter, who answers, and what chance a person had from end to end.

A pool is not the population: some households get no letter, and some people answer more readily. The chance of person i
from end to end is P(letter) * P(respond | i) * pi_i.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from agents.errors import UserError
from societies.assembly.lottery.instance import BoolArray, IntArray
from societies.assembly.lottery.tickets import pipage
from societies.assembly.lottery.types import FloatArray


def invite(
    strata: IntArray,
    num_letters: int,
    *,
    shares: FloatArray | None = None,
    seed: int = 0,
    names: Sequence[str] = (),
) -> tuple[BoolArray, FloatArray]:
    """Return which households get a letter, bool (H,), and the chance that each had, (H,).

    strata: int64 (H,), the stratum of each household, 0..S-1. shares: (S,) of the letters a stratum gets; None: in
    proportion to its households. A stratum's letters are its exact share rounded up or down by lot, so the chances are
    exact; inside a stratum every household is equally likely and none gets two. names: of the strata, for messages.
    Raises UserError when a stratum would need more letters than it has households.
    """
    sizes = np.bincount(strata).astype(np.float64)
    part = sizes / sizes.sum() if shares is None else shares / shares.sum()
    if len(part) != len(sizes):
        raise UserError(
            f"{len(part)} shares were given for {len(sizes)} strata.",
            "shares and strata go in pairs.",
            "give one share each",
        )
    expected = part * num_letters
    if (np.ceil(expected - 1e-9) > sizes).any():
        worst = int(np.argmax(expected - sizes))
        name = names[worst] if names else worst
        raise UserError(
            f"Stratum {name} would get {expected[worst]:.1f} letters and has {sizes[worst]:.0f} households.",
            "a household gets one letter at most.",
            "send fewer letters or change the shares",
        )
    rng = np.random.default_rng(seed)
    letters = pipage(expected, rng)
    chosen = np.zeros(len(strata), dtype=np.bool_)
    for stratum, number in enumerate(letters):
        chosen[rng.permutation(np.flatnonzero(strata == stratum))[:number]] = True
    return chosen, np.divide(expected, sizes, out=np.zeros_like(expected), where=sizes > 0)[strata]


def response_chance(features: FloatArray, beta: FloatArray) -> FloatArray:
    """Return P(respond | x) = 1 / (1 + exp(-x @ beta)) for features (n, f), a constant among them, and beta (f,)."""
    chances: FloatArray = np.exp(-np.logaddexp(0.0, -(features @ beta)))
    return chances


def respond(chances: FloatArray, seed: int = 0) -> BoolArray:
    """Return who answers, bool (n,)."""
    answers: BoolArray = np.random.default_rng(seed).random(len(chances)) < chances
    return answers


def end_to_end(in_pool: FloatArray, pi: FloatArray) -> FloatArray:
    """Return each pool member's chance from end to end, (n,), given this pool.

    in_pool: (n,), P(letter) * P(respond | i).
    """
    return in_pool * pi
