"""Read what people said about values from JSON.

    {"cards": [{"id": "c1", "title": "...", "policies": ["..."]}],
     "edges": [{"from": "c1", "to": "c2", "context": "...", "verdict": "upgrade", "participant": "p1"}],
     "votes": [{"participant": "p1", "card": "c1"}],
     "camps": {"p1": "left"}}

verdict: upgrade (the second is wiser), no_upgrade, or unsure. `participant` may be missing: then nothing is said about
certainty and camps. `votes` and `camps` are optional; both serve bridging values.

A graph that others have summarised is read too, as published with Moral Graph Elicitation: {"values": [{"id", "title",
"policies" or "evaluationCriteria"}], "edges": [{"sourceValueId", "wiserValueId", "contexts", "counts": {"markedWiser",
"markedNotWiser", "markedLessWise", "markedUnsure", "impressions"}, "summary": {"wiserLikelihood", "entropy"}}]}.

Participants become numbers while reading; nothing else that tells who somebody is is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.errors import UserError, did_you_mean, nearest
from societies.assembly.moralgraph import VERDICTS, Ballot, Card, Edge, Judgement, edge_of, latest

SAME_VERDICT = {"not_sure": "unsure"}
"""Words of the public data for ours."""
FORM = 'give {"cards": [{"id", "title", "policies"}], "edges": [{"from", "to", "context", "verdict", "participant"}]}.'


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphFile:
    """judgements: empty when only counted edges were published, which then are in `counted`; else that is None.

    published: (likelihood, entropy) of each counted edge as the file has them. ballots: None when the file has none.
    camps: participant -> camp. repeated: judgements that a later one of the same person replaced.
    """

    name: str
    cards: tuple[Card, ...]
    judgements: tuple[Judgement, ...]
    counted: tuple[Edge, ...] | None
    published: tuple[tuple[float, float], ...]
    ballots: tuple[Ballot, ...] | None
    camps: Mapping[str, str]
    repeated: int


def read_graph(path: Path, *, compat: bool = False) -> GraphFile:
    """Read either form. compat: how the entropy of counted edges is made.

    Raises UserError for a file that is missing, broken or empty, an unknown card or an unknown verdict.
    """
    data = read_json(path)
    if not isinstance(data, dict):
        raise UserError(f"{path} is no moral graph.", "it holds no JSON object.", FORM)
    if "values" in data and "cards" not in data:
        return _summarised(path, data, compat)
    return _judged(path, data)


def read_json(path: Path) -> Any:
    """Return the JSON of a file, or raise UserError."""
    import orjson

    try:
        return orjson.loads(path.read_bytes())
    except OSError as error:
        raise UserError(f"{path} cannot be read.", f"{error.strerror or error}.", "check the path.") from error
    except orjson.JSONDecodeError as error:
        raise UserError(f"{path} is no JSON.", f"{error}.", FORM) from error


def _judged(path: Path, data: Mapping[str, Any]) -> GraphFile:
    cards = tuple(_card(path, item, number) for number, item in enumerate(_list(path, data, "cards")))
    known = _unique(path, cards)
    people: dict[str, str] = {}
    every = tuple(_judgement(path, item, n, known, people) for n, item in enumerate(_list(path, data, "edges")))
    kept = latest(every)
    votes = _list(path, data, "votes") if "votes" in data else None
    camps = data.get("camps") or {}
    if not isinstance(camps, dict):
        raise UserError(
            f'{path}: "camps" is no object.',
            "it says which camp each participant is in.",
            'give {"p1": "left", "p2": "right"}.',
        )
    return GraphFile(
        name=path.stem,
        cards=cards,
        judgements=kept,
        counted=None,
        published=(),
        ballots=None if votes is None else tuple(_ballot(path, v, n, known, people) for n, v in enumerate(votes)),
        camps={people[str(who)]: str(camp) for who, camp in camps.items() if str(who) in people},
        repeated=len(every) - len(kept),
    )


def _list(path: Path, data: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    found = data.get(key)
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        given = "missing" if found is None else "no list of objects"
        raise UserError(f'{path}: "{key}" is {given}.', "cards and edges are lists of objects.", FORM)
    if not found and key in ("cards", "edges"):
        raise UserError(f'{path}: "{key}" is empty.', "there is nothing to rank.", "give a file with judgements.")
    return found


def _card(path: Path, item: Mapping[str, Any], number: int) -> Card:
    if item.get("id") in (None, ""):
        raise UserError(f"{path}: card {number + 1} has no id.", "edges name cards by their ids.", FORM)
    policies = item.get("policies") or item.get("evaluationCriteria") or []
    if not isinstance(policies, list):
        raise UserError(f"{path}: the policies of card {number + 1} are no list.", "they are texts in a list.", FORM)
    name = str(item["id"])
    return Card(id=name, title=str(item.get("title") or name), policies=tuple(str(policy) for policy in policies))


def _unique(path: Path, cards: Sequence[Card]) -> set[str]:
    known: set[str] = set()
    for card in cards:
        if card.id in known:
            raise UserError(
                f'{path}: two cards have the id "{card.id}".', "edges could mean either.", "give each card its own id."
            )
        known.add(card.id)
    return known


def _judgement(path: Path, item: Mapping[str, Any], number: int, known: set[str], people: dict[str, str]) -> Judgement:
    where = f"{path}: edge {number + 1}"
    source, target = (_known(where, item, key, known) for key in ("from", "to"))
    if source == target:
        raise UserError(f'{where} goes from "{source}" to itself.', "a value is no wiser than itself.", "leave it out.")
    verdict = str(item.get("verdict", ""))
    verdict = SAME_VERDICT.get(verdict, verdict)
    if verdict not in VERDICTS:
        raise UserError(
            f'{where}: "{verdict}" is no verdict.',
            f"verdicts are {', '.join(VERDICTS)}.",
            nearest(verdict, VERDICTS),
        )
    return Judgement(
        source=source,
        target=target,
        context=str(item.get("context") or ""),
        verdict=verdict,
        participant=numbered(item.get("participant"), people),
    )


def _known(where: str, item: Mapping[str, Any], key: str, known: set[str]) -> str:
    name = str(item.get(key, ""))
    if name not in known:
        raise UserError(
            f'{where}: "{key}" is "{name}", which is no card.',
            'it must be the id of one of "cards", or of "values" in a published summary.',
            f"{did_you_mean(name, known)} Correct the id, or add the card.",
        )
    return name


def _ballot(path: Path, item: Mapping[str, Any], number: int, known: set[str], people: dict[str, str]) -> Ballot:
    card = _known(f"{path}: vote {number + 1}", item, "card", known)
    return Ballot(participant=numbered(item.get("participant"), people), card=card)


def numbered(who: object, people: dict[str, str]) -> str:
    """Return the number that stands for somebody from here on, "" for nobody; `people` learns new ones."""
    if who in (None, ""):
        return ""
    return people.setdefault(str(who), f"p{len(people) + 1}")


def _summarised(path: Path, data: Mapping[str, Any], compat: bool) -> GraphFile:
    cards = tuple(_card(path, item, number) for number, item in enumerate(_list(path, data, "values")))
    known = _unique(path, cards)
    edges, published = [], []
    for number, item in enumerate(_list(path, data, "edges")):
        try:
            counts, summary = item["counts"], item.get("summary") or {}
            edge = edge_of(
                str(item["sourceValueId"]),
                str(item["wiserValueId"]),
                contexts=tuple(str(context) for context in item.get("contexts") or ()),
                wiser=int(counts["markedWiser"]),
                not_wiser=int(counts["markedNotWiser"]),
                unsure=int(counts["markedUnsure"]),
                less_wise=int(counts["markedLessWise"]),
                impressions=int(counts["impressions"]),
                compat=compat,
            )
            told = float(summary.get("wiserLikelihood", "nan")), float(summary.get("entropy", "nan"))
        except (KeyError, TypeError, ValueError) as error:
            why = f"{type(error).__name__}: {error}."
            raise UserError(f"{path}: edge {number + 1} is not laid out as expected.", why, FORM) from error
        for key in ("sourceValueId", "wiserValueId"):
            _known(f"{path}: edge {number + 1}", item, key, known)
        edges.append(edge)
        published.append(told)
    return GraphFile(
        name=path.stem,
        cards=cards,
        judgements=(),
        counted=tuple(edges),
        published=tuple(published),
        ballots=None,
        camps={},
        repeated=0,
    )
