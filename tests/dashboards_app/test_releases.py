"""What the page of releases reads."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from agents.errors import UserError
from dashboards.releases import body_of, counts_frame, read_release, releases_below


@pytest.fixture
def release(tmp_path: Path) -> Path:
    folder = tmp_path / "releases" / "demo-v0.1.0"
    (folder / "data" / "pairs").mkdir(parents=True)
    (folder / "reports").mkdir()
    (folder / "SHA256SUMS").write_text("")
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n# Demo\n")
    (folder / "reports" / "pii.json").write_text('{"summary": "none found"}')
    for n in range(2):
        frame = pl.DataFrame({"id": [f"{n}-{k}" for k in range(3)]})
        frame.write_parquet(folder / "data" / "pairs" / f"train-{n:05d}-of-00002.parquet")
    return folder


def test_a_release_is_found_and_read(release: Path) -> None:
    found = releases_below([release.parent, release.parent.parent / "none"])
    assert list(found) == ["demo-v0.1.0"]
    one = read_release(release)
    assert counts_frame(one).rows() == [("data/pairs", "train", 6)]
    assert one.reports["reports/pii.json"]["summary"] == "none found"
    assert body_of(one.card) == "# Demo\n"
    assert not one.problems


def test_what_is_broken_in_a_release_is_named(release: Path) -> None:
    (release / "README.md").unlink()
    (release / "reports" / "pii.json").write_text("{")
    (release / "data" / "pairs" / "test-00000-of-00001.parquet").write_bytes(b"PAR1")
    said = " ".join(read_release(release).problems)
    assert "README.md" in said
    assert "pii.json" in said
    assert "test-00000" in said


def test_links_are_left_out(release: Path, tmp_path: Path) -> None:
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "also").symlink_to(release)
    assert not releases_below([tmp_path / "linked"])


def test_a_folder_that_is_no_release_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no release") as caught:
        read_release(tmp_path)
    assert "release build" in caught.value.fix
