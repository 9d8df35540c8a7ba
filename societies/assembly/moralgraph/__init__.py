"""Moral graphs: which values people hold wiser than which, where they disagree, and which values bridge camps."""

from societies.assembly.moralgraph.bridging import Bridge, bridging_values
from societies.assembly.moralgraph.certainty import Certainty, certainty, kept_by_chance
from societies.assembly.moralgraph.disputes import Contested, Dispute, contested, disputes, num_components
from societies.assembly.moralgraph.records import (
    VERDICTS,
    Ballot,
    Card,
    Judgement,
    Verdict,
    check_judgements,
    latest,
    merged,
)
from societies.assembly.moralgraph.summary import (
    MAX_ENTROPY,
    MIN_LIKELIHOOD,
    MIN_WISER,
    Edge,
    edge_of,
    entropy,
    kept_edges,
    likelihood,
    summarise,
)
from societies.assembly.moralgraph.transitivity import Question, Transitivity, questions, transitivity
from societies.assembly.moralgraph.wisdom import DAMPING, pagerank, winners, wisest

__all__ = [
    "DAMPING",
    "MAX_ENTROPY",
    "MIN_LIKELIHOOD",
    "MIN_WISER",
    "VERDICTS",
    "Ballot",
    "Bridge",
    "Card",
    "Certainty",
    "Contested",
    "Dispute",
    "Edge",
    "Judgement",
    "Question",
    "Transitivity",
    "Verdict",
    "bridging_values",
    "certainty",
    "check_judgements",
    "contested",
    "disputes",
    "edge_of",
    "entropy",
    "kept_by_chance",
    "kept_edges",
    "latest",
    "likelihood",
    "merged",
    "num_components",
    "pagerank",
    "questions",
    "summarise",
    "transitivity",
    "winners",
    "wisest",
]
