"""Read a population spec from plain mappings, so that a YAML file can hold it.

It is checked completely before anybody is drawn: shares add up, categories exist, tables that share a variable agree
about it. How people are made from a spec is told in `synthesis`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import TypeGuard

import numpy as np

from agents.errors import UserError, did_you_mean, nearest
from agents.population.tables import PopulationSpec, Table, Variable

TOLERANCE = 1e-6
"""How far shares may be from a total of 1, and two tables from each other."""

RESERVED = frozenset(
    {"persona_id", "name", "weight", "policy", "text", "values", "traits", "roles", "history", "source_row"}
)
"""Columns of a population frame that are not variables."""

KEYS = ("joint", "name", "reserve", "seed", "size", "source", "variables")


def load_spec(config: Mapping[str, object]) -> PopulationSpec:
    """Read and check a population spec.

    config: `variables` maps a name to {category: share}, or to a list of categories when a joint table holds the
    shares; `joint` is a list of {of: [names], shares: nested mapping}, where a cell left out has share 0.
    Raises UserError that names the place and the allowed values.

    >>> load_spec({"variables": {"sex": {"female": 0.5, "male": 0.5}}}).size
    1000
    """
    for key in config:
        if key not in KEYS:
            raise UserError(
                f'population has no key "{key}".',
                "Nothing reads it, so it would change nothing.",
                did_you_mean(str(key), KEYS),
            )
    raw = _mapping(config.get("variables"), "population.variables")
    if not raw:
        raise UserError("population.variables is empty.", "A population needs at least one variable.", "name one.")
    names = {str(name): _categories(str(name), value) for name, value in raw.items()}
    tables = tuple(_table(entry, number, names) for number, entry in enumerate(_sequence(config.get("joint", ()))))
    variables = tuple(_variable(name, raw[name], categories, tables) for name, categories in names.items())
    spec = PopulationSpec(
        name=str(config.get("name", "population")),
        size=whole_number(config.get("size", 1000), "population.size", least=1),
        seed=whole_number(config.get("seed", 0), "population.seed", least=0),
        variables=variables,
        tables=tables,
    )
    _check_agreement(spec)
    return spec


def whole_number(value: object, where: str, *, least: int) -> int:
    """Return a configured whole number, or raise UserError when it is something else or too small."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise UserError(
            f"{where} = {value!r} is not usable.",
            f"It must be a whole number of at least {least}.",
            f"set {where} to {least} or more.",
        )
    return value


def _mapping(value: object, where: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise UserError(
            f"{where} is {value!r}.",
            "It must be a mapping (or a list of different names).",
            "see conf/population/default.yaml.",
        )
    for key in value:
        if not isinstance(key, str):
            raise UserError(
                f"{where} has the key {key!r}, which is no text.",
                "YAML reads bare yes, no, on, off and numbers as other types.",
                "put the key in quotes.",
            )
    return value


def _sequence(value: object) -> Sequence[object]:
    if value is None:
        return ()
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise UserError(
            f"population.joint is {value!r}.",
            "It must be a list of tables.",
            "write a list of {of: [names], shares: ...}, as in conf/population/default.yaml.",
        )
    return value


def _are_names(value: object) -> TypeGuard[Sequence[str]]:
    """Return whether a value is a list of different texts."""
    return (
        isinstance(value, Sequence)
        and not isinstance(value, str)
        and all(isinstance(name, str) for name in value)
        and 0 < len(set(value)) == len(value)
    )


def _categories(name: str, value: object) -> tuple[str, ...]:
    where = f"population.variables.{name}"
    if name in RESERVED:
        raise UserError(f"{where} uses a reserved name.", "Every population has that column already.", "rename it.")
    categories = tuple(value) if _are_names(value) else tuple(_mapping(value, where))
    if not categories or "" in categories:
        raise UserError(
            f"{where} has {'an empty' if categories else 'no'} category.",
            "Each person falls into one, and its name is read in the persona.",
            "name each category.",
        )
    return categories


def _variable(name: str, value: object, categories: tuple[str, ...], tables: tuple[Table, ...]) -> Variable:
    where = f"population.variables.{name}"
    if isinstance(value, Mapping):
        shares = checked_shares([value[category] for category in categories], where)
    else:
        holders = [table for table in tables if name in table.variables]
        if not holders:
            raise UserError(
                f"{where} lists categories without shares.",
                "No joint table holds its shares either.",
                "write a mapping from category to share, or add a joint table with it.",
            )
        shares = tuple(holders[0].onto([name]).tolist())
    return Variable(name=name, categories=categories, shares=shares)


def checked_shares(values: Sequence[object], where: str) -> tuple[float, ...]:
    """Return shares scaled to a total of exactly 1, or raise UserError when they are no shares."""
    shares: list[float] = []
    for value in values:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or value < 0:
            raise UserError(
                f"{where} holds the share {value!r}.",
                "A share is a number from 0 to 1.",
                "write 0.25 for 25 %, and 0 for a category with nobody.",
            )
        shares.append(float(value))
    total = math.fsum(shares)
    if abs(total - 1) > TOLERANCE:
        hint = "divide each by 100" if abs(total - 100) < 0.5 else f"divide each by {total:.10g}"
        raise UserError(f"{where}: the shares add up to {total:.10g}.", "They must add up to 1.", f"{hint}.")
    return tuple(share / total for share in shares)


def _table(entry: object, number: int, known: Mapping[str, tuple[str, ...]]) -> Table:
    where = f"population.joint[{number}]"
    parts = _mapping(entry, where)
    for key in parts:
        if key not in ("of", "shares"):
            raise UserError(
                f'{where} has no key "{key}".', "A table has of and shares.", did_you_mean(key, ("of", "shares"))
            )
    of = parts.get("of")
    if not _are_names(of):
        raise UserError(f"{where}.of is {of!r}.", "It must list different variables.", "for example [sex, age].")
    for name in of:
        if name not in known:
            raise UserError(
                f'{where}.of names "{name}", which is no variable.',
                "A table ties variables of population.variables.",
                did_you_mean(str(name), known),
            )
    categories = tuple(known[name] for name in of)
    cells: list[object] = [0.0] * math.prod(map(len, categories))
    _fill(cells, parts.get("shares"), list(zip(of, categories, strict=True)), 0, f"{where}.shares")
    shares = checked_shares(cells, f"{where}.shares")
    return Table(variables=tuple(of), categories=categories, shares=shares, where=where)


def _fill(
    cells: list[object], value: object, axes: Sequence[tuple[str, tuple[str, ...]]], offset: int, where: str
) -> None:
    """Write a nested mapping of shares into the flat list of cells."""
    if not axes:
        cells[offset] = value
        return
    (name, categories), rest = axes[0], axes[1:]
    for category, inner in _mapping(value, where).items():
        if category not in categories:
            raise UserError(
                f'{where} names "{category}", which is no category of {name}.',
                f"population.variables.{name} has {', '.join(categories)}.",
                nearest(category, categories),
            )
        place = offset * len(categories) + categories.index(category)
        _fill(cells, inner, rest, place, f"{where}.{category}")


def _check_agreement(spec: PopulationSpec) -> None:
    """Raise UserError when two tables give different shares to the variables that they have in common."""
    for left, right in itertools.combinations(spec.targets(), 2):
        shared = [name for name in left.variables if name in right.variables]
        if not shared:
            continue
        one, two = left.onto(shared), right.onto(shared)
        worst = np.unravel_index(int(np.argmax(np.abs(one - two))), one.shape)
        if abs(one[worst] - two[worst]) > TOLERANCE:
            cell = ", ".join(
                f"{name} = {spec.variable(name).categories[at]}" for name, at in zip(shared, worst, strict=True)
            )
            raise UserError(
                f"{left.where} ({left.label}) and {right.where} ({right.label}) disagree about {cell}: "
                f"{one[worst]:.8g} against {two[worst]:.8g}.",
                "Tables that share a variable must give it the same shares.",
                "change one of the two, or leave one out.",
            )
