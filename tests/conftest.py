"""Fixtures that several rooms share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# Tests share their cores with each other: threads that spin while they wait cost an order of magnitude.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


@pytest.fixture(scope="session")
def small_model() -> Path:
    """Folder of the small real model; FOLKMOOT_TEST_MODEL names another one."""
    given = os.environ.get("FOLKMOOT_TEST_MODEL")
    if given:
        return Path(given)
    from agents.errors import UserError
    from sim.models import path

    try:
        return path()
    except UserError as missing:
        pytest.skip(f"{missing.given} Run: folkmoot model pull")
