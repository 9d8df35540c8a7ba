"""Voting rules as pure functions: ballots in, outcomes with explicit ties out. The names below are the public ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from societies.assembly.rules.axioms import AXIOMS, Violation, cycle_share, violations
from societies.assembly.rules.bridging import (
    Factors,
    birdwatch,
    factorise,
    group_agreement,
    group_aware_consensus,
    least_group,
)
from societies.assembly.rules.budgets import Allocation, equal_shares, equal_shares_add_one, greedy_budget
from societies.assembly.rules.committees import (
    Committee,
    chamberlin_courant,
    coverage,
    method_of_equal_shares,
    monroe,
    pav,
    phragmen,
    sequential_pav,
)
from societies.assembly.rules.condorcet import (
    copeland,
    minimax,
    ranked_pairs,
    schulze,
    schulze_paths,
    split_cycle,
    stable_voting,
)
from societies.assembly.rules.consent import Delegated, Passage, decide, delegate, speakers, two_chambers, with_veto
from societies.assembly.rules.cultures import euclidean, impartial, mallows, resampled
from societies.assembly.rules.ensemble import (
    Ensemble,
    GroupRule,
    RatingRule,
    Vote,
    compare,
    redrawn,
    resample,
    vote_of_ratings,
)
from societies.assembly.rules.flips import Flip, Manipulation, manipulation
from societies.assembly.rules.justified import bjr_failure, ejr_failure, ejr_plus_failure, jr_failure, pjr_failure
from societies.assembly.rules.kemeny import kemeny
from societies.assembly.rules.lotteries import maximal_lottery, random_dictator
from societies.assembly.rules.matching import balanced_matching, representation
from societies.assembly.rules.outcome import Outcome, TieBreak, break_ties
from societies.assembly.rules.pairwise import condorcet_loser, condorcet_winner, has_cycle, smith_set
from societies.assembly.rules.positional import borda, bradley_terry, instant_runoff, plurality, two_round
from societies.assembly.rules.profile import Profile, profile_from_orders, profile_of, restricted
from societies.assembly.rules.proposals import Proposals, Ruling, Terms, rulings
from societies.assembly.rules.ratings import (
    Ratings,
    approval,
    consensus,
    cumulative,
    majority_judgement,
    quadratic,
    quadratic_votes,
    ratings_of,
    score,
    star,
    to_profile,
)
from societies.assembly.rules.shares import (
    SHARE_RULES,
    independent_markets,
    mean_shares,
    median_shares,
    overlap,
    quadratic_shares,
)
from societies.assembly.rules.strategic import Recount, recount, strategic_profile
from societies.assembly.rules.transfer import Transfer, single_transferable_vote
from societies.assembly.rules.veto import veto_by_consumption, veto_core, veto_excess
from societies.assembly.rules.welfare import egalitarian, inequality_averse, isoelastic, nash, utilities

RULES: Mapping[str, Callable[[Profile], Outcome]] = {
    "plurality": plurality,
    "two_round": two_round,
    "instant_runoff": instant_runoff,
    "borda": borda,
    "bradley_terry": bradley_terry,
    "copeland": copeland,
    "minimax": minimax,
    "schulze": schulze,
    "ranked_pairs": ranked_pairs,
    "split_cycle": split_cycle,
    "stable_voting": stable_voting,
    "kemeny": kemeny,
    "veto_by_consumption": veto_by_consumption,
    "maximal_lottery": maximal_lottery,
    "random_dictator": random_dictator,
}
"""Rules over rankings. `veto_core` is a set to choose from rather than a choice, so it stands apart."""

RATING_RULES: Mapping[str, RatingRule] = {
    "score": score,
    "star": star,
    "majority_judgement": majority_judgement,
    "consensus": consensus,
    "nash": nash,
    "welfare_2": inequality_averse,
    "egalitarian": egalitarian,
    "birdwatch": birdwatch,
}
"""Rules over approvals or scores; `approval` joins them where the ballots are approvals."""

CREDIT_RULES: Mapping[str, RatingRule] = {"cumulative": cumulative, "quadratic": quadratic_votes}
"""Rules over credits that voters spread over candidates."""

GROUP_RULES: Mapping[str, GroupRule] = {
    "group_aware_consensus": group_aware_consensus,
    "least_group": least_group,
}
"""Rules over ratings by voters of known groups."""

CONDORCET_CONSISTENT = frozenset(
    {"copeland", "minimax", "schulze", "ranked_pairs", "split_cycle", "stable_voting", "kemeny"}
)

__all__ = [
    "AXIOMS",
    "CONDORCET_CONSISTENT",
    "CREDIT_RULES",
    "GROUP_RULES",
    "RATING_RULES",
    "RULES",
    "SHARE_RULES",
    "Allocation",
    "Committee",
    "Delegated",
    "Ensemble",
    "Factors",
    "Flip",
    "Manipulation",
    "Outcome",
    "Passage",
    "Profile",
    "Proposals",
    "Ratings",
    "Recount",
    "Ruling",
    "Terms",
    "TieBreak",
    "Transfer",
    "Violation",
    "Vote",
    "approval",
    "balanced_matching",
    "birdwatch",
    "bjr_failure",
    "borda",
    "bradley_terry",
    "break_ties",
    "chamberlin_courant",
    "compare",
    "condorcet_loser",
    "condorcet_winner",
    "consensus",
    "copeland",
    "coverage",
    "cumulative",
    "cycle_share",
    "decide",
    "delegate",
    "egalitarian",
    "ejr_failure",
    "ejr_plus_failure",
    "equal_shares",
    "equal_shares_add_one",
    "euclidean",
    "factorise",
    "greedy_budget",
    "group_agreement",
    "group_aware_consensus",
    "has_cycle",
    "impartial",
    "independent_markets",
    "inequality_averse",
    "instant_runoff",
    "isoelastic",
    "jr_failure",
    "kemeny",
    "least_group",
    "majority_judgement",
    "mallows",
    "manipulation",
    "maximal_lottery",
    "mean_shares",
    "median_shares",
    "method_of_equal_shares",
    "minimax",
    "monroe",
    "nash",
    "overlap",
    "pav",
    "phragmen",
    "pjr_failure",
    "plurality",
    "profile_from_orders",
    "profile_of",
    "quadratic",
    "quadratic_shares",
    "quadratic_votes",
    "random_dictator",
    "ranked_pairs",
    "ratings_of",
    "recount",
    "redrawn",
    "representation",
    "resample",
    "resampled",
    "restricted",
    "rulings",
    "schulze",
    "schulze_paths",
    "score",
    "sequential_pav",
    "single_transferable_vote",
    "smith_set",
    "speakers",
    "split_cycle",
    "stable_voting",
    "star",
    "strategic_profile",
    "to_profile",
    "two_chambers",
    "two_round",
    "utilities",
    "veto_by_consumption",
    "veto_core",
    "veto_excess",
    "violations",
    "vote_of_ratings",
    "with_veto",
]
