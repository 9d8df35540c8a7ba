"""What an assembly did to opinions, groups, voices, knowledge and trust: each number with interval, null and n."""

from societies.assembly.metrics.conformity import Sycophancy, author_effect, sycophancy
from societies.assembly.metrics.fidelity import Foretold, exaggeration, flattening, held_out
from societies.assembly.metrics.influence import (
    LeftOut,
    airtime,
    gini,
    left_out,
    novelty,
    pull,
    reciprocity,
    reciprocity_against_chance,
)
from societies.assembly.metrics.learning import gain_over_control, knowledge_gain, normalised_gain
from societies.assembly.metrics.legitimacy import losers_consent, same_winner, stability
from societies.assembly.metrics.measured import Measured, change, resampled
from societies.assembly.metrics.polarisation import (
    agreement,
    bimodality,
    consensus,
    esteban_ray,
    first_choice_concentration,
    polarisation,
    polarisation_change,
    top_share,
    variance_collapse,
    variance_collapse_over,
)
from societies.assembly.metrics.reasoning import deliberative_reason, single_peaked_share, single_peakedness_gain
from societies.assembly.metrics.reliability import krippendorff, reliability
from societies.assembly.metrics.representation import Endorsement, between_groups, coverage, endorsement, shift

__all__ = [
    "Endorsement",
    "Foretold",
    "LeftOut",
    "Measured",
    "Sycophancy",
    "agreement",
    "airtime",
    "author_effect",
    "between_groups",
    "bimodality",
    "change",
    "consensus",
    "coverage",
    "deliberative_reason",
    "endorsement",
    "esteban_ray",
    "exaggeration",
    "first_choice_concentration",
    "flattening",
    "gain_over_control",
    "gini",
    "held_out",
    "knowledge_gain",
    "krippendorff",
    "left_out",
    "losers_consent",
    "normalised_gain",
    "novelty",
    "polarisation",
    "polarisation_change",
    "pull",
    "reciprocity",
    "reciprocity_against_chance",
    "reliability",
    "resampled",
    "same_winner",
    "shift",
    "single_peaked_share",
    "single_peakedness_gain",
    "stability",
    "sycophancy",
    "top_share",
    "variance_collapse",
    "variance_collapse_over",
]
