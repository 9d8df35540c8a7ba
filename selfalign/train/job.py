"""A training job as files in one working folder: what the child process is told, and what it reports.

`job.json` the order · `rows.parquet` the rows · `curve.jsonl` progress, one line a step · `train.log` everything else
· `checkpoint-N/` to go on from after a kill · `adapter/` the result · `done.json` its summary · `error.json` a user's
mistake. The folder is thrown away when the policy has been stored.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sim.tables import write_frame

JOB, ROWS, CURVE, LOG, ADAPTER, DONE, ERROR = (
    "job.json",
    "rows.parquet",
    "curve.jsonl",
    "train.log",
    "adapter",
    "done.json",
    "error.json",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainJob:
    """One adapter to train.

    engine: as `Recipe.engine`, or "trl:reward" for the reward model that comes before a policy.
    loss: TRL's name of the loss. knobs: further arguments of TRL's config.
    config: the fields of `TrainConfig`. base_folder: the base model. base_digest: of its files.
    parent: name of the policy to go on from, "base" for a fresh adapter; parent_folder: its adapter, else "".
    data_digest: of the rows. seed: of this job (run seed and recipe seed are in it).
    """

    folder: Path
    name: str
    recipe: str
    engine: str
    loss: str
    config: Mapping[str, Any]
    base_folder: str
    base_digest: str = ""
    parent: str = "base"
    parent_folder: str = ""
    data_digest: str = ""
    seed: int = 0
    knobs: Mapping[str, Any] = field(default_factory=dict)

    def write(self) -> Path:
        """Write `job.json` into the working folder and return its path."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return write_json(self.folder / JOB, {**asdict(self), "folder": str(self.folder)})


def read_job(path: Path) -> TrainJob:
    """Read `job.json`; the folder that holds it counts, not the one written inside (runs may be moved)."""
    raw = json.loads(path.read_text("utf-8"))
    return TrainJob(**{**raw, "folder": path.parent})


def write_json(path: Path, content: Mapping[str, Any]) -> Path:
    """Write a JSON file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".part")
    with temporary.open("w", encoding="utf-8") as file:
        json.dump(content, file, indent=2, sort_keys=True)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    return path


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]], sample_ids: Sequence[str]) -> None:
    """Write training rows with the sample that each came from."""
    import polars as pl

    records = [{**row, "sample_id": sample_id} for row, sample_id in zip(rows, sample_ids, strict=True)]
    write_frame(path, pl.DataFrame(records, infer_schema_length=None))


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Read training rows as TRL wants them, without the lineage column."""
    import polars as pl

    rows: list[dict[str, Any]] = pl.read_parquet(path).drop("sample_id").to_dicts()
    return rows


def read_lines(path: Path, start: int = 0) -> Iterator[tuple[dict[str, Any], int]]:
    """Yield (record, offset behind it) of every whole line from an offset on; a torn last line waits."""
    if not path.exists():
        return
    with path.open("rb") as file:
        file.seek(start)
        for line in file:
            if not line.endswith(b"\n"):
                return
            start += len(line)
            yield json.loads(line), start


def whole_lines(path: Path) -> None:
    """Cut off a last line that a kill tore; the next one would be written onto its end."""
    if path.exists() and (data := path.read_bytes()) and not data.endswith(b"\n"):
        os.truncate(path, data.rfind(b"\n") + 1)


def last_checkpoint(folder: Path) -> Path | None:
    """Return the newest whole checkpoint of a working folder, or None.

    Transformers writes `trainer_state.json` last but one, and a kill may leave a torn folder: those without it, or
    without weights, do not count.
    """
    found = []
    for path in folder.glob("checkpoint-*"):
        whole = (path / "trainer_state.json").is_file() and any(path.glob("**/adapter_model.safetensors"))
        if whole and path.name.removeprefix("checkpoint-").isdigit() and _state_reads(path):
            found.append(path)
    return max(found, key=lambda path: int(path.name.removeprefix("checkpoint-")), default=None)


def _state_reads(path: Path) -> bool:
    try:
        json.loads((path / "trainer_state.json").read_text("utf-8"))
    except ValueError:
        return False
    return True
