"""Minority reports: who signed them, from which groups, and what carried them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dashboards.assembly_numbers import Number, number_of
from dashboards.assembly_source import Archive, Key
from dashboards.sources import number, text, whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Dissent:
    """A minority report.

    coalition: everybody who voted no, the author first. share: of all citizens who are in it. signers: those of them
    who signed; None in runs in which nobody was asked. signed: share of all citizens. quota: citizens who would be
    entitled to a report, n / k for k clauses; None unknown. grounds: what carried it. lapsed: nothing did.
    by_group: group -> share of it that signed; null: the share of all. most: the largest of them; null: the largest
    with the same signers in groups of these sizes at random.
    """

    clause: str
    author: str
    text: str
    coalition: tuple[str, ...]
    share: Number
    signers: tuple[str, ...] | None
    signed: Number | None
    quota: float | None
    entitled: bool
    grounds: tuple[str, ...]
    lapsed: bool
    by_group: Mapping[str, Number]
    most: Number | None
    identity: str


def dissents_of(archive: Archive, key: Key, seed: int = 0) -> tuple[Dissent, ...]:
    """Return the minority reports of one arm, lapsed ones too."""
    from agents.statistics.intervals import wilson

    num = whole(archive.summaries[key].get("num_citizens"))
    citizens = archive.rows(key, "citizens", ["citizen", "group"])
    groups = {text(row.get("citizen")): text(row.get("group")) for row in citizens}
    camps = {text(row.get("citizen")): f"opinion group {row.get('camp')}" for row in archive.rows(key, "camps")}
    found = []
    for row in archive.rows(key, "dissents"):
        coalition = tuple(map(text, row.get("coalition") or ()))
        signers = None if row.get("signers") is None else tuple(map(text, row["signers"]))
        by_group: dict[str, Number] = {}
        most = None
        for named in (groups, camps) if signers is not None else ():
            parts, most = _by_group(signers or (), named, seed)
            by_group |= parts
        found.append(
            Dissent(
                clause=text(row.get("clause")),
                author=text(row.get("author")),
                text=text(row.get("text")),
                coalition=coalition,
                share=number_of(wilson(min(len(coalition), num), num), None, num),
                signers=signers,
                signed=None if signers is None else number_of(wilson(min(len(signers), num), num), None, num),
                quota=number(row.get("quota")),
                entitled=bool(row.get("entitled")),
                grounds=tuple(map(text, row.get("grounds") or ())),
                lapsed=row.get("status") == "lapsed",
                by_group=by_group,
                most=most,
                identity=text(row.get("identity")),
            )
        )
    return tuple(found)


def _by_group(signers: Sequence[str], groups: Mapping[str, str], seed: int) -> tuple[dict[str, Number], Number | None]:
    """Return the share of each group that signed, and the largest of them against random groups."""
    from agents.statistics.intervals import wilson
    from societies.assembly.metrics import endorsement

    names = list(groups)
    if len(set(groups.values())) < 2:
        return {}, None
    own = list(groups.values())
    # The group that stays away least is the one that signs most.
    found = endorsement([name not in signers for name in names], own, seed=seed)
    parts = {}
    for name in sorted(set(own)):
        size = own.count(name)
        signed = sum(group == name and who in signers for who, group in groups.items())
        parts[name] = number_of(wilson(signed, size), len(signers) / len(names), size)
    worst = parts[found.worst]
    most = Number(value=worst.value, lo=worst.lo, hi=worst.hi, null=1 - found.chance_min, n=worst.n)
    return parts, most
