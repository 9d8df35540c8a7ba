"""Licences: of every generator and every source, what each allows, and which rows must stand apart.

Statements are short and carry the SPDX identifier and its link; the licence itself is behind the link.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from agents.errors import UserError
from selfalign.release.config import Generator, ReleaseConfig, Source
from selfalign.release.intake import OWN, Intake
from selfalign.release.origins import model_of, played_by

UNKNOWN = ("", "unknown", "none", "other", "proprietary", "noassertion")


def link(licence: str) -> str:
    """Return where the text of an SPDX licence is."""
    return f"https://spdx.org/licenses/{licence}.html"


def known(licence: str) -> bool:
    """Tell whether a licence says anything."""
    return licence.lower() not in UNKNOWN


def noncommercial(licence: str) -> bool:
    """Tell whether a licence forbids commercial use."""
    return "NC" in licence.upper().split("-")


def share_alike(licence: str) -> bool:
    """Tell whether what is made from a source must carry the source's licence."""
    parts = licence.upper().split("-")
    return "SA" in parts or parts[0] in ("GPL", "AGPL", "LGPL", "ODBL")


def no_derivatives(licence: str) -> bool:
    """Tell whether nothing may be made from a source."""
    return "ND" in licence.upper().split("-")


def conflict(source: str, release: str) -> str:
    """Return why rows built on a source cannot be in a release, or "". Non-commercial ones are set apart before."""
    if not known(source):
        return "its licence is not known"
    if no_derivatives(source):
        return f"{source} allows nothing to be made from it"
    if share_alike(source) and not noncommercial(source) and source.upper() != release.upper():
        return f"what is made from it must carry {source}, and the release carries {release}"
    return ""


def generators(intakes: Sequence[Intake], config: ReleaseConfig) -> list[dict[str, str]]:
    """Return one record a model: name, revision, licence, digest, role, terms.

    Raises UserError for a model whose licence neither the manifest nor `release.models` names.
    """
    named = {one.name: one for one in config.models}
    found: dict[str, dict[str, str]] = {}
    for intake in intakes:
        if not intake.asked:
            continue
        model = played_by(intake.manifest)
        name = str(model.get("name") or "unknown")
        own = named.get(name, Generator(name=name, licence=str(model.get("licence") or "unknown")))
        if not known(own.licence):
            raise UserError(
                f'The licence of the model "{name}" is not known.',
                f"{intake.run_id} was played by it, and a release names the licence of every generator.",
                "name it under models: {name: " + name + ", licence: SPDX-ID, terms: ...} (--config FILE)",
            )
        found[model_of(intake.manifest)] = {
            "id": name,
            "revision": model_of(intake.manifest).rpartition("@")[2],
            "licence": own.licence,
            "sha256": str(model.get("digest") or ""),
            "role": "generator and judge",
            "url": own.url,
            "terms": own.terms or "no terms are stated that restrict training on its output",
            "scripted": "yes" if intake.manifest.get("scripted") else "no",
        }
    return [found[name] for name in sorted(found)]


def used_sources(names: Iterable[str], intakes: Sequence[Intake], config: ReleaseConfig) -> list[Source]:
    """Return the sources that rows were built on, by name. Raises UserError where a licence is missing or clashes."""
    given = {one.name: one for one in config.sources}
    wanted = {name for name in names if name != OWN}
    wanted |= {f"population:{intake.population}" for intake in intakes if intake.population}
    for name in sorted(wanted):
        if name not in given:
            raise UserError(
                f'The licence of the source "{name}" is not named.',
                "rows were built on it, and a release names the licence of every source.",
                "name it under sources: {name: " + name + ", licence: SPDX-ID, url: ...} (--config FILE)",
            )
        why = conflict(given[name].licence, config.licence)
        if why:
            raise UserError(
                f'Rows built on "{name}" ({given[name].licence}) cannot be in a release under {config.licence}.',
                f"{why}.",
                "choose another release.licence, or leave out the runs that use it",
            )
    return [given[name] for name in sorted(wanted)]


def apart(sources: Sequence[Source], intakes: Sequence[Intake]) -> tuple[set[str], set[str]]:
    """Return (sources, runs) whose rows belong in nc_ configs: non-commercial files, and populations of whole runs."""
    names = {one.name for one in sources if noncommercial(one.licence)}
    return names, {intake.run_id for intake in intakes if f"population:{intake.population}" in names}


def licence_record(source: Source) -> Mapping[str, Any]:
    """Return a source as plain values, with the link to its licence."""
    return {
        "name": source.name,
        "licence": source.licence,
        "licence_url": link(source.licence),
        "url": source.url,
        "citation": source.citation,
        "note": source.note,
        "commercial": not noncommercial(source.licence),
    }
