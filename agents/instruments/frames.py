"""Readings, scores and comparisons as Polars frames and back: what stands in `responses/` and `scores/`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from agents.instruments.summary import flatten
from agents.instruments.types import Comparison, Reading, Readings, ScoreRow

if TYPE_CHECKING:
    import polars as pl

_KINDS = {
    "responses": {
        "instrument": "str", "version": "str", "item": "str", "group": "str", "subject": "str", "policy": "str",
        "form": "str", "mode": "str", "paraphrase": "int", "orders": "str", "options": "list[str]",
        "logp": "list[list[float]]", "num_tokens": "list[int]", "mass": "float", "text": "str", "label": "str",
        "forfeit": "str", "identity": "str", "weight": "float",
    },
    "scores": {
        "instrument": "str", "scale": "str", "group": "str", "point": "float", "se": "float", "lo": "float",
        "hi": "float", "n": "int", "n_eff": "float", "mode": "str", "orders": "str", "label_mass": "float",
        "forfeits": "int", "null_name": "str", "null_value": "float", "flags": "list[str]", "version": "str",
        "subject": "str", "policy": "str", "better": "int",
    },
    "comparisons": {
        "instrument": "str", "scale": "str", "group": "str", "before": "float", "after": "float", "diff": "float",
        "lo": "float", "hi": "float", "p": "float", "p_holm": "float", "test": "str", "n": "int", "mde": "float",
        "better": "int", "flags": "list[str]",
    },
}  # fmt: skip


def schema(table: str) -> dict[str, Any]:
    """Return the Polars schema of "responses", "scores" or "comparisons"."""
    import polars as pl

    plain: dict[str, Any] = {"str": pl.String, "int": pl.Int64, "float": pl.Float64}

    def kind(word: str) -> Any:
        return pl.List(kind(word[5:-1])) if word.startswith("list[") else plain[word]

    return {name: kind(word) for name, word in _KINDS[table].items()}


def responses_frame(outcomes: Sequence[Readings | None]) -> pl.DataFrame:
    """Return all readings, sorted by who answered what, so that equal runs have equal bytes."""
    readings = sorted(flatten(outcomes), key=_place)
    return _frame("responses", (asdict(one) for one in readings))


def readings_of(frame: pl.DataFrame) -> list[Readings]:
    """Return the readings as `instrument.score` takes them: one list for each subject and item of an instrument."""
    out: dict[tuple[str, ...], Readings] = {}
    for row in frame.iter_rows(named=True):
        row["options"], row["num_tokens"] = tuple(row["options"]), tuple(row["num_tokens"])
        row["logp"] = tuple(tuple(line) for line in row["logp"])
        one = Reading(**row)
        out.setdefault((one.instrument, one.policy, one.subject, one.item), []).append(one)
    return list(out.values())


def scores_frame(rows: Iterable[ScoreRow]) -> pl.DataFrame:
    """Return score rows as a frame."""
    return _frame("scores", (_flat(asdict(row)) for row in rows))


def scores_of(frame: pl.DataFrame) -> list[ScoreRow]:
    """Return the rows of a frame; the inverse of `scores_frame`."""
    out = []
    for row in frame.iter_rows(named=True):
        name, value = row.pop("null_name"), row.pop("null_value")
        row["flags"] = tuple(row["flags"])
        out.append(ScoreRow(**row, null=(name, value) if name else None))
    return out


def comparisons_frame(rows: Iterable[Comparison]) -> pl.DataFrame:
    """Return comparisons as a frame."""
    return _frame("comparisons", (asdict(row) for row in rows))


def _place(one: Reading) -> tuple[str | int, ...]:
    return (one.instrument, one.policy, one.subject, one.item, one.form, one.paraphrase, one.identity)


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    null = row.pop("null")
    return row | {"null_name": null[0] if null else None, "null_value": null[1] if null else None}


def _frame(table: str, rows: Iterable[dict[str, Any]]) -> pl.DataFrame:
    import polars as pl

    columns = schema(table)
    plain = ({name: _listed(row[name]) for name in columns} for row in rows)
    return pl.DataFrame(list(plain), schema=columns, orient="row")


def _listed(value: Any) -> Any:
    return [_listed(one) for one in value] if isinstance(value, tuple) else value
