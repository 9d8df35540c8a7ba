"""Large tables in many parts: a slim index of all rows, and one row's whole story from its own part alone.

Parts are numbered alike over the tables of a stage (256 scripts each), so what belongs to one script lies in the files
of one number. Reading those keeps a page quick over a million events.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from dashboards.frames_text import NAME_CHARACTERS, cut_inside
from dashboards.sources import Reader, stage_key
from sim.store import Run

if TYPE_CHECKING:
    import polars as pl

EXCERPT = 160
PATH = "::path"


class PartReader(Reader):
    """A reader of one part's tables, and of one script's lines in the journal."""

    def __init__(self, run: Run, part: str = "", script: str = "") -> None:
        super().__init__(run)
        self._part = part
        self._needle = f'"k":"{script}'.encode() if script else b""

    def table(self, pattern: str, columns: Sequence[str] = (), **equal: str) -> pl.DataFrame:
        """Return the rows as `Reader.table` does, of this part only."""
        narrow = pattern.replace("-*.parquet", f"-{self._part}.parquet") if self._part else pattern
        return super().table(narrow, columns, **equal)

    def journal(self, stage: str) -> Iterator[dict[str, Any]]:
        """Yield the journal's records of this script; other lines are not even parsed."""
        path = self.run.journal_path(stage)
        if not path.is_file():
            return
        with path.open("rb") as file:
            for line in file:
                if self._needle not in line:
                    continue
                try:
                    record = orjson.loads(line[9:])
                except ValueError:
                    continue
                if isinstance(record, dict) and "k" in record:
                    yield record


def stages_of(run: Run, kind: str) -> list[str]:
    """Return the stages that have a folder below `events` or `samples`, in the order of playing."""
    return sorted((p.name for p in (run.folder / kind).glob("*") if p.is_dir() and not p.is_symlink()), key=stage_key)


def script_keys(run: Run, stage: str, script: str) -> list[str]:
    """Return the identities of the requests that a script and its children made, as journalled."""
    from itertools import chain

    reader = PartReader(run, script=script)
    own = (str(r["k"]) for r in chain(reader.journal(stage)))
    return [key for key in own if key.startswith((f"{script}#", f"{script}/"))]


def index_of(run: Run, pattern: str, columns: dict[str, Any]) -> tuple[pl.DataFrame, list[str]]:
    """Return a slim frame over all parts, with the column `part`, and what could not be read.

    columns: name -> a Polars expression over the part's own columns; where a column of its is not there, it is null.
    """
    import polars as pl

    paths = [p for p in sorted(run.folder.glob(pattern)) if not p.is_symlink() and not p.name.startswith(".")]
    if not paths:
        return pl.DataFrame(), []
    try:
        whole = pl.scan_parquet(paths, include_file_paths=PATH)
        if all(set(expr.meta.root_names()) <= set(whole.collect_schema().names()) for expr in columns.values()):
            part = pl.col(PATH).str.extract(r"-([^-]+)\.parquet$").alias("part")
            return whole.select(*(expr.alias(name) for name, expr in columns.items()), part).collect(), []
    except (OSError, pl.exceptions.PolarsError):
        pass  # one part is torn or has other columns; the slower way finds out which
    return _part_by_part(run, paths, columns)


def part_of(run: Run, pattern: str, column: str, value: str) -> str:
    """Return the number of the first part in which a column holds this value; "" when none does."""
    import polars as pl

    frame, _ = index_of(run, pattern, {column: pl.col(column).cast(pl.String)})
    found = frame.filter(pl.col(column) == value) if frame.width else frame
    return str(found["part"][0]) if len(found) else ""


def _part_by_part(run: Run, paths: Sequence[Path], columns: dict[str, Any]) -> tuple[pl.DataFrame, list[str]]:
    import polars as pl

    frames, problems = [], []
    for path in paths:
        try:
            scan = pl.scan_parquet(path)
            known = set(scan.collect_schema().names())
            frames.append(scan.select(_usable(columns, known)).with_columns(part=pl.lit(_part(path))).collect())
        except (OSError, pl.exceptions.PolarsError) as error:
            problems.append(f"{path.relative_to(run.folder)} cannot be read ({_first_line(error)}).")
    return (pl.concat(frames, how="vertical_relaxed") if frames else pl.DataFrame()), problems


def _usable(columns: dict[str, Any], known: set[str]) -> list[Any]:
    import polars as pl

    return [
        (expr if set(expr.meta.root_names()) <= known else pl.lit(None)).alias(name) for name, expr in columns.items()
    ]


def _part(path: Path) -> str:
    return path.stem.rsplit("-", 1)[-1]


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:120]


def scene_index(run: Run, stage: str) -> tuple[pl.DataFrame, list[str]]:
    """Return one row a scene: scene_id, script, kind, what it began with, how many acts took effect, how it ended."""
    import polars as pl

    text = {name: pl.col(name).cast(pl.String) for name in ("scene_id", "script", "kind", "end_reason")}
    nums = {name: pl.col(name).cast(pl.Int64) for name in ("num_roles", "num_accepted", "num_degraded")}
    more = {"instruction": pl.col("instruction").str.slice(0, EXCERPT), "harmful_p": pl.col("harmful_p")}
    return _named("scene_id", *index_of(run, f"events/{stage}/scenes-*.parquet", {**text, **nums, **more}))


def sample_index(run: Run, stage: str) -> tuple[pl.DataFrame, list[str]]:
    """Return one row a sample: id, kind, script, beginnings of prompt and first two candidates, and counts."""
    import polars as pl

    answers = pl.col("candidates").list
    words: dict[str, Any] = {name: pl.col(name).cast(pl.String) for name in ("sample_id", "kind", "script")}
    words["prompt"] = pl.col("prompt").list.last().struct.field("content").str.slice(0, EXCERPT)
    words["chosen"] = answers.get(0, null_on_oob=True).struct.field("text").str.slice(0, EXCERPT)
    words["rejected"] = answers.get(1, null_on_oob=True).struct.field("text").str.slice(0, EXCERPT)
    words["policy"] = pl.col("policies").list.join(", ")
    words["candidates"] = answers.len().cast(pl.Int64)
    words["votes"] = pl.col("votes").list.len().cast(pl.Int64)
    return _named("sample_id", *index_of(run, f"samples/{stage}/part-*.parquet", words))


def _named(column: str, frame: pl.DataFrame, problems: list[str]) -> tuple[pl.DataFrame, list[str]]:
    """Leave out rows without an id, which nothing can open, and say how many."""
    if not frame.width or not frame[column].null_count():
        return frame, problems
    told = f"{frame[column].null_count():,} rows have no {column}: they are of another version, and left out."
    return frame.drop_nulls(column), [*problems, told]


def filtered(frame: pl.DataFrame, *, words: str = "", **equal: str) -> pl.DataFrame:
    """Return the rows that hold these words (in any text column, no pattern) and have these values. "" is any."""
    import polars as pl

    if not frame.width:
        return frame
    keep = pl.lit(True)
    for name, value in equal.items():
        if value and name in frame.columns:
            keep = keep & (pl.col(name) == value)
    if words.strip():
        texts = [name for name, kind in frame.schema.items() if kind == pl.String and name not in ("part", "script")]
        wanted = words.strip().lower()
        hits = [pl.col(name).str.to_lowercase().str.contains(wanted, literal=True).fill_null(False) for name in texts]
        keep = keep & (pl.any_horizontal(hits) if hits else pl.lit(False))
    return frame.filter(keep)


def with_short_names(runs: pl.DataFrame) -> pl.DataFrame:
    """Return the list of runs as it is shown: long names without their middle, so that the last columns fit in."""
    import polars as pl

    return runs.with_columns(run=pl.Series([cut_inside(name, NAME_CHARACTERS) for name in runs["run"].to_list()]))


def with_reviews(frame: pl.DataFrame, verdicts: dict[str, str]) -> pl.DataFrame:
    """Return the frame with the column `review`: accept, flag, or "" where nobody looked."""
    import polars as pl

    if not frame.width:
        return frame
    return frame.with_columns(review=pl.col("sample_id").replace_strict(verdicts, default="", return_dtype=pl.String))
