"""Names of the people in the surveys that personas were drawn from: a release should not copy rare ones.

Personas of a population of margins are named from our own lists, so there is nobody to copy. Those of a population of
survey rows may carry the names of its rows; a full name that occurs at most twice there is rare.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from agents.errors import UserError
from agents.population.microdata import load_microdata
from agents.population.names import FAMILY, FEMALE, MALE, NEUTRAL
from selfalign.release.config import Source
from selfalign.release.intake import Intake

MOST = 2
"""A name is rare when so many people of the source bear it, or fewer."""
_NAME = re.compile(r"(?=\b([A-Z][\w'-]+ [A-Z][\w'-]+)( [A-Z][\w'-]+)?)")
_OURS = frozenset(FEMALE) | frozenset(MALE) | frozenset(NEUTRAL)


def rare_names(names: Sequence[str]) -> frozenset[str]:
    """Return the rare full names among those of a source; what our own lists could have made does not count.

    >>> sorted(rare_names(["Ada Baker", "Zelda Quimby", "Tom Ray", "Tom Ray", "Tom Ray", "Cher"]))
    ['Zelda Quimby']
    """
    counts = Counter(" ".join(name.split()) for name in names)
    rare = {name for name, num in counts.items() if num <= MOST and " " in name}
    return frozenset(name for name in rare if not _could_be_ours(name))


def _could_be_ours(name: str) -> bool:
    given, _, family = name.rpartition(" ")
    return given in _OURS and family in FAMILY


def copied(text: str, names: frozenset[str]) -> int:
    """Return how often one of these names, of two or three words, stands in a text."""
    return sum(m.group(1) in names or f"{m.group(1)}{m.group(2) or ''}" in names for m in _NAME.finditer(text))


def survey_path(population: Mapping[str, Any], name: str, sources: Sequence[Source]) -> str | None:
    """Return where the survey rows of a population are: as its source says, else as the run does; None if not there."""
    given = [one.path for one in sources if one.name == f"population:{name}" and one.path]
    path = str((given or [population.get("path") or ""])[0])
    return path if path and Path(path).is_file() else None


def source_names(intakes: Sequence[Intake], sources: Sequence[Source]) -> tuple[frozenset[str], dict[str, str]]:
    """Return (the rare names of all source personas, population -> what was compared or why nothing was)."""
    found: set[str] = set()
    told: dict[str, str] = {}
    for intake in intakes:
        population: Mapping[str, Any] = intake.config.get("population") or {}
        name = intake.population
        if not name or name in told:
            continue
        if population.get("source") != "microdata":
            told[name] = "nothing to compare: drawn from margins, named from our own lists"
            continue
        path = survey_path(population, name, sources)
        if path is None:
            told[name] = "NOT compared: its file is not at hand; name it as `path` of its source"
            continue
        try:
            rows = load_microdata({**population, "path": path}).rows
        except UserError as error:
            told[name] = f"NOT compared: its file cannot be read ({error.given})"
            continue
        own = rare_names(rows["name"].to_list()) if "name" in rows.columns else frozenset()
        found |= own
        told[name] = f"{len(own)} rare names of {rows.height} people compared"
    return frozenset(found), told
