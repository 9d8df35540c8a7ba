"""The opinion landscape of a written round, and the moral graph: what `folkmoot polis` and `moralgraph` would find."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from agents.errors import UserError
from dashboards.assembly_source import Archive, Key, matrix
from dashboards.sources import text

if TYPE_CHECKING:
    from dashboards.tools.moralgraph import Findings as MoralGraph
    from dashboards.tools.polis import Findings as OpinionMap

FEWEST = 4
"""Citizens and statements that a map needs at least."""
NUM_RESAMPLES = 300


def opinion_map(archive: Archive, key: Key, seed: int) -> OpinionMap | None:
    """Return groups and consensus of the written round; None where there was none or too little to draw."""
    from dashboards.tools.polis import findings
    from dashboards.tools.polis_files import Export

    ballots = [
        row for row in archive.rows(key, "ballots", ["citizen", "vote", "item", "value"]) if row["vote"] == "written"
    ]
    citizens = sorted({text(row.get("citizen")) for row in ballots})
    items, values = matrix(ballots, citizens)
    if len(citizens) < FEWEST or len(items) < FEWEST:
        return None
    said = {text(row.get("statement")): text(row.get("text")) for row in archive.rows(key, "statements")}
    export = Export(
        name=key.assembly,
        topic="",
        statements=tuple(items),
        texts=tuple(said.get(item, "") for item in items),
        values=values,
        labels=None,
        moderated=np.zeros(len(items), dtype=np.bool_),
        meta=np.zeros(len(items), dtype=np.bool_),
        notes=(),
    )
    return findings(export, num_resamples=NUM_RESAMPLES, seed=seed)


def moral_graph(archive: Archive, key: Key, question: str, seed: int) -> MoralGraph | str | None:
    """Return the wisest values; a sentence where no step was judged wiser often enough; None where nobody was asked."""
    from dashboards.tools.moralgraph import findings
    from dashboards.tools.moralgraph_files import GraphFile
    from societies.assembly.moralgraph import Card, Judgement

    cards = [row for row in archive.rows(key, "cards") if row.get("canonical") == row.get("card")]
    steps = archive.rows(key, "upgrades")
    if not steps:
        return None
    camps = {
        text(row.get("citizen")): text(row.get("group")) for row in archive.rows(key, "citizens", ["citizen", "group"])
    }

    def judgement(row: Mapping[str, Any]) -> Judgement:
        return Judgement(
            source=text(row.get("low")),
            target=text(row.get("high")),
            context=question,
            verdict=text(row.get("verdict")),  # type: ignore[arg-type]
            participant=text(row.get("citizen")),
        )

    graph = GraphFile(
        name=key.assembly,
        cards=tuple(
            Card(
                id=text(row.get("card")),
                title=text(row.get("title")),
                policies=tuple(map(text, row.get("policies") or ())),
            )
            for row in cards
        ),
        judgements=tuple(judgement(row) for row in steps),
        counted=None,
        published=(),
        ballots=None,
        camps=camps,
        repeated=0,
    )
    try:
        return findings(graph, num_resamples=NUM_RESAMPLES, seed=seed)
    except UserError as error:
        return f"No moral graph stands: {error.given.partition(': ')[2] or error.given} Why: {error.why}"
