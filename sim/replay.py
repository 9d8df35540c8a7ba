"""Replay: the same scripts against the journal alone. No model is needed, and every product must come out the same."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from agents.errors import UserError
from agents.registry import find
from sim.config import RunConfig, validate
from sim.engines.base import Engine, Finished, PolicyRef, Ticket
from sim.session import BASE, Session
from sim.store import Run

COMPARED = ("events", "samples", "deadletter", "scores", "responses", "gates", "metrics.parquet")
COPIED = ("journal", "policies")


class NothingOwed:
    """An engine that may not be asked: in a complete journal no step is missing."""

    def submit(self, tickets: Sequence[Ticket]) -> None:
        """Refuse, naming the first missing step."""
        raise UserError(
            f'The journal does not hold step "{tickets[0].key}".',
            "the run was not finished, or code, prompts or packages have changed since and now ask something else.",
            "finish it (folkmoot resume RUN), or go back to the versions that its manifest.json names",
        )

    def poll(self) -> list[Finished]:
        """Nothing is ever under way."""
        return []

    def withdraw(self) -> int:
        """Every ticket comes back by itself."""
        return 0

    def facts(self) -> dict[str, Any]:
        """Say that this is a replay."""
        return {"engine": "replay of the journal"}

    def close(self) -> None:
        """Nothing to give back."""


class ReplaySession(Session):
    """A session whose every engine is the journal."""

    def engine(self, policies: tuple[PolicyRef, ...] = (BASE,)) -> Any:
        """Return an engine that owes nothing."""
        engine: Engine = NothingOwed()
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
                shutil.copytree(original.folder / name, target / name)
        session = ReplaySession(validate(RunConfig, original.config, ""), run=Run(target), say=say)
        if int(session.config.loop.get("num_rounds", 0)) >= 1:
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
