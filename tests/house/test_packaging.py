"""The wheel holds everything a run needs, and works from an empty folder."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_wheel_ships_prompts_configs_and_items_and_runs_from_an_empty_folder(tmp_path: Path) -> None:
    pytest.importorskip("hatchling", reason="hatchling is not installed; it comes with the dev extra")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    wheel = next(tmp_path.glob("*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        shipped = set(archive.namelist())
        archive.extractall(tmp_path / "site")
    wanted = {
        str(path.relative_to(ROOT))
        for room in ("agents", "societies", "sim", "selfalign", "dashboards", "conf")
        for pattern in ("*.py", "*.yaml", "*.jinja", "*.jsonl")
        for path in (ROOT / room).rglob(pattern)
    }
    assert wanted <= shipped
    empty = tmp_path / "empty"
    empty.mkdir()
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r});"
        "from sim.cli import main; sys.exit(main(['--version']))"
    )
    out = subprocess.run([sys.executable, "-c", code], cwd=empty, capture_output=True, text=True)
    assert out.returncode == 0, out.stderr
