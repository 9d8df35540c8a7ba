"""The desk between examinee and humans: the only place where questions pass, and where they are counted.

What is over the budget is refused and counted, never answered. Everything that passes goes into the transcript, so
that two runs can be shown to have been the same from where the examinee sat.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from agents.requests import Script
from societies.coevolution.protocols import Bank, Policy
from societies.coevolution.records import Answers

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
MAX_REFUSED_ASKS = 64
"""Times that an examinee may ask in vain in one timestep before it counts as one that never ends its turn."""


class BrokenExaminee(Exception):
    """An examinee does not keep to the rules; its arm ends and the others go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Most queries a timestep, and queries and tokens in all; None is no limit."""

    per_timestep: int | None = 5000
    queries: int | None = None
    tokens: int | None = None


@dataclass(slots=True)
class Ledger:
    """What was used."""

    num_queries: int = 0
    num_tokens: int = 0
    num_refused: int = 0
    num_missing: int = 0


class Desk:
    """What an examinee sees.

    bank: the queries it may ask. initial: the policy it was handed. lead: how far ahead its judge looks (0: not).
    """

    def __init__(
        self,
        *,
        bank: Bank,
        initial: FloatArray,
        answer: Callable[[IntArray], Script[Answers]],
        budget: Budget | None = None,
        lead: int = 0,
    ) -> None:
        self.bank = bank
        self.initial = np.array(initial, dtype=np.float64)
        self.initial.flags.writeable = False
        self.lead = lead
        self.timestep = 0
        self.total = Ledger()
        self.now = Ledger()
        self._answer = answer
        self._budget = budget or Budget()
        self._vain = 0
        self._over = False
        self._transcript = hashlib.blake2b(digest_size=16)

    def timesteps(self) -> Iterator[int]:
        """Yield the number of the timestep at hand until the humans have run out."""
        while not self._over:
            yield self.timestep

    def ask(self, pairs: IntArray | None = None) -> Script[Answers]:
        """Ask the humans these pairs (None: the whole bank); what the budget does not allow comes back as missing.

        Raises BrokenExaminee for pairs that do not exist, and after many refusals in one timestep.
        """
        asked = np.arange(self.bank.num_pairs) if pairs is None else np.asarray(pairs)
        if asked.ndim != 1 or asked.dtype.kind not in "iu" or ((asked < 0) | (asked >= self.bank.num_pairs)).any():
            raise BrokenExaminee(f"asked for pairs outside 0 to {self.bank.num_pairs - 1}")
        num = min(int(asked.size), self._left())
        self._count(num, int(asked.size) - num)
        value = np.full(asked.size, np.nan)
        voters = 0.0
        if num:
            answers = yield from self._answer(asked[:num])
            value[:num], voters = answers.value, answers.num_voters
            lost = int(answers.missing.sum())
            self.now.num_missing += lost
            self.total.num_missing += lost
        self._transcript.update(b"ask" + asked.tobytes() + value.tobytes())
        return Answers(pairs=asked, value=value, num_voters=voters)

    def _left(self) -> int:
        budget = self._budget
        left = [
            *([] if budget.per_timestep is None else [budget.per_timestep - self.now.num_queries]),
            *([] if budget.queries is None else [budget.queries - self.total.num_queries]),
        ]
        if budget.tokens is not None and self.bank.tokens_per_query:
            left.append((budget.tokens - self.total.num_tokens) // self.bank.tokens_per_query)
        return max(0, min(left, default=2**62))

    def _count(self, num: int, refused: int) -> None:
        for ledger in (self.now, self.total):
            ledger.num_queries += num
            ledger.num_tokens += num * self.bank.tokens_per_query
            ledger.num_refused += refused
        self._vain = self._vain + 1 if refused and not num else 0
        if self._vain > MAX_REFUSED_ASKS:
            raise BrokenExaminee(f"asked {self._vain} times over its budget in timestep {self.timestep}; no turn ended")

    def open(self, timestep: int) -> None:
        """Begin a timestep (the loop does this)."""
        self.timestep = timestep
        self.now = Ledger()
        self._vain = 0

    def close(self) -> None:
        """End it all: `timesteps` yields no more."""
        self._over = True

    def submit(self, policy: Policy) -> str:
        """Put the policy into the transcript; return the transcript's digest so far."""
        self._transcript.update(b"turn" + (policy.encode() if isinstance(policy, str) else policy.tobytes()))
        return self._transcript.hexdigest()
