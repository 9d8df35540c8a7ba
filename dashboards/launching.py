"""Start `folkmoot` as a process of its own, with an argument list and never through a shell.

What is started has its own session, so it goes on when the dashboard ends. Configs are validated by the command line
itself (`--dry-run`) before anything is started.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from agents.errors import UserError

_WORD = re.compile(r"[+~]{0,2}[A-Za-z_][A-Za-z0-9_./@-]*(=[^\x00-\x1f\x7f]*)?")
FORBIDDEN = ("paths.runs", "hydra")
LOGS = ".dashboard"


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A process that was started. log: where its output goes."""

    pid: int
    log: Path
    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a short command said."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Return its output as a value; None where it is none."""
        try:
            return orjson.loads(self.out)
        except orjson.JSONDecodeError:
            return None


def checked_words(words: Sequence[str], root: Path) -> list[str]:
    """Return overrides that may be passed on, with the runs folder fixed. Raises UserError for any other word."""
    kept = []
    for word in (one.strip() for one in words):
        if not word:
            continue
        key = word.partition("=")[0].lstrip("+~")
        if not _WORD.fullmatch(word):
            raise UserError(f'"{word[:80]}" is no override.', "an override is KEY=VALUE.", "write one in each line")
        if key.split("@")[0] in FORBIDDEN or key.startswith("hydra."):
            raise UserError(
                f"{key} is not for the dashboard to set.",
                "runs started here go into the folder that is open here.",
                "leave it out, or start the run from the command line",
            )
        kept.append(word)
    return [*kept, f"paths.runs={root}"]


def arguments(words: Sequence[str]) -> list[str]:
    """Return the whole argument list of a `folkmoot` command."""
    return [sys.executable, "-m", "sim.cli", *words]


def shown(words: Sequence[str]) -> str:
    """Return the command as a person would type it."""
    return shlex.join(["folkmoot", *words])


def ask(words: Sequence[str], *, timeout_s: float = 120.0) -> Said:
    """Run a short command to its end and return what it said. Raises UserError when it takes too long."""
    try:
        done = subprocess.run(
            arguments(words), capture_output=True, text=True, timeout=timeout_s, stdin=subprocess.DEVNULL, cwd=_cwd()
        )
    except subprocess.TimeoutExpired:
        raise UserError(
            f"{shown(words)} did not end within {timeout_s:.0f} s.",
            "the page waits no longer, so it was ended.",
            "run it in a terminal to see what keeps it",
        ) from None
    return Said(code=done.returncode, out=done.stdout, err=done.stderr)


def start(words: Sequence[str], root: Path) -> Started:
    """Start a long command; its output goes to a log below the runs folder."""
    logs = root / LOGS
    logs.mkdir(parents=True, exist_ok=True)
    log = logs / f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{os.urandom(2).hex()}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            arguments(words),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=_cwd(),
        )
    # Somebody has to collect it, or it would look alive for ever.
    threading.Thread(target=process.wait, daemon=True, name=f"folkmoot-{process.pid}").start()
    return Started(pid=process.pid, log=log, command=shown(words))


def folder_told(log: Path) -> Path | None:
    """Return the run folder that a started `folkmoot run` told of; None as long as it has not."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    for line in lines:
        found = re.match(r"run (.+): about \d+ requests", line)
        if found:
            return Path(found[1])
    return None


def last_lines(log: Path, num: int = 20) -> str:
    """Return the end of a log."""
    try:
        return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-num:])
    except OSError:
        return ""


def groups() -> dict[str, list[str]]:
    """Return the config groups and the names in each, as they are installed."""
    from importlib import resources

    found: dict[str, list[str]] = {}
    for item in resources.files("conf").iterdir():
        if item.is_dir():
            names = sorted(one.name.removesuffix(".yaml") for one in item.iterdir() if one.name.endswith(".yaml"))
            if names:
                found[item.name] = names
    return dict(sorted(found.items()))


def defaults() -> dict[str, str]:
    """Return the default of each config group."""
    from importlib import resources

    import yaml

    body = yaml.safe_load((resources.files("conf") / "config.yaml").read_text(encoding="utf-8"))
    return {k: str(v) for one in body["defaults"] if isinstance(one, dict) for k, v in one.items() if v is not None}


def _cwd() -> str | None:
    return os.environ.get("FOLKMOOT_WORKDIR")
