"""What is said of where a run stands: a run that has ended never says that it is still at work."""

from __future__ import annotations

from typing import Any

import pytest

from dashboards.runs_folder import RunState
from dashboards.standing import doing, is_training, loop_line

LOOP = {"round": 2, "node": "watch", "current": "p1"}


def run_in(word: str) -> RunState:
    return RunState(word=word, why="", going=word in ("running", "paused"))


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("running", "The loop is at `watch` in round 2; the policy in force is `p1`."),
        ("done", "The loop is finished, with round 2 as its last; the policy in force is `p1`."),
        ("stopped", "The loop is not finished: it stopped at `watch` in round 2; the policy in force is `p1`."),
        ("broken off", "The loop is not finished: it stopped at `watch` in round 2; the policy in force is `p1`."),
    ],
)
def test_a_loop_that_ended_is_not_at_its_last_node(word: str, said: str) -> None:
    assert loop_line(run_in(word), LOOP) == said


@pytest.mark.parametrize(
    ("word", "status", "said"),
    [
        ("running", {"stage": "r1.play"}, "Stage `r1.play`"),
        ("running", {"stage": "r1.play", "loop": LOOP}, "Stage `r1.play`, loop at `watch`"),
        ("running", {}, "No stage has begun"),
        ("done", {"stage": "r1.measure", "loop": LOOP}, "Finished; the last was stage `r1.measure`"),
        ("done", {}, "Finished"),
        ("failed", {"stage": "r1.play", "loop": LOOP}, "Ended in stage `r1.play`, loop at `watch`"),
        ("unknown", {}, "No stage has begun"),
    ],
)
def test_what_a_run_does_is_told_by_its_state(word: str, status: dict[str, Any], said: str) -> None:
    assert doing(run_in(word), status) == said


def test_a_run_trains_only_while_it_goes() -> None:
    train = {"stage": "r1.play", "loop": {**LOOP, "node": "train"}}
    assert is_training(run_in("running"), train)
    assert not is_training(run_in("stopped"), train)
    assert not is_training(run_in("running"), {"stage": "r1.play", "loop": LOOP})
