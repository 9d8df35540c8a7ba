"""Votes on pairs: what a panel answers, and what votes say about values.

A pair asks on which side of a threshold somebody stands in one dimension. With thresholds evenly spread over
[-span, span], the mean signed vote of a dimension times the span is the mean value: linear, for one or a million.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from societies.coevolution.records import Answers, PreferenceVote

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Ballot = Literal["hard", "shares", "readings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PairBank:
    """The queries of a challenge.

    kind: "hard" (the panel's verdict), "shares" (its vote shares) or "readings" (one query a dimension, answered with
    the mean value itself). dim, threshold: one entry a pair. scale: value of a mean signed vote of 1.
    tokens_per_query: what one query costs.
    """

    kind: Ballot
    num_dims: int
    dim: IntArray
    threshold: FloatArray
    scale: float
    tokens_per_query: int = 0

    @property
    def num_pairs(self) -> int:
        """Number of pairs."""
        return int(self.dim.size)

    def signed(self, answers: Answers) -> FloatArray:
        """Return (num_pairs,) signed votes 2p - 1 (readings as they are); nan where not asked or missing.

        A share of exactly one half is no hard vote: nan.
        """
        return signed_votes(self.kind, self.num_pairs, answers)

    def values(self, votes: FloatArray) -> FloatArray:
        """Return (num_dims,) values that signed (maybe extrapolated) votes stand for; nan where there is none."""
        known = np.isfinite(votes)
        num = np.bincount(self.dim[known], minlength=self.num_dims)
        total = np.bincount(self.dim[known], weights=votes[known], minlength=self.num_dims)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(np.where(num > 0, self.scale * total / num, np.nan), dtype=np.float64)


def signed_votes(kind: str, num_pairs: int, answers: Answers) -> FloatArray:
    """Return (num_pairs,) signed votes of a bank of this kind; nan where not asked or missing."""
    votes = np.full(num_pairs, np.nan)
    value = np.asarray(answers.value, dtype=np.float64)
    if kind != "readings":
        value = 2 * value - 1
    if kind == "hard":
        value = np.where(value == 0, np.nan, np.sign(value))
    votes[answers.pairs] = value
    return votes


def even_bank(kind: Ballot, *, num_dims: int, pairs_per_dim: int, span: float, tokens_per_query: int = 0) -> PairBank:
    """Return a bank with thresholds evenly spread over [-span, span], in the middle of equal cells."""
    num = 1 if kind == "readings" else pairs_per_dim
    cells = (np.arange(num) + 0.5) / num * 2 - 1
    return PairBank(
        kind=kind,
        num_dims=num_dims,
        dim=np.repeat(np.arange(num_dims), num),
        threshold=np.tile(cells * span, num_dims),
        scale=1.0 if kind == "readings" else span,
        tokens_per_query=tokens_per_query,
    )


def shares(values: npt.NDArray[np.floating], bank: PairBank, pairs: IntArray) -> FloatArray:
    """Return the share of people above each pair's threshold; for readings their mean.

    values: (num_people, num_dims). Time is linear in pairs and n log n in people.
    """
    out = np.empty(pairs.size)
    for dim in np.unique(bank.dim[pairs]):
        here = bank.dim[pairs] == dim
        column = np.sort(values[:, dim]).astype(np.float64)
        if bank.kind == "readings":
            out[here] = column.mean()
        else:
            out[here] = 1 - np.searchsorted(column, bank.threshold[pairs[here]], side="right") / column.size
    return out


def flipped(share: FloatArray, bank: PairBank, noise: float, num_voters: int, rng: np.random.Generator) -> FloatArray:
    """Return what is recorded when a vote is written down the wrong way round with probability `noise`.

    hard: the panel's verdict (0, .5 or 1) is flipped as a whole. shares: each voter's vote is. readings: `noise` is the
    standard deviation of an error added to each.
    """
    if bank.kind == "readings":
        return share + noise * rng.standard_normal(share.size) if noise else share
    if bank.kind == "hard":
        verdict = 0.5 + 0.5 * np.sign(share - 0.5)
        return np.where(rng.random(share.size) < noise, 1 - verdict, verdict) if noise else verdict
    if not noise:
        return share
    first = np.rint(share * num_voters).astype(np.int64)
    kept = rng.binomial(first, 1 - noise) + rng.binomial(num_voters - first, noise)
    return np.asarray(kept / num_voters, dtype=np.float64)


def pooled(votes: Iterable[PreferenceVote], pair_ids: Sequence[str]) -> tuple[Answers, float]:
    """Return the weighted vote shares of single voters, aligned with `pair_ids`, and the mean order gap.

    A pair without a usable vote keeps its place as missing. num_voters: Kish's effective number, mean over pairs.
    """
    place = {name: number for number, name in enumerate(pair_ids)}
    first, weight, squares = (np.zeros(len(place)) for _ in range(3))
    gaps: list[float] = []
    for vote in votes:
        if vote.missing or vote.pair_id not in place:
            continue
        n = place[vote.pair_id]
        first[n] += vote.weight * vote.p_first
        weight[n] += vote.weight
        squares[n] += vote.weight**2
        gaps.append(vote.order_gap)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(weight > 0, first / weight, np.nan)
        effective = (weight**2 / squares)[weight > 0]
    voters = float(effective.mean()) if effective.size else 0.0
    answers = Answers(pairs=np.arange(len(place)), value=share, num_voters=voters)
    return answers, float(np.mean(gaps)) if gaps else float("nan")
