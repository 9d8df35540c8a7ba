"""Hold the moral-graph mathematics against public data: `folkmoot moralgraph --golden dft|mge FOLDER`.

`dft` (meaningalignment/dft): `data/moral-graph-all-participants.json` and `data/survey-responses.csv`.
`mge` (meaningalignment/mge): `dft-data/edge.json`, `dft-data/graphPositionVerification.json`, and the published graph
where it is there too. The files may also lie in the folder itself. The data has no stated licence: never ship it.

Verified against the public files: the layout of the published graph, and of judgements (`fromId`, `toId`, `contextId`,
`userId`, and the verdict in `relationship` or `type`) from the database schema and its code. Not verified: the columns
of the survey and of the position file; the column is found by its words or type and can be named instead. The folder
also holds people's addresses and login codes (`emailCodes.json`, `user.json`): they are never opened.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from agents.errors import UserError
from dashboards.tools.moralgraph_files import SAME_VERDICT, GraphFile, numbered, read_graph, read_json
from dashboards.tools.polis_files import table_of
from dashboards.tools.public_checks import Check, same
from societies.assembly import moralgraph as mg

GRAPH, SURVEY = "moral-graph-all-participants.json", "survey-responses.csv"
EDGES, POSITION = "edge.json", "graphPositionVerification.json"
WISEST = {"Information Empowerment", "Truth Seeking", "Respecting Autonomy in Politicised Contexts"}
PERSONAL = ("id", "user", "email", "name", "created", "updated", "comment", "prolific")
"""Parts of field names that are never looked into."""


def dft_checks(folder: Path, column: str | None = None) -> list[Check]:
    """Return the checks on the published graph and the participants' survey. column: the survey's question."""
    graph, survey = _find(folder, GRAPH), _find(folder, SURVEY)
    checks = graph_checks(read_graph(graph, compat=True)) if graph else [_absent("dft", GRAPH)]
    checks += [survey_check(survey, column)] if survey else [_absent("dft", SURVEY)]
    return _some(checks, folder, (GRAPH, SURVEY))


def mge_checks(folder: Path, column: str | None = None) -> list[Check]:
    """Return the checks on raw judgements and on the position verification. column: the latter's field."""
    edges, position, graph = (_find(folder, name) for name in (EDGES, POSITION, GRAPH))
    if edges:
        checks = judgement_checks(read_judgements(edges), read_graph(graph, compat=True) if graph else None)
    else:
        checks = [_absent("mge", EDGES)]
    checks += [position_check(position, column)] if position else [_absent("mge", POSITION)]
    return _some(checks, folder, (EDGES, POSITION))


def _find(folder: Path, name: str) -> Path | None:
    places = (folder / name, folder / "data" / name, folder / "dft-data" / name)
    return next((place for place in places if place.is_file()), None)


def _absent(data: str, name: str) -> Check:
    return Check(data=data, claim=name, expected="the file", found="not in this folder", ok=None)


def _some(checks: list[Check], folder: Path, names: Sequence[str]) -> list[Check]:
    if all(check.ok is None for check in checks):
        raise UserError(
            f"{folder} holds none of the public files.", f"wanted: {', '.join(names)}.", "fetch them first."
        )
    return checks


def graph_checks(graph: GraphFile) -> list[Check]:
    """Return the checks on a published graph that was read with `compat`."""
    edges = graph.counted or ()
    equal = sum(
        abs(edge.likelihood - likelihood) < 1e-9 and abs(edge.entropy - entropy) < 1e-9
        for edge, (likelihood, entropy) in zip(edges, graph.published, strict=True)
    )
    leaky, proper = mg.pagerank(edges, compat=True), mg.pagerank(edges)
    titles = {card.id: card.title for card in graph.cards}
    top = {titles.get(card, card) for card in mg.wisest(leaky)[:3]}
    return [
        same("dft", "cards and edges", "60 and 69", f"{len(graph.cards)} and {len(edges)}"),
        same("dft", "edges with the published L and H", "69 of 69", f"{equal} of {len(edges)}"),
        same("dft", "edges kept", "69", str(len(mg.kept_edges(edges)))),
        same("dft", "sum of leaking ranks", "0.4187", f"{sum(leaky.values()):.4f}"),
        same("dft", "rank correlation leaking and proper", "1.000", f"{_rank_correlation(leaky, proper):.3f}"),
        same("dft", "separate parts", "4", str(mg.num_components(edges))),
        same("dft", "has cycles", "yes", "yes" if mg.disputes(edges) else "no"),
        same("dft", "three wisest", ", ".join(sorted(WISEST)), ", ".join(sorted(top))),
    ]


def _rank_correlation(first: dict[str, float], second: dict[str, float]) -> float:
    """Return the correlation of ranks; values equal to twelve digits share a rank. Source: Spearman 1904."""
    from scipy.stats import rankdata

    ranks = [rankdata([round(values[card], 12) for card in first]) for values in (first, second)]
    return float(np.corrcoef(*ranks)[0, 1])


def read_judgements(path: Path) -> tuple[mg.Judgement, ...]:
    """Read raw judgements of the public dump; people become numbers. A card against itself is dropped."""
    people: dict[str, str] = {}
    found = []
    for number, item in enumerate(_records(path)):
        verdict = str(item.get("relationship") or item.get("type") or "")
        verdict = SAME_VERDICT.get(verdict, verdict)
        if verdict not in mg.VERDICTS or "fromId" not in item or "toId" not in item:
            raise UserError(
                f"{path}: record {number + 1} is not laid out as expected.",
                "it needs fromId, toId and relationship (upgrade, no_upgrade, not_sure).",
                "fetch dft-data/edge.json of meaningalignment/mge.",
            )
        judgement = mg.Judgement(
            source=str(item["fromId"]),
            target=str(item["toId"]),
            context=str(item.get("contextId") or ""),
            verdict=verdict,
            participant=numbered(item.get("userId"), people),
        )
        if judgement.source != judgement.target:
            found.append(judgement)
    return tuple(found)


def _records(path: Path) -> list[dict[str, Any]]:
    data = read_json(path)
    rows = data.get("rows", data.get("data")) if isinstance(data, dict) else data
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise UserError(
            f"{path} holds no list of records.", "judgements are records of a list.", "fetch the public file again."
        )
    return rows


def judgement_checks(judgements: tuple[mg.Judgement, ...], graph: GraphFile | None) -> list[Check]:
    """Return the checks on raw judgements, and on their overlap with the published graph where it is known."""
    verdicts = [judgement.verdict for judgement in judgements]
    counts = ", ".join(str(verdicts.count(verdict)) for verdict in mg.VERDICTS)
    compat, fixed = mg.summarise(judgements, compat=True), mg.summarise(judgements)
    checks = [
        same("mge", "judgements", "1592", str(len(judgements))),
        same("mge", "participants", "522", str(len({judgement.participant for judgement in judgements}))),
        same("mge", "upgrade, no upgrade, unsure", "1070, 183, 339", counts),
        same("mge", "ordered pairs", "282", str(len(compat))),
        same("mge", "edges as in public", "71", str(len(mg.kept_edges(compat)))),
        same("mge", "edges, entropy put right", "82", str(len(mg.kept_edges(fixed)))),
    ]
    if graph is None:
        return [*checks, _absent("mge", GRAPH)]
    kept = {(edge.source, edge.target): edge for edge in mg.kept_edges(compat)}
    both = [
        (edge, kept[edge.source, edge.target]) for edge in graph.counted or () if (edge.source, edge.target) in kept
    ]
    exact = sum(_counts(one) == _counts(other) for one, other in both)
    checks.append(same("mge", "published edges found again", "68", str(len(both))))
    checks.append(same("mge", "of these with equal counts", "59", str(exact)))
    return checks


def _counts(edge: mg.Edge) -> tuple[int, ...]:
    return edge.wiser, edge.not_wiser, edge.unsure, edge.less_wise, edge.impressions


def survey_check(path: Path, column: str | None = None) -> Check:
    """Return the check on how well people felt represented: 4 or 5 of 5, by 268 of 301."""
    header, *rows = list(table_of(path)) or [[]]
    place = _column(path, header, column, ("submitted", "voted")) if header else 0
    answers = [_level(row[place]) for row in rows if place < len(row)]
    known = [answer for answer in answers if answer is not None]
    return same("dft", "well represented", "268/301", f"{sum(answer >= 4 for answer in known)}/{len(known)}")


def _column(path: Path, header: Sequence[str], column: str | None, words: Sequence[str]) -> int:
    if column is not None:
        places = [number for number, name in enumerate(header) if name.strip() == column]
    else:
        places = [number for number, name in enumerate(header) if all(word in name.lower() for word in words)]
    if len(places) != 1:
        raise UserError(
            f"{path}: {len(places)} columns could be meant.",
            f"the question was looked for by {column or ' and '.join(words)}.",
            "name the column with --column",
        )
    return places[0]


def _level(cell: object) -> int | None:
    """Return the leading number of an answer such as "4" or "4 - agree"; None when there is none from 1 to 5."""
    match = re.match(r"\s*([1-5])(?:\D|$)", str(cell))
    return int(match[1]) if match else None


def position_check(path: Path, field: str | None = None) -> Check:
    """Return the check on whether people found the positions in the graph fair: 158 of 180."""
    rows = _records(path)
    keys = [field] if field else [key for key in rows[0] if not any(part in key.lower() for part in PERSONAL)]
    fair = {key: [row.get(key) for row in rows if row.get(key) is not None] for key in keys}
    usable = {key: values for key, values in fair.items() if values and all(isinstance(v, bool) for v in values)}
    if not usable:
        levels = {key: [_level(value) for value in values] for key, values in fair.items() if values}
        usable = {
            key: [n >= 4 for n in known if n] for key, known in levels.items() if all(n is not None for n in known)
        }
    if len(usable) != 1:
        raise UserError(
            f"{path}: {len(usable)} fields could be the answer.",
            "it was looked for among fields of true and false, or of 1 to 5.",
            "name the field with --column",
        )
    (answers,) = usable.values()
    return same("mge", "position found fair", "158/180", f"{sum(map(bool, answers))}/{len(answers)}")
