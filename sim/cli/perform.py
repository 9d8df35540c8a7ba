"""Carry out a run from its session, whatever it consists of, and end it in an orderly way."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from agents.errors import UserError
from agents.registry import find, names
from sim.cli import EXIT_INTERRUPTED, EXIT_OK, EXIT_STOPPED
from sim.config import num_rounds
from sim.engines.base import EngineDied
from sim.interrupts import INTERRUPTED
from sim.lock import alone
from sim.session import Session
from sim.stage import Stopped


def say(line: str) -> None:
    """Tell the user a line on standard error."""
    print(line, file=sys.stderr, flush=True)


def wants_loop(session: Session) -> bool:
    """Tell whether the run trains and measures, or only plays."""
    return num_rounds(session.config) >= 1


def check(session: Session) -> None:
    """Let the verbs that the run will use validate their own sections. Raises UserError."""
    if wants_loop(session):
        checker = find("verbs", "align").check
        if checker is not None:
            checker(session)


def carry_out(session: Session) -> dict[str, Any]:
    """Play, or run the whole loop, then write the report; return the summary."""
    run = session.run
    with logged(run.folder / "logs" / "run.jsonl"):
        run.write_status(state="running")
        summary: dict[str, Any] = {"run": str(run.folder)}
        if wants_loop(session):
            performer = find("verbs", "align").perform
            summary |= performer(session)
        else:
            session.play_society()
        session.write_metrics()
        run.write_status(state="done", why="")
        if "show" in names("verbs"):
            summary |= find("verbs", "show").perform(session)
    return summary


def guarded(session: Session, *, as_json: bool, first: Callable[[], None] = lambda: None) -> int:
    """Carry a run out and turn every orderly end into its message and exit code.

    first: done before, when it is certain that no other process plays the run. Raises UserError when one does.
    """
    with alone(session.run.folder):
        first()
        return _ended(session, as_json=as_json)


def _ended(session: Session, *, as_json: bool) -> int:
    run = session.run
    try:
        summary = carry_out(session)
    except Stopped as stopped:
        run.write_status(state="stopped", why=stopped.why)
        if "show" in names("verbs"):
            find("verbs", "show").perform(session)
        say(f"Stopped: {stopped.why}. Nothing that was answered is lost. Resume with:\n  folkmoot resume {run.folder}")
        return EXIT_INTERRUPTED if stopped.why == INTERRUPTED else EXIT_STOPPED
    except KeyboardInterrupt:
        run.write_status(state="stopped", why=INTERRUPTED)
        say(f"Interrupted. What was journalled is kept. Resume with:\n  folkmoot resume {run.folder}")
        return EXIT_INTERRUPTED
    except EngineDied as died:
        run.write_status(state="failed", why=str(died))
        raise UserError(
            "The engine stopped working in the middle of the run.",
            str(died),
            f"put that right, then: folkmoot resume {run.folder} (what was answered is kept)",
        ) from died
    except UserError as error:
        run.write_status(state="failed", why=error.given)
        error.fix = "; then: ".join(filter(None, (error.fix.rstrip("."), f"folkmoot resume {run.folder}")))
        raise
    except BaseException as error:
        run.write_status(state="failed", why=f"{type(error).__name__}: {error}")
        raise
    if as_json:
        print(orjson.dumps(summary, option=orjson.OPT_INDENT_2, default=str).decode())
    else:
        print(summary.pop("text", f"run {run.folder}"))
    return EXIT_OK


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return orjson.dumps(entry).decode()


@contextmanager
def logged(path: Path) -> Iterator[None]:
    """While inside, append our own log records to a file of JSON lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(_JsonLines())
    ours = [logging.getLogger(name) for name in ("agents", "societies", "sim", "selfalign", "dashboards")]
    for logger in ours:
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False
    try:
        yield
    finally:
        for logger in ours:
            logger.removeHandler(handler)
            logger.propagate = True
        handler.close()
