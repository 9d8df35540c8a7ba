"""The curve of a training while it runs, and as a table when it is over."""

from __future__ import annotations

import json
import math
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selfalign.train.job import CURVE, read_lines

if TYPE_CHECKING:
    import polars as pl

WATCHED = (
    "loss",
    "grad_norm",
    "learning_rate",
    "rewards/accuracies",
    "rewards/margins",
    "mean_token_accuracy",
    "accuracy",
    "margin",
    "reward",
    "reward_std",
    "frac_reward_zero_std",
    "kl",
    "completions/mean_length",
)


class Progress:
    """Writes the curve: one JSON line a step, flushed, so that whoever watches sees it at once."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8")
        self._began = 0.0
        self._first_step = 0
        self._first_tokens = 0
        self.resumed_from = ""
        self.stopped = False
        self.tokens = 0
        self.seconds = 0.0
        self.tokens_per_s = 0.0

    def write(self, record: dict[str, Any]) -> None:
        """Append one line."""
        self._file.write(json.dumps(record) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the curve."""
        self._file.close()

    def begin(self, *, resumed_from: str) -> None:
        """Start the clock."""
        self._began = time.monotonic()
        self.resumed_from = resumed_from
        if resumed_from:
            self._first_step = int(resumed_from.removeprefix("checkpoint-"))
            self.write({"event": "resumed", "step": self._first_step})

    def step(self, state: Any, logs: dict[str, Any]) -> None:
        """Append what the trainer logged for one step, with speed and time to go."""
        self.seconds = time.monotonic() - self._began
        self.tokens = int(logs.get("num_tokens", 0)) or self.tokens
        self.tokens_per_s = self.tokens / self.seconds if self.seconds else 0.0
        done = max(1, state.global_step - self._first_step)
        eta = self.seconds / done * (state.max_steps - state.global_step)
        known = {key.rpartition("/")[2]: round(float(logs[key]), 8) for key in WATCHED if key in logs}
        self.write(
            {
                "step": int(state.global_step),
                "max_steps": int(state.max_steps),
                **known,
                "tokens": self.tokens,
                "tokens_per_s": round(self.tokens_per_s, 1),
                "seconds": round(self.seconds, 2),
                "eta_s": round(eta, 1),
            }
        )


def watch(progress: Progress, parent: int) -> Any:
    """Return the trainer callback: writes the curve, ends after a checkpoint when asked or when the parent is gone."""
    import signal

    from transformers import TrainerCallback

    class Watch(TrainerCallback):  # type: ignore[misc]
        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            if logs and "loss" in logs:
                progress.step(state, logs)

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if progress.stopped or os.getppid() != parent:
                progress.stopped = True
                control.should_save = True
                control.should_training_stop = True

    def stop(*_: Any) -> None:
        progress.stopped = True

    signal.signal(signal.SIGTERM, stop)
    return Watch()


def curve_frame(folder: Path) -> pl.DataFrame:
    """Return the curve of a working folder, one row a step; steps repeated after a kill count once, the last time."""
    import polars as pl

    steps = {line["step"]: line for line, _ in read_lines(folder / CURVE) if "event" not in line}
    return pl.DataFrame([steps[step] for step in sorted(steps)], infer_schema_length=None)


def mean_loss(folder: Path) -> float:
    """Return the mean loss over the steps of a working folder's curve, whatever kills lie between them.

    Transformers' own mean counts only the steps since the last start: 0 where a kill came after the last of them.
    """
    return math.fsum(losses := curve_frame(folder)["loss"].to_list()) / len(losses)
