"""One error type for everything a user can put right.

Anything else that is raised is a bug and keeps its traceback. The command line prints a `UserError` as three
short lines and exits with code 2.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """Say what was given, why it cannot work and what to do.

    given: the offending value with its config path or file name, one sentence.
    why:   the reason, one sentence; may be empty when `given` already says it.
    fix:   what the user can do now.
    """

    def __init__(self, given: str, why: str = "", fix: str = "") -> None:
        super().__init__(given, why, fix)
        self.given = given
        self.why = why
        self.fix = fix

    def __str__(self) -> str:
        lines = [self.given]
        if self.why:
            lines.append(f"Why:  {self.why}")
        if self.fix:
            lines.append(f"Do:   {self.fix}")
        return "\n".join(lines)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return "Did you mean X?" for the nearest known word, or the list of all when nothing is near.

    >>> did_you_mean("rnu", ["run", "show"])
    'Did you mean "run"?'
    """
    options = sorted(known)
    near = difflib.get_close_matches(word, options, n=1, cutoff=0.5)
    if near:
        return f'Did you mean "{near[0]}"?'
    return "Known: " + ", ".join(options) + "." if options else "None is known."


def missing_extra(module: str, extra: str) -> UserError:
    """Return the error for an optional dependency that is not installed."""
    return UserError(
        f'The Python package "{module}" is not installed.',
        f'It belongs to the optional extra "{extra}".',
        f"run: uv pip install -e '.[{extra}]' (or: make setup)",
    )
