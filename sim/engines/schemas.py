"""JSON schemas without a model: the smallest valid filling, for engines that only pretend to speak."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any


def smallest_valid(schema: str, words: Callable[[], str] = lambda: "text") -> str:
    """Return JSON text that satisfies a schema of objects, arrays, strings, numbers, booleans and enums.

    words: makes each free string. Arrays get `minItems` entries (at least one), objects their required properties.
    """
    return json.dumps(_fill(json.loads(schema), words))


def _fill(schema: dict[str, Any], words: Callable[[], str]) -> Any:
    if "enum" in schema:
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    kind = schema.get("type", "object")
    if kind == "object":
        properties = schema.get("properties", {})
        wanted = schema.get("required", list(properties))
        return {name: _fill(properties.get(name, {"type": "string"}), words) for name in wanted}
    if kind == "array":
        return _fill_array(schema, words)
    if kind == "integer":
        return int(schema.get("minimum", 0))
    if kind == "number":
        return float(schema.get("minimum", 0.0))
    if kind == "boolean":
        return True
    text = words()
    return text[: schema["maxLength"]] if "maxLength" in schema else text


def _fill_array(schema: dict[str, Any], words: Callable[[], str]) -> list[Any]:
    filled = [_fill(one, words) for one in schema.get("prefixItems", [])]
    rest = schema.get("items", {"type": "string"})
    if isinstance(rest, dict):
        filled += [_fill(rest, words) for _ in range(max(1, schema.get("minItems", 1)) - len(filled))]
    return filled
