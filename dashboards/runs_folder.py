"""The one folder that the dashboard may open: runs below it by name, and nothing else.

A run is named by its place below the folder ("demo/20260101-120000_ab12"). Names come from addresses, so they are
matched against a pattern, and what they lead to must lie inside the folder with no symbolic link on the way.
"""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.errors import UserError, did_you_mean
from dashboards.sources import Reader, mapping, text, who_answered, whole
from sim.store import Run

_PART = r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}"
NAME = re.compile(rf"{_PART}(/{_PART})?")
SILENT_AFTER_S = 30.0
APART = ("status.json", "control.json", "journal", "interviews")
GOING = ("running", "pausing", "paused", "created")


@dataclass(frozen=True, slots=True)
class RunsFolder:
    """A folder with runs below it. Every path that the dashboard opens is made here."""

    root: Path

    def names(self) -> list[str]:
        """Return the names of all runs, the newest first."""
        if not self.root.is_dir():
            return []
        found = []
        for outer in _folders(self.root):
            if (outer / "config.yaml").is_file():
                found.append((outer.name, outer.name))
                continue
            found += [(i.name, f"{outer.name}/{i.name}") for i in _folders(outer) if (i / "config.yaml").is_file()]
        return [name for _, name in sorted(found, reverse=True)]

    def open(self, name: str) -> Run:
        """Return the run of a name. Raises UserError for a name that leads out of the folder or to no run."""
        folder = self.inside(name)
        if not (folder / "config.yaml").is_file():
            half = folder.is_dir() and any(folder.iterdir())
            raise UserError(
                f'"{name}" is no run of this folder.',
                "it holds no config.yaml." if half else "nothing of that name is there.",
                "choose one from the list of runs. " + did_you_mean(name, self.names()[:200]),
            )
        return Run(folder)

    def inside(self, name: str) -> Path:
        """Return the path of a name of one or two parts below the folder. Raises UserError for anything else."""
        if not NAME.fullmatch(name):
            raise UserError(
                f'"{name[:80]}" cannot be the name of a run.',
                "names hold letters, digits, dots, dashes and one slash.",
                "choose a run from the list",
            )
        path = self.root
        for part in name.split("/"):
            path = path / part
            if path.is_symlink():
                raise UserError(f'"{name}" is a link.', "links may lead out of the folder.", "open what it points to")
        if not path.resolve().is_relative_to(self.root.resolve()):
            raise UserError(
                f'"{name}" leads out of the folder.',
                "only what lies in the folder that is open is shown.",
                "choose a run from the list",
            )
        return path


def _folders(root: Path) -> list[Path]:
    try:
        entries = [entry for entry in os.scandir(root) if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []
    return [Path(entry.path) for entry in entries if re.fullmatch(_PART, entry.name)]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """What may be said of a run from its heartbeat. word: running, pausing, paused, done, stopped, failed, broken off,
    created or unknown. going: whether numbers may still change.
    """

    word: str
    why: str
    going: bool
    silent_s: float | None = None


def state_of(status: Mapping[str, Any], *, now: float, alive: bool | None) -> RunState:
    """Return a run's state. alive: whether its process is there; None when that cannot be told."""
    word, why = text(status.get("state")) or "unknown", text(status.get("why"))
    silent = _age(text(status.get("updated")), now)
    if word not in GOING:
        return RunState(word=word, why=why, going=False, silent_s=silent)
    gone = alive is False or (alive is None and (silent is None or silent > SILENT_AFTER_S))
    if gone and not (word == "created" and silent is not None and silent < SILENT_AFTER_S):
        return RunState(word="broken off", why="its process is gone", going=False, silent_s=silent)
    return RunState(word=word, why="", going=True, silent_s=silent)


def is_alive(pid: int) -> bool | None:
    """Tell whether a process is there; None for no process id. A process that ended and was not collected is gone."""
    if pid <= 0:
        return None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (OSError, IndexError):
        return True


def state_now(run: Run) -> tuple[RunState, dict[str, Any]]:
    """Return a run's state and its whole heartbeat."""
    status = Reader(run).json("status.json")
    now = dt.datetime.now(dt.UTC).timestamp()
    return state_of(status, now=now, alive=is_alive(whole(status.get("pid")))), status


def _age(stamp: str, now: float) -> float | None:
    try:
        then = dt.datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=dt.UTC)
    except ValueError:
        return None
    return max(0.0, now - then.timestamp())


def digest_of_files(run: Run) -> str:
    """Return what changes whenever a file of the run's first two levels does: the key of what is cached.

    Interviews change every second and are in nothing that is cached.
    """
    import hashlib

    told = hashlib.blake2b(digest_size=8)
    below = (p for p in run.folder.glob("*") if p.is_dir() and not p.is_symlink() and p.name != "interviews")
    for folder in (run.folder, *sorted(below)):
        with os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda e: e.name):
                if not entry.name.startswith(".") and entry.name not in APART:
                    stat = entry.stat(follow_symlinks=False)
                    told.update(f"{entry.name}|{stat.st_mtime_ns}|{stat.st_size}".encode())
    return told.hexdigest()


def brief(run: Run, name: str) -> dict[str, Any]:
    """Return one row of the list of runs; what cannot be read is said in `problem`."""
    reader = Reader(run)
    config, manifest = reader.config(), reader.json("manifest.json")
    state, status = state_now(run)
    tally, model = mapping(status.get("tally")), mapping(manifest.get("model"))
    engine = text(mapping(config.get("engine")).get("name"))
    trains = bool(mapping(config.get("loop")).get("num_rounds"))
    asked = whole(tally.get("num_prompt_tokens")) + whole(tally.get("num_output_tokens"))
    return {
        "run": name,
        "state": state.word,
        "why": state.why,
        "started": text(manifest.get("created")),
        "society": text(mapping(config.get("society")).get("name")),
        "engine": engine,
        "model": text(model.get("name")),
        "recipe": text(mapping(config.get("recipe")).get("name")) if trains else "",
        "seed": whole(config.get("seed")),
        "stage": text(status.get("stage")),
        "done": whole(status.get("done")),
        "total": whole(status.get("total")),
        "tokens": asked,
        "scripted": who_answered(reader, engine) == "script",
        "problem": " ".join(dict.fromkeys(reader.problems)),
    }
