"""Collecting the rows of a config as they come, in Arrow columns, and writing them sorted with their lineage."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from selfalign.release.account import Shard, Table
from selfalign.release.config import ReleaseConfig
from selfalign.release.rows import Draft
from selfalign.release.schemas import COLUMNS, LINEAGE, base_of, row_id, schema_of
from selfalign.release.splits import SPLITS
from selfalign.release.text import same_text
from selfalign.release.write import CANARY_KEY, SETTINGS, sha256_of, write_shards

DISTINCT = {
    "preference": ("prompt", "chosen", "rejected"),
    "reward": ("chosen", "rejected"),
    "sft": ("prompt", "completion"),
    "unpaired": ("prompt", "completion"),
    "prompts": ("prompt",),
}
"""Columns by which rows of a config count as repeats; the dimension and the label tell rows apart too."""
_FLUSH = 4_000


class _Sides(dict[str, bytes]):
    """Role -> its first letter."""

    def __missing__(self, role: str) -> bytes:
        self[role] = found = role[:1].encode()
        return found


_SIDE = _Sides()
NUM_EYES = 100


class Texts:
    """Digests of normalised texts, each made once. Known texts are told by their hash, for they are large."""

    def __init__(self) -> None:
        self._known: dict[int, bytes] = {}

    def digest(self, text: str) -> bytes:
        """Return the digest of a text as it counts for repeats."""
        key = hash(text)
        found = self._known.get(key)
        if found is None:
            found = hashlib.blake2b(same_text(text).encode(errors="surrogatepass"), digest_size=12).digest()
            self._known[key] = found
        return found

    def of_row(self, config: str, row: Mapping[str, Any]) -> bytes | None:
        """Return what a row says, as a digest; None where repeats are no matter."""
        columns = DISTINCT.get(base_of(config))
        if columns is None:
            return None
        digest = self.digest
        parts = [f"{row['meta']['dim']}|{row.get('label', '')}".encode()]
        for column in columns:
            for turn in row[column]:
                parts += _SIDE[turn["role"]], digest(turn["content"])
            parts.append(b"|")
        return hashlib.blake2b(b"".join(parts), digest_size=16).digest()


class Shelf:
    """The rows of one config. origins: key "run_id|sample_id" of each origin, for the ids."""

    def __init__(self, config: str, texts: Texts) -> None:
        self.config = config
        self.num_made = 0
        self.num_repeats = 0
        self._texts = texts
        self._seen: set[bytes] = set()
        self._waiting: list[tuple[str, Draft]] = []
        self._chunks: list[pa.Table] = []
        schema = schema_of(config)
        self._schema = pa.schema([*schema, ("_origin", pa.int64()), ("_part", pa.string())])

    def add(self, draft: Draft, key: str) -> bool:
        """Add a row and return True, or count it as a repeat and return False. key: name of its origin."""
        self.num_made += 1
        said = self._texts.of_row(self.config, draft.row)
        if said is not None:
            if said in self._seen:
                self.num_repeats += 1
                return False
            self._seen.add(said)
        self._waiting.append((f"{key}|{draft.part}", draft))
        if len(self._waiting) >= _FLUSH:
            self._flush()
        return True

    def _flush(self) -> None:
        rows = [draft.row for _, draft in self._waiting]
        columns: list[Any] = [[row_id(self.config, key, draft.row) for key, draft in self._waiting]]
        columns += [[row[name] for row in rows] for name, _ in COLUMNS[base_of(self.config)]]
        columns.append([row["meta"] for row in rows])
        columns += [[draft.origin for _, draft in self._waiting], [draft.part for _, draft in self._waiting]]
        arrays = [pa.array(values, type=field.type) for values, field in zip(columns, self._schema, strict=True)]
        self._chunks.append(pa.Table.from_arrays(arrays, schema=self._schema))
        self._waiting.clear()

    def table(self) -> pa.Table:
        """Return all rows, sorted by id, with `_origin` and `_part`; the shelf is empty afterwards."""
        if self._waiting:
            self._flush()
        whole = pa.concat_tables(self._chunks) if self._chunks else self._schema.empty_table()
        self._chunks = []
        self._seen.clear()
        return whole.take(pa.compute.sort_indices(whole["id"])).combine_chunks()


class Press:
    """Writes configs, one after the other, and beside them the lineage."""

    def __init__(
        self, folder: Path, config: ReleaseConfig, canary: str, origins: pa.Table, sides: Sequence[str]
    ) -> None:
        self.folder, self._config, self._canary = folder, config, canary
        self._origins, self._sides = origins, pa.array(sides, type=pa.string())
        self.counts: dict[str, Counter[str]] = {}
        path = folder / "provenance" / "lineage.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        schema = LINEAGE.with_metadata({CANARY_KEY: canary.encode()})
        self._lineage = pq.ParquetWriter(path, schema, **SETTINGS)

    def print(self, shelf: Shelf) -> Table:
        """Write all splits of a config, its sample for eyes, and its lineage."""
        whole = shelf.table()
        sides = self._sides.take(whole["_origin"].combine_chunks())
        splits: dict[str, tuple[Shard, ...]] = {}
        content = whole.drop_columns(["_origin", "_part"])
        for split in SPLITS:
            part = content.filter(pa.compute.equal(sides, split))
            if part.num_rows:
                paths = write_shards(
                    self.folder / shelf.config,
                    split,
                    part,
                    self._canary,
                    shard_mb=self._config.shard_mb,
                    row_group=self._config.row_group,
                )
                splits[split] = tuple(self._shard(path) for path in paths)
                if split == next(iter(splits)):
                    eyes = part.slice(0, NUM_EYES).to_pylist()
        lines = b"\n".join(orjson.dumps(row) for row in eyes) + b"\n"
        (self.folder / shelf.config / "sample.jsonl").write_bytes(lines)
        self._write_lineage(shelf.config, whole, sides)
        self.counts[shelf.config] = Counter(sides.to_pylist())
        return Table(name=shelf.config, splits=splits, example=_shortened(eyes[0]))

    def _shard(self, path: Path) -> Shard:
        rows = pq.ParquetFile(path).metadata.num_rows
        name = path.relative_to(self.folder).as_posix()
        return Shard(path=name, num_rows=rows, size_bytes=path.stat().st_size, sha256=sha256_of(path))

    def _write_lineage(self, config: str, whole: pa.Table, sides: pa.Array) -> None:
        size = self._config.row_group
        for start in range(0, whole.num_rows, size):
            some = whole.slice(start, size)
            origins = self._origins.take(some["_origin"].combine_chunks())
            head = [some["id"], pa.array([config] * some.num_rows), sides.slice(start, size), some["_part"]]
            table = pa.Table.from_arrays([*head, *origins.columns], schema=LINEAGE)
            self._lineage.write_table(table.combine_chunks(), row_group_size=size)

    def close(self) -> None:
        """End the lineage."""
        self._lineage.close()


def _shortened(row: Any, most: int = 240) -> str:
    """Return a row as JSON text for the card, long texts cut."""

    def cut(value: Any) -> Any:
        if isinstance(value, str):
            value = value.replace("```", "'''")
            return value if len(value) <= most else f"{value[:most]} ..."
        if isinstance(value, list):
            return [cut(one) for one in value[:6]]
        return {key: cut(one) for key, one in value.items()} if isinstance(value, dict) else value

    return orjson.dumps(cut(row), option=orjson.OPT_INDENT_2).decode()
