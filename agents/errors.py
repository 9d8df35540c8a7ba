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
    why:   the reason, one sentence.
    fix:   what the user can do now: the option, file or command that mends it.

    The house leaves none of them empty (`tests/house/test_errors.py`).
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


def nearest(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """Return what to do where the reason already lists what is known. otherwise: what else mends it.

    >>> nearest("rnu", ["run", "show"]), nearest("xyz", ["run", "show"])
    ('Did you mean "run"?', 'choose one of them')
    >>> nearest("rnu", ["run", "show"], "leave it out")
    'Did you mean "run"? If not, leave it out'
    """
    hint = did_you_mean(word, known)
    if not hint.startswith("Did"):
        return otherwise or "choose one of them"
    return f"{hint} If not, {otherwise}" if otherwise else hint


def missing_extra(module: str, extra: str) -> UserError:
    """Return the error for an optional dependency that is not installed."""
    return UserError(
        f'The Python package "{module}" is not installed.',
        f'It belongs to the optional extra "{extra}".',
        f"run: uv pip install -e '.[{extra}]' (or: make setup)",
    )
