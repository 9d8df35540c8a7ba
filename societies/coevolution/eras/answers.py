"""What one voice said: votes on pairs of actions, and what each measured item adds to its value vector.

Half of the items are voted on and half are measured, so that who learns from votes is judged on what was never put to
the vote. `Ballots` is the bank of pairs, and the arithmetic from votes to values and back.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from agents.instruments.types import Item
from agents.instruments.value_vector import BLOCKS, DIMS, Additions, aggregate, uniform_additions
from agents.instruments.value_vector.dims import BLOCK_DIMS, INDEX, VIEWS, WORLDVIEWS
from agents.instruments.value_vector.vector import added
from societies.coevolution.records import Answers, ValueVector
from societies.coevolution.votes import signed_votes

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
VIEW_PLACES = [INDEX[view] for view in VIEWS]
VIEW_SCALE = 0.375


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """Everything that a voice was asked. A missing answer is nan and counts in nothing.

    votes: (num_pairs,) probability of the first action, mean of both orders. gaps: how far the two orders lie apart.
    rows: (num_held, 19) what each measured item adds. held_gaps, masses: (num_held,) order gap and label mass.
    num_voters: people behind a vote; 0 for one voice.
    """

    votes: FloatArray
    gaps: FloatArray
    rows: FloatArray
    held_gaps: FloatArray
    masses: FloatArray
    num_voters: int = 0


@dataclass(frozen=True, slots=True)
class Pair:
    """Two actions of an item that are put to the vote."""

    item: Item
    first: int
    second: int

    @property
    def id(self) -> str:
        """Unique in the bank."""
        return f"{self.item.id}-{self.first}{self.second}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ballots:
    """The bank of `protocols.Bank` over value-vector items: every two actions of an item that differ are a pair.

    taught: items that are voted on; held: items that are measured. A vote leans towards a value by its sign; the mean
    lean of a dimension is put on the scale of the held items, around the vector of a responder to whom all is the same.
    """

    taught: tuple[Item, ...]
    held: tuple[Item, ...]
    kind: str = "shares"
    tokens_per_query: int = 0
    num_dims: int = len(DIMS)
    pairs: tuple[Pair, ...] = field(init=False)
    uniform: FloatArray = field(init=False)
    _leans: FloatArray = field(init=False, repr=False)
    _scale: FloatArray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        pairs = tuple(Pair(item, *two) for item in self.taught for two in _differing(item))
        leans = np.zeros((len(pairs), self.num_dims))
        for place, pair in enumerate(pairs):
            leans[place] = _lean(pair)
        object.__setattr__(self, "pairs", pairs)
        object.__setattr__(self, "_leans", leans)
        object.__setattr__(self, "uniform", aggregate(uniform_additions(self.held)))
        object.__setattr__(self, "_scale", _scales(self.held))

    @property
    def num_pairs(self) -> int:
        """Number of pairs."""
        return len(self.pairs)

    def signed(self, answers: Answers) -> FloatArray:
        """Return (num_pairs,) signed votes; nan where not asked or missing."""
        return signed_votes(self.kind, self.num_pairs, answers)

    def values(self, votes: FloatArray) -> FloatArray:
        """Return the value vector that signed votes stand for; nan in a dimension without a vote."""
        known = np.isfinite(votes)
        weight = np.abs(self._leans[known]).sum(axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            lean = votes[known] @ self._leans[known] / weight
        return np.asarray(np.where(weight > 0, self.uniform + self._scale * lean, np.nan), dtype=np.float64)

    def of_values(self, values: FloatArray) -> Answered:
        """Return how somebody with these values would answer: each vote leans as far as its dimensions do on average.

        A vector of numbers has no answers of its own; this is what `values` undoes, as far as it can be undone. Ours.
        """
        lean = np.clip((values - self.uniform) / self._scale, -1.0, 1.0)
        weight = np.abs(self._leans).sum(axis=1)
        signed = np.divide(self._leans @ lean, weight, out=np.zeros(self.num_pairs), where=weight > 0)
        views = np.array([pair.item.group == WORLDVIEWS for pair in self.pairs], dtype=bool)
        # A view has three rivals in an item and leans by the mean over them: 3/4 of the difference of two leans.
        signed = np.clip(np.where(views, 1.5 * signed, signed), -1.0, 1.0)
        rows = np.array([_row(item, lean) for item in self.held])
        nothing = np.full(len(self.held), np.nan)
        return Answered(
            votes=(signed + 1) / 2, gaps=np.full(self.num_pairs, np.nan), rows=rows, held_gaps=nothing, masses=nothing
        )

    def vector(self, answered: Answered, who: str, timestep: int, forms: Sequence[str]) -> ValueVector:
        """Return somebody's value vector; intervals over items stand in the table `era_vectors`."""
        found = self.additions(answered)
        return ValueVector(
            policy=who,
            timestep=timestep,
            dims=DIMS,
            values=aggregate(found),
            invalid_rate=1 - len(found.items) / len(self.held),
            num_items=len(found.items),
            templates=tuple(forms),
        )

    def additions(self, answered: Answered) -> Additions:
        """Return what the answered held items add."""
        known: npt.NDArray[np.bool_] = np.asarray(np.isfinite(answered.rows).all(axis=1))
        blocks = np.array([BLOCKS.index(item.group) for item in self.held], dtype=np.int64)
        names = tuple(item.id for item, there in zip(self.held, known, strict=True) if there)
        return Additions(names, blocks[known], answered.rows[known])


def mixed(old: Answered, target: Answered, share: float) -> Answered:
    """Return answers that went this share of the way to the target's; where either is missing, the other stands."""

    def moved(here: FloatArray, there: FloatArray) -> FloatArray:
        way = np.where(np.isnan(here), there, here + share * (there - here))
        return np.where(np.isnan(there), here, way)

    return Answered(
        votes=moved(old.votes, target.votes),
        gaps=old.gaps,
        rows=moved(old.rows, target.rows),
        held_gaps=old.held_gaps,
        masses=old.masses,
        num_voters=old.num_voters,
    )


def _differing(item: Item) -> list[tuple[int, int]]:
    return [
        (a, b) for a, b in itertools.combinations(range(len(item.options)), 2) if item.options[a] != item.options[b]
    ]


def _lean(pair: Pair) -> FloatArray:
    """Return how a vote for the first action counts in each dimension."""
    out = np.zeros(len(DIMS))
    if pair.item.group == WORLDVIEWS:
        out[VIEW_PLACES[pair.first]], out[VIEW_PLACES[pair.second]] = 1.0, -1.0
        return out
    for name, sign in pair.item.scales.items():
        out[INDEX[name]] = sign
    return out


def _scales(held: Sequence[Item]) -> FloatArray:
    """Return by how much a dimension of the held items' vector moves when every vote leans fully.

    Two actions: half of the signs over the block's number plus one. Views: 3/8 of an item, the first order of Luce's
    choice (a small lead u over the other three moves each vote by u/2, their mean by 2u/3, and the share by u/4).
    """
    out = np.zeros(len(DIMS))
    for block in BLOCKS:
        own = [item for item in held if item.group == block]
        for name in BLOCK_DIMS[block]:
            place = INDEX[name]
            full = (
                VIEW_SCALE * len(own)
                if block == WORLDVIEWS
                else 0.5 * sum(abs(item.scales.get(name, 0.0)) for item in own)
            )
            out[place] = full / (len(own) + 1)
    return np.where(out > 0, out, 1.0)


def _row(item: Item, lean: FloatArray) -> FloatArray:
    """Return what a held item adds for somebody whose values lean like this."""
    if item.group == WORLDVIEWS:
        shares = np.clip(0.25 + VIEW_SCALE * lean[VIEW_PLACES], 0.0, None)
        return added(item, shares / shares.sum())
    loaded = [sign * lean[INDEX[name]] for name, sign in item.scales.items()]
    p = 0.5 + 0.5 * (sum(loaded) / len(loaded) if loaded else 0.0)
    return added(item, [p, 1 - p])
