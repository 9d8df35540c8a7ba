"""One form for every comparison with numbers that others have published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dashboards.terminal import Section


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One claim, what was expected and what was found. ok: None when it could not be checked, and `found` says why."""

    data: str
    claim: str
    expected: str
    found: str
    ok: bool | None


def same(data: str, claim: str, expected: str, found: str) -> Check:
    """Return a check that holds when both texts are equal."""
    return Check(data=data, claim=claim, expected=expected, found=found, ok=expected == found)


def checks_section(checks: Sequence[Check]) -> Section:
    """Return the checks as a table."""
    words = {True: "holds", False: "differs", None: "not checked"}
    return Section(
        title="Compared with public numbers",
        columns=("data", "claim", "state", "expected", "found"),
        rows=tuple((c.data, c.claim, words[c.ok], c.expected, c.found) for c in checks),
    )
