"""Whom of a run one can interview, and how an interview stands. Pure; the interview itself is a process of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dashboards.runs_folder import is_alive
from dashboards.sources import Reader, mapping, text, whole
from sim.interview import ENDED, OPENING, Interview

if TYPE_CHECKING:
    import polars as pl

WHO = {"citizens": "citizen", "roles": "role_id", "people": "agent"}
"""Event table of people -> the column with their id."""
GONE = "broken off"


def people_of(reader: Reader, stage: str, script: str = "") -> dict[str, str]:
    """Return who can be asked: SCRIPT:AGENT -> how to show them, in the order of the events.

    script: only people of this one; without it those of each table's first part, which holds up to 256 scripts.
    """
    found: dict[str, str] = {}
    for table, column in WHO.items():
        pattern = f"events/{stage}/{table}-*.parquet" if script else f"events/{stage}/{table}-00000.parquet"
        equal = {"script": script} if script else {}
        for row in reader.rows(pattern, ["script", column, "name", "card"], **equal):
            path, agent = text(row.get("script")), text(row.get(column))
            if path and agent:
                found.setdefault(f"{path}:{agent}", f"{_name(row)} ({agent}, {path.partition('/')[2]})")
    return found


def policies_for(reader: Reader) -> list[str]:
    """Return who can answer, by name: the base, what the run trained, and what its config names besides."""
    own = (reader.run.folder / "policies").glob("*/policy.json")
    trained = sorted(path.parent.name for path in own if not path.is_symlink())
    named = sorted(text(name) for name in mapping(reader.config().get("policies")))
    return list(dict.fromkeys(["base", *trained, *named]))


def _name(row: Mapping[str, Any]) -> str:
    first = (text(row.get("card")).splitlines() or [""])[0].removeprefix("Name: ")
    return " ".join((text(row.get("name")) or first or "somebody").split())[:60]


def words_for(run: str, name: str, *, who: str, policy: str) -> list[str]:
    """Return the words of the command that holds an interview over files. name: "" lets the command find one."""
    words = ["interview", run]
    words += ["--files", "--id", name] if name else []
    words += ["--persona", who] if who else []
    return [*words, "--policy", policy] if policy else words


def word_of(interview: Interview) -> tuple[str, str]:
    """Return how an interview stands (opening, listening, answering, ended, broken off), and why it ended."""
    state = interview.state
    word, why = text(state.get("state")) or OPENING, text(state.get("why"))
    if word != ENDED and state and is_alive(whole(state.get("pid"))) is False:
        return GONE, "its process is gone"
    return word, why


def is_over(word: str) -> bool:
    """Whether nobody answers any more."""
    return word in (ENDED, GONE)


def interviews_frame(found: list[Interview]) -> pl.DataFrame:
    """Return one row an interview: interview, with, policy, questions, state, begun."""
    import polars as pl

    rows = [
        {
            "interview": one.folder.name,
            "with": text(one.about.get("name")),
            "policy": text(one.about.get("policy")),
            "questions": len(one.transcript()),
            "state": word_of(one)[0],
            "begun": text(one.about.get("begun")),
        }
        for one in found
    ]
    schema = {"interview": pl.String, "with": pl.String, "policy": pl.String, "questions": pl.Int64,
              "state": pl.String, "begun": pl.String}  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


def waiting_questions(interview: Interview) -> list[str]:
    """Return the questions that were put and not answered yet, in order."""
    number, found = len(interview.transcript()), []
    while (question := interview.question(number + 1)) is not None:
        number += 1
        found.append(question)
    return found
