"""An examinee that is a policy: a model answers for it, under the name by which requests call it.

It asks nobody here. What it learned, it learned before: the base that never did, an adapter of the loop or of another
run, or a name for each timestep where somebody trained one at each.
"""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import ConfigDict

from agents.errors import UserError
from societies.coevolution.desk import Desk
from societies.coevolution.protocols import Life, Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """Yields the name of a policy in each timestep, the last one for ever."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    policies: tuple[str, ...] = ("base",)
    """Names of policies: of timestep 1, 2, ..."""

    def __post_init__(self) -> None:
        if not self.policies or not all(self.policies):
            raise UserError(
                "An arm that is served names no policy.",
                "it has one in each timestep, and the last one for ever.",
                'give policies: [base], or names of "policies"',
            )

    def live(self, desk: Desk) -> Life:
        """Yield the policy of each timestep."""
        for timestep in desk.timesteps():
            yield Turn(timestep, self.policies[min(timestep, len(self.policies)) - 1])
