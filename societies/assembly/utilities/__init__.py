"""Thurstonian utilities from pairwise answers: fit, intervals, active edges, coherence, exchange rates."""

from societies.assembly.utilities.active import Elicited, edge_budget, elicit, next_pairs, pseudo_labels
from societies.assembly.utilities.coherence import Coherence, coherence
from societies.assembly.utilities.edges import Answers, Edges, OrderGap, average_orders, edges, hold_out
from societies.assembly.utilities.exchange import discounting, exchange_rate, log_curve, present_worth
from societies.assembly.utilities.lotteries import expected_utility_gap, instrumentality_gap, maximisation
from societies.assembly.utilities.thurstone import Accuracy, Priors, Utilities, accuracy, fit, foretold
from societies.assembly.utilities.traits import association, utility_map
from societies.assembly.utilities.uncertainty import Uncertainty, bootstrap, difference, laplace

__all__ = [
    "Accuracy",
    "Answers",
    "Coherence",
    "Edges",
    "Elicited",
    "OrderGap",
    "Priors",
    "Uncertainty",
    "Utilities",
    "accuracy",
    "association",
    "average_orders",
    "bootstrap",
    "coherence",
    "difference",
    "discounting",
    "edge_budget",
    "edges",
    "elicit",
    "exchange_rate",
    "expected_utility_gap",
    "fit",
    "foretold",
    "hold_out",
    "instrumentality_gap",
    "laplace",
    "log_curve",
    "maximisation",
    "next_pairs",
    "present_worth",
    "pseudo_labels",
    "utility_map",
]
