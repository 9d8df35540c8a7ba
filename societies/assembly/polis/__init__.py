"""Opinion maps: where people stand, which groups they form, what sets these apart and what they share.

Reimplemented from the published mathematics of Polis; pure functions over a table of votes.
"""

from societies.assembly.polis.chance import Chance, by_chance, shuffled
from societies.assembly.polis.consensus import (
    Consensus,
    ConsensusBand,
    Divide,
    Majority,
    bootstrap_consensus,
    coin_flip,
    consensus,
    divisive,
    majority,
)
from societies.assembly.polis.continuous import OpinionMap, Steadiness, steadied, update
from societies.assembly.polis.groups import (
    Groups,
    adjusted_rand,
    find_groups,
    find_subgroups,
    groupings,
    mean_silhouette,
)
from societies.assembly.polis.projection import (
    Space,
    extremity,
    find_space,
    positions,
    space_of,
)
from societies.assembly.polis.representativeness import Representative, Strength, representative, share, strengths
from societies.assembly.polis.routing import next_statement, priorities
from societies.assembly.polis.standing import Standing, standing
from societies.assembly.polis.votes import UNGROUPED, Counts, check_votes, count_votes, from_api, included, zeroed

__all__ = [
    "UNGROUPED",
    "Chance",
    "Consensus",
    "ConsensusBand",
    "Counts",
    "Divide",
    "Groups",
    "Majority",
    "OpinionMap",
    "Representative",
    "Space",
    "Standing",
    "Steadiness",
    "Strength",
    "adjusted_rand",
    "bootstrap_consensus",
    "by_chance",
    "check_votes",
    "coin_flip",
    "consensus",
    "count_votes",
    "divisive",
    "extremity",
    "find_groups",
    "find_space",
    "find_subgroups",
    "from_api",
    "groupings",
    "included",
    "majority",
    "mean_silhouette",
    "next_statement",
    "positions",
    "priorities",
    "representative",
    "share",
    "shuffled",
    "space_of",
    "standing",
    "steadied",
    "strengths",
    "update",
    "zeroed",
]
