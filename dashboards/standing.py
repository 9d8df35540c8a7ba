"""Where a run stands, in a sentence: what it is doing, or where it ended. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dashboards.frames_text import code, label
from dashboards.runs_folder import RunState
from dashboards.sources import mapping, text

TRAIN = "train"
"""The node of the loop in which a policy is trained, and no stage plays."""
TRAINS = (
    "A policy is being trained. An order to stop ends it with the step at hand, and its checkpoint is kept; an order "
    "to pause is taken up once the policy is trained."
)


def doing(state: RunState, status: Mapping[str, Any]) -> str:
    """Return what a run is doing, or did last where it has ended, without a full stop. status: its heartbeat."""
    stage, node = text(status.get("stage")), text(mapping(status.get("loop")).get("node"))
    at = f"stage {code(stage)}" if stage else ""
    if state.word == "done":
        return f"Finished; the last was {at}" if at else "Finished"
    if not at:
        return "No stage has begun"
    loop = f", loop at {code(node)}" if node else ""
    return f"{at[0].upper()}{at[1:]}{loop}" if state.going else f"Ended in {at}{loop}"


def loop_line(state: RunState, loop: Mapping[str, Any]) -> str:
    """Return where the loop is or ended, and which policy is in force. loop: that part of the heartbeat."""
    node, round_ = code(text(loop.get("node"))), label(text(loop.get("round")))
    if state.word == "done":
        where = f"The loop is finished, with round {round_} as its last"
    elif state.going:
        where = f"The loop is at {node} in round {round_}"
    else:
        where = f"The loop is not finished: it stopped at {node} in round {round_}"
    return f"{where}; the policy in force is {code(text(loop.get('current')))}."


def is_training(state: RunState, status: Mapping[str, Any]) -> bool:
    """Whether a policy is being trained at this moment, as far as the heartbeat tells."""
    return state.going and text(mapping(status.get("loop")).get("node")) == TRAIN
