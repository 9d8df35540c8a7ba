"""Fixtures that several rooms share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def small_model() -> Path:
    """Folder of the small real model; FOLKMOOT_TEST_MODEL names another one."""
    folder = Path(os.environ.get("FOLKMOOT_TEST_MODEL", "/tmp/m/out"))
    if not (folder / "config.json").is_file():
        pytest.skip(f"no model in {folder}; run `folkmoot model pull` and set FOLKMOOT_TEST_MODEL to its folder")
    return folder
