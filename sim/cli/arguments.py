"""Arguments of the command line: a mistake is told as every other user error, with the nearest word."""

from __future__ import annotations

import argparse
import re
from typing import Any, NoReturn

from agents.errors import UserError, did_you_mean


class Arguments(argparse.ArgumentParser):
    """argparse, with `UserError` where it would print and leave. Words are never completed: --js is not --json."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"allow_abbrev": False, **options})

    def error(self, message: str) -> NoReturn:
        """Raise UserError for what argparse complains about."""
        unknown = re.search(r"unrecognized arguments: (\S+)", message)
        choice = re.search(r"invalid choice: '([^']*)' \(choose from (.+)\)", message)
        given, hint = f"{message[:1].upper()}{message[1:].rstrip('.')}.", f"see `{self.prog} --help`"
        why = f"{self.prog} takes other words."
        if unknown and unknown.group(1).startswith("-"):
            word = unknown.group(1).split("=")[0]
            given, hint = f'{self.prog} has no option "{word}".', did_you_mean(word, self._option_string_actions)
        elif choice:
            given = f'{self.prog}: "{choice.group(1)}" is not one of its words.'
            hint = did_you_mean(choice.group(1), [one.strip("' ") for one in choice.group(2).split(",")])
        raise UserError(given, why, hint)
