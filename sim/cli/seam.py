"""What a verb of the command line is (entry-point group `folkmoot.verbs`)."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Verb:
    """help: one line. configure: adds arguments to its parser. run: returns the exit code.

    check: validates the verb's own sections of a run's config before the run starts.
    perform: does the verb's work inside a `Session` that another verb has opened, and returns what to print.
    """

    help: str
    configure: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]
    check: Callable[[Any], None] | None = None
    perform: Callable[[Any], dict[str, Any]] | None = None
