"""Who answered a run: a model, the scripted engine, or nobody."""

from __future__ import annotations

from typing import Any

import pytest

from sim.answered import answered_by

SCRIPTED: dict[str, Any] = {"scripted": True}
ASKED, UNASKED = {"num_requests": 3}, {"num_requests": 0}


@pytest.mark.parametrize(
    ("manifest", "engine", "tallies", "finished", "answered"),
    [
        (SCRIPTED, "scripted", [ASKED], True, "script"),
        (SCRIPTED, "scripted", [UNASKED, ASKED], True, "script"),
        (SCRIPTED, "scripted", [UNASKED], True, "nobody"),
        ({}, "vllm", [UNASKED], True, "nobody"),
        ({}, "vllm", [ASKED], True, "model"),
        ({}, "vllm", [], False, "model"),
        ({}, "scripted", [ASKED], True, "script"),
        ({"engine": {"scripted": True}}, "replay", [ASKED], True, "script"),
        ({"scripted": True}, "scripted", [], False, "script"),
        ({"scripted": True, "num_expected": 0}, "scripted", [{}], False, "nobody"),
        ({"scripted": True, "num_expected": 9}, "scripted", [{}], False, "script"),
        ({"scripted": True, "num_expected": 0}, "scripted", [UNASKED, ASKED], False, "script"),
    ],
)
def test_scripted_is_what_the_scripted_engine_answered(
    manifest: dict[str, Any], engine: str, tallies: list[dict[str, Any]], finished: bool, answered: str
) -> None:
    assert answered_by(manifest, engine, tallies, finished=finished) == answered


@pytest.mark.parametrize("tallies", [[], [{}], [{"num_requests": None}], [UNASKED, {}]])
def test_a_run_whose_counts_are_missing_counts_as_scripted(tallies: list[dict[str, Any]]) -> None:
    assert answered_by(SCRIPTED, "scripted", tallies, finished=True) == "script"
