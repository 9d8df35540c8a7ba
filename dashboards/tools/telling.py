"""What a domain tool says at its end: the report as JSON, or tables and the files that were written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO, TypeVar

import orjson

from dashboards.terminal import Section, show

T = TypeVar("T")


def tell(
    found: T,
    files: Sequence[Path],
    out: TextIO,
    *,
    plain: Callable[[T], Mapping[str, Any]],
    sections: Callable[[T], Sequence[Section]],
    as_json: bool,
) -> None:
    """Write what was found to `out`. plain: of the JSON form, which lists the files under "files"."""
    if as_json:
        report = {**plain(found), "files": [str(path) for path in files]}
        out.write(orjson.dumps(report, option=orjson.OPT_INDENT_2).decode() + "\n")
        return
    show(sections(found), out)
    out.writelines(f"{path}\n" for path in files)


def names(given: str | None) -> list[str]:
    """Return the names of a list with commas, without blanks around them; none for None or an empty text."""
    return [name.strip() for name in given.split(",")] if given else []
