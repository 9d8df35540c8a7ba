"""From votes to labels: pair probabilities, majorities and rewards. Swapping two candidates swaps the label exactly.

How each kind of vote is read, for candidates i and j of one voter:
"pair"   p(i beats j) = v_i / (v_i + v_j), v being the probabilities that the voter gave;
"score", "accept"   1, 1/2 or 0 as v_i is above, equal to or below v_j; "rank" the same with 1 the best.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agents.sample import Sample, Vote


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What an aggregator says about one sample.

    score: a number a candidate, higher is better. pair[i][j]: probability that i is preferred to j (1/2 on the
    diagonal); empty where only scores are known. weight: how much the sample counts. rule: which aggregator.
    """

    score: tuple[float, ...]
    rule: str
    pair: tuple[tuple[float, ...], ...] = ()
    weight: float = 1.0
    num_voters: int = 0


def beats(vote: Vote, i: int, j: int) -> float:
    """Return the probability in [0, 1] that this voter prefers candidate i to j; both ways together make 1."""
    a, b = vote.value[i], vote.value[j]
    if vote.kind == "pair":
        total = a + b
        return a / total if total > 0 else 0.5
    if vote.kind == "rank":
        a, b = b, a
    return 0.5 if a == b else float(a > b)


def pair_probability(votes: Sequence[Vote], i: int, j: int) -> float:
    """Return the mean over voters of `beats`; 1/2 without votes. Antisymmetric: p(i, j) = 1 - p(j, i)."""
    if i == j or not votes:
        return 0.5
    low, high = min(i, j), max(i, j)
    mean = sum(beats(vote, low, high) for vote in votes) / len(votes)
    return mean if i == low else 1.0 - mean


def majority(votes: Sequence[Vote], num_candidates: int) -> tuple[float, ...]:
    """Return each candidate's share of the votes for first place; a voter's tie is shared out equally."""
    shares = [0.0] * num_candidates
    for vote in votes:
        value = [-v for v in vote.value] if vote.kind == "rank" else list(vote.value)
        first = [k for k in range(num_candidates) if value[k] == max(value)]
        for k in first:
            shares[k] += 1.0 / len(first)
    return tuple(share / len(votes) for share in shares) if votes else (0.0,) * num_candidates


def reward(votes: Sequence[Vote], num_candidates: int) -> tuple[float, ...]:
    """Return a reward a candidate for selection within and across prompts.

    "score" and "accept" votes: the mean value. "rank": Borda, (K - rank) / (K - 1). "pair": the mean probability of
    beating another candidate. Votes of different kinds are averaged, so give them one scale, or choose one dimension.
    """
    total = [0.0] * num_candidates
    for vote in votes:
        for k in range(num_candidates):
            if vote.kind in ("score", "accept"):
                total[k] += vote.value[k]
            elif vote.kind == "rank":
                total[k] += (num_candidates - vote.value[k]) / max(1, num_candidates - 1)
            else:
                others = [beats(vote, k, j) for j in range(num_candidates) if j != k]
                total[k] += sum(others) / len(others) if others else 0.5
    return tuple(value / len(votes) for value in total)


def label_of(sample: Sample, source: str = "votes", dim: str = "") -> Label | None:
    """Return the label of a sample by its votes or by a named candidate score; None where it has none.

    source: "votes", or the name of a score. dim: count only votes of this dimension.
    """
    num = len(sample.candidates)
    if source != "votes":
        if not num or any(source not in candidate.scores for candidate in sample.candidates):
            return None
        return Label(score=tuple(c.scores[source] for c in sample.candidates), rule=f"score:{source}")
    votes = [vote for vote in sample.votes if not dim or vote.dim == dim]
    if not votes or not num:
        return None
    pair = tuple(tuple(pair_probability(votes, i, j) for j in range(num)) for i in range(num))
    voters = len({vote.voter for vote in votes})
    return Label(score=reward(votes, num), rule="votes", pair=pair, num_voters=voters)
