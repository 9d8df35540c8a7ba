"""Reading a finished release: its documents, its tables, and where they lie. Nothing here trusts what it reads."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from agents.errors import UserError
from selfalign.release.documents import read_front_matter
from selfalign.release.write import SUMS


@contextmanager
def few_collections() -> Iterator[None]:
    """Leave Python's collector of cycles off: what is read has none, and looking for them takes a sixth of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


NEEDED = (SUMS, "README.md", "schema.json")
_BATCH = 5_000


@dataclass(frozen=True, slots=True)
class Release:
    """A release folder."""

    folder: Path

    @classmethod
    def open(cls, folder: Path) -> Release:
        """Open a folder. Raises UserError when it is no release."""
        missing = [name for name in NEEDED if not (folder / name).is_file()]
        if len(missing) == len(NEEDED) and (folder / "config.yaml").is_file():
            raise UserError(
                f"{folder} is a run, not a release.",
                "a release is made from runs.",
                f"make one: folkmoot release build {folder}; to prove the run itself: folkmoot replay {folder}",
            )
        if len(missing) == len(NEEDED) or not folder.is_dir():
            raise UserError(
                f"{folder} is not a release.",
                "there is no such folder." if not folder.is_dir() else f"it holds no {', '.join(missing)}.",
                "make one with: folkmoot release build RUN",
            )
        return cls(folder)

    def json(self, name: str) -> dict[str, Any]:
        """Return a JSON object of the release. Raises ValueError or OSError when it is none."""
        value = orjson.loads((self.folder / name).read_bytes())
        if not isinstance(value, dict):
            raise ValueError(f"{name} holds no object")
        return cast(dict[str, Any], value)

    def text(self, name: str) -> str:
        """Return a text of the release."""
        return (self.folder / name).read_text(encoding="utf-8")

    def settings(self) -> dict[str, Any]:
        """Return the settings that it was built with."""
        import yaml

        return dict(yaml.safe_load(self.text("provenance/config.yaml"))["release"])

    def card(self) -> dict[str, Any]:
        """Return the card's YAML header."""
        return read_front_matter(self.text("README.md"))

    def configs(self) -> list[str]:
        """Return the configs that have files, sorted."""
        return sorted(
            {path.parent.name for path in self.folder.glob("*/*.parquet") if path.parent.name != "provenance"}
        )

    def shards(self, config: str) -> list[tuple[str, Path]]:
        """Return (split, file) of a config, in order."""
        return [(path.name.split("-", 1)[0], path) for path in sorted((self.folder / config).glob("*-of-*.parquet"))]

    def rows(
        self, config: str, columns: Sequence[str] | None = None, *, most: int | None = None
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield (split, row) of a config, shard by shard. most: rows of each split, the first by id; None is all."""
        num: dict[str, int] = {}
        for split, path in self.shards(config):
            if most is not None and num.get(split, 0) >= most:
                continue
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(_BATCH, columns=list(columns) if columns else None):
                    left = batch.num_rows if most is None else max(0, most - num.get(split, 0))
                    num[split] = num.get(split, 0) + min(left, batch.num_rows)
                    for row in batch.slice(0, left).to_pylist():
                        yield split, row
                    if most is not None and num[split] >= most:
                        break

    def num_rows(self, config: str) -> dict[str, int]:
        """Return split -> rows, from the files' footers."""
        out: dict[str, int] = {}
        for split, path in self.shards(config):
            out[split] = out.get(split, 0) + pq.read_metadata(path).num_rows
        return out

    def lineage(self, columns: Sequence[str]) -> pa.Table:
        """Return columns of the lineage."""
        return pq.read_table(self.folder / "provenance" / "lineage.parquet", columns=list(columns))

    def lines(self, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Yield the rows of the lineage, batch by batch."""
        with pq.ParquetFile(self.folder / "provenance" / "lineage.parquet") as file:
            for batch in file.iter_batches(_BATCH, columns=list(columns)):
                yield from batch.to_pylist()
