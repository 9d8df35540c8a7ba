"""The run folder: self-contained, re-runnable, and never overwritten.

`config.yaml`, `manifest.json`, `status.json`, `journal/`, `events/`, `samples/`, `deadletter/`, `tallies/`, `policies/`
and `logs/`. Files are written whole or are append-only with torn tails tolerated.
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import yaml

from agents.errors import UserError
from agents.sample import Sample
from sim.tables import samples_of, write_json, write_whole

if TYPE_CHECKING:
    import polars as pl


def utc_now() -> str:
    """Return the time as an ISO text in UTC, to the second."""
    return dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True)
class Run:
    """One run folder. Stages are named "r<round>.<verb>", such as "r1.play" or "r0.measure"."""

    folder: Path

    @classmethod
    def create(cls, root: Path, name: str, config: Mapping[str, Any], manifest: Mapping[str, Any]) -> Run:
        """Make a fresh folder `<root>/<name>/<UTC time>_<short id>` with config and manifest in it."""
        stamp = dt.datetime.now(dt.UTC).strftime("%Y%m%d-%H%M%S")
        folder = root / name / f"{stamp}_{secrets.token_hex(2)}"
        try:
            folder.mkdir(parents=True)
        except OSError as error:
            raise UserError(
                f"paths.runs = {root} cannot hold a run folder.",
                f"{error.strerror or error}.",
                "set paths.runs to a folder that you may write to and that has space",
            ) from error
        # In the given order: a population is read in the order of its keys, so another order is another population.
        write_whole(folder / "config.yaml", yaml.safe_dump(dict(config), sort_keys=False).encode())
        run = cls(folder)
        run.write_manifest(manifest)
        run.write_status(state="created")
        return run

    @classmethod
    def open(cls, folder: Path | str) -> Run:
        """Open an existing run folder. Raises UserError when it is none."""
        path = Path(folder)
        if not (path / "config.yaml").is_file():
            raise UserError(
                f"{path} is not a run folder.",
                "it holds no config.yaml.",
                "see `folkmoot ls` for the runs that exist, or start one with `folkmoot run`",
            )
        return cls(path)

    @property
    def config(self) -> dict[str, Any]:
        """The resolved config that the run was started with. Raises UserError for a file that holds none."""
        path = self.folder / "config.yaml"
        try:
            found = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise _damaged(path, " ".join(str(error).split())) from None
        if not isinstance(found, dict):
            raise _damaged(path, "it holds no keys and values")
        return found

    @property
    def config_in_force(self) -> dict[str, Any]:
        """The config that the run goes on under: what `align` put in the place of `config.yaml`, where it did."""
        told = self.manifest.get("align") or {}
        return dict(told.get("config") or self.config)

    @property
    def manifest(self) -> dict[str, Any]:
        """Versions, digests, seeds and whatever degraded; {} when it is not there yet."""
        return read_json(self.folder / "manifest.json")

    def write_manifest(self, manifest: Mapping[str, Any]) -> None:
        """Replace the manifest."""
        write_json(self.folder / "manifest.json", manifest)

    def note(self, key: str, value: Any) -> None:
        """Put one more fact into the manifest."""
        self.write_manifest({**self.manifest, key: value})

    def degrade(self, why: str) -> None:
        """Write into the manifest that something took another's place; once, however often it is told."""
        told = self.manifest.get("degraded", [])
        if why not in told:
            self.note("degraded", [*told, why])

    @property
    def status(self) -> dict[str, Any]:
        """The last heartbeat; {} when there is none, or a crash of the machine left only half of it."""
        try:
            return read_json(self.folder / "status.json")
        except UserError:
            return {}

    def write_status(self, **fields: Any) -> None:
        """Merge fields into the heartbeat and stamp it."""
        write_json(self.folder / "status.json", {**self.status, **fields, "updated": utc_now()}, durable=False)

    def journal_path(self, stage: str) -> Path:
        """Where a stage's journal is."""
        return self.folder / "journal" / f"{stage}.jsonl"

    def stages(self) -> list[str]:
        """Return the stages that have a journal, in the order they were begun."""
        files = (self.folder / "journal").glob("*.jsonl")
        return [p.stem for p in sorted(files, key=lambda p: (p.stat().st_ctime_ns, p.stem))]

    def tally(self, stage: str) -> dict[str, Any]:
        """Return a stage's counts; {} when it has not ended. "complete" tells whether it was played to the end."""
        return read_json(self.folder / "tallies" / f"{stage}.json")

    def is_complete(self, stage: str) -> bool:
        """Tell whether a stage was played to the end."""
        return bool(self.tally(stage).get("complete"))

    def read_events(self, stage: str, table: str) -> pl.DataFrame:
        """Return all rows of an event table, in the order of identity; an empty frame when there are none."""
        return _read_parts(self.folder / "events" / stage, f"{table}-*.parquet")

    def event_tables(self, stage: str) -> list[str]:
        """Return the names of a stage's event tables."""
        return sorted({p.stem.rsplit("-", 1)[0] for p in (self.folder / "events" / stage).glob("*.parquet")})

    def sample_frames(self, stage: str) -> pl.DataFrame:
        """Return all samples of a stage as a frame; empty when there are none."""
        return _read_parts(self.folder / "samples" / stage, "part-*.parquet")

    def read_samples(self, stage: str) -> list[Sample]:
        """Return all samples of a stage, in the order of identity."""
        return samples_of(self.sample_frames(stage))

    def dead_letters(self, stage: str) -> list[dict[str, Any]]:
        """Return the unusable replies of a stage with their requests."""
        path = self.folder / "deadletter" / f"{stage}.jsonl"
        if not path.exists():
            return []
        return [orjson.loads(line) for line in path.read_bytes().splitlines() if line]


def stage_key(stage: str) -> tuple[int, int, str]:
    """Return what sorts stages as they are played: by round, then play before measure (r0.measure comes first).

    >>> sorted(["r1.measure", "r0.measure", "r1.play"], key=stage_key)
    ['r0.measure', 'r1.play', 'r1.measure']
    """
    head, _, verb = stage.partition(".")
    number = int(head[1:]) if head[:1] == "r" and head[1:].isdigit() else 1_000_000
    order = {"play": 0, "baselines": 1, "label": 2, "train": 3, "measure": 4}
    return number, order.get(verb, 5), verb


def read_json(path: Path) -> dict[str, Any]:
    """Return the object of a JSON file, or {} when there is no such file. Raises UserError for one that is damaged."""
    if not path.exists():
        return {}
    try:
        found = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise _damaged(path, str(error)) from None
    if not isinstance(found, dict):
        raise _damaged(path, "it holds no keys and values")
    return found


def _damaged(path: Path, why: str) -> UserError:
    return UserError(
        f"{path} is damaged.", f"{why}.", "restore the file from a copy, or start a new run; the journal is not touched"
    )


def _read_parts(folder: Path, pattern: str) -> pl.DataFrame:
    import polars as pl

    parts = sorted(folder.glob(pattern))
    return pl.concat([pl.read_parquet(p) for p in parts]) if parts else pl.DataFrame()


def find_runs(root: Path) -> list[Run]:
    """Return all runs below a folder, newest first."""
    folders = {path.parent for path in root.glob("*/*/config.yaml")} | {p.parent for p in root.glob("*/config.yaml")}
    return [Run(folder) for folder in sorted(folders, key=lambda f: f.name, reverse=True)]


def latest_run(root: Path) -> Run:
    """Return the newest run. Raises UserError when there is none."""
    runs = find_runs(root)
    if not runs:
        raise UserError(
            f"There is no run below {root}.",
            "no folder there holds a config.yaml.",
            "start one with `folkmoot run experiment=demo`",
        )
    return runs[0]
