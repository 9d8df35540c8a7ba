"""One release, built once: copies of it are damaged, loaded and trained on."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from selfalign.release.build import Built, build_release
from sim.store import Run
from tests.release.making import many, settings, write_run, write_scenes, write_values


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A whole run with samples, scenes and values."""
    made = write_run(tmp_path_factory.mktemp("runs"), many())
    write_scenes(made, 40)
    write_values(made)
    return made


@pytest.fixture(scope="session")
def built(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Its release."""
    return build_release([run.folder], settings(tmp_path_factory.mktemp("releases")))


@pytest.fixture
def copy(built: Built, tmp_path: Path) -> Path:
    """A copy of the release that a test may damage."""
    folder = tmp_path / built.folder.name
    shutil.copytree(built.folder, folder)
    return folder
