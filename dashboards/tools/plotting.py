"""Write a chart to a file: SVG, PNG or HTML by its ending. Works offline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from agents.errors import UserError, missing_extra

ENDINGS = (".svg", ".png", ".html", ".json")


def save_chart(chart: Any, path: Path) -> Path:
    """Write an Altair chart whole (temporary name, then rename) and return its path.

    Raises UserError for an ending that is none of ENDINGS, a folder that is not there, or without the `dash` extra.
    """
    check_ending(path)
    if path.suffix == ".html":
        body: bytes = chart.to_html(inline=True).encode()
    elif path.suffix == ".json":
        body = chart.to_json().encode()
    else:
        body = _render(chart, path.suffix[1:])
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_bytes(body)
    temporary.replace(path)
    return path


def check_ending(path: Path) -> None:
    """Raise UserError for a chart file that could not be written; call it before long work."""
    if path.suffix not in ENDINGS:
        raise UserError(f"{path} cannot be drawn.", f"its ending is none of {', '.join(ENDINGS)}.", "use .svg")
    if not path.parent.is_dir():
        raise UserError(
            f"{path} cannot be written.", f"there is no folder {path.parent}.", f"make it: mkdir -p {path.parent}"
        )


def _render(chart: Any, kind: str) -> bytes:
    try:
        import vl_convert as vl
    except ImportError as error:
        raise missing_extra("vl_convert", "dash") from error
    spec = chart.to_json()
    if kind == "svg":
        return str(vl.vegalite_to_svg(spec)).encode()
    return bytes(vl.vegalite_to_png(spec, scale=2))
