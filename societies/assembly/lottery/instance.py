"""Who may be drawn and what a panel must look like: people, their features, quotas, panel size, households."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from agents.errors import UserError, nearest

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
AND = " & "


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """Between `least` and `most` panel members have this value of this feature.

    An intersection joins names with " & ": feature "gender & age", value "female & 16-29".
    flex_least, flex_most: how far a relaxation may go when the quotas cannot be met; None: as far as it takes.
    """

    feature: str
    value: str
    least: int
    most: int
    flex_least: int | None = None
    flex_most: int | None = None

    @property
    def name(self) -> str:
        """Return "feature = value"."""
        return f"{self.feature} = {self.value}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Instance:
    """One lottery's question.

    people: unique ids, n of them. features: names, F. values: the values of each feature.
    codes: int64 (n, F), an index into `values`. member: bool (n, Q), whether a person counts for a quota.
    k: seats. households: int64 (n,) with equal numbers for one household, of which at most one person may sit; or None.
    """

    people: tuple[str, ...]
    features: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]
    codes: IntArray
    quotas: tuple[Quota, ...]
    member: BoolArray
    k: int
    households: IntArray | None = None

    @property
    def n(self) -> int:
        """Return the size of the pool."""
        return len(self.people)


def instance(
    people: Sequence[str],
    columns: Mapping[str, Sequence[str]],
    quotas: Sequence[Quota],
    k: int,
    households: Sequence[str] | None = None,
) -> Instance:
    """Return the checked instance. columns: feature name -> one value a person, in the order of `people`.

    Raises UserError for an empty pool, duplicate ids, a missing or empty feature, an unknown value, a quota given twice
    or one that contradicts itself, and a panel larger than the pool. Quotas that contradict each other are found by
    `diagnose`.
    """
    _check_people(people, k)
    for name, column in columns.items():
        _check_column(people, name, column)
    check_quotas(quotas, columns)
    values = tuple(tuple(sorted(set(column))) for column in columns.values())
    codes = np.array(
        [[known.index(v) for v in column] for known, column in zip(values, columns.values(), strict=True)],
        dtype=np.int64,
    ).reshape(len(values), len(people))
    member = np.ones((len(people), len(quotas)), dtype=np.bool_)
    for number, quota in enumerate(quotas):
        for name, value in zip(quota.feature.split(AND), quota.value.split(AND), strict=True):
            member[:, number] &= np.array([v == value for v in columns[name]])
    _check_uncovered(quotas, columns)
    numbers = None if households is None else np.unique(np.array(households), return_inverse=True)[1].astype(np.int64)
    return Instance(
        people=tuple(people),
        features=tuple(columns),
        values=values,
        codes=codes.T.copy(),
        quotas=tuple(quotas),
        member=member,
        k=k,
        households=numbers,
    )


def _check_people(people: Sequence[str], k: int) -> None:
    if not people:
        raise UserError("The pool is empty.", "nobody can be drawn from it.", "give a pool with at least one person")
    twice = [person for person, count in Counter(people).items() if count > 1]
    if twice:
        raise UserError(
            f"{len(twice)} ids stand twice in the pool, such as {twice[0]!r}.",
            "a person with two rows would have two chances.",
            "remove the double rows or name another id column",
        )
    if not 1 <= k <= len(people):
        raise UserError(
            f"A panel of {k} cannot be drawn from a pool of {len(people)}.",
            "the panel needs at least one seat and at most as many as there are people.",
            "change the panel size",
        )


def _check_column(people: Sequence[str], name: str, column: Sequence[str]) -> None:
    if len(column) != len(people):
        raise UserError(
            f"Feature {name!r} has {len(column)} values for {len(people)} people.",
            "everybody has one value.",
            "give one each",
        )
    missing = [person for person, value in zip(people, column, strict=True) if not value.strip()]
    if missing:
        raise UserError(
            f"Feature {name!r} is missing for {len(missing)} people, such as {missing[0]!r}.",
            "a quota cannot count somebody whose value is not known.",
            "fill the gaps, or leave these people out of the pool",
        )


def check_quotas(quotas: Sequence[Quota], columns: Mapping[str, Sequence[str]]) -> None:
    """Raise UserError for quotas that contradict themselves or each other, or name no column."""
    twice = [name for name, count in Counter(quota.name for quota in quotas).items() if count > 1]
    if twice:
        raise UserError(
            f"The quota {twice[0]} is given twice.", "the two could contradict each other.", "keep one of the two lines"
        )
    for quota in quotas:
        names, parts = quota.feature.split(AND), quota.value.split(AND)
        if len(names) != len(parts):
            raise UserError(
                f"The quota {quota.name} joins {len(names)} features and {len(parts)} values.",
                "an intersection needs one value for each feature.",
                f'write as many values as features, joined by "{AND}"',
            )
        for name in names:
            if name not in columns:
                raise UserError(
                    f"The quotas name the feature {name!r}, the pool has no such column.",
                    f"its columns are {', '.join(columns)}.",
                    nearest(name, columns, "correct the spelling, or add the column"),
                )
        if not 0 <= quota.least <= quota.most:
            raise UserError(
                f"The quota {quota.name} asks for {quota.least} to {quota.most} people.",
                "the minimum must not be negative, nor above the maximum.",
                "correct this line",
            )
        low = quota.least if quota.flex_least is None else quota.flex_least
        high = quota.most if quota.flex_most is None else quota.flex_most
        if not 0 <= low <= quota.least <= quota.most <= high:
            raise UserError(
                f"The quota {quota.name} is {quota.least} to {quota.most} with a flexible range of {low} to {high}.",
                "the flexible range must contain the quota.",
                "correct this line",
            )


def _check_uncovered(quotas: Sequence[Quota], columns: Mapping[str, Sequence[str]]) -> None:
    """Refuse people whose value has no line, when their feature has lines: most often a spelling mistake."""
    known: dict[str, set[str]] = {}
    for quota in quotas:
        if AND not in quota.feature:
            known.setdefault(quota.feature, set()).add(quota.value)
    for name, values in known.items():
        for value in columns[name]:
            if value not in values:
                raise UserError(
                    f"Somebody in the pool has {name} = {value!r}, which the quotas do not list.",
                    f"they list {', '.join(sorted(values))}.",
                    nearest(value, values, "correct the spelling, or give this value a quota of its own"),
                )
