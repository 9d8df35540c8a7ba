"""Transcripts and ballots of assemblies, and what people of a live co-evolution said to each other, as `scenes` rows.

An assembly is one scene: witnesses first, then the tables, round by round; whoever sat at the table is the audience. Of
a live co-evolution each arm, repetition and timestep is one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from selfalign.release.clean import Cleaner
from selfalign.release.decontaminate import Matcher
from selfalign.release.intake import OWN, events
from selfalign.release.origins import ASSEMBLED, LIVED, Facts, Origins
from selfalign.release.rows import Draft
from selfalign.release.told import plain_meta

if TYPE_CHECKING:
    import polars as pl

MAIN = "full"
"""The arm that is an assembly itself; the others are controls."""
_HEAD = ("assembly", "arm")
ASSEMBLIES = (*_HEAD, "question", "winner_text")
CITIZENS = (*_HEAD, "citizen", "name", "persona_id", "policy", "group", "card")
SEATS = (*_HEAD, "round", "table", "citizen")
TURNS = (*_HEAD, "turn", "round", "table", "ordinal", "speaker", "kind", "text", "identity")
TESTIMONY = (*_HEAD, "answer_id", "witness", "role", "question", "asker", "answer", "identity")
BALLOTS = (*_HEAD, "citizen", "vote", "kind", "item", "dist", "weight", "identity")
MESSAGES = ("arm", "replica", "timestep", "kind", "speaker", "listener", "text", "identity")
PEOPLE = ("arm", "replica", "timestep", "agent", "card")
CLAUSE_OPTIONS = ("yes", "no", "abstain")
"""The order of a ballot's distribution on a clause."""

_ROLES = {"answer": "assistant"}
"""Kind of a message -> role of a speaker who is no person; news is "news"."""

Key = tuple[str, str]
Row = Mapping[str, Any]


def talk_rows(
    facts: Facts, stage: str, origins: Origins, cleaner: Cleaner, matcher: Matcher
) -> Iterator[tuple[str, Draft]]:
    """Yield transcripts without an evaluation item in them, and the ballots on clauses, which no sample holds."""
    for scene in (*_assemblies(facts, stage), *_towns(facts, stage)):
        turns = scene["turns"]
        texts = [scene["instruction"], scene["outcome"], *(turn["text"] for turn in turns)]
        if not turns or any(matcher.overlaps([text or "" for text in texts])):
            continue
        yield "scenes", _draft(facts, stage, scene, origins, cleaner)
    yield from _clause_ballots(facts, stage, origins, cleaner)


def _draft(facts: Facts, stage: str, scene: dict[str, Any], origins: Origins, cleaner: Cleaner) -> Draft:
    name = scene["name"]
    where = f"{facts.intake.run_id}|{name}"
    people = sorted({facts.citizen(one) for one in scene["people"] if one})
    requests = list(dict.fromkeys(turn["identity"] for turn in scene["turns"] if turn["identity"]))
    row = facts.row(
        stage,
        name,
        scene["policies"] or ["base"],
        topics=facts.topics(stage, scene["world"]),
        tick=scene["tick"],
        citizen_ids=people,
        turn_ids=[turn["turn_id"] for turn in scene["turns"]],
        request_keys=requests,
        request_digests=[facts.digests.get(key, "") for key in requests],
    )
    keys = [f"scene|{facts.intake.run_id}|{scene['world']}", *(f"person|{one}" for one in people)]
    parts = {turn["role"] for turn in scene["turns"]}
    number = origins.add(row, keys, [facts.citizen(one) for part, one in scene["seats"] if one and part in parts])

    def clean(value: str | None) -> str:
        return cleaner.text(value, where) if value else ""

    content = {
        "instruction": clean(scene["instruction"]),
        "roles": [
            {"role_id": role_id, "name": clean(name), "traits": clean(traits), "is_ego": False}
            for role_id, name, traits in scene["roles"]
        ],
        "turns": [
            {
                "turn_id": turn["turn_id"],
                "tick": turn["tick"],
                "speaker": clean(turn["speaker"]),
                "role": turn["role"],
                "text": clean(turn["text"]),
                "audience": turn["audience"],
                "accepted": True,
            }
            for turn in scene["turns"]
        ],
        "outcome": clean(scene["outcome"]),
        "answer": "",
        "end_reason": "",
        "meta": plain_meta(facts, scene=name, source=OWN, policies=scene["policies"]),
    }
    return Draft(number, stage, content)


def _by(frame: pl.DataFrame | None, columns: Iterable[str]) -> dict[Any, list[dict[str, Any]]]:
    """Return rows by some of their columns, in their order."""
    names = tuple(columns)
    out: dict[Any, list[dict[str, Any]]] = {}
    for row in frame.iter_rows(named=True) if frame is not None else ():
        out.setdefault(tuple(row[name] for name in names), []).append(row)
    return out


def scene_name(assembly: str, arm: str) -> str:
    """Return the name of an assembly's scene: the assembly, with its arm where that is a control.

    >>> scene_name("assembly-0000", "no_interaction")
    'assembly-0000.no_interaction'
    """
    return assembly if arm == MAIN else f"{assembly}.{arm}"


def _assemblies(facts: Facts, stage: str) -> Iterator[dict[str, Any]]:
    intake = facts.intake
    found = _by(events(intake, stage, "assemblies", ASSEMBLIES, by=(ASSEMBLED,)), _HEAD)
    if not found:
        return
    citizens = _by(events(intake, stage, "citizens", CITIZENS, by=(ASSEMBLED,)), _HEAD)
    seats = _by(events(intake, stage, "seats", SEATS, by=(ASSEMBLED,)), (*_HEAD, "round", "table"))
    turns = _by(events(intake, stage, "turns", TURNS, by=(ASSEMBLED,)), _HEAD)
    testimony = _by(events(intake, stage, "testimony", TESTIMONY, by=(ASSEMBLED,)), _HEAD)
    for key, (told,) in ((key, rows[:1]) for key, rows in found.items()):
        panel = citizens.get(key, [])
        names = {one["citizen"]: one["name"] for one in panel}
        heard = [(number, row) for number, row in enumerate(testimony.get(key, ()))]
        said = sorted(turns.get(key, ()), key=lambda row: (row["round"], row["table"]))
        yield {
            "name": scene_name(*key),
            "world": key[0],
            "tick": 0,
            "instruction": told["question"],
            "outcome": told["winner_text"],
            "people": [one["persona_id"] for one in panel],
            "seats": [(one["citizen"], one["persona_id"]) for one in panel],
            "policies": sorted({one["policy"] for one in panel if one["policy"]}),
            "roles": [(one["citizen"], one["name"], one["card"]) for one in panel],
            "turns": [turn for number, row in heard for turn in _testified(number, row, names)]
            + [_spoken(row, names, seats.get((*key, row["round"], row["table"]), ())) for row in said],
        }


def _testified(number: int, row: Row, names: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Yield the question to a witness, if somebody asked, and the answer, which the whole panel hears."""
    panel = list(names)
    asker = names.get(row["asker"], row["asker"])
    common = {"tick": 0, "audience": panel}
    if row["question"]:
        yield {
            "turn_id": f"{row['answer_id']}.question",
            "speaker": asker,
            "role": row["asker"],
            "text": row["question"],
            "identity": "",
            **common,
        }
    yield {
        "turn_id": row["answer_id"],
        "speaker": row["witness"],
        "role": row["role"],
        "text": row["answer"],
        "identity": row["identity"],
        **common,
    }


def _spoken(row: Row, names: Mapping[str, str], seats: Iterable[Row]) -> dict[str, Any]:
    return {
        "turn_id": row["turn"],
        "tick": row["round"],
        "speaker": names.get(row["speaker"], row["speaker"]),
        "role": row["speaker"],
        "text": row["text"],
        "identity": row["identity"],
        "audience": [seat["citizen"] for seat in seats if seat["citizen"] != row["speaker"]],
    }


def _towns(facts: Facts, stage: str) -> Iterator[dict[str, Any]]:
    frame = events(facts.intake, stage, "messages", MESSAGES, by=(LIVED,))
    if frame is None:
        return
    told = events(facts.intake, stage, "people", PEOPLE, by=(LIVED,))
    cards = {row["agent"]: row["card"] for row in told.iter_rows(named=True)} if told is not None else {}
    for (arm, replica, timestep), rows in _by(frame, ("arm", "replica", "timestep")).items():
        turns: dict[str, dict[str, Any]] = {}
        for number, row in enumerate(rows):  # a statement has a row for each who heard it
            turn = turns.setdefault(
                f"{row['identity']}|{row['kind']}" if row["identity"] else f"#{number}",
                {
                    "turn_id": row["identity"] or f"{row['kind']}-{number}",
                    "tick": timestep,
                    "speaker": _name_on(cards.get(row["speaker"], "")) or row["speaker"],
                    "role": row["speaker"] if row["speaker"] in cards else _ROLES.get(row["kind"], row["kind"]),
                    "text": row["text"],
                    "identity": row["identity"] or "",
                    "audience": [],
                },
            )
            turn["audience"] += [row["listener"]] if row["listener"] else []
        people = {name for row in rows for name in (row["speaker"], row["listener"]) if name in cards}
        yield {
            "name": f"{arm}.replica-{replica}.t{timestep}",
            "world": f"replica-{replica}",
            "tick": timestep,
            "instruction": "",
            "outcome": "",
            "people": sorted(people),
            "seats": [(name, name) for name in sorted(people)],
            "policies": [],
            "roles": [(name, _name_on(cards[name]), cards[name]) for name in sorted(people)],
            "turns": list(turns.values()),
        }


def _name_on(card: str) -> str:
    """Return the name that a persona card begins with; "" where it has none."""
    first = (card or "").split("\n", 1)[0]
    return first.removeprefix("Name: ") if first.startswith("Name: ") else ""


def _clause_ballots(facts: Facts, stage: str, origins: Origins, cleaner: Cleaner) -> Iterator[tuple[str, Draft]]:
    """Yield the votes on clauses with the whole distribution and the voter's soft-panel weight."""
    intake = facts.intake
    frame = events(intake, stage, "ballots", BALLOTS, by=(ASSEMBLED,))
    texts = _by(events(intake, stage, "clauses", (*_HEAD, "clause", "text"), by=(ASSEMBLED,)), (*_HEAD, "clause"))
    panel = _by(events(intake, stage, "citizens", CITIZENS, by=(ASSEMBLED,)), (*_HEAD, "citizen"))
    for place, row in enumerate(frame.iter_rows(named=True) if frame is not None else ()):
        key = row["assembly"], row["arm"]
        if row["kind"] not in CLAUSE_OPTIONS or (*key, row["item"]) not in texts:
            continue
        name = scene_name(*key)
        own = panel.get((*key, row["citizen"]), [{}])[0]
        person = facts.citizen(own.get("persona_id") or row["citizen"])
        requests = [row["identity"]] if row["identity"] else []
        origin = facts.row(
            stage,
            name,
            [own.get("policy") or "base"],
            topics=facts.topics(stage, key[0]),
            citizen_ids=[person],
            vote_ids=[f"{person}#0"],
            request_keys=requests,
            request_digests=[facts.digests.get(one, "") for one in requests],
        )
        number = origins.add(origin, [f"scene|{intake.run_id}|{key[0]}", f"person|{person}"])
        meta = plain_meta(facts, scene=name, policies=[own.get("policy") or "base"])
        meta |= {"subject": f"{intake.run_id}|{name}.{row['vote']}.{row['item']}", "dim": "adopt"}
        clause = texts[*key, row["item"]][0]["text"]
        yield (
            "ballots",
            Draft(
                number,
                f"{stage}|ballots|{place}",
                {
                    "subject": meta["subject"],
                    "statement": cleaner.text(clause or "", f"{intake.run_id}|{name}"),
                    "citizen": row["citizen"],
                    "group": own.get("group") or "",
                    "dim": "adopt",
                    "kind": "clause",
                    "options": list(CLAUSE_OPTIONS),
                    "values": [float(value) for value in row["dist"] or ()],
                    "weight": float(row["weight"] or 0.0),
                    "round": 0,
                    "rationale": "",
                    "meta": meta,
                },
            ),
        )
