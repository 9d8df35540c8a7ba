"""`metrics.parquet`: every number of a run in one long table, written whole at the end of each stage.

It says nothing that the run did not write down elsewhere: the account (`tallies/`), what the society names as its
curves (`events/`), the instruments' scales (`scores/`) and the curves of training (`policies/`). Rows of a stage are
there once it was played to its end. Time and speed are not: they differ from replay to replay and stay in `tallies/`,
so that the bytes of this table are those of the journal.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from string import Formatter
from typing import TYPE_CHECKING, Any

import numpy as np

from agents.instruments.frames import scores_of
from agents.statistics.intervals import NAN, Interval, student_band, wilson
from sim.answered import answered_in
from sim.store import Run, read_json, stage_key
from sim.tables import write_frame
from societies.seam import Charted, Curve, Society

if TYPE_CHECKING:
    import polars as pl

log = logging.getLogger(__name__)
FILE = "metrics.parquet"
METRIC_COLUMNS: dict[str, str] = {
    "run": "str",
    "scripted": "bool",
    "stage": "str",
    "society": "str",
    "source": "str",
    "name": "str",
    "group": "str",
    "clock": "str",
    "step": "int",
    "value": "float",
    "lo": "float",
    "hi": "float",
    "n": "int",
    "null": "float",
    "unit": "str",
    "definition": "str",
}
"""run: the config's name (a folder's name holds the time). scripted: only a script answered, so no row is a result.
society: empty where none was played. source: account, events, scores, training or epochs (what a round of the loop did
to those who are asked after each). group: what keeps equal names apart.
clock: what step counts ("timestep", "train step"); without one the number belongs to the whole stage. lo, hi: 95 %.
null: the value of no effect, where there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One row, without the run's name; see `METRIC_COLUMNS`."""

    stage: str
    source: str
    name: str
    value: float | None
    definition: str
    society: str = ""
    group: str = ""
    clock: str = ""
    step: int | None = None
    lo: float | None = None
    hi: float | None = None
    n: int | None = None
    null: float | None = None
    unit: str = ""


def write_metrics(run: Run, society: Society) -> None:
    """Write the table anew from what the run holds now."""
    write_frame(run.folder / FILE, metrics_frame(run, society))


def read_metrics(run: Run) -> pl.DataFrame:
    """Return the table; an empty frame with its columns where none was written yet."""
    import polars as pl

    path = run.folder / FILE
    return pl.read_parquet(path) if path.exists() else pl.DataFrame(schema=metric_schema())


def metric_schema() -> dict[str, Any]:
    """Return the Polars schema of the table."""
    import polars as pl

    plain = {"str": pl.String, "int": pl.Int64, "float": pl.Float64, "bool": pl.Boolean}
    return {name: plain[kind] for name, kind in METRIC_COLUMNS.items()}


def metrics_frame(run: Run, society: Society) -> pl.DataFrame:
    """Return all rows in a fixed order: by stage, then source, name, group and step."""
    import polars as pl

    rows: list[Metric] = []
    for stage in sorted(path.stem for path in (run.folder / "tallies").glob("*.json")):
        if run.is_complete(stage):
            rows += account_rows(stage, run.tally(stage))
            rows += society_rows(run, stage, society)
            rows += score_rows(run.folder / "scores" / f"{stage}.parquet", stage)
    for path in sorted((run.folder / "epochs").glob("r*.json")):
        rows += epoch_rows(path)
    for folder in sorted(path.parent for path in (run.folder / "policies").glob("*/curves.parquet")):
        if not folder.name.startswith("."):  # what a kill left half-stored keeps its temporary name
            rows += training_rows(folder)
    rows.sort(key=lambda row: (stage_key(row.stage), row.source, row.name, row.group, row.step or 0))
    head = {"run": str(run.config.get("name", "")), "scripted": answered_in(run) == "script"}
    named = [{**head, **asdict(row)} for row in rows]
    return pl.DataFrame([{key: row[key] for key in METRIC_COLUMNS} for row in named], schema=metric_schema())


def account_rows(stage: str, tally: Mapping[str, Any]) -> Iterator[Metric]:
    """Yield what a stage cost and lost."""
    counts = {
        "scripts": ("num_scripts", "scripts", "scripts begun"),
        "requests": ("num_requests", "requests", "requests answered, those from the journal included"),
        "prompt tokens": ("num_prompt_tokens", "tokens", "tokens of all prompts"),
        "output tokens": ("num_output_tokens", "tokens", "tokens sampled"),
    }
    for name, (key, unit, definition) in counts.items():
        yield Metric(stage=stage, source="account", name=name, value=tally[key], unit=unit, definition=definition)
    prompt = int(tally["num_prompt_tokens"])
    if prompt:
        share = int(tally["num_cached_tokens"]) / prompt
        told = "share of prompt tokens that the prefix cache served"
        yield Metric(stage=stage, source="account", name="cached share", value=share, n=prompt, definition=told)
    scripts, requests = int(tally["num_scripts"]), int(tally["num_requests"])
    told = "share of scripts that ended without a result"
    yield _share(stage, "account", "lost scripts", int(tally["num_lost"]), scripts, told)
    for cause, num in sorted(tally["lost"].items()):
        yield _share(stage, "account", "lost scripts", num, scripts, told, group=f"cause={cause}")
    told = "unusable replies to a request, retries counted each"
    yield _share(stage, "account", "forfeits", int(tally["num_forfeits"]), requests, told)
    for cause, num in sorted(tally["forfeits"].items()):
        yield _share(stage, "account", "forfeits", num, requests, told, group=f"cause={cause}")


def society_rows(run: Run, stage: str, society: Society) -> Iterator[Metric]:
    """Yield the curves of a stage that the society played; nothing for a society without any."""
    if not isinstance(society, Charted):
        return
    for curve in society.curves:
        frame = run.read_events(stage, curve.table)
        if frame.is_empty():
            continue
        missing = [field for field in _fields(curve) if field not in frame.columns]
        if missing:
            log.warning(
                "the curve %s is left out: %s of %s has no column %s, so another version of Folkmoot played it",
                *(curve.name, curve.table, stage, ", ".join(missing)),
            )
            continue
        yield from _curve_rows(frame, stage, society.name, curve)


def _fields(curve: Curve) -> list[str]:
    """Return the columns that a curve is read from."""
    named = [field for _, field, _, _ in Formatter().parse(curve.name) if field]
    ready = ("lo", "hi", "n") if curve.ready else ()
    return [curve.column, *named, *curve.by, *((curve.step,) if curve.step else ()), *ready]


def _curve_rows(frame: pl.DataFrame, stage: str, society: str, curve: Curve) -> Iterator[Metric]:
    import polars as pl

    named = [field for field in frame.columns if f"{{{field}}}" in curve.name]
    keys = [*named, *curve.by, *((curve.step,) if curve.step else ())]
    known = frame.filter(pl.col(curve.column).is_not_null())
    is_share = known.schema[curve.column] == pl.Boolean
    # Values are gathered in the order of identity and summed here: a sum over threads may differ in its last digit.
    groups = known.group_by(keys, maintain_order=True) if keys else [((), known)]
    for found, rows in groups:
        told = dict(zip(keys, found, strict=True))
        values = rows[curve.column].to_list()
        if curve.ready:
            row = rows.row(-1, named=True)
            interval, n = Interval(row[curve.column], NAN, row["lo"], row["hi"]), row["n"]
        else:
            values = [value for value in values if is_share or math.isfinite(value)]
            interval = wilson(sum(values), len(values)) if is_share else _mean(values)
            n = len(values)
        yield Metric(
            stage=stage,
            source="events",
            society=society,
            name=curve.name.format(**{field: told[field] for field in named}),
            group=", ".join(f"{field}={told[field]}" for field in curve.by if told[field] not in ("", None)),
            clock=curve.step,
            step=told[curve.step] if curve.step else None,
            value=_plain(interval.point),
            lo=_plain(interval.lo),
            hi=_plain(interval.hi),
            n=n,
            null=curve.null,
            unit=curve.unit,
            definition=curve.definition,
        )


def score_rows(path: Path, stage: str) -> Iterator[Metric]:
    """Yield the scales that instruments reported in a measuring stage."""
    import polars as pl

    if not path.exists():
        return
    for row in scores_of(pl.read_parquet(path)):
        null_name, null = row.null if row.null else ("", None)
        parts = {"policy": row.policy, "subject": row.subject, "group": row.group}
        yield Metric(
            stage=stage,
            source="scores",
            name=f"{row.instrument}/{row.scale}",
            group=", ".join(f"{key}={value}" for key, value in parts.items() if value),
            value=_plain(row.point),
            lo=_plain(row.lo),
            hi=_plain(row.hi),
            n=row.n,
            null=null,
            definition=f"scale of instrument {row.instrument}" + (f"; null: {null_name}" if null_name else ""),
        )


def epoch_rows(path: Path) -> Iterator[Metric]:
    """Yield what a round of the loop did to those who are asked after every round; round 1 is stage "r1.epoch"."""
    record = read_json(path)
    for row in record["rows"]:
        null = f"; null: {row['null_name']}" if row["null_name"] else ""
        yield Metric(
            stage=f"r{record['round']}.epoch",
            source="epochs",
            name=f"{row['instrument']}/{row['name']}",
            value=row["value"],
            lo=row["lo"],
            hi=row["hi"],
            n=row["n"],
            null=row["null"],
            definition=row["text"] + null,
        )


TRAINED: dict[str, str] = {
    "loss": "of the training rows of a step",
    "accuracies": "share of pairs whose chosen answer is preferred",
    "margins": "reward of the chosen answer minus that of the rejected one",
    "grad_norm": "norm of the gradient before clipping",
    "mean_token_accuracy": "share of tokens of the imitated answers that are the policy's likeliest",
    "reward": "mean reward of the sampled answers by the reward model",
    "reward_std": "spread of the rewards within the answers to a prompt",
    "frac_reward_zero_std": "share of prompts whose answers all got the same reward, so that they teach nothing",
    "kl": "divergence of the sampled answers from the policy that training started from, nats a token",
    "mean_length": "tokens of the sampled answers",
}
REWARD_MODEL: dict[str, str] = {
    "loss": "of the pairs of a step",
    "accuracy": "share of pairs whose chosen answer gets the higher reward",
    "margin": "reward of the chosen answer minus that of the rejected one",
}


def training_rows(folder: Path) -> Iterator[Metric]:
    """Yield the curves of a trained policy, and of its reward model where it has one; p1 is trained in "r1.train"."""
    number = folder.name.removeprefix("p")
    stage = f"r{number}.train" if number.isdigit() else f"{folder.name}.train"
    yield from _trained(folder / "curves.parquet", TRAINED, stage, f"policy={folder.name}")
    if (folder / "reward_curves.parquet").exists():
        group = f"policy={folder.name}, reward model"
        yield from _trained(folder / "reward_curves.parquet", REWARD_MODEL, stage, group)


def _trained(path: Path, told: Mapping[str, str], stage: str, group: str) -> Iterator[Metric]:
    import polars as pl

    frame = pl.read_parquet(path)
    for name, definition in told.items():
        if name not in frame.columns:
            continue
        for step, value in frame.select("step", name).iter_rows():
            yield Metric(
                stage=stage,
                source="training",
                name=name,
                group=group,
                clock="train step",
                step=step,
                value=None if value is None else _plain(float(value)),
                definition=definition,
            )


def _share(stage: str, source: str, name: str, num: int, n: int, definition: str, *, group: str = "") -> Metric:
    # More than one forfeit to a request is no share any more: then there is a rate without an interval.
    found = wilson(num, n) if num <= n else Interval(num / n if n else NAN, NAN, NAN, NAN)
    return Metric(
        stage=stage,
        source=source,
        name=name,
        group=group,
        value=_plain(found.point),
        lo=_plain(found.lo),
        hi=_plain(found.hi),
        n=n,
        definition=definition,
    )


def _mean(values: Sequence[float]) -> Interval:
    point, lo, hi = (float(one) for one in student_band(np.asarray(values, dtype=np.float64)))
    return Interval(point, NAN, lo, hi)


def _plain(value: float | None) -> float | None:
    """Return a number, or None for what was not measured."""
    return value if value is not None and math.isfinite(value) else None
