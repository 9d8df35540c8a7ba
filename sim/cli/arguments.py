"""Arguments of the command line: a mistake is told as every other user error, with the nearest word."""

from __future__ import annotations

import argparse
import re
from typing import Any, NoReturn

from agents.errors import UserError, did_you_mean, nearest


class Arguments(argparse.ArgumentParser):
    """argparse, with `UserError` where it would print and leave. Words are never completed: --js is not --json."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"allow_abbrev": False, **options})

    def error(self, message: str) -> NoReturn:
        """Raise UserError for what argparse complains about."""
        unknown = re.search(r"unrecognized arguments: (\S+)", message)
        choice = re.search(r"argument (\S+): invalid choice: '?([^']*?)'? \(choose from (.+)\)", message)
        number = re.search(r"argument (\S+): invalid (int|float) value: '([^']*)'", message)
        given, hint = f"{message[:1].upper()}{message[1:].rstrip('.')}.", f"see `{self.prog} --help`"
        why = f"{self.prog} takes other words."
        if unknown and unknown.group(1).startswith("-"):
            word = unknown.group(1).split("=")[0]
            given, hint = f'{self.prog} has no option "{word}".', did_you_mean(word, self._option_string_actions)
        elif choice:
            known = [one.strip("' ") for one in choice.group(3).split(",")]
            given = f'{self.prog}: "{choice.group(2)}" is no choice of {choice.group(1)}.'
            why, hint = f"it takes {', '.join(known)}.", nearest(choice.group(2), known)
        elif number:
            kind = {"int": "a whole number", "float": "a number, with a point for the decimals"}[number.group(2)]
            given = f'{self.prog}: {number.group(1)} is "{number.group(3)}".'
            why, hint = f"it is {kind}.", f"give {number.group(1)} {kind}"
        elif "required" in message:
            why = "it cannot begin without them."
        elif "expected" in message:
            why = "what belongs to the option is missing, or begins with a dash."
        raise UserError(given, why, hint)
