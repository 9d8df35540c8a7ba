"""Bytes that are the same every time: Parquet with pinned settings, JSON with sorted keys, and the checksums."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

SUMS = "SHA256SUMS"
CANARY_KEY = b"folkmoot.canary"
SETTINGS = {
    "compression": "zstd",
    "compression_level": 3,
    "version": "2.6",
    "data_page_version": "1.0",
    "write_statistics": False,
}


def canary_of(folder: str) -> str:
    """Return the canary of a release, a GUID made from its name: a model that knows it has seen the release."""
    digest = hashlib.blake2b(f"folkmoot canary {folder}".encode(), digest_size=16).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:]}"


def write_table(path: Path, table: pa.Table, canary: str, row_group: int) -> None:
    """Write a table with the canary in its metadata."""
    path.parent.mkdir(parents=True, exist_ok=True)
    marked = table.replace_schema_metadata({CANARY_KEY: canary.encode()})
    pq.write_table(marked, path, row_group_size=row_group, **SETTINGS)


def write_shards(
    folder: Path, split: str, table: pa.Table, canary: str, *, shard_mb: int, row_group: int
) -> list[Path]:
    """Write a split as shards of about `shard_mb` megabytes in memory; return their paths, in order."""
    num = max(1, -(-table.nbytes // (shard_mb * 1_000_000)))
    size = max(1, -(-table.num_rows // num))
    num = -(-table.num_rows // size)
    paths = [folder / f"{split}-{k:05d}-of-{num:05d}.parquet" for k in range(num)]
    for k, path in enumerate(paths):
        write_table(path, table.slice(k * size, size), canary, row_group)
    return paths


def write_json(path: Path, value: Any) -> None:
    """Write indented JSON with sorted keys."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n")


def write_text(path: Path, text: str) -> None:
    """Write text with Unix line ends and one line feed at the end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.rstrip().encode() + b"\n")


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def files_of(folder: Path) -> Iterator[str]:
    """Yield the files of a release but the list of checksums, sorted, as paths within it."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not path.is_dir() and name != SUMS:
            yield name


def write_sums(folder: Path) -> None:
    """Write the checksums of all files, as `sha256sum -c` reads them."""
    lines = [f"{sha256_of(folder / name)}  {name}" for name in sorted(files_of(folder))]
    write_text(folder / SUMS, "\n".join(lines))


def read_sums(folder: Path) -> dict[str, str]:
    """Return file -> sha256 from the list of checksums. Raises ValueError for a line that is none."""
    out = {}
    for line in (folder / SUMS).read_text(encoding="utf-8").splitlines():
        digest, blanks, name = line[:64], line[64:66], line[66:]
        if len(digest) != 64 or blanks != "  " or not name:
            raise ValueError(f"{SUMS} has a line that is none: {line[:80]}")
        out[name] = digest
    return out
