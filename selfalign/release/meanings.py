"""What every column means: description, unit and allowed values, in one resource that `schema.json`, card and Croissant
take it from.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import pyarrow as pa

from selfalign.release.schemas import LINEAGE, TURNS, base_of, plain_type, schema_of

COMMON, MESSAGE, LINES = "common", "turns", "lineage"


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """text: what stands in a column. unit: of its numbers, "" for none. values: what may stand there, "" for any."""

    text: str
    unit: str = ""
    values: str = ""


@cache
def meanings() -> dict[str, dict[str, Meaning]]:
    """Return section -> path of a column -> its meaning, as the resource holds them."""
    import yaml

    raw = yaml.safe_load((resources.files("selfalign.release") / "templates" / "columns.yaml").read_text("utf-8"))
    return {section: {path: Meaning(**told) for path, told in paths.items()} for section, paths in raw.items()}


def meaning(config: str, path: str) -> Meaning:
    """Return the meaning of a column of a config (or of "lineage"), or of a part of it such as "meta.rule".

    Raises KeyError for one without a meaning.
    """
    name, own = base_of(config), meanings()
    if path in own[name]:
        return own[name][path]
    if name != LINES and path in own[COMMON]:
        return own[COMMON][path]
    return own[MESSAGE][path.rpartition(".")[2]] if "." in path else own[name][path]


def parts_of(path: str, kind: pa.DataType) -> Iterator[tuple[str, str, pa.DataType]]:
    """Yield (path, name, type) of the parts of a struct, or of the structs of a list; nothing for plain types."""
    inner = kind.value_type if pa.types.is_list(kind) else kind
    for item in inner if pa.types.is_struct(inner) else ():
        yield f"{path}.{item.name}", item.name, item.type


def described(config: str) -> list[dict[str, Any]]:
    """Return the columns of a config, or of "lineage", with types and meanings, as `schema.json` holds them."""
    schema = LINEAGE if config == LINES else schema_of(config)
    return [_described(config, item.name, item.name, item.type) for item in schema]


def _described(config: str, path: str, name: str, kind: pa.DataType) -> dict[str, Any]:
    told = meaning(config, path)
    out: dict[str, Any] = {"name": name, "type": plain_type(kind), "description": told.text}
    out |= {key: value for key, value in (("unit", told.unit), ("values", told.values)) if value}
    fields = [_described(config, *part) for part in parts_of(path, kind)]
    return out | ({"fields": fields} if fields else {})


def bare(columns: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Return columns of a `schema.json` as names and types alone."""
    return [{"name": one["name"], "type": one["type"]} for one in columns]


def changed(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> bool:
    """Tell whether columns, or what they mean, differ. Releases from before meanings were told say nothing of these."""
    told = all("description" in one for one in (*before, *after))
    return before != after if told else bare(before) != bare(after)


def rows_of(config: str, *, meta: bool) -> list[tuple[str, str, str, str, str]]:
    """Return (column, type, meaning, unit, values) for the card; parts of a column follow it.

    meta: only `meta` and its parts, which are the same in every config; else all but these and messages' parts.
    """
    out = []
    for item in schema_of(config):
        if (item.name == "meta") != meta:
            continue
        parts = [] if item.type == TURNS else list(parts_of(item.name, item.type))
        for path, _, kind in [(item.name, item.name, item.type), *parts]:
            told = meaning(config, path)
            nested = pa.types.is_nested(kind) and bool(list(parts_of(path, kind)))
            short = ("conversation" if kind == TURNS else "nested") if nested else plain_type(kind)
            out.append((path, short, told.text, told.unit, told.values))
    return out
