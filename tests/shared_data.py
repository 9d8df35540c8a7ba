"""Where the reference data lies: beside the repository, or where FOLKMOOT_SHARED_DATA says; never inside it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def shared_data(name: str) -> Path:
    """Return the path of a reference file or folder, or skip the test with the path that is missing."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    path = Path(os.environ.get("FOLKMOOT_SHARED_DATA") or beside) / name
    if not path.exists():
        pytest.skip(f"reference data is not here: {path} (set FOLKMOOT_SHARED_DATA to its folder)")
    return path
