"""Populations: who lives in a run, from published margins or from survey rows.

`build_population` does all of it from one configuration; the other names are its parts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from agents.errors import UserError, nearest
from agents.persona import Persona
from agents.population.microdata import Microdata, load_microdata
from agents.population.raking import Constraint, Convergence, rake
from agents.population.report import FitReport, effective_size, fit_report
from agents.population.spec import RESERVED, load_spec, whole_number
from agents.population.synthesis import rake_microdata, sample_microdata, synthesise
from agents.population.tables import PopulationSpec, Table, Variable

if TYPE_CHECKING:
    import polars as pl

__all__ = [
    "Constraint",
    "Convergence",
    "FitReport",
    "Microdata",
    "PopulationSpec",
    "Table",
    "Variable",
    "build_population",
    "divided",
    "effective_size",
    "fit_report",
    "load_microdata",
    "load_spec",
    "personas",
    "rake",
    "rake_microdata",
    "sample_microdata",
    "synthesise",
]

_SOURCES = ("marginals", "microdata")
_PARTS = {"value_": "values", "trait_": "traits", "role_": "roles", "history_": "history"}


def build_population(config: Mapping[str, object]) -> pl.DataFrame:
    """Return the population that a configuration describes (see `conf/population/`), one row a person.

    config: `source` is "marginals" (see `load_spec`) or "microdata" (see `load_microdata`). Raises UserError.
    """
    source = config.get("source", "marginals")
    if source == "marginals":
        return synthesise(load_spec(config))
    if source == "microdata":
        survey = load_microdata(config)
        return sample_microdata(survey.rows, survey.weights, survey.size, survey.seed, spec=survey.spec)
    raise UserError(
        f'population.source = "{source}" is unknown.',
        "People are drawn from marginals (target shares) or microdata (a survey's rows).",
        nearest(str(source), _SOURCES),
    )


def divided(config: Mapping[str, object]) -> tuple[list[Persona], list[Persona]]:
    """Return those who live in a run, and those kept apart to be asked and never to take part.

    config: as for `build_population`, with `reserve`, how many are kept apart (0). Rows of a population are shuffled,
    so both are fair samples of it. Raises UserError for a reserve that leaves nobody.
    """
    num = whole_number(config.get("reserve", 0), "population.reserve", least=0)
    everybody = list(personas(build_population(config)))
    if num >= len(everybody):
        raise UserError(
            f"population.reserve = {num} of {len(everybody)} persons leaves nobody to take part.",
            "those in reserve are only asked.",
            "raise population.size or keep fewer apart",
        )
    return everybody[num:], everybody[:num]


def personas(frame: pl.DataFrame) -> Iterator[Persona]:
    """Yield one persona card a row.

    A column value_*, trait_* or role_* adds its text to that part of the card; history_* adds "label: text"; list
    columns values, traits, roles and history are taken whole; any other column is a demographic. Blanks and columns
    that begin with an underscore are left out.
    """
    for row in frame.iter_rows(named=True):
        demographics: dict[str, str] = {}
        parts: dict[str, list[str]] = {part: _texts(row.get(part)) for part in _PARTS.values()}
        for column, value in row.items():
            if column in RESERVED or column.startswith("_") or not value:
                continue
            prefix = next((prefix for prefix in _PARTS if column.startswith(prefix)), None)
            if prefix is None:
                demographics[column] = str(value)
            elif prefix == "history_":
                parts["history"].append(f"{column.removeprefix(prefix).replace('_', ' ')}: {value}")
            else:
                parts[_PARTS[prefix]].append(str(value))
        yield Persona(
            persona_id=row["persona_id"],
            name=row["name"],
            demographics=demographics,
            text=row.get("text") or "",
            weight=row.get("weight", 1.0),
            policy=row.get("policy") or "base",
            **{part: tuple(lines) for part, lines in parts.items()},
        )


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value] if value else []
    return [str(text) for text in value] if isinstance(value, Iterable) else []
