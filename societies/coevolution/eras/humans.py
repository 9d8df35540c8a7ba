"""The humans of `protocols.Humans` whose answers are a model's: eras as history, and copies that live with an AI.

The history is what the eras said. A copy is a table of answers that begins as that of the first era and is mixed,
answer by answer, with those of its era and of its AI: two pulls as mixing weights, where ProgressGym trains a proxy.
An AI that is a policy is asked the same questions; one that is a vector answers as its values say (`of_values`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from agents.instruments.value_vector import DIMS
from agents.requests import Script
from societies.coevolution.eras.answers import Answered, Ballots, FloatArray, IntArray, mixed
from societies.coevolution.protocols import Policy, Pulls
from societies.coevolution.records import Answers, ValueVector

Asking = Callable[[str], Script[Answered]]
"""Asks a policy everything, or remembers what it said."""


class EraHumans:
    """eras: what each timestep's people answered. arms: names of the arms that get a copy."""

    def __init__(
        self, eras: Sequence[Answered], ballots: Ballots, ask: Asking, forms: Sequence[str], arms: Sequence[str] = ()
    ) -> None:
        self.dims: tuple[str, ...] = DIMS
        self.groups: tuple[str, ...] = ()
        self.timestep = 0
        self._eras, self._ballots, self._ask, self._forms = eras, ballots, ask, forms
        self._copies = dict.fromkeys(arms, eras[0])

    def tick(self) -> Script[None]:
        """Let the next era come."""
        yield from ()
        self.timestep += 1

    def pull(self, policies: Mapping[str, Policy | None], pulls: Pulls) -> Script[None]:
        """Move every copy's answers: towards those of its era, then towards those of its AI."""
        for name, policy in policies.items():
            copy = mixed(self._copies[name], self._eras[self.timestep], pulls.history)
            if policy is not None:
                copy = mixed(copy, (yield from self._answers_of(policy)), pulls.ai)
            self._copies[name] = copy

    def disturb(self, arms: Sequence[str], displacement: FloatArray, share: float) -> Script[None]:
        """Refused: a shock is a push in value units, and answers have none. Raises ValueError."""
        yield from ()
        raise ValueError("people of recorded answers cannot be pushed")

    def ask(self, pairs: IntArray, *, arm: str = "") -> Script[Answers]:
        """Return what people said to these pairs when they were asked everything, once."""
        yield from ()
        found = self._here(arm)
        return Answers(pairs=pairs, value=found.votes[pairs], num_voters=float(found.num_voters))

    def measure(self, *, arm: str = "", group: str = "") -> Script[ValueVector]:
        """Return the value vector on the held items."""
        yield from ()
        return self._ballots.vector(self._here(arm), arm or "history", self.timestep, self._forms)

    def spread(self, *, arm: str = "") -> float:
        """Return nan: answers are means, so how far people differ is not known."""
        return float("nan")

    def _here(self, arm: str) -> Answered:
        return self._copies[arm] if arm else self._eras[self.timestep]

    def _answers_of(self, policy: Policy) -> Script[Answered]:
        if isinstance(policy, str):
            return (yield from self._ask(policy))
        return self._ballots.of_values(np.asarray(policy, dtype=np.float64))


class EraGauge:
    """Measures policies on the same held items: a vector is its own, the name of a policy is asked."""

    def __init__(self, ballots: Ballots, ask: Asking, forms: Sequence[str]) -> None:
        self._ballots, self._ask, self._forms = ballots, ask, forms

    def measure(self, policy: Policy, timestep: int) -> Script[ValueVector]:
        """Return the policy's value vector."""
        if isinstance(policy, str):
            found = yield from self._ask(policy)
            return self._ballots.vector(found, policy, timestep, self._forms)
        return ValueVector(policy="examinee", timestep=timestep, dims=DIMS, values=np.asarray(policy))
