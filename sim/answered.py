"""Who answered a run's requests: a model, the scripted engine, or nobody, because the people are numbers. Pure.

Whoever reads a run asks here, so that a scripted number never looks like a model's, and numbers that no engine was
asked for are not called scripted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from sim.store import Run

Answered = Literal["model", "script", "nobody"]
EXPECTED = "num_expected"
"""Key of the manifest: requests that one play of the society was estimated to ask."""


def answered_by(
    manifest: Mapping[str, Any], engine: str, tallies: Iterable[Mapping[str, Any]], *, finished: bool
) -> Answered:
    """Return who answered. engine: its name in the config. tallies: the stages' counts, {} for one without.

    "nobody" needs a finished run of which every stage counts no request. Before that the scripted engine stands for
    what it will answer, unless the society was estimated to ask nothing; what is not known counts as scripted.
    """
    facts = manifest.get("engine")
    told = isinstance(facts, Mapping) and bool(facts.get("scripted"))
    scripted = bool(manifest.get("scripted")) or told or engine == "scripted"
    counts = [tally.get("num_requests") for tally in tallies]
    if finished and counts and all(count == 0 for count in counts):
        return "nobody"
    if not scripted:
        return "model"
    if finished or any(count != 0 for count in counts if count is not None):
        return "script"
    return "nobody" if manifest.get(EXPECTED) == 0 else "script"


def answered_in(run: Run) -> Answered:
    """Return who answered in the stages that were played to their end; files must be whole."""
    stages = sorted(path.stem for path in (run.folder / "tallies").glob("*.json"))
    tallies = [tally for tally in map(run.tally, stages) if tally.get("complete")]
    engine = str((run.config.get("engine") or {}).get("name") or "")
    return answered_by(run.manifest, engine, tallies, finished=bool(tallies))
