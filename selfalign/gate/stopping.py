"""When the loop stops although rounds are left: what a round did to those who are asked after every round. Pure.

A rule reads one number of the rounds so far. Where the number is not there the rule cannot be kept: the loop stops and
says so.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import ConfigDict, Field

DRIFT, DIVERSITY, CHANGE = "drift", "diversity", "change"


@dataclass(frozen=True, kw_only=True)
class StopRules:
    """When the loop stops. A rule set to null is switched off. They need an instrument that watches (frozen_panel)."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    drift: Annotated[float, Field(ge=0)] | None = None
    """Furthest that the panel's mean answers may lie from those under the first policy, 0 to 1."""
    diversity: Annotated[float, Field(ge=0, le=1)] | None = None
    """Largest share of the variance between citizens that may be lost against the first policy."""
    still: Annotated[int, Field(ge=1)] | None = None
    """Rounds in a row in which nothing changes after which the loop has nothing more to do."""
    still_below: Annotated[float, Field(ge=0)] = 0.002
    """A round whose change of citizens' own answers is not above this has changed nothing."""

    @property
    def any(self) -> bool:
        """Whether a rule is switched on."""
        return any(rule is not None for rule in (self.drift, self.diversity, self.still))


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Which rule ended the loop, and why."""

    rule: str
    reason: str


def stop_for(rounds: Sequence[Mapping[str, float]], rules: StopRules) -> Stop | None:
    """Return why the loop stops after these rounds; None when it may go on.

    rounds: name -> value of each round so far, the last one being judged.
    """
    if not rounds:
        return None
    last = rounds[-1]
    if rules.drift is not None:
        drift = last.get(DRIFT, math.nan)
        if math.isnan(drift):
            return _unmeasured("drift", DRIFT)
        if drift > rules.drift:
            return Stop(rule="drift", reason=f"drift {drift:.4f} is above loop.stop.drift = {rules.drift:g}")
    if rules.diversity is not None:
        left = last.get(DIVERSITY, math.nan)
        if math.isnan(left):
            return _unmeasured("diversity", DIVERSITY)
        if 1 - left > rules.diversity:
            why = f"diversity fell by {1 - left:.1%}, more than loop.stop.diversity = {rules.diversity:g} of it"
            return Stop(rule="diversity", reason=why)
    if rules.still is not None:
        changes = [one.get(CHANGE, math.nan) for one in rounds[-rules.still :]]
        if math.isnan(changes[-1]):
            return _unmeasured("still", CHANGE)
        if len(changes) == rules.still and all(change <= rules.still_below for change in changes):
            told = ", ".join(f"{change:.4f}" for change in changes)
            why = f"nothing changed in {rules.still} rounds: {told}, loop.stop.still_below = {rules.still_below:g}"
            return Stop(rule="still", reason=why)
    return None


def _unmeasured(rule: str, name: str) -> Stop:
    return Stop(rule=rule, reason=f"{name} could not be measured, so loop.stop.{rule} cannot be kept")
