"""Taking in runs: what is there, whether it is whole, and the samples with everything that their lineage needs.

A run that cannot be used says so with the next step: half-written, of another version, with missing columns, empty, or
no run at all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from agents.errors import UserError
from agents.sample import Sample
from selfalign.release.config import ReleaseConfig
from selfalign.release.reviews import Reviews, read_reviews
from sim.store import Run
from sim.tables import SAMPLE_COLUMNS, samples_of

if TYPE_CHECKING:
    import polars as pl

OWN = "own"
"""Source of prompts that a society made up itself."""
ALONE = ("value_vectors", "utilities", "vectors", "beliefs", "metrics", "followed", "assemblies", "messages")
"""Event tables that make a release even where a run has no samples."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """One run as a release sees it. run_id: "name/folder". stages: those with samples or tables, in order."""

    run: Run
    run_id: str
    config: Mapping[str, Any]
    manifest: Mapping[str, Any]
    stages: tuple[str, ...]
    reviews: Reviews = field(default_factory=Reviews)
    warnings: tuple[str, ...] = ()

    @property
    def society(self) -> str:
        """Name of the society that was played."""
        return str((self.config.get("society") or {}).get("name") or "")

    @property
    def population(self) -> str:
        """Name of the population that personas were drawn from; "" where none was."""
        return str((self.config.get("population") or {}).get("name") or "")

    @property
    def asked(self) -> bool:
        """Whether a model, or the scripted engine, was asked anything; a society of numbers asks nobody."""
        return any(self.run.tally(stage).get("num_requests", 1) for stage in self.stages)

    @property
    def margins(self) -> str:
        """What the population was made to match: its variables, and which of them are tied; "" without a population."""
        population = self.config.get("population") or {}
        tied = [" x ".join(map(str, one.get("of") or ())) for one in population.get("joint") or ()]
        return ", ".join(map(str, population.get("variables") or ())) + (f"; tied: {', '.join(tied)}" if tied else "")

    @property
    def recipe(self) -> str:
        """Name of the recipe by which policies were trained; "" where the loop was off or trained nothing."""
        loop = self.config.get("loop") or {}
        if loop.get("num_rounds") == 0 or loop.get("train") is False:
            return ""
        return str((self.config.get("recipe") or {}).get("name") or "")

    @property
    def settings_digest(self) -> str:
        """Digest of the run's config, 32 hexadecimal digits."""
        return hashlib.blake2b(
            orjson.dumps(portable(self.config), option=orjson.OPT_SORT_KEYS), digest_size=16
        ).hexdigest()


@dataclass(frozen=True, slots=True)
class Item:
    """A sample and the run that it is from. source: the file that its instruction came from, or OWN."""

    sample: Sample
    run: int
    stage: str
    source: str = OWN


def open_runs(folders: Sequence[Path], config: ReleaseConfig) -> list[Intake]:
    """Open runs, sorted by id. Raises UserError for what is no finished run of this version, or is named twice."""
    if not folders:
        raise UserError("No run was named.", "a release is made from runs.", "folkmoot release build RUN [RUN ...]")
    taken = sorted((_open(folder, config) for folder in folders), key=lambda intake: intake.run_id)
    for left, right in pairwise(taken):
        if left.run_id == right.run_id:
            raise UserError(
                f"The run {left.run_id} was named twice.", "its rows would be in the data twice.", "name every run once"
            )
    return taken


def _open(folder: Path, config: ReleaseConfig) -> Intake:
    if not folder.is_dir():
        raise UserError(
            f"There is no run folder {folder}.",
            "it is a file." if folder.exists() else "nothing of that name is there.",
            "see `folkmoot ls` for the runs that exist",
        )
    run = Run.open(folder)
    settings, manifest, status = _read(run)
    _check_version(run, manifest, config)
    sampled = {path.name for path in (run.folder / "samples").glob("*") if path.is_dir()}
    told = {path.name for path in (run.folder / "events").glob("*") if path.is_dir()}
    stages = tuple(sorted(sampled | told, key=stage_key))
    open_stages = [stage for stage in stages if not run.is_complete(stage)]
    if open_stages and not config.allow_partial:
        why = str(status.get("why") or f"its state is {status.get('state') or 'unknown'}").rstrip(".")
        raise UserError(
            f"The run {run.folder} is half-written: {', '.join(open_stages)} did not end.",
            f"{why}.",
            f"run: folkmoot resume {run.folder}, or take what is there with allow_partial=true",
        )
    if not sampled and not _has_tables(run):
        raise UserError(
            f"The run {run.folder} is empty: it has no samples, transcripts or measured values.",
            "its society has played no stage yet."
            if not stages
            else "every scene was lost, or its society writes none.",
            f"run: folkmoot resume {run.folder}, or look at what was lost with folkmoot show {run.folder}",
        )
    warnings = [f"{stage} of {run.folder.name} was not played to the end" for stage in open_stages]
    return Intake(
        run=run,
        run_id=f"{settings.get('name', 'run')}/{run.folder.resolve().name}",
        config=settings,
        manifest=manifest,
        stages=stages,
        reviews=read_reviews(run.folder),
        warnings=tuple(warnings),
    )


def _has_tables(run: Run) -> bool:
    """Tell whether a run without samples has something else that becomes rows."""
    tables = {path.name.rsplit("-", 1)[0] for path in (run.folder / "events").glob("*/*.parquet")}
    return bool(tables & set(ALONE)) or any((run.folder / "scores").glob("*.parquet"))


def _read(run: Run) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    import yaml

    try:
        settings, manifest, status = run.config, run.manifest, run.status
        if not isinstance(settings, dict) or not all(isinstance(one, dict) for one in (manifest, status)):
            raise ValueError("a file holds no mapping")
    except (ValueError, yaml.YAMLError) as error:
        raise UserError(
            f"The run {run.folder} cannot be read.",
            f"config.yaml, manifest.json or status.json is damaged: {str(error).splitlines()[0]}.",
            "restore the folder from a copy, or take another run (folkmoot ls)",
        ) from None
    if not manifest.get("versions"):
        raise UserError(
            f"The run {run.folder} is half-written: its manifest is missing.",
            "nobody could say which model and prompts made it.",
            "start it again with folkmoot run, or take another run (folkmoot ls)",
        )
    return settings, manifest, status


def _check_version(run: Run, manifest: Mapping[str, Any], config: ReleaseConfig) -> None:
    from importlib.metadata import PackageNotFoundError, version

    made = str(manifest["versions"].get("folkmoot") or "unknown")
    try:
        here = version("folkmoot")
    except PackageNotFoundError:  # run from a checkout that is not installed: nothing to compare with
        return
    if made.split(".")[:2] != here.split(".")[:2] and not config.allow_other_versions:
        raise UserError(
            f"The run {run.folder} was made by Folkmoot {made}; this is {here}.",
            "what its columns mean may differ.",
            f"build the release with Folkmoot {made}, play the run again (folkmoot replay), "
            "or say allow_other_versions=true if you know that they agree",
        )


def stage_key(stage: str) -> tuple[int, str]:
    """Return (round, name) of a stage named "r<round>.<verb>"; names of another form come last."""
    number = stage.partition(".")[0].lstrip("r")
    return (int(number) if number.isdigit() else 1_000_000, stage)


def read_items(intakes: Sequence[Intake]) -> Iterator[Item]:
    """Yield all samples of all runs, part by part, with their sources."""
    for number, intake in enumerate(intakes):
        for stage in intake.stages:
            parts = sorted((intake.run.folder / "samples" / stage).glob("part-*.parquet"))
            sources = _sources(intake, stage) if parts else {}
            for part in parts:
                for sample in _samples(part, intake.run.folder):
                    scene = str(sample.meta.get("scene_id") or "")
                    source = str(sample.meta.get("source") or sources.get(scene) or OWN)
                    yield Item(sample, number, stage, source)


def _samples(part: Path, folder: Path) -> list[Sample]:
    import polars as pl
    from polars.exceptions import PolarsError

    try:
        frame = pl.read_parquet(part)
        missing = [name for name in SAMPLE_COLUMNS if name not in frame.columns]
        if missing:
            raise UserError(
                f"{part} lacks the columns {', '.join(missing)}.",
                f"samples have {', '.join(SAMPLE_COLUMNS)}; another program or version wrote this file.",
                f"play the run again (folkmoot replay {folder}), or leave it out",
            )
        return samples_of(frame)
    except (PolarsError, OSError, ValueError, TypeError, KeyError) as error:
        raise UserError(
            f"{part} cannot be read.",
            f"{str(error).splitlines()[0][:160]}.",
            f"the file is torn or foreign: resume the run (folkmoot resume {folder}) or restore it from a copy",
        ) from None


def events(
    intake: Intake, stage: str, table: str, columns: Iterable[str], *, by: Sequence[str] = ()
) -> pl.DataFrame | None:
    """Return some columns of an event table, or None when the stage has no such table.

    by: the societies that write it in this form; empty is any. A table of another society that only bears the same name
    is no such table. Raises UserError when it lacks one of the columns.
    """
    if not list((intake.run.folder / "events" / stage).glob(f"{table}-*.parquet")):
        return None
    frame = intake.run.read_events(stage, table)
    wanted = list(columns)
    missing = [name for name in wanted if name not in frame.columns]
    if missing and by and intake.society not in by:
        return None
    if missing:
        raise UserError(
            f"The table {table} of {stage} in {intake.run.folder} lacks the columns {', '.join(missing)}.",
            f"a release reads {', '.join(wanted)} from it.",
            f"play the run again (folkmoot replay {intake.run.folder}), or leave it out",
        )
    return frame.select(wanted)


def scores(intake: Intake, columns: Iterable[str]) -> Iterator[tuple[str, pl.DataFrame]]:
    """Yield (stage, some columns of its scores) for each measured stage. Raises UserError when it lacks one of them."""
    import polars as pl
    from polars.exceptions import PolarsError

    wanted = list(columns)
    for path in sorted((intake.run.folder / "scores").glob("*.parquet"), key=lambda p: stage_key(p.stem)):
        try:
            yield path.stem, pl.read_parquet(path).select(wanted)
        except (PolarsError, OSError) as error:
            raise UserError(
                f"{path} cannot be read.",
                f"a release reads {', '.join(wanted)} from it: {str(error).splitlines()[0][:120]}.",
                f"play the run again (folkmoot replay {intake.run.folder}), or leave it out",
            ) from None


def _sources(intake: Intake, stage: str) -> dict[str, str]:
    """Return scene -> source, the line number taken off ("ordinary.jsonl:43")."""
    frame = events(intake, stage, "scenes", ("scene_id", "source"))
    if frame is None:
        return {}
    return {scene: source_name(source) for scene, source in frame.iter_rows()}


def source_name(source: str) -> str:
    """Return the file of a source that names a line of it."""
    name, colon, line = str(source or "").rpartition(":")
    return name if colon and line.isdigit() else str(source or OWN)


def root_of(key: str) -> str:
    """Return the root script of a request: "r1.play/scene-1/2.child#0" is of "r1.play/scene-1"."""
    return "/".join(key.partition("#")[0].split("/", 2)[:2])


def request_records(intake: Intake, wanted: Collection[str], roots: set[str]) -> Iterator[dict[str, Any]]:
    """Yield the records of the run's journals, of named requests and of all that named scripts made.

    Those that are not there are left out.
    """
    for stage in sorted({key.partition("/")[0] for key in (*wanted, *roots)}):
        path = intake.run.journal_path(stage)
        if not path.is_file():
            continue
        with path.open("rb") as file:
            for line in file:
                try:
                    record = orjson.loads(line[9:])
                except ValueError:  # a torn tail; what it held is simply not known
                    continue
                key = record.get("k")
                if key in wanted or (key and root_of(key) in roots):
                    yield record


def _portable(value: Any) -> Any:
    """Return settings in which absolute paths are cut to their names: they say nothing elsewhere."""
    if isinstance(value, Mapping):
        return {str(key): _portable(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_portable(one) for one in value]
    if isinstance(value, str) and (value.startswith(("/", "~")) or value[1:3] == ":\\"):
        return Path(value.replace("\\", "/")).name
    return value


def portable(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a run's config without what belongs to one machine."""
    out: dict[str, Any] = _portable(config)
    out.pop("paths", None)
    return out
