"""Verdicts of people on samples: `reviews.jsonl` in the run folder, one JSON object a line, appended whole.

A line is {sample_id, verdict: accept or flag, reviewer, why, time}; the last word of each reviewer counts, and one flag
takes a sample out of the next release.
"""

from __future__ import annotations

import os
from pathlib import Path

import orjson

from agents.errors import UserError
from dashboards.sources import Reader, clean
from sim.store import Run, utc_now

FILE = "reviews.jsonl"
VERDICTS = ("accept", "flag")
MAX_WHY = 2_000


def add_review(run: Run, sample_id: str, verdict: str, *, reviewer: str, why: str = "") -> dict[str, str]:
    """Append a verdict and return it. Raises UserError for one that is incomplete."""
    name = " ".join(clean(reviewer).split())
    if verdict not in VERDICTS:
        raise UserError(f'"{verdict}" is no verdict.', "a sample is accepted or flagged.", "give accept or flag")
    if not name:
        raise UserError("The verdict has no name.", "the last word of each reviewer counts.", "write your name")
    if verdict == "flag" and not why.strip():
        raise UserError("The flag has no reason.", "somebody will ask why the sample went.", "write a reason")
    row = {"sample_id": sample_id, "verdict": verdict, "reviewer": name[:80], "why": clean(why).strip()[:MAX_WHY]}
    row["time"] = utc_now()
    _append(run.folder / FILE, orjson.dumps(row) + b"\n")
    return row


def verdicts(run: Run) -> tuple[dict[str, str], list[str]]:
    """Return sample -> "flag" where anybody flags it, else "accept"; and what could not be read."""
    reader = Reader(run)
    last: dict[str, dict[str, str]] = {}
    for row in reader.lines(FILE):
        if row.get("verdict") in VERDICTS:
            last.setdefault(str(row.get("sample_id")), {})[str(row.get("reviewer"))] = str(row["verdict"])
    return {key: "flag" if "flag" in said.values() else "accept" for key, said in last.items()}, reader.problems


def reviews_of(run: Run, sample_id: str) -> list[dict[str, str]]:
    """Return everything that was said of one sample."""
    rows = [row for row in Reader(run).lines(FILE) if row.get("sample_id") == sample_id]
    return [{key: clean(str(row.get(key, ""))) for key in ("time", "reviewer", "verdict", "why")} for row in rows]


def _append(path: Path, line: bytes) -> None:
    if path.is_symlink():
        raise UserError(f"{path.name} is a link.", "it may lead out of the folder.", "put a file in its place")
    torn = path.exists() and path.stat().st_size and not path.read_bytes().endswith(b"\n")
    with path.open("ab") as file:
        file.write(b"\n" * bool(torn) + line)
        file.flush()
        os.fsync(file.fileno())
