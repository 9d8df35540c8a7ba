"""A moral graph as findings: the wisest values and how sure that is, value disputes, winners by context, bridges.

Edges that are not kept are told too, with the reason, because the thresholds decide what the graph looks like.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

from agents.errors import UserError
from dashboards.tools.moralgraph_files import GraphFile
from societies.assembly import moralgraph as mg


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A card of the graph. lo, hi: 95 % interval of its rank; top: share of draws among the three wisest; nan unknown.

    num_in, num_out: kept edges towards it and away from it.
    """

    id: str
    title: str
    policies: tuple[str, ...]
    rank: float
    lo: float
    hi: float
    top: float
    num_in: int
    num_out: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """An ordered pair of cards. dropped: why it is not in the graph, "" when it is."""

    source: str
    target: str
    contexts: tuple[str, ...]
    wiser: int
    not_wiser: int
    unsure: int
    less_wise: int
    likelihood: float
    entropy: float
    dropped: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """Everything the tool says. by_chance: edges kept when verdicts are shuffled among all judgements; nan unknown.

    transitivity: whether wisdom carries on over two steps; ask_next: judgements that this test lacks.
    total_rank: 1, or what is left of it with `compat`. bridges_need_votes: whether people had to have voted for the
    card they came from. repeated: judgements replaced by a later one of the same person.
    """

    name: str
    compat: bool
    num_cards: int
    num_judgements: int
    num_participants: int
    verdicts: dict[str, int]
    num_components: int
    total_rank: float
    by_chance: float
    values: tuple[Value, ...]
    steps: tuple[Step, ...]
    winners: dict[str, str]
    disputes: tuple[mg.Dispute, ...]
    contested: tuple[mg.Contested, ...]
    bridges: tuple[mg.Bridge, ...]
    bridges_need_votes: bool
    transitivity: mg.Transitivity
    ask_next: tuple[mg.Question, ...]
    repeated: int
    seed: int

    def title(self, card: str) -> str:
        """Return a card's title; its id when it is not in the graph."""
        return next((value.title for value in self.values if value.id == card), card)


def findings(
    graph: GraphFile, *, compat: bool = False, num_resamples: int = 500, num_shuffles: int = 50, seed: int = 0
) -> Findings:
    """Return what a file of cards and judgements says. compat: as the public implementation reckons.

    Raises UserError when no edge is kept.
    """
    edges = mg.summarise(graph.judgements, compat=compat) if graph.counted is None else graph.counted
    kept = mg.kept_edges(edges)
    if not kept:
        raise UserError(
            f"{graph.name}: none of {len(edges)} judged pairs becomes an edge.",
            f"an edge needs {mg.MIN_WISER} upgrades, a likelihood of {mg.MIN_LIKELIHOOD} and an entropy of at most "
            f"{mg.MAX_ENTROPY} bits.",
            "collect more judgements on the same pairs.",
        )
    ranks = mg.pagerank(kept, compat=compat)
    sure = {} if compat else {c.card: c for c in mg.certainty(graph.judgements, num_resamples=num_resamples, seed=seed)}
    chance = mg.kept_by_chance(graph.judgements, compat=compat, num_shuffles=num_shuffles, seed=seed)
    return Findings(
        name=graph.name,
        compat=compat,
        num_cards=len(graph.cards),
        num_judgements=len(graph.judgements) or sum(e.wiser + e.not_wiser + e.unsure for e in edges),
        num_participants=len({j.participant for j in graph.judgements} - {""}),
        verdicts=dict(Counter(j.verdict for j in graph.judgements)),
        num_components=mg.num_components(kept),
        total_rank=sum(ranks.values()),
        by_chance=float(chance.mean()) if graph.judgements else math.nan,
        values=tuple(_value(card, graph, kept, ranks, sure) for card in mg.wisest(ranks)),
        steps=tuple(
            _step(edge) for edge in sorted(edges, key=lambda e: (not e.kept, -e.likelihood, e.source, e.target))
        ),
        winners=mg.winners(kept, ranks),
        disputes=mg.disputes(kept),
        contested=mg.contested(edges),
        bridges=mg.bridging_values(graph.judgements, graph.camps, graph.ballots),
        bridges_need_votes=graph.ballots is not None,
        transitivity=mg.transitivity(graph.judgements, kept, seed=seed),
        ask_next=mg.questions(graph.judgements, kept),
        repeated=graph.repeated,
        seed=seed,
    )


def _value(
    card: str, graph: GraphFile, kept: tuple[mg.Edge, ...], ranks: dict[str, float], sure: dict[str, mg.Certainty]
) -> Value:
    told = next((known for known in graph.cards if known.id == card), mg.Card(id=card, title=card))
    known = sure.get(card)
    return Value(
        id=card,
        title=told.title,
        policies=told.policies,
        rank=ranks[card],
        lo=known.lo if known else math.nan,
        hi=known.hi if known else math.nan,
        top=known.top if known else math.nan,
        num_in=sum(edge.target == card for edge in kept),
        num_out=sum(edge.source == card for edge in kept),
    )


def _step(edge: mg.Edge) -> Step:
    return Step(
        source=edge.source,
        target=edge.target,
        contexts=edge.contexts,
        wiser=edge.wiser,
        not_wiser=edge.not_wiser,
        unsure=edge.unsure,
        less_wise=edge.less_wise,
        likelihood=edge.likelihood,
        entropy=edge.entropy,
        dropped=_why_dropped(edge),
    )


def _why_dropped(edge: mg.Edge) -> str:
    if edge.kept:
        return ""
    if edge.wiser < mg.MIN_WISER:
        return "too few upgrades"
    return "not likely wiser" if edge.likelihood < mg.MIN_LIKELIHOOD else "people differ"
