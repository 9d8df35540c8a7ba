"""Imports point only backwards along the house, also those inside functions."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINE = ("agents", "societies", "sim", "selfalign", "dashboards")
SOCIETY_DOORS = {"societies.seam"}
DASHBOARD_DOORS = (
    "agents",
    "societies",
    "sim.answered",
    "sim.store",
    "sim.tables",
    "sim.cli.seam",
    "sim.panel",
    "sim.desk",
    "sim.interview",
    "sim.control",
    "sim.config",
    "dashboards",
)
"""Societies' mathematics is pure: tools and reports count ballots with it. Engines and trainers stay outside."""


def imports_of(path: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.append(node.module)
    return [name for name in found if name.split(".")[0] in LINE]


@pytest.mark.parametrize("room", LINE)
def test_a_room_imports_only_rooms_before_it(room: str) -> None:
    allowed = set(LINE[: LINE.index(room) + 1])
    wrong = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in (ROOT / room).rglob("*.py")
        for name in imports_of(path)
        if name.split(".")[0] not in allowed
    }
    assert not wrong


def test_societies_know_nothing_of_each_other_or_of_sim() -> None:
    for path in (ROOT / "societies").rglob("*.py"):
        own = ".".join(path.relative_to(ROOT).parts[:2])
        for name in imports_of(path):
            if name.startswith("societies.") and name not in SOCIETY_DOORS:
                assert name.startswith(own), f"{path} imports {name}"


def test_sim_and_selfalign_know_societies_only_through_the_seam() -> None:
    for room in ("sim", "selfalign"):
        for path in (ROOT / room).rglob("*.py"):
            for name in imports_of(path):
                assert not name.startswith("societies") or name in SOCIETY_DOORS, f"{path} imports {name}"


def test_dashboards_import_no_engine_and_no_trainer() -> None:
    for path in (ROOT / "dashboards").rglob("*.py"):
        for name in imports_of(path):
            assert name.startswith(DASHBOARD_DOORS), f"{path} imports {name}"


def test_help_loads_neither_torch_nor_mesa_nor_polars() -> None:
    code = (
        "import sys; from sim.cli import main; main(['--help']);"
        "heavy = [m for m in ('torch','mesa','polars','vllm','hydra','langgraph','streamlit','scipy','pandas') "
        "if m in sys.modules]; print('HEAVY', heavy)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert out.strip().splitlines()[-1] == "HEAVY []"
