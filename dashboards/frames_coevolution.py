"""Frames of co-evolution: records in, Polars frames out, so that a chart and its table cannot disagree. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from agents.instruments.value_follow import RAW
from dashboards.coevolution import Line, Mark, Trials
from dashboards.coevolution_follow import Follow
from dashboards.coevolution_live import MEASURES, Live
from dashboards.coevolution_words import reading_apart
from dashboards.frames_compare import CORRECTED
from dashboards.rows import arm_name
from dashboards.sources import number
from societies.coevolution.live.records import STANCES

if TYPE_CHECKING:
    import polars as pl

ALL_CLAIMS = "all claims"
SCORES = {
    "score": "score",
    "lag": "of the way, still to go",
    "spread kept": "of the history's spread",
    "said and done": "correlation",
}
"""What stands side by side for every arm, in this order, with its axis."""


def lines_frame(lines: Sequence[Line]) -> pl.DataFrame:
    """Return lines as rows: challenge, arm, who, what, timestep, value, lo, hi, seeds."""
    import polars as pl

    rows = [
        {
            "challenge": one.challenge,
            "arm": one.arm,
            "who": one.who,
            "what": one.what,
            **_mark(mark),
            "seeds": one.num_seeds,
        }
        for one in lines
        for mark in one.marks
    ]
    schema = {
        "challenge": pl.String,
        "arm": pl.String,
        "who": pl.String,
        "what": pl.String,
        **_bands(),
        "seeds": pl.Int64,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def _mark(mark: Mark) -> dict[str, Any]:
    return {"timestep": mark.timestep, "value": mark.value, "lo": mark.lo, "hi": mark.hi}


def _bands() -> dict[str, Any]:
    import polars as pl

    return {"timestep": pl.Int64, "value": pl.Float64, "lo": pl.Float64, "hi": pl.Float64}


def _points() -> dict[str, Any]:
    import polars as pl

    return dict.fromkeys(("point", "lo", "hi"), pl.Float64)


def scores_frame(found: Trials, challenge: str) -> pl.DataFrame:
    """Return what stands beside each other for every arm of a challenge: arm, what, point, lo, hi, n (seeds), null.

    null: the arm without an AI, or the frozen one where there is none; None where neither was played.
    """
    import polars as pl

    rows: list[dict[str, Any]] = []
    for entry in found.entries:
        if entry.challenge == challenge:
            for what, names in (("score", ("score", "lo", "hi")), ("lag", ("lag", "lag_lo", "lag_hi"))):
                point, lo, hi = (number(getattr(entry, name)) for name in names)
                rows.append(
                    {"arm": entry.algorithm, "what": what, "point": point, "lo": lo, "hi": hi, "n": entry.num_replicas}
                )
    for one in found.locked:
        if one.challenge == challenge:
            for what, mark in (("spread kept", one.kept), ("said and done", one.confirmed)):
                if mark is not None:
                    rows.append(
                        {
                            "arm": one.arm,
                            "what": what,
                            "point": mark.value,
                            "lo": mark.lo,
                            "hi": mark.hi,
                            "n": one.num_seeds,
                        }
                    )
    reference = next((arm for arm in ("none", "frozen") if any(row["arm"] == arm for row in rows)), "")
    nulls = {row["what"]: row["point"] for row in rows if row["arm"] == reference}
    schema = {"arm": pl.String, "what": pl.String, **_points(), "n": pl.Int64, "null": pl.Float64}
    return pl.DataFrame([{**row, "null": nulls.get(row["what"])} for row in rows], schema=schema, orient="row")


def efforts_frame(found: Trials) -> pl.DataFrame:
    """Return what was asked and refused: challenge, arm, seeds, queries, refused, missing, tokens, allowed."""
    import polars as pl

    rows = [
        {"challenge": one.challenge, "arm": one.arm, "seeds": one.num_seeds, "queries": one.num_queries,
         "refused": one.num_refused, "missing": one.num_missing, "tokens": one.num_tokens, "allowed": one.allowed}
        for one in found.efforts
    ]  # fmt: skip
    counts = ("seeds", "queries", "refused", "missing", "tokens", "allowed")
    schema = {"challenge": pl.String, "arm": pl.String, **dict.fromkeys(counts, pl.Int64)}
    return pl.DataFrame(rows, schema=schema, orient="row")


def asked_frame(found: Trials, challenge: str) -> pl.DataFrame:
    """Return a row an arm and answer, for a chart: arm, queries are (answered, refused), number, allowed."""
    import polars as pl

    rows = [
        {"arm": one.arm, "queries are": kind, "number": num, "allowed": one.allowed}
        for one in found.efforts
        if one.challenge == challenge
        for kind, num in (("answered", one.num_queries), ("refused", one.num_refused))
    ]
    schema = {"arm": pl.String, "queries are": pl.String, "number": pl.Int64, "allowed": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def stands_frame(found: Live, claim: str) -> pl.DataFrame:
    """Return shares of the five stances by arm and timestep: arm, timestep, stance, share, place, n. claim "": all."""
    import polars as pl

    rows = [
        {
            "arm": arm_name(one.arm),
            "timestep": one.timestep,
            "stance": STANCES[place],
            "share": share,
            "place": place,
            "n": one.num,
        }
        for one in found.stands
        if one.claim == claim
        for place, share in enumerate(one.shares[: len(STANCES)])
    ]
    schema = {"arm": pl.String, "timestep": pl.Int64, "stance": pl.String, "share": pl.Float64}
    schema |= {"place": pl.Int64, "n": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def diversity_frame(found: Live) -> pl.DataFrame:
    """Return measures of diversity: arm, what, timestep, value, lo, hi, n (people), replicas."""
    import polars as pl

    rows = [
        {"arm": arm_name(one.arm), "what": one.measure, **_mark(mark), "n": one.num, "replicas": one.num_replicas}
        for one in found.diversity
        for mark in one.marks
    ]
    schema = {"arm": pl.String, "what": pl.String, **_bands(), "n": pl.Int64, "replicas": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def apart_frame(found: Live) -> pl.DataFrame:
    """Return differences between arms: arm, against, what, timestep, value, lo, hi, n, p (Holm), reading."""
    import polars as pl

    rows = [
        {
            "arm": arm_name(one.arm),
            "against": arm_name(one.base),
            "what": one.measure,
            **_mark(mark),
            "n": one.num,
            CORRECTED: one.p_holm[place],
            "reading": reading_apart(one, place),
        }
        for one in found.apart
        for place, mark in enumerate(one.marks)
    ]
    texts = dict.fromkeys(("arm", "against", "what"), pl.String)
    schema = {**texts, **_bands(), "n": pl.Int64, CORRECTED: pl.Float64, "reading": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def slopes_frame(found: Live) -> pl.DataFrame:
    """Return entrenchment slopes: arm, point, lo, hi, n, null, flag."""
    import polars as pl

    rows = [
        {
            "arm": arm_name(one.arm),
            "point": one.value,
            "lo": one.lo,
            "hi": one.hi,
            "n": one.num,
            "null": 0.0,
            "flag": one.flag,
        }
        for one in found.slopes
    ]
    schema = {"arm": pl.String, **_points(), "n": pl.Int64, "null": pl.Float64, "flag": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def rounds_frame(found: Follow) -> pl.DataFrame:
    """Return following by round: what, timestep, policy, value, lo, hi, base, next, null, n, flags."""
    import polars as pl

    rows = [
        {"what": "raw" if one.kind == RAW else "centred", "timestep": one.round, "policy": one.policy,
         "value": one.value, "lo": one.lo, "hi": one.hi, "base": one.base, "next": one.later, "null": one.null,
         "n": one.n, "flags": "; ".join(one.flags)}
        for one in found.rounds
    ]  # fmt: skip
    schema = {"what": pl.String, "timestep": pl.Int64, "policy": pl.String,
              **dict.fromkeys(("value", "lo", "hi", "base", "next", "null"), pl.Float64), "n": pl.Int64,
              "flags": pl.String}  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


def measures_named(frame: pl.DataFrame) -> list[tuple[str, str]]:
    """Return the measures of a frame that are drawn, with their names."""
    return [(key, name) for key, name in MEASURES.items() if (frame["what"] == key).any()] if frame.height else []
