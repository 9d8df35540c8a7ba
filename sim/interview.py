"""An interview as small files: questions in, a transcript out, in a folder of its own that is no part of the run.

`interviews/<id>/` below the run folder holds `about.json` (who is asked, and on which model), `state.json` (the
interviewed process's heartbeat), `questions/NNNN.json`, `transcript.jsonl`, and `end.json` once somebody ended it.
Anything may ask: a terminal, a dashboard, an editor. Nothing here is in the run's journal, events or samples.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from agents.errors import UserError
from sim.store import utc_now
from sim.tables import write_json

MAX_TEXT = 2_000
FOLDER = "interviews"
ID = re.compile(r"[0-9]{8}-[0-9]{6}_[0-9a-f]{4}")
OPENING, LISTENING, ANSWERING, ENDED = "opening", "listening", "answering", "ended"


@dataclass(frozen=True, slots=True)
class Interview:
    """One interview's folder."""

    folder: Path

    @classmethod
    def at(cls, run_folder: Path, name: str) -> Interview:
        """Return the interview of this name. Raises UserError for what cannot be one, links included."""
        if not ID.fullmatch(name):
            raise UserError(f'"{name[:60]}" names no interview.', "a name is a time and four digits.", "leave it out")
        folder = run_folder / FOLDER / name
        if folder.parent.is_symlink() or folder.is_symlink():
            raise UserError(f"{FOLDER}/{name} is a link.", "links may lead out of the run folder.", "remove it")
        return cls(folder)

    @property
    def about(self) -> dict[str, Any]:
        """Who is asked; {} as long as it is not written."""
        return _object(self.folder / "about.json")

    @property
    def state(self) -> dict[str, Any]:
        """The heartbeat: state (opening, listening, answering, ended), why, pid, updated; {} before the first."""
        return _object(self.folder / "state.json")

    @property
    def is_ended(self) -> bool:
        """Whether somebody asked for its end."""
        return (self.folder / "end.json").exists()

    def open(self, about: Mapping[str, Any]) -> None:
        """Make the folder. Raises UserError when it is there: an interview is never written over."""
        try:
            (self.folder / "questions").mkdir(parents=True)
        except FileExistsError:
            raise UserError(
                f"The interview {self.folder.name} is there already.", "none is written over.", "leave --id out"
            ) from None
        write_json(self.folder / "about.json", dict(about))

    def beat(self, state: str, *, pid: int, why: str = "") -> None:
        """Write the heartbeat."""
        state_now = {"state": state, "why": why, "pid": pid, "updated": utc_now()}
        write_json(self.folder / "state.json", state_now, durable=False)

    def ask(self, text: str, *, who: str = "") -> int:
        """Put a question; return its number, from 1. Raises UserError for an unusable one, or after the end."""
        words = text.strip()
        if not words:
            raise UserError("The question is empty.", "somebody waits for it.", "write at least a word")
        if len(words) > MAX_TEXT:
            raise UserError(f"The question has {len(words)} characters.", f"at most {MAX_TEXT} fit.", "shorten it")
        if self.is_ended or self.state.get("state") == ENDED:
            raise UserError("This interview has ended.", "nobody is there to answer.", "begin another")
        body = orjson.dumps({"text": words, "who": who, "asked": time.time()})
        number = len(list((self.folder / "questions").glob("*.json")))
        while True:
            number += 1
            try:
                with (self.folder / "questions" / f"{number:04d}.json").open("xb") as file:
                    file.write(body)
                return number
            except FileExistsError:
                continue

    def question(self, number: int) -> str | None:
        """Return the text of a question; None when it is not put yet, or only half."""
        text = _object(self.folder / "questions" / f"{number:04d}.json").get("text")
        return text[:MAX_TEXT] if isinstance(text, str) and text.strip() else None

    def answer(self, number: int, question: str, answer: str, **facts: Any) -> None:
        """Append a question with its answer to the transcript. facts: policy, tokens, seconds, or an error."""
        row = {"n": number, "question": question, "answer": answer, "time": utc_now(), **facts}
        with (self.folder / "transcript.jsonl").open("ab") as file:
            file.write(orjson.dumps(row, default=str) + b"\n")

    def transcript(self) -> list[dict[str, Any]]:
        """Return what was asked and answered, in order; a torn last line is left out."""
        try:
            lines = (self.folder / "transcript.jsonl").read_bytes().splitlines()
        except OSError:
            return []
        return [row for line in lines if isinstance(row := _value(line), dict) and "answer" in row]

    def end(self, *, who: str = "") -> None:
        """Ask for the end."""
        write_json(self.folder / "end.json", {"who": who, "time": utc_now()})


def new_name() -> str:
    """Return a name for a new interview: the time in UTC, and four digits."""
    return f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}_{secrets.token_hex(2)}"


def interviews(run_folder: Path) -> list[Interview]:
    """Return a run's interviews, the newest first."""
    root = run_folder / FOLDER
    if root.is_symlink():
        return []
    folders = [p for p in root.glob("*") if ID.fullmatch(p.name) and p.is_dir() and not p.is_symlink()]
    return [Interview(folder) for folder in sorted(folders, reverse=True)]


def _object(path: Path) -> dict[str, Any]:
    try:
        value = _value(path.read_bytes())
    except OSError:
        return {}
    return value if isinstance(value, dict) else {}


def _value(data: bytes) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
