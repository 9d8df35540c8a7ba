"""What becomes of a text clause by clause: votes, motions to change it, and how two clauses relate to each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from societies.assembly.records import Citizen, Statement

CHOICES = ("yes", "no", "abstain")
Kind = Literal["replace", "strike", "add"]
Verdict = Literal["same", "conflict", "neither", "undecided"]
READ = {"they say the same": "same", "they contradict each other": "conflict", "neither": "neither"}
"""Answer -> verdict on a pair of clauses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClauseVote:
    """Everybody's answer on one text. p_yes: probability of yes, one a citizen."""

    clause: Statement
    choices: tuple[str, ...]
    p_yes: tuple[float, ...]

    @property
    def counts(self) -> Counter[str]:
        """Votes by choice."""
        return Counter(self.choices)

    @property
    def support(self) -> float:
        """Share of yes among yes and no; 0 where nobody said either."""
        said = self.counts["yes"] + self.counts["no"]
        return self.counts["yes"] / said if said else 0.0

    def passes(self, *, supermajority: float, quorum: float) -> bool:
        """Return whether enough voted, and enough of those said yes."""
        said = self.counts["yes"] + self.counts["no"]
        return said >= quorum * len(self.choices) and said > 0 and self.support >= supermajority

    def min_group(self, groups: Sequence[str]) -> float:
        """Return the least share of yes among any group's yes and no; 1 where no group said either."""
        shares = []
        for group in sorted(set(groups)):
            own = [choice for choice, name in zip(self.choices, groups, strict=True) if name == group]
            said = own.count("yes") + own.count("no")
            if said:
                shares.append(own.count("yes") / said)
        return min(shares, default=1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Motion:
    """A motion to change the text. clause: the one it replaces or strikes; None where it adds one.

    text: what shall stand; of a motion to strike, what shall go. why: the mover's reason, "" where none was usable.
    """

    kind: Kind
    text: Statement
    clause: Statement | None
    mover: Citizen
    why: str = ""

    @property
    def motion_id(self) -> str:
        """The text that it would bring in, or the struck clause with an s behind it."""
        return f"{self.text.statement_id}s" if self.kind == "strike" else self.text.statement_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """What two clauses have to do with each other, as the clerk reads it.

    likeness: share of content words in common. p_same, p_conflict: means over both orders of the two texts.
    verdict: "undecided" where the readings (each order of the texts, each order of the answers) do not agree.
    identities: of the requests; none where the words are the same, which needs no question.
    """

    first: Statement
    second: Statement
    likeness: float
    p_same: float
    p_conflict: float
    verdict: Verdict
    identities: tuple[str, ...] = ()
