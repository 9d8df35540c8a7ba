"""Who may dissent: coalitions large enough for a share of the citizens, for a seat of the text, or for their group.

Pure. A text of k clauses that n citizens decided gives n / k citizens the claim to one clause of their own: the quota
of justified representation (Aziz et al. 2017, Justified representation in approval-based committee voting, definition
1, with clauses for seats). That claim is what entitles to a minority report.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

BoolArray = npt.NDArray[np.bool_]
LEVEL = 0.05
"""Chance, over all groups together, that groups drawn at random let one of them count as opposed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a coalition rests on. quota: n / k, in citizens. entitled: as many as that. by_share: the share was met.

    groups: names of the opinion groups most of whose members are in it, and more than chance would put there.
    """

    quota: float
    entitled: bool
    by_share: bool
    groups: tuple[str, ...]

    @property
    def stands(self) -> bool:
        """Whether anything carries a report."""
        return self.entitled or self.by_share or bool(self.groups)


def claim_of(members: BoolArray, num_clauses: int, min_share: float, groups: Sequence[str]) -> Claim:
    """Return what a coalition may claim. members: [citizen], who is in it. groups: one a citizen, empty for none."""
    num, size = int(members.sum()), members.size
    quota = size / num_clauses if num_clauses else float("inf")
    return Claim(
        quota=quota,
        entitled=num >= quota - 1e-9,
        by_share=num > 0 and num >= min_share * size - 1e-9,
        groups=opposed_groups(members, groups),
    )


def opposed_groups(members: BoolArray, groups: Sequence[str]) -> tuple[str, ...]:
    """Return the groups that stand in a coalition: most of their members, and more than a random group would have.

    Random: the upper tail of the hypergeometric distribution at most LEVEL over the number of groups (Bonferroni).
    """
    from scipy.stats import hypergeom

    names = sorted(set(groups))
    if len(names) < 2:
        return ()
    of, found = np.asarray(groups), []
    for name in names:
        own = members[of == name]
        inside = int(own.sum())
        chance = float(hypergeom.sf(inside - 1, members.size, int(members.sum()), own.size))
        if 2 * inside > own.size and chance <= LEVEL / len(names):
            found.append(name)
    return tuple(found)
