"""Reading a run folder that may be unfinished, damaged or foreign: what cannot be read is named, never raised."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import orjson

from agents.errors import UserError
from sim.answered import Answered, answered_by
from sim.store import Run
from sim.store import stage_key as stage_key

if TYPE_CHECKING:
    import polars as pl


_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class Reader:
    """Reads one run folder. problems: one sentence for each file that is there and cannot be read."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.problems: list[str] = []

    @contextmanager
    def _noting(self, path: Path) -> Iterator[None]:
        """While inside, turn whatever a broken file raises into a problem with its name."""
        import yaml
        from polars.exceptions import PolarsError

        try:
            yield
        except (
            UserError,
            OSError,
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
            PolarsError,
            yaml.YAMLError,
        ) as error:
            name = path.relative_to(self.run.folder) if path.is_relative_to(self.run.folder) else path
            told = (error.why.rstrip(".") or error.given) if isinstance(error, UserError) else str(error).strip()
            self.problems.append(f"{name} cannot be read ({(told or type(error).__name__).splitlines()[0][:120]}).")

    def config(self) -> dict[str, Any]:
        """Return the run's config; {} when it cannot be read."""
        with self._noting(self.run.folder / "config.yaml"):
            return self.run.config
        return {}

    def json(self, relative: str) -> dict[str, Any]:
        """Return the object of a JSON file; {} when it is missing or broken."""
        path = self.run.folder / relative
        if not path.is_file():
            return {}
        with self._noting(path):
            value = orjson.loads(path.read_bytes())
            if isinstance(value, dict):
                return cast(dict[str, Any], value)
            raise ValueError("it holds no JSON object")
        return {}

    def lines(self, relative: str) -> list[dict[str, Any]]:
        """Return the objects of a file of JSON lines; lines that are torn or broken are left out and counted."""
        path = self.run.folder / relative
        if not path.is_file():
            return []
        found, broken = [], 0
        with self._noting(path):
            for line in path.read_bytes().splitlines():
                try:
                    value = orjson.loads(line)
                except ValueError:
                    broken += 1
                    continue
                if isinstance(value, dict):
                    found.append(value)
        if broken:
            self.problems.append(f"{relative}: {broken} broken line{'s' * (broken > 1)} left out.")
        return found

    def table(self, pattern: str, columns: Sequence[str] = (), **equal: str) -> pl.DataFrame:
        """Return the rows of Parquet files below the run folder, in the order of their names.

        columns: only these, as far as a file has them. equal: only rows with these values in these columns.
        """
        import polars as pl

        frames = []
        for path in sorted(self.run.folder.glob(pattern)):
            with self._noting(path):
                scan = pl.scan_parquet(path)
                known = scan.collect_schema().names()
                for name, value in equal.items():
                    scan = scan.filter(pl.col(name) == value) if name in known else scan.filter(pl.lit(False))
                kept = [name for name in columns if name in known] if columns else known
                frames.append(scan.select(kept).collect())
        return pl.concat(frames, how="diagonal_relaxed") if frames else pl.DataFrame()

    def rows(self, pattern: str, columns: Sequence[str] = (), **equal: str) -> list[dict[str, Any]]:
        """Return the same as `table`, as plain rows."""
        return self.table(pattern, columns, **equal).to_dicts()

    def event_counts(self, stage: str) -> dict[str, int]:
        """Return event table -> number of rows of a stage, read from the files' footers."""
        import polars as pl

        counts: dict[str, int] = {}
        for path in sorted((self.run.folder / "events" / stage).glob("*.parquet")):
            with self._noting(path):
                num = int(pl.scan_parquet(path).select(pl.len()).collect().item())
                table = path.stem.rsplit("-", 1)[0]
                counts[table] = counts.get(table, 0) + num
        return counts

    def journal(self, stage: str) -> Iterator[dict[str, Any]]:
        """Yield a journal's records (k, d, t, r, u); the header, a torn tail and broken lines are left out.

        Read-only and tolerant on purpose: `sim.journal` is the strict reader, for playing.
        """
        path = self.run.journal_path(stage)
        if not path.is_file():
            return
        with path.open("rb") as file:
            for line in file:
                try:
                    record = orjson.loads(line[9:])
                except ValueError:
                    continue
                if isinstance(record, dict) and "k" in record:
                    yield record


def who_answered(reader: Reader, engine: str) -> Answered:
    """Return who answered a run's requests so far, the stage that is being played counted. engine: as configured."""
    status = reader.json("status.json")
    tallies = [reader.json(f"tallies/{path.name}") for path in sorted((reader.run.folder / "tallies").glob("*.json"))]
    finished = status.get("state") == "done"
    now = [] if finished else [mapping(status.get("tally"))]
    return answered_by(reader.json("manifest.json"), engine, [*tallies, *now], finished=finished)


def whole(value: Any, default: int = 0) -> int:
    """Return a value as an int; the default for what is no number."""
    return int(value) if isinstance(value, int | float) and math.isfinite(value) else default


def number(value: Any) -> float | None:
    """Return a value as a float; None for what is no number, nan and infinity included."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def text(value: Any) -> str:
    """Return a value as text without control and direction characters; "" for None. Line breaks stay.

    Texts by agents pass here when they are read, so none can move a cursor, colour a screen or turn a line around.
    """
    return "" if value is None else clean(str(value))


def clean(words: str) -> str:
    """Return text without control and direction characters."""
    return _CONTROL.sub("", words)


def mapping(value: Any) -> dict[str, Any]:
    """Return a value that should be a mapping; {} when it is not."""
    return value if isinstance(value, dict) else {}
