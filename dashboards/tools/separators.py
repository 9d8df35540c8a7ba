"""What holds a table of text together: commas between cells, told by name where they are others, and closed quotes."""

from __future__ import annotations

import contextlib
import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from agents.errors import UserError

OTHERS = {";": "semicolons", "\t": "tabs"}


def check_commas(path: Path, header: Sequence[str]) -> None:
    """Raise UserError for a header that was read as one column and holds another separator."""
    for mark, name in OTHERS.items():
        if len(header) == 1 and mark in header[0]:
            raise UserError(
                f"{path} is separated by {name}, not by commas.",
                "the whole header was read as one column.",
                "save it as CSV with commas (in LibreOffice: Save as, Edit filter settings, field delimiter)",
            )


@contextlib.contextmanager
def closed_quotes(path: Path) -> Iterator[None]:
    """Raise UserError where a reader with strict=True finds a quote that is never closed.

    Not strict, it would swallow the rest of a file that was cut off.
    """
    try:
        yield
    except csv.Error as error:
        raise UserError(f"{path} is no whole CSV.", f"{error}.", "check its quotes and its end") from None
