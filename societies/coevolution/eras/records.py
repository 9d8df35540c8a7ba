"""What the society `eras` leaves behind beside the tables of `coevolution`, and the reading of a recorded era.

A recording is the tables `era_vectors`, `era_items` and `era_votes` of any run of this society. It belongs to the
items and prompts whose digest it carries; under others it is refused.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from agents.errors import UserError, did_you_mean
from agents.instruments.value_vector import intervals
from agents.instruments.value_vector.dims import NUM_DIMS
from agents.requests import Event
from societies.coevolution.eras.answers import Answered, Ballots
from societies.coevolution.records import TABLES as TRIAL
from societies.seam import Column

TABLES: dict[str, dict[str, Column]] = {
    **TRIAL,
    "era_vectors": {
        "voice": "str",
        "kind": "str",
        "timestep": "int",
        "policy": "str",
        "version": "str",
        "values": "list[float]",
        "lo": "list[float]",
        "hi": "list[float]",
        "uniform": "list[float]",
        "num_items": "int",
        "num_voters": "int",
        "invalid_rate": "float",
        "missing_votes": "float",
        "order_gap": "float",
        "vote_gap": "float",
        "label_mass": "float",
    },
    "era_items": {
        "voice": "str",
        "timestep": "int",
        "version": "str",
        "item": "str",
        "block": "str",
        "adds": "list[float]",
        "order_gap": "float",
        "mass": "float",
    },
    "era_votes": {
        "voice": "str",
        "timestep": "int",
        "version": "str",
        "pair": "str",
        "block": "str",
        "p_first": "float",
        "order_gap": "float",
        "missing": "bool",
    },
}
"""era_vectors: a voice's value vector on the held items with 95 % intervals over items, and the uniform responder's.
kind: era, recorded or policy; timestep is -1 for a policy. version: digest of items, prompts and pairs. era_items: what
each held item adds. era_votes: the probability of a pair's first action, mean of both orders, which lie order_gap
apart; a missing vote keeps its row."""


def answer_rows(
    answered: Answered,
    ballots: Ballots,
    version: str,
    *,
    voice: str,
    kind: str,
    timestep: int,
    policy: str,
    forms: Sequence[str],
) -> Iterator[Event]:
    """Yield the rows of everything that a voice said."""
    vector = ballots.vector(answered, voice, timestep, forms)
    lost = np.isnan(answered.votes)
    bounds = intervals(ballots.additions(answered))
    yield Event(
        table="era_vectors",
        row={
            "voice": voice,
            "kind": kind,
            "timestep": timestep,
            "policy": policy,
            "version": version,
            "values": vector.values.tolist(),
            "lo": bounds[:, 0].tolist(),
            "hi": bounds[:, 1].tolist(),
            "uniform": ballots.uniform.tolist(),
            "num_items": vector.num_items,
            "num_voters": answered.num_voters,
            "invalid_rate": vector.invalid_rate,
            "missing_votes": float(lost.mean()),
            "order_gap": _known_mean(answered.held_gaps),
            "vote_gap": _known_mean(answered.gaps),
            "label_mass": _known_mean(answered.masses),
        },
    )
    for place, item in enumerate(ballots.held):
        if np.isfinite(answered.rows[place]).all():
            yield Event(
                table="era_items",
                row={
                    "voice": voice,
                    "timestep": timestep,
                    "version": version,
                    "item": item.id,
                    "block": item.group,
                    "adds": answered.rows[place].tolist(),
                    "order_gap": float(answered.held_gaps[place]),
                    "mass": float(answered.masses[place]),
                },
            )
    for place, pair in enumerate(ballots.pairs):
        yield Event(
            table="era_votes",
            row={
                "voice": voice,
                "timestep": timestep,
                "version": version,
                "pair": pair.id,
                "block": pair.item.group,
                "p_first": None if lost[place] else float(answered.votes[place]),
                "order_gap": None if lost[place] else float(answered.gaps[place]),
                "missing": bool(lost[place]),
            },
        )


def recorded(folder: Path, era: str, ballots: Ballots, version: str, where: str) -> Answered:
    """Return what an era said in another run. Raises UserError when it was not asked there, or asked other things."""
    items = _frame(folder, "era_items", where)
    votes = _frame(folder, "era_votes", where)
    voters = {row["voice"]: int(row["num_voters"]) for row in _frame(folder, "era_vectors", where)}
    known = sorted({row["voice"] for row in votes})
    mine = [row for row in votes if row["voice"] == era]
    if not mine:
        raise UserError(
            f'{where} = {folder} has no era "{era}".', "nobody of that name was asked there.", did_you_mean(era, known)
        )
    if mine[0]["version"] != version:
        raise UserError(
            f"{where} = {folder} holds answers to other questions.",
            f"its items, templates or prompts have the digest {mine[0]['version']}, here it is {version}.",
            "give both runs the same society.folder, num, forms and orders",
        )
    found = Answered(
        votes=np.full(ballots.num_pairs, np.nan),
        gaps=np.full(ballots.num_pairs, np.nan),
        rows=np.full((len(ballots.held), NUM_DIMS), np.nan),
        held_gaps=np.full(len(ballots.held), np.nan),
        masses=np.full(len(ballots.held), np.nan),
        num_voters=voters.get(era, 0),
    )
    pairs = {pair.id: place for place, pair in enumerate(ballots.pairs)}
    for row in mine:
        if not row["missing"]:
            found.votes[pairs[row["pair"]]], found.gaps[pairs[row["pair"]]] = row["p_first"], row["order_gap"]
    places = {item.id: place for place, item in enumerate(ballots.held)}
    for row in items:
        if row["voice"] == era:
            place = places[row["item"]]
            found.rows[place] = row["adds"]
            found.held_gaps[place] = row["order_gap"]
            found.masses[place] = math.nan if row["mass"] is None else row["mass"]
    return found


def _frame(folder: Path, table: str, where: str) -> list[Mapping[str, Any]]:
    import polars as pl

    paths = sorted(folder.glob(f"events/*.play/{table}-*.parquet"))
    if not paths:
        raise UserError(
            f"{where} = {folder} holds no recorded eras.",
            f"there is no events/*.play/{table}-*.parquet in it.",
            "make one: folkmoot run experiment=follow_eras society.challenges=[] model=...",
        )
    rows: list[Mapping[str, Any]] = list(pl.concat([pl.read_parquet(path) for path in paths]).iter_rows(named=True))
    return rows


def _known_mean(values: Any) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else math.nan
