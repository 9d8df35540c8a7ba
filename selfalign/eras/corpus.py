"""Dated text, read row by row and put into eras; memory holds what is kept, however large the files are.

A row has `creation_year`, `source_dataset` and `content`, in JSON lines or Parquet: the layout of HistText
(ProgressGym, arXiv 2406.20087). Where an era has more text than is wanted, the rows with the smallest hash stay, so the
choice depends on seed and content and not on the order of files.
"""

from __future__ import annotations

import hashlib
import heapq
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agents.errors import UserError
from sim.models.folder import sha256_of

COLUMNS = ("creation_year", "source_dataset", "content")
ENDINGS = (".jsonl", ".json", ".parquet")
GIVE = "give JSON lines or Parquet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One kept text. id: digest of its content."""

    id: str
    year: int
    source: str
    content: str


@dataclass(slots=True, kw_only=True)
class EraText:
    """The texts of the years from `start` up to, and without, `end`. num_found: documents before any were left out."""

    name: str
    start: int
    end: int
    documents: list[Document] = field(default_factory=list)
    num_found: int = 0

    @property
    def digest(self) -> str:
        """Return the digest of what is kept, 32 hexadecimal digits."""
        every = hashlib.blake2b(digest_size=16)
        for document in self.documents:
            every.update(document.id.encode())
        return every.hexdigest()

    def facts(self) -> dict[str, Any]:
        """Return plain values for the record."""
        years = [document.year for document in self.documents]
        return {
            "name": self.name,
            "start": self.start,
            "end": self.end,
            "num_found": self.num_found,
            "num_documents": len(self.documents),
            "num_characters": sum(len(document.content) for document in self.documents),
            "years": [min(years), max(years)] if years else [],
            "sources": dict(sorted(Counter(document.source for document in self.documents).items())),
            "data_digest": self.digest,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """Eras in order of time. files: path, sha256 and rows of each. lost: why rows were left out, and how many."""

    eras: tuple[EraText, ...]
    files: tuple[Mapping[str, Any], ...]
    lost: Mapping[str, int]


def read_corpus(
    paths: Sequence[Path],
    *,
    every: int = 100,
    cuts: Sequence[int] = (),
    max_characters: int = 0,
    seed: int = 0,
) -> Corpus:
    """Read files (and folders of files) into eras.

    every: years an era, from a round year. cuts: in place of it, the first year of each era, and the first year after
    the last. max_characters: most text an era; 0 is no limit. Raises UserError for files without the three columns, for
    cuts that do not rise, and when nothing is left.
    """
    if list(cuts) != sorted(set(cuts)) or len(cuts) == 1 or every < 1:
        raise UserError(
            f"These years make no eras: {', '.join(map(str, cuts)) or every}.",
            "an era goes from one year to the next one given.",
            "give rising years, such as --cuts 1700 1800 1900, or --every 100",
        )
    lost: Counter[str] = Counter()
    eras: dict[int, _Kept] = {}
    files = []
    for path in _files(paths):
        num = 0
        for row in _rows(path):
            num += 1
            why = _take(row, eras, every, cuts, max_characters, seed)
            if why:
                lost[why] += 1
        files.append({"name": path.name, "sha256": sha256_of(path), "num_rows": num})
    if not eras:
        told = "; ".join(f"{why}: {num}" for why, num in sorted(lost.items())) or "the files hold no rows"
        raise UserError("No text is left to train on.", f"{told}.", "look at the years, or at --cuts")
    found = tuple(eras[start].text() for start in sorted(eras))
    return Corpus(eras=found, files=tuple(files), lost=dict(sorted(lost.items())))


class _Kept:
    """The rows of an era with the smallest hashes, up to a number of characters."""

    def __init__(self, start: int, end: int, max_characters: int) -> None:
        self.start, self.end, self._max = start, end, max_characters
        self._heap: list[tuple[int, Document]] = []
        self._size = 0
        self._seen: set[str] = set()

    def add(self, document: Document, seed: int) -> bool:
        """Take a document; False when the era has it already."""
        if document.id in self._seen:
            return False
        self._seen.add(document.id)
        rank = hashlib.blake2b(f"{seed}|{document.id}".encode(), digest_size=8).digest()
        heapq.heappush(self._heap, (-int.from_bytes(rank, "big"), document))
        self._size += len(document.content)
        while self._max and self._size > self._max and len(self._heap) > 1:
            self._size -= len(heapq.heappop(self._heap)[1].content)
        return True

    def text(self) -> EraText:
        """Return the era, its documents by year and digest."""
        documents = sorted((document for _, document in self._heap), key=lambda one: (one.year, one.id))
        return EraText(
            name=f"y{self.start}", start=self.start, end=self.end, documents=documents, num_found=len(self._seen)
        )


def _take(
    row: Mapping[str, Any], eras: dict[int, _Kept], every: int, cuts: Sequence[int], max_characters: int, seed: int
) -> str:
    """Put a row into its era; return why it was left out, or "" when it was taken."""
    try:
        year = int(row["creation_year"])
    except (TypeError, ValueError, OverflowError):
        return "no year"
    content = row["content"]
    if not isinstance(content, str) or not content.strip():
        return "no text"
    if cuts:
        place = sum(cut <= year for cut in cuts)
        if place in (0, len(cuts)):
            return "outside the years asked for"
        start, end = cuts[place - 1], cuts[place]
    else:
        start = year // every * every
        end = start + every
    kept = eras.setdefault(start, _Kept(start, end, max_characters))
    digest = hashlib.blake2b(content.strip().encode(), digest_size=16).hexdigest()
    document = Document(id=digest, year=year, source=str(row["source_dataset"] or ""), content=content.strip())
    return "" if kept.add(document, seed) else "the same text once more"


def _files(paths: Sequence[Path]) -> list[Path]:
    out: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(one for one in path.rglob("*") if one.suffix in ENDINGS)
            if not inside:
                raise UserError(f"The folder {path} holds no dated text.", f"files end in {', '.join(ENDINGS)}.", GIVE)
            out += inside
        elif path.is_file() and path.suffix in ENDINGS:
            out.append(path)
        else:
            why = "there is no such file" if not path.exists() else f"files end in {', '.join(ENDINGS)}"
            raise UserError(f"{path} cannot be read as dated text.", f"{why}.", GIVE)
    return out


def _rows(path: Path) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of a file, its columns checked."""
    if path.suffix == ".parquet":
        yield from _parquet_rows(path)
        return
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError as error:
                raise UserError(f"{path}, line {number} is not JSON.", f"{error}.", "one object a line") from None
            if not isinstance(row, dict) or not set(COLUMNS) <= row.keys():
                found = ", ".join(row) if isinstance(row, dict) else type(row).__name__
                raise _no_columns(f"{path}, line {number}", found)
            yield row


def _parquet_rows(path: Path) -> Iterator[Mapping[str, Any]]:
    import polars as pl

    try:
        found = pl.read_parquet_schema(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise UserError(f"{path} is no Parquet file.", f"{str(error).splitlines()[0]}.", GIVE) from None
    if not set(COLUMNS) <= set(found):
        raise _no_columns(str(path), ", ".join(found))
    num = int(pl.scan_parquet(path).select(pl.len()).collect().item())
    for start in range(0, num, 4096):
        yield from pl.scan_parquet(path).select(COLUMNS).slice(start, 4096).collect().iter_rows(named=True)


def _no_columns(where: str, found: str) -> UserError:
    return UserError(f"{where} has not the columns {', '.join(COLUMNS)}.", f"it has: {found}.", "rename its columns")
