"""Data at rest: the Parquet schemas of events and samples, and the way between records and frames.

Frames are written with their schema, sorted by identity, so that equal runs have equal bytes.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import orjson

from agents.errors import UserError
from agents.requests import Message
from agents.sample import Candidate, Lineage, Sample, Vote

if TYPE_CHECKING:
    import polars as pl

ORIGIN = {"script": "str", "seq": "int"}
"""Columns that every event table gets: path of the script that wrote the row, and its place within the root script."""

SAMPLE_COLUMNS = (
    "sample_id",
    "kind",
    "prompt",
    "candidates",
    "votes",
    "script",
    "requests",
    "prompts",
    "policies",
    "meta",
)


def event_schema(columns: Mapping[str, str]) -> dict[str, Any]:
    """Return the Polars schema of an event table from its column types ("str", "int", ..., "list[float]")."""
    import polars as pl

    plain = {"str": pl.String, "int": pl.Int64, "float": pl.Float64, "bool": pl.Boolean}
    schema: dict[str, Any] = {}
    for name, kind in {**ORIGIN, **columns}.items():
        inner = kind[5:-1] if kind.startswith("list[") else kind
        if inner not in plain:
            raise ValueError(f'event column {name} has type "{kind}"; known: {", ".join(plain)}, list[...]')
        schema[name] = pl.List(plain[inner]) if inner != kind else plain[inner]
    return schema


def sample_schema() -> dict[str, Any]:
    """Return the Polars schema of samples."""
    import polars as pl

    text, number = pl.String, pl.Float64
    message = pl.Struct({"role": text, "content": text})
    candidate = pl.Struct(
        {
            "text": text,
            "author": text,
            "role": text,
            "scores": pl.List(pl.Struct({"name": text, "value": number})),
            "logps": pl.List(number),
        }
    )
    vote = pl.Struct(
        {
            "voter": text,
            "group": text,
            "dim": text,
            "kind": text,
            "value": pl.List(number),
            "rationale": text,
            "t": pl.Int64,
        }
    )
    kinds = (text, text, pl.List(message), pl.List(candidate), pl.List(vote), text, *(pl.List(text),) * 3, text)
    return dict(zip(SAMPLE_COLUMNS, kinds, strict=True))


def sample_row(sample: Sample) -> dict[str, Any]:
    """Return one sample as a row of `sample_schema`. meta becomes canonical JSON text."""
    return {
        "sample_id": sample.sample_id,
        "kind": sample.kind,
        "prompt": [{"role": m.role, "content": m.content} for m in sample.prompt],
        "candidates": [
            {
                "text": c.text,
                "author": c.author,
                "role": c.role,
                "scores": [{"name": k, "value": float(v)} for k, v in sorted(c.scores.items())],
                "logps": list(c.logps),
            }
            for c in sample.candidates
        ],
        "votes": [
            {
                "voter": v.voter,
                "group": v.group,
                "dim": v.dim,
                "kind": v.kind,
                "value": [float(x) for x in v.value],
                "rationale": v.rationale,
                "t": v.t,
            }
            for v in sample.votes
        ],
        "script": sample.lineage.script,
        "requests": list(sample.lineage.requests),
        "prompts": list(sample.lineage.prompts),
        "policies": list(sample.lineage.policies),
        "meta": orjson.dumps(dict(sample.meta), option=orjson.OPT_SORT_KEYS).decode(),
    }


def sample_from_row(row: Mapping[str, Any]) -> Sample:
    """Return the sample of a row; the inverse of `sample_row`."""
    return Sample(
        sample_id=row["sample_id"],
        kind=row["kind"],
        prompt=tuple(Message(m["role"], m["content"]) for m in row["prompt"]),
        candidates=tuple(
            Candidate(
                text=c["text"],
                author=c["author"],
                role=c["role"],
                scores={s["name"]: s["value"] for s in c["scores"]},
                logps=tuple(c["logps"]),
            )
            for c in row["candidates"]
        ),
        votes=tuple(Vote(**{**v, "value": tuple(v["value"])}) for v in row["votes"]),
        lineage=Lineage(
            script=row["script"],
            requests=tuple(row["requests"]),
            prompts=tuple(row["prompts"]),
            policies=tuple(row["policies"]),
        ),
        meta=cast(dict[str, Any], orjson.loads(row["meta"])),
    )


def sample_frame(samples: Iterable[Sample]) -> pl.DataFrame:
    """Return samples as a frame."""
    import polars as pl

    return pl.DataFrame([sample_row(s) for s in samples], schema=sample_schema(), orient="row")


def samples_of(frame: pl.DataFrame) -> list[Sample]:
    """Return the samples of a frame."""
    return [sample_from_row(row) for row in frame.iter_rows(named=True)]


def event_frame(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> pl.DataFrame:
    """Return event rows as a frame. Raises ValueError for a key that the table does not declare."""
    import polars as pl

    schema = event_schema(columns)
    for row in rows:
        unknown = row.keys() - schema.keys()
        if unknown:
            raise ValueError(f"event row has undeclared columns {sorted(unknown)}; declared: {sorted(schema)}")
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema, orient="row")


@contextmanager
def _whole(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """Give a temporary name beside `path`, renamed to it when all went well and removed when not.

    durable: what was written is on the disk before the file has its name; else a crash of the machine, and nothing
    less, may leave an empty file under it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        if durable:
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise UserError(
            f"The disk is full: {path} could not be written.",
            f"{error.strerror or error}.",
            "free some space, then resume the run; what was journalled is not lost",
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_whole(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Write a file under a temporary name, then rename it: readers see the old file or the new one, never half."""
    with _whole(path, durable=durable) as temporary:
        temporary.write_bytes(data)


def write_json(path: Path, value: Any, *, durable: bool = True) -> None:
    """Write a value as indented JSON with sorted keys. durable: False for what is written again in a moment."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_SERIALIZE_NUMPY
    write_whole(path, orjson.dumps(value, option=options, default=str) + b"\n", durable=durable)


def write_frame(path: Path, frame: pl.DataFrame) -> None:
    """Write a frame as Parquet, whole."""
    with _whole(path) as temporary:
        frame.write_parquet(temporary, compression="zstd", statistics=False)
