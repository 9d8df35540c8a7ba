"""Counterfactual arms: the same people, network and chance; another AI, or none.

`none` has no AI, `oracle` one that is told the truth; both are references and no examinees. Every other arm is a
registered examinee, led through its life one turn a timestep.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from agents.requests import Script
from societies.coevolution.desk import BrokenExaminee, Desk
from societies.coevolution.protocols import Examinee, Life, Policy, Turn

log = logging.getLogger(__name__)
FloatArray = npt.NDArray[np.float64]
NONE, ORACLE = "none", "oracle"
REFERENCES = (NONE, ORACLE)
CALM = "~calm"
"""Ending of the name of an arm's undisturbed twin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """name: in tables. kind: a registered examinee, "none" or "oracle". settings: of the examinee."""

    name: str
    kind: str
    examinee: Examinee | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)


class Player:
    """One arm at play. failure: why its examinee broke; from then on it keeps its last policy.

    desk: where its examinee asks; the references never go there.
    """

    def __init__(self, arm: Arm, name: str, desk: Desk) -> None:
        self.arm = arm
        self.name = name
        self.desk = desk
        self.policy: Policy = desk.initial
        self.transcript = ""
        self.failure = ""
        self._life: Life | None = None

    def turn(self, timestep: int, truth: FloatArray) -> Script[Policy | None]:
        """Play the arm's turn and return its policy; None for the arm without AI. truth: for the oracle alone."""
        self.desk.open(timestep)
        if self.arm.kind == NONE:
            return None
        if self.arm.kind == ORACLE:
            self.policy = truth
        elif not self.failure:
            try:
                self.policy = self._checked((yield from self._lived(timestep)))
            except BrokenExaminee as broken:
                self.failure = f"timestep {timestep}: {broken}"
        self.transcript = self.desk.submit(self.policy)
        return self.policy

    def end(self) -> None:
        """Let the examinee's generator finish."""
        self.desk.close()
        if self._life is not None:
            self._life.close()

    def _lived(self, timestep: int) -> Script[Policy]:
        """Resume the examinee until its turn, handing its requests on and their answers (or failures) back."""
        if self._life is None:
            assert self.arm.examinee is not None
            life: Any = self.arm.examinee.live(self.desk)
            if not (hasattr(life, "send") and hasattr(life, "throw")):
                raise BrokenExaminee("live() returned no generator: it never yields")
            self._life = life
        answer: Any = None
        failed: Exception | None = None
        while True:
            try:
                item = self._life.throw(failed) if failed is not None else self._life.send(answer)
            except StopIteration:
                raise BrokenExaminee("it ended without yielding a turn") from None
            except BrokenExaminee:
                raise
            except Exception as error:
                log.exception("the examinee of arm %s failed in timestep %d", self.name, timestep)
                raise BrokenExaminee(f"{type(error).__name__}: {error}") from error
            if isinstance(item, Turn):
                if item.timestep != timestep:
                    raise BrokenExaminee(
                        f"it yielded a turn of timestep {item.timestep}; a timestep has one turn, no more and no less"
                    )
                return item.policy
            answer, failed = None, None
            try:
                answer = yield item
            except Exception as error:
                failed = error

    def _checked(self, policy: Policy) -> Policy:
        if isinstance(policy, str):
            return policy
        try:
            vector = np.array(policy, dtype=np.float64)
        except (TypeError, ValueError):
            raise BrokenExaminee("its policy is neither a name nor numbers") from None
        if vector.shape != self.desk.initial.shape:
            raise BrokenExaminee(f"its policy has shape {vector.shape}; the values have {self.desk.initial.shape}")
        if not np.isfinite(vector).all():
            raise BrokenExaminee("its policy holds a value that is not finite")
        vector.flags.writeable = False
        return vector
