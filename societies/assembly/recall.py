"""What a citizen perceived of an assembly, read back from its events: what all saw, their tables, themselves.

Nobody's notes, ballots or drafts but their own are here, and no talk of a table at which they did not sit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from societies.assembly.phases.protocols import is_named
from societies.seam import Memories, Rows


def citizen_memories(agent: str, rows: Rows) -> Memories | None:
    """Return what a citizen perceived; None when no citizen has this id."""
    people = {str(row["citizen"]): row for row in rows("citizens")}
    own = people.get(agent)
    if own is None:
        return None
    names = {citizen: str(row["name"]) for citizen, row in people.items()}
    perceived = [*_laid_before_all(rows), *_at_their_tables(agent, names, rows), *_own_texts(agent, rows)]
    return Memories(
        name=str(own["name"]), card=str(own["card"]), policy=str(own["policy"] or "base"), perceived=tuple(perceived)
    )


def _laid_before_all(rows: Rows) -> Iterator[str]:
    for row in rows("assemblies"):
        yield f"The assembly was asked: {row['question']}"
    for row in rows("evidence"):
        yield f"The briefing says: {row['claim']}"
    for row in rows("testimony"):
        if row["question"]:
            yield f'{row["witness"]} was asked "{row["question"]}" and answered: {row["answer"]}'
        else:
            yield f"{row['witness']}, a witness, said: {row['answer']}"


def _at_their_tables(agent: str, names: Mapping[str, str], rows: Rows) -> Iterator[str]:
    sat = {(row["round"], row["table"]) for row in rows("seats") if row["citizen"] == agent}
    heard = [row for row in rows("turns") if (row["round"], row["table"]) in sat]
    notes: dict[Any, list[str]] = {}
    for row in rows("notes"):
        if row["citizen"] == agent:
            notes.setdefault(row["round"], []).append(str(row["text"]))
    protocol = next((str(row.get("protocol") or "") for row in rows("assemblies")), "")
    for round_ in sorted({row["round"] for row in heard} | set(notes)):
        turns = [row for row in heard if row["round"] == round_]
        for row in sorted(turns, key=lambda one: int(one["ordinal"])):
            speaker = str(row["speaker"])
            other = names.get(speaker, speaker) if is_named(str(row["arm"]), protocol) else "Somebody"
            yield f"Round {round_}, at your table. {'You' if speaker == agent else other} said: {row['text']}"
        for text in notes.get(round_, ()):
            yield f"You noted after round {round_}: {text}"


def _own_texts(agent: str, rows: Rows) -> Iterator[str]:
    for table in ("statements", "dissents"):
        for row in rows(table):
            if row["author"] == agent:
                yield f"You wrote: {row['text']}"
