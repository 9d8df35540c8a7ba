"""Training in a process of its own: memory comes back when it ends, and a kill loses only the last few steps.

The parent side is `train`; the child side is `python -m selfalign.train.runner JOB.json PARENT`. They share nothing but
the working folder. A child killed by a signal is started once more from its newest checkpoint; a child whose parent (a
process id) has gone saves a checkpoint and ends.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agents.errors import UserError
from selfalign.train.job import (
    CURVE,
    DONE,
    ERROR,
    JOB,
    LOG,
    TrainJob,
    last_checkpoint,
    read_job,
    read_lines,
    whole_lines,
    write_json,
)

log = logging.getLogger(__name__)

OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "WANDB_MODE": "disabled",
    "TOKENIZERS_PARALLELISM": "false",
    "TQDM_DISABLE": "1",
    "PYTHONUNBUFFERED": "1",
}
POLL_S = 0.1
USER_ERROR, STOPPED = 2, 143


class TrainingDied(Exception):
    """The child ended with a bug; its log says which."""


def train(
    job: TrainJob,
    on_progress: Callable[[dict[str, Any]], None] | None = None,
    while_waiting: Callable[[], None] | None = None,
    *,
    num_restarts: int = 1,
) -> dict[str, Any]:
    """Run the job in a child process and return its summary; at once when it was complete already.

    on_progress: called with each line of the curve (an estimate first, then one a step). while_waiting: called ten
    times a second; what it raises is raised here, once the child has ended its step and left a checkpoint.
    Raises UserError for data or settings that cannot be trained, and when the child is killed again and again.
    """
    job.write()
    done = job.folder / DONE
    if done.exists():
        return dict(json.loads(done.read_text("utf-8")))
    (job.folder / ERROR).unlink(missing_ok=True)
    curve = job.folder / CURVE
    whole_lines(curve)
    offset = curve.stat().st_size if curve.exists() else 0
    for attempt in range(num_restarts + 1):
        code, offset = _run_child(job, offset, on_progress, while_waiting)
        if code == 0 and done.exists():
            return dict(json.loads(done.read_text("utf-8")))
        if (job.folder / ERROR).exists():
            raise UserError(**json.loads((job.folder / ERROR).read_text("utf-8")))
        if code == STOPPED:
            code = -signal.SIGTERM
        if code >= 0:
            raise TrainingDied(f"training {job.name} failed with code {code}; see {job.folder / LOG}\n{_tail(job)}")
        checkpoint = last_checkpoint(job.folder)
        where = f"from {checkpoint.name}" if checkpoint else "from the start"
        log.warning("training %s was killed by signal %d (try %d); going on %s", job.name, -code, attempt + 1, where)
    raise UserError(
        f"Training {job.name} was killed by signal {-code} ({signal.Signals(-code).name}) {num_restarts + 1} times.",
        "signal 9 is what the system sends when memory runs out."
        if code == -9
        else f"another process, or a person, stopped it from outside; see {job.folder / LOG}.",
        "lower recipe.batch or recipe.max_length, or set recipe.gradient_checkpointing=true, then resume: "
        "finished steps are kept",
    )


def _run_child(
    job: TrainJob,
    offset: int,
    on_progress: Callable[[dict[str, Any]], None] | None,
    while_waiting: Callable[[], None] | None,
) -> tuple[int, int]:
    """Start the child, pass its curve on, and return (exit code, offset reached in the curve)."""
    threads = str(int(job.config["threads"]) or len(os.sched_getaffinity(0)))
    # Waiting threads that spin instead of sleeping make training 10 to 25 times slower as soon as anything else runs.
    environment = {"OMP_WAIT_POLICY": "PASSIVE", **os.environ, **OFFLINE, "OMP_NUM_THREADS": threads}
    whole_lines(job.folder / CURVE)
    with (job.folder / LOG).open("ab") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", "selfalign.train.runner", str(job.folder / JOB), str(os.getpid())],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment,
            start_new_session=True,
        )
    try:
        while True:
            code = child.poll()
            for record, reached in list(read_lines(job.folder / CURVE, offset)):
                offset = reached
                if on_progress is not None:
                    on_progress(record)
            if code is not None:
                return code, offset
            if while_waiting is not None:
                while_waiting()
            time.sleep(POLL_S)
    except BaseException:
        # Ctrl-C, an order to stop or an error here: the child saves a checkpoint at the end of its step and stops.
        child.terminate()
        child.wait()
        raise


def _tail(job: TrainJob, num_lines: int = 15) -> str:
    path = job.folder / LOG
    return "\n".join(path.read_text("utf-8", errors="replace").splitlines()[-num_lines:]) if path.exists() else ""


def clean(folder: Path) -> None:
    """Throw checkpoints away; they hold optimiser state that nothing needs once the policy is stored."""
    for path in folder.glob("checkpoint-*"):
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the working folder's lock, so that two children never write one checkpoint."""
    with (folder / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def main(arguments: list[str]) -> int:
    """Train the job named on the command line; the child's side.

    The parent is told rather than looked up: it may be gone before the model is loaded, and then whoever took the
    child over would pass for it.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    os.environ.update(OFFLINE)
    job = read_job(Path(arguments[0]))
    parent = int(arguments[1]) if len(arguments) > 1 else os.getppid()
    with _alone(job.folder):
        if (job.folder / DONE).exists():
            return 0
        if os.getppid() != parent:
            return STOPPED
        from selfalign.train.trl import run_job

        try:
            run_job(job, parent=parent)
        except UserError as error:
            write_json(job.folder / ERROR, {"given": error.given, "why": error.why, "fix": error.fix})
            return USER_ERROR
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
