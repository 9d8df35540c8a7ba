"""Read what an invitation starts from: the address list, past response rates, shares of letters, quotas.

Address list: one person a row, an id column, columns that name the household, columns of features. Of it only ids and
the named features enter any output. Rates: `feature`, `value`, `invited`, `responded`, counts of past invitations.
Shares: `stratum`, `share`, where a stratum is the values of the columns of --by joined by " & ".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agents.errors import UserError, did_you_mean, nearest
from dashboards.tools.sortition_files import id_column_of, read_quotas, rows_of
from societies.assembly.lottery import Quota
from societies.assembly.lottery.instance import AND, BoolArray, IntArray, check_quotas
from societies.assembly.lottery.types import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Addresses:
    """An address list. homes: (n,) household of each person; strata: (H,) of each household; names: of strata.

    columns: feature -> value of each person. quotas: those whose features the list holds. left_out: the others.
    """

    ids: tuple[str, ...]
    homes: IntArray
    strata: IntArray
    names: tuple[str, ...]
    columns: dict[str, tuple[str, ...]]
    quotas: tuple[Quota, ...]
    left_out: tuple[str, ...]

    @property
    def member(self) -> BoolArray:
        """Who counts for which quota, bool (n, q)."""
        found = np.ones((len(self.ids), len(self.quotas)), dtype=np.bool_)
        for number, quota in enumerate(self.quotas):
            for name, value in zip(quota.feature.split(AND), quota.value.split(AND), strict=True):
                found[:, number] &= np.array([one == value for one in self.columns[name]])
        return found


@dataclass(frozen=True, slots=True)
class Rate:
    """How many of the people with a value answered past invitations."""

    feature: str
    value: str
    invited: int
    responded: int


def read_addresses(
    path: Path,
    *,
    id_column: str | None = None,
    household: Sequence[str] = (),
    by: Sequence[str] = (),
    rates: Sequence[Rate] = (),
    quotas: Path | None = None,
) -> Addresses:
    """Return the checked list.

    household: columns that together name a household; people with all of them empty, or all people where there are no
    such columns, are each alone. by: columns whose values make the strata. rates: whose features the list must hold.
    Raises UserError for missing columns and values, ids that come twice, and households with two strata.
    """
    rows = rows_of(path)
    wanted = dict.fromkeys((*by, *(one.feature for one in rates)))
    for name in (*wanted, *household, *([id_column] if id_column else [])):
        if name not in rows[0]:
            raise UserError(
                f"{path} has no column {name!r}.", f"its columns are {', '.join(rows[0])}.", nearest(name, rows[0])
            )
    lines = read_quotas(quotas) if quotas else []
    here = [one for one in lines if all(name in rows[0] for name in one.feature.split(AND))]
    wanted |= dict.fromkeys(name for one in here for name in one.feature.split(AND))
    ids = id_column_of(path, rows, id_column)
    twice = [one for one, count in Counter(ids).items() if count > 1]
    if twice:
        raise UserError(
            f"{path}: the id {twice[0]!r} stands twice.", "a person with two rows would get two chances.", "remove one"
        )
    columns = {name: tuple(row[name].strip() for row in rows) for name in wanted}
    for name, values in columns.items():
        if "" in values:
            line = values.index("") + 2
            raise UserError(f"{path}, line {line}: {name} is missing.", "it decides about the letter.", "fill the gap")
    check_quotas(here, columns)
    homes, first = _homes(rows, household)
    of_person = [AND.join(columns[name][n] for name in by) for n in range(len(rows))]
    for n, home in enumerate(homes.tolist()):
        if of_person[n] != of_person[first[home]]:
            raise UserError(
                f"{path}, line {n + 2}: a household lies in two strata, {of_person[first[home]]} and {of_person[n]}.",
                "a letter goes to a household, so its stratum must be one.",
                "choose columns for --by that are the same for a whole household, such as the district",
            )
    names, strata = np.unique([of_person[n] for n in first], return_inverse=True)
    return Addresses(
        ids=tuple(ids),
        homes=homes,
        strata=strata.astype(np.int64),
        names=tuple(str(one) or "everybody" for one in names),
        columns=columns,
        quotas=tuple(here),
        left_out=tuple(dict.fromkeys(one.feature for one in lines if one not in here)),
    )


def _homes(rows: Sequence[dict[str, str]], household: Sequence[str]) -> tuple[IntArray, list[int]]:
    """Return the household of each person by order of appearance, and the first person of each."""
    keys: dict[object, int] = {}
    homes, first = [], []
    for n, row in enumerate(rows):
        told = tuple(row[name].strip() for name in household)
        key: object = told if any(told) else n
        if key not in keys:
            keys[key] = len(keys)
            first.append(n)
        homes.append(keys[key])
    return np.array(homes, dtype=np.int64), first


def read_rates(path: Path) -> list[Rate]:
    """Return past response rates. Raises UserError for another layout, odd counts and values given twice."""
    rows = rows_of(path)
    for name in ("feature", "value", "invited", "responded"):
        if name not in rows[0]:
            raise UserError(
                f"{path} has no column {name!r}.",
                f"its columns are {', '.join(rows[0])}.",
                "give feature, value, invited and responded, in counts of past invitations",
            )
    found: dict[tuple[str, str], Rate] = {}
    for line, row in enumerate(rows, start=2):
        try:
            invited, responded = int(row["invited"]), int(row["responded"])
        except ValueError:
            invited, responded = 0, 1
        if not 0 <= responded <= invited or not invited:
            raise UserError(
                f"{path}, line {line}: {row['responded']!r} of {row['invited']!r} answered.",
                "both are whole numbers, and no more can answer than were invited.",
                "correct this line",
            )
        one = Rate(row["feature"].strip(), row["value"].strip(), invited, responded)
        if (one.feature, one.value) in found:
            raise UserError(
                f"{path}, line {line}: {one.feature} = {one.value} comes twice.",
                "each value has one rate.",
                "add the counts of both up in one line",
            )
        found[one.feature, one.value] = one
    return list(found.values())


def rate_members(path: Path, addresses: Addresses, rates: Sequence[Rate]) -> BoolArray:
    """Return who has which value of the rates, bool (n, v). Raises UserError where somebody's value has no rate."""
    for feature in dict.fromkeys(one.feature for one in rates):
        known = {one.value for one in rates if one.feature == feature}
        strange = sorted(set(addresses.columns[feature]) - known)
        if strange:
            raise UserError(
                f"{path} has no past rate for {feature} = {strange[0]!r}, which somebody on the list has.",
                f"it has {', '.join(sorted(known))}.",
                nearest(strange[0], known, "correct the spelling, or add a line for it"),
            )
    return np.array([[value == one.value for value in addresses.columns[one.feature]] for one in rates]).T


def read_letter_shares(path: Path, addresses: Addresses) -> FloatArray:
    """Return the share of the letters that each stratum gets, (S,). Raises UserError where they do not fit."""
    rows = rows_of(path)
    for name in ("stratum", "share"):
        if name not in rows[0]:
            raise UserError(f"{path} has no column {name!r}.", f"its columns are {', '.join(rows[0])}.", "add it")
    given: dict[str, float] = {}
    for line, row in enumerate(rows, start=2):
        name = row["stratum"].strip()
        if name not in addresses.names or name in given:
            raise UserError(
                f"{path}, line {line}: {name!r} is no stratum of the list, or comes twice.",
                f'each stratum has one line, its values of --by joined by "{AND}".',
                did_you_mean(name, addresses.names),
            )
        try:
            given[name] = float(row["share"].strip().rstrip("%"))
        except ValueError:
            given[name] = -1.0
        if not 0 <= given[name] < float("inf"):
            raise UserError(
                f"{path}, line {line}: the share is {row['share']!r}.",
                "it is this stratum's part of all letters.",
                "give a number from 0 on; they are scaled to add up to the whole",
            )
    missing = [name for name in addresses.names if name not in given]
    if missing or not sum(given.values()):
        raise UserError(
            f"{path} has no share for {(missing or ['any stratum'])[0]!r}.",
            "the letters could not be divided.",
            "give every stratum a line, and one at least a share above 0",
        )
    return np.array([given[name] for name in addresses.names])
