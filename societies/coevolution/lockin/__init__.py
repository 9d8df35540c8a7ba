"""Lock-in: when an AI learns from people who learn from it, do they find the truth or freeze on an error?

`simulate` is the numeric model over any trust matrix, `threshold` finds where it freezes, `interventions` what helps.
`diversity`, `lineage`, `martingale`, `hysteresis` and `trackers` measure any run of any society.
Source: Qiu et al. 2025, The Lock-in Hypothesis, ICML 2025, arXiv 2506.06166 (second hand; its code is not known to us).
"""

from societies.coevolution.lockin.diversity import (
    belief_entropy,
    bimodality,
    hill,
    jaccard_distance,
    mean_jaccard_distance,
    shannon,
)
from societies.coevolution.lockin.hysteresis import Hysteresis, hysteresis, loop_area
from societies.coevolution.lockin.interventions import DiverseSampling, FreshEvidence, LowerTrust, diversity_weights
from societies.coevolution.lockin.lineage import ConceptTree, depth_diversity, lineage_diversity, tree
from societies.coevolution.lockin.martingale import EntrenchmentSlope, entrenchment_slope
from societies.coevolution.lockin.simulate import Intervention, Trajectory, World, people_and_ai, simulate
from societies.coevolution.lockin.threshold import (
    Threshold,
    growth_exponent,
    is_frozen,
    locate,
    locate_star,
    log_precision_slope,
    star_trajectory,
)
from societies.coevolution.lockin.trackers import (
    BeliefRecord,
    LockinMetrics,
    beliefs_frame,
    drift_speed,
    first_component_share,
    lockin_metrics,
    self_confirmation,
    shared_information,
)
from societies.coevolution.lockin.trust import (
    AI,
    Trust,
    from_graph,
    from_matrix,
    spectral_radius,
    star,
    star_of_product,
)

__all__ = [
    "AI",
    "BeliefRecord",
    "ConceptTree",
    "DiverseSampling",
    "EntrenchmentSlope",
    "FreshEvidence",
    "Hysteresis",
    "Intervention",
    "LockinMetrics",
    "LowerTrust",
    "Threshold",
    "Trajectory",
    "Trust",
    "World",
    "belief_entropy",
    "beliefs_frame",
    "bimodality",
    "depth_diversity",
    "diversity_weights",
    "drift_speed",
    "entrenchment_slope",
    "first_component_share",
    "from_graph",
    "from_matrix",
    "growth_exponent",
    "hill",
    "hysteresis",
    "is_frozen",
    "jaccard_distance",
    "lineage_diversity",
    "locate",
    "locate_star",
    "lockin_metrics",
    "log_precision_slope",
    "loop_area",
    "mean_jaccard_distance",
    "people_and_ai",
    "self_confirmation",
    "shannon",
    "shared_information",
    "simulate",
    "spectral_radius",
    "star",
    "star_of_product",
    "star_trajectory",
    "tree",
]
