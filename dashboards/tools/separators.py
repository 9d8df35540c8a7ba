"""What separates the cells of a table: commas. What many spreadsheets write instead is told by its name."""

from __future__ import annotations

from collections.abc import Sequence
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
