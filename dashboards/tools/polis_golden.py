"""Hold the opinion-map mathematics against public outputs of others: `folkmoot polis --golden math|ccai FOLDER`.

`math`: production outputs of Polis, a folder (or a folder of folders) with `math-pca2.json`, `votes.json` and
`comments.json`, as in polis-community/red-dwarf, tests/fixtures. Means, axes and extremities there have agree = -1, the
votes beside them agree = 1 (checked against their own group counts). Groups depend on history: they are given.

`ccai`: the cleaned data of Collective Constitutional AI (saffronh/ccai): `clean_votes.csv` and `clean_comments.csv`.
Both heads were looked at in the public files: votes are laid out as in a Polis export, with `group-id` and `n-agree`.
Rows become numbers; nobody's id is kept.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from agents.errors import UserError
from dashboards.tools.polis_files import read_export
from dashboards.tools.public_checks import Check, same
from societies.assembly import polis
from societies.assembly.polis.votes import FloatArray, IntArray

TOLERANCE = {"consensus": 2e-16, "extremity": 9e-16, "priorities": 4e-15, "representativeness": 1e-6, "places": 4e-15}
"""Largest differences that count as equal; `representativeness` has single-precision numbers in it upstream."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Production:
    """One production output. Sign: agree = 1 throughout. labels: [participant]. Unknown numbers are nan."""

    name: str
    values: FloatArray
    labels: IntArray
    statements: tuple[int, ...]
    hidden: frozenset[int]
    meta: frozenset[int]
    space: polis.Space
    consensus: FloatArray
    extremity: FloatArray
    priorities: FloatArray
    representative: tuple[tuple[dict[str, Any], ...], ...]
    places: FloatArray


def math_checks(folder: Path) -> list[Check]:
    """Return the checks of one production output or of each folder in a folder of them."""
    folders = [folder] if (folder / "math-pca2.json").is_file() else sorted(p for p in folder.glob("*") if p.is_dir())
    folders = [place for place in folders if (place / "math-pca2.json").is_file()]
    if not folders:
        raise UserError(
            f"{folder} holds no math-pca2.json.",
            "that file holds the production output.",
            "give a folder of red-dwarf's tests/fixtures.",
        )
    return [check for place in folders for check in _math_checks(read_production(place))]


def _math_checks(data: Production) -> list[Check]:
    counts = polis.count_votes(data.values, data.labels)
    weights = polis.priorities(counts, data.extremity, np.isin(data.statements, list(data.meta)))
    checks = [
        _near(data.name, "consensus", polis.consensus(counts).product, data.consensus),
        _near(data.name, "extremity", polis.extremity(data.space), data.extremity),
    ]
    if np.unique(data.priorities).size == 1 and not data.meta:
        found = f"all {len(data.priorities)} are {data.priorities[0]:g} upstream, as for statements marked meta"
        checks.append(Check(data=data.name, claim="priorities", expected="by the formula", found=found, ok=None))
    else:
        checks.append(_near(data.name, "priorities", weights, data.priorities))
    ours, theirs = _representative_numbers(counts, data)
    checks.append(_near(data.name, "representativeness", ours, theirs))
    hidden = np.isin(data.statements, list(data.hidden))
    known = ~np.isnan(data.places[:, 0])
    places = polis.positions(data.values, data.space, hidden)
    if _same_means(data, hidden):
        checks.append(_near(data.name, "places", places[known], data.places[known]))
    else:
        found = "the votes here are not those of its means"
        checks.append(Check(data=data.name, claim="places", expected="as upstream", found=found, ok=None))
    return checks


def _near(data: str, claim: str, ours: FloatArray, theirs: FloatArray) -> Check:
    worst = float(np.abs(ours - theirs).max(initial=0.0))
    bound = TOLERANCE[claim]
    expected = f"equal within {bound:g} ({theirs.size} numbers)"
    return Check(data=data, claim=claim, expected=expected, found=f"largest difference {worst:.1e}", ok=worst <= bound)


def _same_means(data: Production, hidden: Any) -> bool:
    return bool(np.abs(polis.find_space(data.values, hidden).center - data.space.center).max() < 1e-9)


def _representative_numbers(counts: polis.Counts, data: Production) -> tuple[FloatArray, FloatArray]:
    """Return p, z of p, r and z of r of every statement that upstream lists for a group, ours and theirs."""
    sides = {"agree": polis.strengths(counts, "agree"), "disagree": polis.strengths(counts, "disagree")}
    ours, theirs = [], []
    for group, listed in enumerate(data.representative):
        for item in listed:
            at = group, data.statements.index(item["tid"])
            how = sides[item["repful-for"]]
            ours += [how.p[at], how.p_test[at], how.r[at], how.r_test[at]]
            theirs += [item["p-success"], item["p-test"], item["repness"], item["repness-test"]]
    return np.array(ours), np.array(theirs)


def read_production(folder: Path) -> Production:
    """Read one production output. Raises UserError when a file is missing or has another layout."""
    math, votes = (_json(folder / name) for name in ("math-pca2.json", "votes.json"))
    try:
        return _production(folder.name, math, votes)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise UserError(
            f"{folder} is not laid out as expected.", f"{type(error).__name__}: {error}.", "give red-dwarf's fixtures."
        ) from error


def _production(name: str, math: dict[str, Any], votes: list[dict[str, Any]]) -> Production:
    statements = tuple(int(tid) for tid in math["tids"])
    column = {tid: number for number, tid in enumerate(statements)}
    keys = ("participant_id", "statement_id") if "participant_id" in votes[0] else ("pid", "tid")
    people = {pid: number for number, pid in enumerate(sorted({vote[keys[0]] for vote in votes}))}
    values = np.full((len(people), len(statements)), np.nan)
    for vote in votes:
        if vote[keys[1]] in column:
            values[people[vote[keys[0]]], column[vote[keys[1]]]] = vote["vote"]
    base = math["base-clusters"]
    members = dict(zip(base["id"], base["members"], strict=True))
    labels = np.full(len(people), polis.UNGROUPED, dtype=np.int64)
    clusters = sorted(math["group-clusters"], key=lambda cluster: int(cluster["id"]))
    for number, cluster in enumerate(clusters):
        for member in cluster["members"]:
            labels[[people[pid] for pid in members[member]]] = number
    places = np.full((len(people), 2), np.nan)
    for group, x, y in zip(base["members"], base["x"], base["y"], strict=True):
        if len(group) == 1:
            places[people[group[0]]] = x, y
    pca = math["pca"]
    center, axes = polis.from_api(np.array(pca["center"])), np.array(pca["comps"])
    return Production(
        name=name,
        values=values,
        labels=labels,
        statements=statements,
        hidden=frozenset(math["mod-out"]),
        meta=frozenset(math["meta-tids"]),
        space=polis.space_of(center, axes),
        consensus=_by_statement(math["group-aware-consensus"], statements),
        extremity=np.array(pca["comment-extremity"], dtype=np.float64),
        priorities=_by_statement(math["comment-priorities"], statements),
        representative=tuple(tuple(math["repness"][str(cluster["id"])]) for cluster in clusters),
        places=polis.from_api(places),
    )


def _by_statement(by_id: dict[str, float], statements: Sequence[int]) -> FloatArray:
    return np.array([by_id[str(tid)] for tid in statements], dtype=np.float64)


def _json(path: Path) -> Any:
    import orjson

    try:
        return orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise UserError(f"{path} cannot be read.", f"{error}.", "fetch the public files again.") from error


def ccai_checks(folder: Path) -> list[Check]:
    """Return the checks of the cleaned data of Collective Constitutional AI."""
    votes_file, comments_file = folder / "clean_votes.csv", folder / "clean_comments.csv"
    for file in (votes_file, comments_file):
        if not file.is_file():
            raise UserError(
                f"{file} is not there.",
                "it is public and not shipped.",
                "fetch clean_votes.csv and clean_comments.csv of saffronh/ccai.",
            )
    export = read_export(votes_file)
    with comments_file.open(encoding="utf-8-sig", newline="") as stream:
        rows = {row["comment-id"]: row for row in csv.DictReader(stream)}
    if export.labels is None:
        raise UserError(f"{votes_file} has no groups.", "no column group-id tells them.", "fetch the cleaned files.")
    keep = np.array([statement in rows for statement in export.statements])
    values, labels = export.values[:, keep], export.labels
    kept = [statement for statement, known in zip(export.statements, keep, strict=True) if known]
    counts = polis.count_votes(values, labels)
    sizes = tuple(int(n) for n in np.bincount(labels[labels >= 0]))
    plain = counts.agree / np.maximum(1, counts.seen)
    theirs = np.array([[float(rows[s][f"group_{g}_consensus"]) for s in kept] for g in range(len(counts.seen))])
    worst = float(np.abs(plain - theirs).max(initial=0.0))
    product = polis.consensus(counts).product
    best = np.argsort(-product, kind="stable")[:3]
    top = ", ".join(f"{product[s]:.3f}" for s in best)
    return [
        same("ccai", "participants kept", "1,002", f"{len(values):,}"),
        same("ccai", "statements", "275", str(len(kept))),
        same("ccai", "votes", "34,563", f"{int((~np.isnan(values)).sum()):,}"),
        same("ccai", "group sizes", "(619, 383)", str(sizes)),
        Check(
            data="ccai",
            claim="published agreement is plain A/S",
            expected="largest difference 0",
            found=f"largest difference {worst:.1e}",
            ok=worst == 0,
        ),
        same("ccai", "highest group-aware consensus", "0.931, 0.915, 0.893", top),
    ]
