"""What a population should look like, as data: variables with shares, and tables that tie variables together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One categorical variable and the share of people in each category."""

    name: str
    categories: tuple[str, ...]
    shares: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Target shares over the categories of one or more variables.

    categories: those of each variable, in the order of `variables`.
    shares:     one number a cell, in C order.
    where:      the place in the configuration, for messages.
    """

    variables: tuple[str, ...]
    categories: tuple[tuple[str, ...], ...]
    shares: tuple[float, ...]
    where: str

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of categories along each variable."""
        return tuple(map(len, self.categories))

    @property
    def label(self) -> str:
        """The variables, readably: "sex x age"."""
        return " x ".join(self.variables)

    def array(self) -> FloatArray:
        """Return the shares with one axis a variable."""
        return np.array(self.shares, dtype=np.float64).reshape(self.shape)

    def cell(self, flat: int) -> str:
        """Return the name of a cell: "sex = female, age = 18-24"."""
        places = np.unravel_index(flat, self.shape)
        parts = zip(self.variables, self.categories, places, strict=True)
        return ", ".join(f"{name} = {categories[place]}" for name, categories, place in parts)

    def onto(self, names: Sequence[str]) -> FloatArray:
        """Return the shares summed onto some of the variables, in the order of `names`."""
        drop = tuple(axis for axis, name in enumerate(self.variables) if name not in names)
        kept = [name for name in self.variables if name in names]
        summed: FloatArray = self.array().sum(axis=drop).transpose([kept.index(name) for name in names])
        return summed


@dataclass(frozen=True, slots=True, kw_only=True)
class PopulationSpec:
    """A checked description of a population; `tables` holds the joint constraints only."""

    name: str
    size: int
    seed: int
    variables: tuple[Variable, ...]
    tables: tuple[Table, ...]

    def variable(self, name: str) -> Variable:
        """Return the variable of that name, or raise KeyError."""
        for variable in self.variables:
            if variable.name == name:
                return variable
        raise KeyError(name)

    def targets(self) -> tuple[Table, ...]:
        """Return every constraint: one table a variable, then the joint tables."""
        return tuple(map(_margin, self.variables)) + self.tables


def _margin(variable: Variable) -> Table:
    where = f"population.variables.{variable.name}"
    return Table(variables=(variable.name,), categories=(variable.categories,), shares=variable.shares, where=where)
