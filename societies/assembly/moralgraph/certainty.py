"""How sure the graph is: people are drawn again, edges kept again and cards ranked again.

Ranks hang on thresholds, so an edge with two upgrades comes and goes; the share of draws with a card among the wisest
says more than its rank.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from societies.assembly.moralgraph.records import VERDICTS, Judgement
from societies.assembly.moralgraph.summary import (
    BoolArray,
    FloatArray,
    IntArray,
    entropy,
    keep,
    kept_edges,
    likelihood,
    summarise,
)
from societies.assembly.moralgraph.wisdom import ranks_of

NUM_RESAMPLES = 500
TOP = 3
"""How many of the highest ranks count as the wisest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certainty:
    """Of one card over draws. lo, hi: interval of its PageRank, 0 where it has no edge. top: share of draws in which it
    is among the `TOP` highest.
    """

    card: str
    lo: float
    hi: float
    top: float


def certainty(
    judgements: Sequence[Judgement], *, level: float = 0.95, num_resamples: int = NUM_RESAMPLES, seed: int = 0
) -> tuple[Certainty, ...]:
    """Return the certainty of every judged card, by name; empty with fewer than two known participants.

    Participants are drawn with replacement, each with all judgements; those of unknown participants are left out.
    Source: Efron 1979, with the participant as the unit.
    """
    known = [judgement for judgement in judgements if judgement.participant]
    people = sorted({judgement.participant for judgement in known})
    if len(people) < 2:
        return ()
    cards = sorted({name for judgement in known for name in (judgement.source, judgement.target)})
    pairs = sorted({(j.source, j.target) for j in known} | {(j.target, j.source) for j in known})
    tallies = _tallies(known, people, pairs)
    source = np.array([cards.index(a) for a, _ in pairs], dtype=np.int64)
    target = np.array([cards.index(b) for _, b in pairs], dtype=np.int64)
    back = np.array([pairs.index((b, a)) for a, b in pairs], dtype=np.int64)
    rng = np.random.default_rng(seed)
    ranks = np.zeros((num_resamples, len(cards)))
    for draw in range(num_resamples):
        times = rng.multinomial(len(people), np.full(len(people), 1 / len(people))).astype(np.int64)
        ranks[draw] = _ranks(np.tensordot(times, tallies, axes=1), source, target, back, len(cards))
    tail = (1 - level) / 2
    lo, hi = np.quantile(ranks, [tail, 1 - tail], axis=0)
    top = _among_top(ranks).mean(axis=0)
    return tuple(
        Certainty(card=card, lo=float(lo[k]), hi=float(hi[k]), top=float(top[k])) for k, card in enumerate(cards)
    )


def kept_by_chance(
    judgements: Sequence[Judgement], *, compat: bool = False, num_shuffles: int = 50, seed: int = 0
) -> FloatArray:
    """Return how many edges are kept when verdicts change hands among all judgements: [shuffle].

    The null baseline of the number of edges: people call most upgrades wiser, so some edges are kept by chance alone.
    """
    rng = np.random.default_rng(seed)
    verdicts = [judgement.verdict for judgement in judgements]
    kept = np.zeros(num_shuffles)
    for number in range(num_shuffles):
        order = rng.permutation(len(verdicts))
        mixed = [replace(j, verdict=verdicts[place]) for j, place in zip(judgements, order, strict=True)]
        kept[number] = len(kept_edges(summarise(mixed, compat=compat)))
    return kept


def _tallies(judgements: Sequence[Judgement], people: list[str], pairs: list[tuple[str, str]]) -> IntArray:
    """Return counts [participant, pair, verdict]."""
    person = {name: number for number, name in enumerate(people)}
    pair = {names: number for number, names in enumerate(pairs)}
    table = np.zeros((len(people), len(pairs), len(VERDICTS)), dtype=np.int64)
    for j in judgements:
        table[person[j.participant], pair[j.source, j.target], VERDICTS.index(j.verdict)] += 1
    return table


def _ranks(counts: IntArray, source: IntArray, target: IntArray, back: IntArray, num_cards: int) -> FloatArray:
    """Return the PageRank of each card in one draw, 0 for cards without an edge. counts: [pair, verdict]."""
    wiser, not_wiser, unsure = counts[:, 0], counts[:, 1], counts[:, 2]
    less = wiser[back]
    weights = likelihood(wiser, not_wiser, unsure, less)
    kept = keep(wiser, weights, entropy(wiser, not_wiser, unsure, less))
    out = np.zeros(num_cards)
    present = np.unique(np.concatenate([source[kept], target[kept]]))
    place = np.full(num_cards, -1, dtype=np.int64)
    place[present] = np.arange(len(present))
    out[present] = ranks_of(place[source[kept]], place[target[kept]], weights[kept], len(present))
    return out


def _among_top(ranks: FloatArray) -> BoolArray:
    """Return whether each card is among the highest ranks of its draw; cards without an edge never are."""
    order = np.argsort(-ranks, axis=1, kind="stable")[:, :TOP]
    among = np.zeros(ranks.shape, dtype=bool)
    np.put_along_axis(among, order, True, axis=1)
    return among & (ranks > 0)
