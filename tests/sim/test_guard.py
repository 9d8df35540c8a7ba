"""A foreign `agents` is one sentence at start-up, and a healthy start costs next to nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from agents.errors import UserError
from sim import guard

ROOT = Path(guard.__file__).parent.parent


def run_with(first_on_path: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh interpreter that finds `first_on_path` before our tree."""
    head = f"import sys; sys.path[:0] = [{str(first_on_path)!r}, {str(ROOT)!r}]\n"
    return subprocess.run([sys.executable, "-c", head + code], capture_output=True, text=True, check=False, cwd="/")


def foreign_package(folder: Path) -> Path:
    """Make a site folder in which a distribution `openai-agents` owns the name `agents`."""
    (folder / "agents").mkdir(parents=True)
    (folder / "agents" / "__init__.py").write_text("raise RuntimeError('the foreign package was imported')\n")
    info = folder / "openai_agents-0.9.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: openai-agents\nVersion: 0.9\n")
    (info / "RECORD").write_text("agents/__init__.py,,\nopenai_agents-0.9.dist-info/METADATA,,\n")
    return folder


def test_our_own_agents_passes() -> None:
    assert guard.foreign_agents() is None
    assert guard.complaint() is None
    guard.check_agents_package()


def test_a_foreign_agents_is_named_with_its_distribution(tmp_path: Path) -> None:
    site = foreign_package(tmp_path / "site")
    child = run_with(site, "from sim.guard import complaint; print(complaint())")
    assert child.returncode == 0, child.stderr
    assert child.stdout.startswith('The Python package "agents" belongs to "openai-agents", not to Folkmoot.\nWhy:  ')
    assert "Do:   run: uv pip uninstall openai-agents" in child.stdout


def test_the_error_is_raised_even_when_our_errors_module_is_shadowed(tmp_path: Path) -> None:
    site = foreign_package(tmp_path / "site")
    (site / "agents" / "__init__.py").write_text("")
    code = """
from sim.guard import check_agents_package
try:
    check_agents_package()
except Exception as error:
    print(type(error).__name__, error)
"""
    child = run_with(site, code)
    assert child.returncode == 0, child.stderr
    assert child.stdout.startswith("UserError The Python package")


def test_a_stray_folder_named_agents_is_told_by_its_place(tmp_path: Path) -> None:
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents" / "__init__.py").write_text("")
    child = run_with(tmp_path, "from sim.guard import complaint; print(complaint())")
    assert f"comes from {tmp_path / 'agents'}, not from Folkmoot" in child.stdout


def test_an_overwritten_init_file_is_noticed(tmp_path: Path) -> None:
    site = tmp_path / "site"
    for name in ("agents", "sim"):
        (site / name).mkdir(parents=True)
        (site / name / "__init__.py").write_text("")
    (site / "agents" / "errors.py").write_text((ROOT / "agents" / "errors.py").read_text())
    (site / "sim" / "guard.py").write_text((ROOT / "sim" / "guard.py").read_text())
    info = site / "folkmoot-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: folkmoot\nVersion: 0.1.0\n")
    empty = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"
    (info / "RECORD").write_text(f"agents/__init__.py,sha256={empty},0\nsim/guard.py,,\n")
    code = "from sim.guard import foreign_agents; print(foreign_agents())"
    assert run_with(site, code).stdout == "None\n"
    (site / "agents" / "__init__.py").write_text("from .run import Runner\n")
    assert run_with(site, code).stdout == f"{site / 'agents'}\n"


def test_the_check_imports_neither_agents_nor_anything_heavy(tmp_path: Path) -> None:
    heavy = ("agents", "torch", "mesa", "pydantic")
    code = f"from sim.guard import complaint; complaint(); print([m for m in {heavy} if m in sys.modules])"
    assert run_with(tmp_path, code).stdout == "[]\n"


def test_the_error_class_is_the_one_the_command_line_catches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "foreign_agents", lambda: "/somewhere/agents")
    with pytest.raises(UserError, match="comes from /somewhere/agents"):
        guard.check_agents_package()
