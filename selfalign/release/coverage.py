"""Who speaks and who votes in a release, by each feature, against the targets of the population they were drawn from.

A small panel is never exactly like its population: beside each distance stands what a random draw of as many people
would have.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from agents.errors import UserError
from agents.population import load_microdata, load_spec, synthesise
from agents.population.synthesis import sample_microdata
from agents.statistics.distances import total_variation
from selfalign.release.bias import total_variation_by_chance
from selfalign.release.config import Source
from selfalign.release.intake import Intake
from selfalign.release.names import survey_path

if TYPE_CHECKING:
    import polars as pl

    from agents.population import PopulationSpec

SPOKE, VOTED = "spoke", "voted"


def coverage(
    intakes: Sequence[Intake], sources: Sequence[Source], people: Mapping[str, set[str]], seed: int
) -> dict[str, Any]:
    """Return the report. people: "spoke" and "voted" -> names in the whole release, "population:NAME/PERSON"."""
    told: dict[str, Any] = {}
    worst: list[tuple[float, float, str]] = []
    for name, own in _by_population(intakes).items():
        scope = f"population:{name}/"
        named = {
            what: {one.removeprefix(scope) for one in all_ if one.startswith(scope)} for what, all_ in people.items()
        }
        if not any(named.values()):
            told[name] = {"why_not": "nobody of it spoke or voted in a row"}
            continue
        found = _population(own, sources)
        if isinstance(found, str):
            told[name] = {"why_not": found, **{what: {"n": len(names)} for what, names in named.items()}}
            continue
        frame, spec = found
        told[name] = {what: _features(frame, spec, names, seed) for what, names in named.items()}
        for what in (SPOKE, VOTED):
            for feature, one in told[name][what].get("features", {}).items():
                distance = one["total_variation"]
                worst.append((distance - one["by_chance_95"], distance, f"{feature} of those who {what}"))
    outside = {what: sum(not one.startswith("population:") for one in all_) for what, all_ in people.items()}
    return {
        "tool": "folkmoot coverage",
        "version": 1,
        "parameters": {
            "distance": "total variation between people, each counted once, and the population's target shares",
            "by_chance": "mean and 95th percentile over 1000 random draws of as many people from the targets",
            "seed": seed,
        },
        "populations": told,
        "people_without_population": outside,
        "summary": _summary(told, worst, outside),
    }


def _by_population(intakes: Sequence[Intake]) -> dict[str, list[Intake]]:
    out: dict[str, list[Intake]] = {}
    for intake in intakes:
        if intake.population:
            out.setdefault(intake.population, []).append(intake)
    return dict(sorted(out.items()))


def _population(intakes: Sequence[Intake], sources: Sequence[Source]) -> tuple[pl.DataFrame, PopulationSpec] | str:
    """Return the people with their targets, or why they cannot be told."""
    sections = []
    for intake in intakes:
        section = dict(intake.config.get("population") or {})
        section.setdefault("seed", int(intake.config.get("seed") or 0))
        sections.append(section)
    if any(section != sections[0] for section in sections):
        return "NOT compared: runs drew different populations under this name"
    section = sections[0]
    try:
        if section.get("source", "marginals") == "marginals":
            spec = load_spec(section)
            return synthesise(spec), spec
        path = survey_path(section, str(section.get("name")), sources)
        if path is None:
            return "NOT compared: its file is not at hand; name it as `path` of its source"
        survey = load_microdata({**section, "path": path})
    except UserError as error:
        return f"NOT compared: it cannot be drawn again ({error.given})"
    if survey.spec is None:
        return "NOT compared: its config names no target shares"
    return sample_microdata(survey.rows, survey.weights, survey.size, survey.seed, spec=survey.spec), survey.spec


def _features(frame: pl.DataFrame, spec: PopulationSpec, names: set[str], seed: int) -> dict[str, Any]:
    import polars as pl

    some = frame.filter(pl.col("persona_id").is_in(sorted(names)))
    if some.is_empty():
        return {"n": 0}
    out: dict[str, Any] = {}
    for variable in spec.variables:
        if variable.name not in some.columns:
            continue
        counts = Counter(some[variable.name].to_list())
        num = [counts[category] for category in variable.categories]
        if not sum(num):
            continue
        mean, high = total_variation_by_chance(variable.shares, sum(num), seed)
        out[variable.name] = {
            "n": sum(num),
            "total_variation": round(total_variation(num, variable.shares), 4),
            "by_chance_mean": round(mean, 4),
            "by_chance_95": round(high, 4),
            "shares": {
                category: [round(k / sum(num), 4), round(target, 4)]
                for category, k, target in zip(variable.categories, num, variable.shares, strict=True)
            },
        }
    return {"n": some.height, "num_not_in_population": len(names) - some.height, "features": out}


def _summary(told: Mapping[str, Any], worst: Sequence[tuple[float, float, str]], outside: Mapping[str, int]) -> str:
    if not told:
        some = f" ({outside[SPOKE]} speakers, {outside[VOTED]} voters)" if any(outside.values()) else ""
        return f"Coverage: no population was drawn{some}; there is no target to compare with."
    said = []
    for name, one in told.items():
        if "why_not" in one:
            said.append(f"{name} {one['why_not']}")
            continue
        said.append(f"{one[SPOKE]['n']} people of {name} spoke and {one[VOTED]['n']} voted")
    if worst:
        far = sum(gap > 0 for gap, _, _ in worst)
        _, distance, what = max(worst)
        said.append(
            f"{far} of {len(worst)} features lie further from the targets than 95 % of random draws would "
            f"(one in twenty would by chance); farthest beyond that, {what}: total variation {distance:.2f}"
        )
    return f"Coverage: {'; '.join(said)}."
