"""Frames behind the pages: findings in, Polars frames out, so that a chart and its table cannot disagree. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dashboards.epochs import FIRST, Epoch, marks_of, names_of
from dashboards.learning import FunnelStep, Policy
from dashboards.measures import Gate, Measure
from dashboards.rows import spaced
from dashboards.scale_units import unit_of
from dashboards.scenes import Scene
from dashboards.sources import mapping, number, text, whole

if TYPE_CHECKING:
    import polars as pl


LEAST_S = 0.25
"""Two heartbeats nearer than this, on the run's own clock, say nothing of its speed (the clock stands in a pause)."""


def runs_frame(rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Return the list of runs. scripts: how many of how many are done in the stage."""
    import polars as pl

    names = ("run", "state", "started (UTC)", "society", "engine", "model", "recipe", "seed", "stage", "scripts")
    kinds = {**dict.fromkeys(names, pl.String), "seed": pl.Int64}
    told = [{**row, "started (UTC)": _minute(text(row.get("started"))), "scripts": _done(row)} for row in rows]
    return pl.DataFrame([{name: row.get(name) for name in names} for row in told], schema=kinds, orient="row")


def _minute(stamp: str) -> str:
    return stamp[:16].replace("T", " ")


def _done(row: Mapping[str, Any]) -> str:
    done, total = whole(row.get("done")), whole(row.get("total"))
    return f"{done:,} of {total:,}" if total else f"{done:,}"


def stages_frame(tallies: Mapping[str, Mapping[str, Any]]) -> pl.DataFrame:
    """Return one row a stage from its counts. The unit of speed is prompt and output tokens per second."""
    import polars as pl

    rows = [{"stage": stage, **_counts(tally)} for stage, tally in tallies.items()]
    return pl.DataFrame(rows, orient="row") if rows else pl.DataFrame()


def _counts(tally: Mapping[str, Any]) -> dict[str, Any]:
    seconds = number(tally.get("seconds")) or 0.0
    read, wrote = whole(tally.get("num_prompt_tokens")), whole(tally.get("num_output_tokens"))
    state = "complete" if tally.get("complete") else "stopped" if tally.get("stopped") else "unfinished"
    return {
        "state": state,
        "scripts": whole(tally.get("num_done")),
        "requests": whole(tally.get("num_requests")),
        "forfeits": whole(tally.get("num_forfeits")),
        "lost": whole(tally.get("num_lost")),
        "prompt tokens": read,
        "from cache": whole(tally.get("num_cached_tokens")),
        "output tokens": wrote,
        "seconds": round(seconds, 1),
        "tokens per second": round((read + wrote) / seconds, 1) if seconds > 0 else None,
        "failed": whole(tally.get("num_failed")),
        "from journal": whole(tally.get("num_from_journal")),
    }


def tally_of_all(tallies: Mapping[str, Mapping[str, Any]], status: Mapping[str, Any]) -> dict[str, Any]:
    """Return the counts of all stages together, that of the last heartbeat too where it wrote none at its end.

    tallies: stage -> its counts. Causes of `forfeits` and `lost` are added up by name.
    """
    stage = text(status.get("stage"))
    parts = [*tallies.values()] + ([mapping(status.get("tally"))] if stage and not tallies.get(stage) else [])
    out: dict[str, Any] = {"seconds": math.fsum(number(one.get("seconds")) or 0.0 for one in parts)}
    for name in sorted({name for one in parts for name in one if name.startswith("num_")}):
        out[name] = sum(whole(one.get(name)) for one in parts)
    for what in ("forfeits", "lost"):
        causes = Counter[str]()
        for one in parts:
            causes.update({cause: whole(num) for cause, num in mapping(one.get(what)).items()})
        out[what] = dict(causes)
    return out


def purposes_frame(tallies: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Return what each purpose (a prompt with its version) cost over all stages, the dearest first."""
    import polars as pl

    sums: dict[str, list[int]] = {}
    for tally in tallies:
        for purpose, values in mapping(tally.get("by_purpose")).items():
            if isinstance(values, list) and len(values) == 4:
                sums[purpose] = [a + whole(b) for a, b in zip(sums.get(purpose, [0] * 4), values, strict=True)]
    names = ("requests", "prompt tokens", "from cache", "output tokens")
    rows = [{"purpose": purpose, **dict(zip(names, values, strict=True))} for purpose, values in sums.items()]
    schema = {"purpose": pl.String, **dict.fromkeys(names, pl.Int64)}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    dear = pl.col("prompt tokens") + pl.col("output tokens")
    return frame.sort(dear, "purpose", descending=[True, False])


def causes_frame(tallies: Mapping[str, Mapping[str, Any]]) -> pl.DataFrame:
    """Return what was lost or forfeited, by stage and cause."""
    import polars as pl

    rows = [
        {"stage": stage, "what": what, "cause": cause, "number": whole(num)}
        for stage, tally in tallies.items()
        for what in ("lost", "forfeits")
        for cause, num in mapping(tally.get(what)).items()
    ]
    schema = {"stage": pl.String, "what": pl.String, "cause": pl.String, "number": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def speed_point(status: Mapping[str, Any], before: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return one point of the live curve from two heartbeats; None when nothing moved or another stage began."""
    tally = mapping(status.get("tally"))
    seconds = number(tally.get("seconds")) or 0.0
    tokens = whole(tally.get("num_prompt_tokens")) + whole(tally.get("num_output_tokens"))
    point = {"stage": text(status.get("stage")), "seconds": seconds, "tokens": tokens}
    point["forfeits"] = whole(tally.get("num_forfeits"))
    same = before is not None and before["stage"] == point["stage"] and seconds > before["seconds"] + LEAST_S
    if before is not None and not same and before["stage"] == point["stage"]:
        return None
    since = (before["seconds"], before["tokens"]) if same and before is not None else (0.0, 0)
    gone = seconds - since[0]
    return {**point, "tokens per second": round((tokens - since[1]) / gone, 1) if gone > 0 else 0.0}


def acts_frame(scene: Scene) -> pl.DataFrame:
    """Return a scene's acts, one row each, with who perceived them."""
    import polars as pl

    rows = [
        {
            "step": n,
            "who": act.source,
            "did": act.said,
            "took effect": act.accepted,
            "feasible": act.feasible_p,
            "secret": act.secret,
            "perceived by": ", ".join(name for name, _ in act.perceived),
            "missed by": ", ".join(name for name, _ in act.missed),
            "critique": act.critique,
        }
        for n, act in enumerate(scene.acts, start=1)
    ]
    return pl.DataFrame(rows, orient="row") if rows else pl.DataFrame()


def perception_frame(scene: Scene) -> pl.DataFrame:
    """Return who was asked about each act: columns step, who, p (None where unknown), perceived, by."""
    import polars as pl

    rows = []
    for n, act in enumerate(scene.acts, start=1):
        asked = [(who, p, True) for who, p in act.perceived] + [(who, p, False) for who, p in act.missed]
        for who, p, heard in asked:
            reach = "perceived" if heard else "missed"
            rows.append({"step": n, "who": who, "p": p, "reach": reach, "by": act.source})
    schema = {"step": pl.Int64, "who": pl.String, "p": pl.Float64, "reach": pl.String, "by": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def measures_frame(measures: Sequence[Measure]) -> pl.DataFrame:
    """Return every measured point: one row a scale and stage, with interval, n and null baseline."""
    import polars as pl

    rows = [
        {
            "scale": scale_name(m),
            "unit": unit_of(m.instrument, m.scale, m.group),
            "stage": p.stage,
            "policy": p.policy,
            "point": p.point,
            "lo": p.lo,
            "hi": p.hi,
            "n": p.n,
            "forfeits": p.forfeits,
            "null": m.null_value,
            "null is": m.null_name,
            "better": {1: "more", -1: "less"}.get(m.better, "neither"),
            "mode": p.mode,
            "flags": "; ".join(p.flags),
        }
        for m in measures
        for p in m.points
    ]
    return pl.DataFrame(rows, orient="row", infer_schema_length=None) if rows else pl.DataFrame()


def scale_name(measure: Measure) -> str:
    """Return the name of a scale as words."""
    scale, group = spaced(measure.scale), spaced(measure.group)
    # A group that the scale names already is not said twice: "harmful compliance", "entropy high".
    more = f", {group}" if group and not set(group.split()) <= set(scale.split()) else ""
    return f"{spaced(measure.instrument)}: {scale}{more}"


def differences_frame(measures: Sequence[Measure]) -> pl.DataFrame:
    """Return the paired differences, after minus before."""
    import polars as pl

    rows = [
        {
            "scale": scale_name(m),
            "before": c.before,
            "after": c.after,
            "difference": c.diff,
            "lo": c.lo,
            "hi": c.hi,
            "pairs": c.n,
            "p (Holm)": c.p_holm,
            "could show": c.mde,
            "reading": c.reading,
        }
        for m in measures
        if (c := m.compared) is not None
    ]
    return pl.DataFrame(rows, orient="row", infer_schema_length=None) if rows else pl.DataFrame()


def gate_frame(gate: Gate) -> pl.DataFrame:
    """Return a gate's criteria with state and reason."""
    import polars as pl

    rows = [{"criterion": spaced(r.name), "state": r.state, "reason": r.text} for r in gate.reasons]
    rows += [{"criterion": f"{spaced(r.name)}, against the base", "state": r.state, "reason": r.text}
             for r in gate.against_base]  # fmt: skip
    return pl.DataFrame(rows, schema=dict.fromkeys(("criterion", "state", "reason"), pl.String), orient="row")


def policies_frame(policies: Sequence[Policy]) -> pl.DataFrame:
    """Return the policies with where they come from."""
    import polars as pl

    rows = [
        {
            "policy": p.name,
            "from": p.parent,
            "kind": p.kind,
            "recipe": p.recipe,
            "rows": p.num_rows,
            "steps": p.num_steps,
            "loss": p.loss,
            "seconds": p.seconds,
            "digest": p.digest[:12],
            "data": p.data_digest[:12],
        }
        for p in policies
    ]
    return pl.DataFrame(rows, orient="row", infer_schema_length=None) if rows else pl.DataFrame()


def curves_frame(policies: Sequence[Policy]) -> pl.DataFrame:
    """Return training loss by logged step: columns policy, step, loss."""
    import polars as pl

    rows = [{"policy": p.name, "step": n, "loss": loss} for p in policies for n, loss in enumerate(p.curve, start=1)]
    return pl.DataFrame(rows, schema={"policy": pl.String, "step": pl.Int64, "loss": pl.Float64}, orient="row")


def epochs_frame(epochs: Sequence[Epoch]) -> pl.DataFrame:
    """Return the numbers of watched rounds that are drawn, and their nulls: number, who, round, value, lo, hi."""
    import polars as pl

    rows = []
    for name in (name for name in names_of(epochs) if name in FIRST):
        for who, marks in zip((PANEL, NULL), marks_of(epochs, name), strict=True):
            rows += [(name, who, one.timestep, one.value, one.lo, one.hi) for one in marks]
    schema = {
        "number": pl.String, "who": pl.String, "round": pl.Int64, "value": pl.Float64, "lo": pl.Float64,
        "hi": pl.Float64,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


PANEL, NULL = "the panel", "its null"


def funnel_frame(steps: Sequence[FunnelStep]) -> pl.DataFrame:
    """Return the filters that samples went through."""
    import polars as pl

    rows = [
        {"round": s.round, "filter": s.name, "in": s.num_in, "out": s.num_out, "left out because": s.reasons}
        for s in steps
    ]
    return pl.DataFrame(rows, orient="row") if rows else pl.DataFrame()
