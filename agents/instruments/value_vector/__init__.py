"""The value vector: what a policy holds dear, as nineteen named numbers that can be compared over time.

`instrument` is what the registry loads. `uniform_additions` is the null vector; `similarity` is the cosine of two
vectors, raw or about a centre, with its interval.
"""

from agents.instruments.value_vector.bank import built_in_items, public_items, stratified
from agents.instruments.value_vector.dims import BLOCK_DIMS, BLOCKS, DIMS
from agents.instruments.value_vector.instrument import ValueVectorInstrument, instrument
from agents.instruments.value_vector.oracles import content_only, position_only
from agents.instruments.value_vector.settings import ValueVectorConfig
from agents.instruments.value_vector.vector import (
    Additions,
    ValueVector,
    additions,
    aggregate,
    intervals,
    option_shares,
    similarity,
    uniform_additions,
)

__all__ = [
    "BLOCKS",
    "BLOCK_DIMS",
    "DIMS",
    "Additions",
    "ValueVector",
    "ValueVectorConfig",
    "ValueVectorInstrument",
    "additions",
    "aggregate",
    "built_in_items",
    "content_only",
    "instrument",
    "intervals",
    "option_shares",
    "position_only",
    "public_items",
    "similarity",
    "stratified",
    "uniform_additions",
]
