"""Replay: the same scripts against the journal alone. No model is needed, and every product must come out the same."""

from __future__ import annotations

import functools
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from agents.errors import UserError
from agents.registry import find
from sim.config import RunConfig, num_rounds, validate
from sim.engines.base import Engine, Finished, PolicyRef, Ticket, Usage
from sim.engines.replay import known_failure, read_header
from sim.journal import read_failures
from sim.limits import SCRIPT_LIMITS, Limits
from sim.session import BASE, Session
from sim.stage import StageResult
from sim.store import Run

COMPARED = ("events", "samples", "deadletter", "scores", "responses", "gates", "epochs", "metrics.parquet")
COPIED = ("journal", "policies")


class NothingOwed:
    """An engine that may not be asked: in a complete journal no step is missing but those that failed.

    failures: identity -> (digest, error, usage) of the requests that the run's own engine could not answer.
    """

    def __init__(self, failures: Mapping[str, tuple[str, str, Usage]] | None = None) -> None:
        self._failures = failures or {}
        self._finished: list[Finished] = []

    def submit(self, tickets: Sequence[Ticket]) -> None:
        """Let requests fail that failed before. Raises UserError for any other, naming the first."""
        for ticket in tickets:
            failed = known_failure(self._failures, ticket, ticket.digest)
            if failed is None:
                raise UserError(
                    f'The journal does not hold step "{ticket.key}".',
                    "the run was not finished, or code, prompts or packages have changed since and now ask something "
                    "else.",
                    "finish it (folkmoot resume RUN), or go back to the versions that its manifest.json names",
                )
            self._finished.append(failed)

    def poll(self) -> list[Finished]:
        """Return the requests that failed."""
        finished, self._finished = self._finished, []
        return finished

    def withdraw(self) -> int:
        """Every ticket comes back by itself."""
        return 0

    def facts(self) -> dict[str, Any]:
        """Say that this is a replay."""
        return {"engine": "replay of the journal"}

    def close(self) -> None:
        """Nothing to give back."""


class ReplaySession(Session):
    """A session whose every engine is the journal. original: the run that is replayed, whose stages say their limits.

    Policies that the config names from folders are those of the journal's headers: their weights are not needed.
    """

    def __init__(self, config: RunConfig, *, original: Run, run: Run, say: Callable[[str], None]) -> None:
        super().__init__(config, run=run, say=say)
        self.original = original

    @functools.cached_property
    def named(self) -> tuple[PolicyRef, ...]:
        """The further policies that the config names, by the digests that the journals were written under."""
        told: dict[str, str] = {}
        for path in self._journals():
            told |= read_header(path).get("policies") or {}
        return tuple(
            PolicyRef(name=name, kind="adapter", digest=told.get(name, "")) for name in sorted(self.config.policies)
        )

    def play(self, stage: str, *given: Any, **options: Any) -> StageResult:
        """Play a stage under the limits on scripts that it was played under; a resumed run may have had others."""
        told = self.original.tally(stage).get("script_limits")
        told = told or {name: getattr(self.limits, name) for name in SCRIPT_LIMITS}
        self.limits = Limits(window=self.limits.window, **told)
        return super().play(stage, *given, **options)

    def _journals(self) -> list[Path]:
        return sorted((self.run.folder / "journal").glob("*.jsonl"))

    def engine(self, policies: tuple[PolicyRef, ...] = (BASE,)) -> Any:
        """Return an engine that owes nothing."""
        failures = {key: failure for path in self._journals() for key, failure in read_failures(path).items()}
        engine: Engine = NothingOwed(failures)
        return nullcontext(engine)


def replay(folder: Path, *, into: Path | None = None, say: Callable[[str], None] = lambda line: None) -> dict[str, Any]:
    """Replay a run and compare its products with the original's.

    Returns num_files, num_identical and different (file names). Raises UserError for an unfinished run.
    """
    original = Run.open(folder)
    target = into or Path(tempfile.mkdtemp(prefix="folkmoot-replay-"))
    if into is not None and into.exists() and any(into.iterdir()):
        raise UserError(f"--into {into} is not empty.", "a run folder is never overwritten.", "name a new folder")
    target.mkdir(parents=True, exist_ok=True)
    try:
        for name in ("config.yaml", "manifest.json"):
            shutil.copy(original.folder / name, target / name)
        for name in COPIED:
            if (original.folder / name).is_dir():
                shutil.copytree(original.folder / name, target / name, ignore=shutil.ignore_patterns(".*"))
        session = ReplaySession(
            validate(RunConfig, original.config_in_force, ""), original=original, run=Run(target), say=say
        )
        if num_rounds(session.config) >= 1:
            find("verbs", "align").perform(session)
        else:
            session.play_society()
        return compare(original.folder, target)
    finally:
        if into is None:
            shutil.rmtree(target, ignore_errors=True)


def compare(left: Path, right: Path) -> dict[str, Any]:
    """Compare the products of two run folders byte for byte."""

    def products(root: Path) -> dict[str, Path]:
        files = (path for name in COMPARED for path in (root / name, *(root / name).rglob("*")) if path.is_file())
        # What a kill left half-written keeps its temporary name, and is no product.
        files = (path for path in files if not path.name.startswith("."))
        return {str(path.relative_to(root)): path for path in files}

    ours, theirs = products(left), products(right)
    names = sorted(ours.keys() | theirs.keys())
    same = [n for n in names if n in ours and n in theirs and ours[n].read_bytes() == theirs[n].read_bytes()]
    return {
        "num_files": len(names),
        "num_identical": len(same),
        "different": [name for name in names if name not in set(same)],
    }
