"""The examinees that come with Folkmoot: frozen, lifelong and extrapolative; all but the first are one learner.

Source: ProgressGym, NeurIPS 2024, arXiv 2406.20087. In the numeric fast path a policy is a value vector, and training
on votes is to move to the values that the votes stand for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from pydantic import ConfigDict, Field

from agents.statistics.extrapolation import Shrink, carried, extrapolate, extrapolate_shares, hard_targets
from societies.coevolution.desk import Desk
from societies.coevolution.protocols import Bank, Life, Turn

FloatArray = npt.NDArray[np.float64]
Mode = Literal["iterative", "independent"]
Rate = Annotated[float, Field(gt=0, le=1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """Keeps the policy that it was handed, and asks nobody."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    def live(self, desk: Desk) -> Life:
        """Yield the initial policy in every timestep."""
        for timestep in desk.timesteps():
            yield Turn(timestep, desk.initial)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifelong:
    """Learns from what people say now."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    mode: Mode = "iterative"
    """iterative: go on from the last policy. independent: start from the first one in every timestep."""
    rate: Rate = 1.0
    """Share of the way to the target that one timestep's training goes."""

    def live(self, desk: Desk) -> Life:
        """Ask everything, learn, yield."""
        learner = Extrapolative(order=0, horizon=1, mode=self.mode, rate=self.rate, shrink=1.0)
        yield from learner.live(desk)


@dataclass(frozen=True, slots=True, kw_only=True)
class Extrapolative:
    """Learns from where votes are going.

    Hard votes are extrapolated as whole numbers whose sign is the label and whose size is the number of copies; shares
    as log-odds with shrinkage; readings as they are. A pair that was never answered is left out.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    order: Annotated[int, Field(ge=0, le=8)] = 1
    """Degree of the polynomial (M)."""
    horizon: Annotated[int, Field(ge=0, le=64)] = 0
    """Timesteps ahead (k); 0: as far as the challenge looks ahead, and 1 where it does not."""
    mode: Mode = "iterative"
    """As for lifelong."""
    rate: Rate = 1.0
    """As for lifelong."""
    cap: Annotated[int, Field(ge=1)] | None = 5
    """Most copies of a hard vote."""
    shrink: Annotated[float, Field(ge=0, le=1)] | Literal["auto"] = "auto"
    """Share of the extrapolated move of log-odds that is believed; auto: by how far it stands out of the noise."""

    def live(self, desk: Desk) -> Life:
        """Ask everything, extrapolate, learn, yield."""
        history: list[FloatArray] = []
        policy = desk.initial
        for timestep in desk.timesteps():
            answers = yield from desk.ask()
            history = [*history, desk.bank.signed(answers)][-(self.order + 1) :]
            ahead = self.horizon or desk.lead or 1
            target = desk.bank.values(self.votes_ahead(np.stack(history), desk.bank, ahead, answers.num_voters))
            start = policy if self.mode == "iterative" else desk.initial
            policy = np.where(np.isfinite(target), start + self.rate * (target - start), start)
            yield Turn(timestep, policy)

    def votes_ahead(self, history: FloatArray, bank: Bank, horizon: int, num_voters: float) -> FloatArray:
        """Return the signed votes to learn from; nan where there is nothing to learn.

        history: (num_points, num_pairs) signed votes, the latest last.
        """
        if bank.kind == "hard":
            return hard_targets(history, self.order, horizon, cap=self.cap)
        filled = carried(history)
        known = np.isfinite(filled).all(axis=0)
        out = np.full(filled.shape[1], np.nan)
        if not known.any():
            return out
        if bank.kind == "readings":
            out[known] = extrapolate(filled[:, known], self.order, horizon)
            return out
        shrink: Shrink = self.shrink
        share = extrapolate_shares(
            (filled[:, known] + 1) / 2, self.order, horizon, shrink=shrink, num_voters=num_voters
        )
        out[known] = 2 * share - 1
        return out
