"""Measuring a policy as a stage of a run: instruments' scripts in, `responses/` and `scores/` out, paired comparisons.

What is stored is enough to compute every number again: a stage that was measured is read back, never asked twice.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ConfigDict

from agents.errors import UserError
from agents.instruments.frames import readings_of, responses_frame, scores_frame
from agents.instruments.types import Comparison, Instrument, InstrumentKind, Readings, ScoreRow, Subject
from agents.registry import find
from agents.requests import Script
from sim.config import plugin_section, validate
from sim.engines.base import PolicyRef
from sim.session import Session
from sim.store import Run
from sim.tables import write_frame


@dataclass(frozen=True, kw_only=True)
class MeasureConfig:
    """The `measure` section: which instruments, and who judges."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    judge_policy: str = "base"
    """The policy that judges, the same in every round."""
    instruments: list[dict[str, Any]] = field(default_factory=list)
    """Entries of name and settings of that instrument."""


def load_instruments(config: MeasureConfig, data_folder: Path) -> tuple[Instrument, ...]:
    """Load every configured instrument. Raises UserError for unknown names, settings and files."""
    loaded: list[Instrument] = []
    for number, entry in enumerate(config.instruments):
        where = f"measure.instruments.{number}"
        name, rest = plugin_section(entry, where)
        kind: InstrumentKind = find("instruments", name, where=f"{where}.name")
        loaded.append(kind.load(validate(kind.config, rest, where), data_folder, judge_policy=config.judge_policy))
    names = [instrument.name for instrument in loaded]
    if len(set(names)) != len(names):
        raise UserError(
            "measure.instruments names an instrument twice.",
            f"there are: {', '.join(names)}.",
            "keep one entry of each; scores are told apart by the instrument's name",
        )
    return tuple(loaded)


def item_texts(instruments: Sequence[Instrument]) -> list[str]:
    """Return the texts of all items; training rows may share no wording with them."""
    return [item.text for instrument in instruments for item in instrument.items]


def pairs_asked(instruments: Sequence[Instrument]) -> dict[str, set[frozenset[str]]]:
    """Return question -> the sets of options asked under it, for instruments that put one question to many pairs."""
    found: dict[str, set[frozenset[str]]] = {}
    for instrument in instruments:
        texts = {item.text for item in instrument.items}
        if len(texts) == 1 and len(instrument.items) > 1 and all(item.options for item in instrument.items):
            found.setdefault(texts.pop(), set()).update(frozenset(item.options) for item in instrument.items)
    return found


def policies_asked(instruments: Sequence[Instrument], policy: str) -> list[str]:
    """Return the policies that measuring this one will ask: itself, then judges and references."""
    asked = [policy]
    for instrument in instruments:
        asked += [str(getattr(instrument, role, "") or "") for role in ("judge_policy", "reference")]
    return list(dict.fromkeys(name for name in asked if name))


def measure(
    session: Session, stage: str, policy: str, instruments: Sequence[Instrument], refs: Mapping[str, PolicyRef]
) -> dict[str, list[Readings]]:
    """Measure one policy as a stage of the run and return its readings by instrument.

    refs: every policy that will be asked, by name. A stage measured before is read back.
    """
    if not is_measured(session.run, stage):
        subject = Subject(policy=policy, name="policy")
        policies = tuple(refs[name] for name in policies_asked(instruments, policy))
        total = sum(len(instrument.items) for instrument in instruments)

        def scripts() -> Iterator[tuple[str, Script[Readings]]]:
            for instrument in instruments:
                yield from instrument.scripts(subject)

        with session.engine(policies) as engine:
            result = session.play(stage, scripts(), engine, policies=policies, total=total, keep_values=True)
        frame = responses_frame([value for value in result.values.values() if value is not None])
        write_frame(session.run.folder / "responses" / f"{stage}.parquet", frame)
    readings = read_readings(session.run, stage)
    path = session.run.folder / "scores" / f"{stage}.parquet"
    if not path.exists():
        write_frame(path, scores_frame(score(instruments, readings)))
        session.write_metrics()
    return readings


def is_measured(run: Run, stage: str) -> bool:
    """Tell whether a measuring stage was played to its end and written."""
    return run.is_complete(stage) and (run.folder / "responses" / f"{stage}.parquet").exists()


def score(instruments: Sequence[Instrument], readings: Mapping[str, list[Readings]]) -> list[ScoreRow]:
    """Return the score rows of every instrument."""
    return [row for one in instruments for row in one.score(readings.get(one.name, []))]


def compare(
    instruments: Sequence[Instrument],
    before: Mapping[str, list[Readings]],
    after: Mapping[str, list[Readings]],
) -> list[Comparison]:
    """Return the paired comparisons of every instrument."""
    return [row for one in instruments for row in one.compare(before.get(one.name, []), after.get(one.name, []))]


def read_readings(run: Run, stage: str) -> dict[str, list[Readings]]:
    """Return the readings of a measured stage: instrument -> one list an item."""
    import polars as pl

    out: dict[str, list[Readings]] = {}
    for readings in readings_of(pl.read_parquet(run.folder / "responses" / f"{stage}.parquet")):
        out.setdefault(readings[0].instrument, []).append(readings)
    return out


def comparison_dict(one: Comparison) -> dict[str, Any]:
    """Return a comparison as plain JSON values; numbers that are not there are None."""
    return {k: (None if isinstance(v, float) and not math.isfinite(v) else _listed(v)) for k, v in asdict(one).items()}


def _listed(value: Any) -> Any:
    return [_listed(item) for item in value] if isinstance(value, list | tuple) else value
