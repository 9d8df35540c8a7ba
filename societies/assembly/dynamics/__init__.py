"""Opinion dynamics as null models, and susceptibility fitted to what citizens really did."""

from societies.assembly.dynamics.limits import consensus_weights, friedkin_johnsen_limit, is_primitive, reach_of
from societies.assembly.dynamics.models import altafini, deffuant, degroot, friedkin_johnsen, hegselmann_krause
from societies.assembly.dynamics.susceptibility import Explained, Susceptibility, fit_susceptibility, susceptibility_of
from societies.assembly.dynamics.trust import (
    from_assembly,
    row_stochastic,
    shuffled_seats,
    signed_rows,
    stochastic_blocks,
    stubborn_bloc,
)

__all__ = [
    "Explained",
    "Susceptibility",
    "altafini",
    "consensus_weights",
    "deffuant",
    "degroot",
    "fit_susceptibility",
    "friedkin_johnsen",
    "friedkin_johnsen_limit",
    "from_assembly",
    "hegselmann_krause",
    "is_primitive",
    "reach_of",
    "row_stochastic",
    "shuffled_seats",
    "signed_rows",
    "stochastic_blocks",
    "stubborn_bloc",
    "susceptibility_of",
]
