"""A folder of small runs: one that ended well, one that was stopped, one that broke, and none at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.store import Run
from tests.dashboards.fake_run import HOSTILE, make_run


@pytest.fixture(scope="session")
def runs_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("dash") / "runs"
    make_run(root, text=HOSTILE)
    return root


@pytest.fixture(scope="session")
def name(runs_root: Path) -> str:
    return f"tiny/{next((runs_root / 'tiny').iterdir()).name}"


@pytest.fixture
def broken_root(tmp_path: Path) -> Path:
    """A run that was cut off: torn JSON, a torn Parquet file, a missing column, a process that is gone."""
    root = tmp_path / "runs"
    run = make_run(root)
    break_run(run)
    return root


def break_run(run: Run) -> None:
    import polars as pl

    (run.folder / "status.json").write_text('{"state": "running", "pid": 999999, "updated": "2026-01-01T00:00:00Z"}')
    (run.folder / "manifest.json").write_text('{"created": ')
    (run.folder / "tallies" / "r1.play.json").write_text("{")
    (run.folder / "gates" / "r1.json").write_text("[]")
    (run.folder / "events" / "r1.play" / "incidents-00000.parquet").write_bytes(b"PAR1 torn")
    scenes = run.folder / "events" / "r1.play" / "scenes-00000.parquet"
    pl.read_parquet(scenes).drop("instruction", "harmful_p").write_parquet(scenes)
    samples = run.folder / "samples" / "r1.play" / "part-00000.parquet"
    pl.read_parquet(samples).drop("votes").write_parquet(samples)
    (run.folder / "reviews.jsonl").write_bytes(
        b'{"sample_id": "scene-0.row", "verdict": "flag", "reviewer": "A"}\n{"sam'
    )
