"""Live co-evolution: people and an AI that are language models, and a policy that is trained to follow known people.

`live_values` and `follow` hold the two societies. `comparing` holds arms against each other.
"""

from societies.coevolution.live.comparing import ArmDifference, arm_differences, arm_slopes
from societies.coevolution.live.config import LiveConfig
from societies.coevolution.live.live_values import LiveValues, society

__all__ = ["ArmDifference", "LiveConfig", "LiveValues", "arm_differences", "arm_slopes", "society"]
