"""Frames of an assembly's event tables: statements by consensus, and everything one citizen said and voted. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

SAID = {
    "turns": ("speaker", "at the table"),
    "statements": ("author", "statement"),
    "notes": ("citizen", "own notes"),
    "dissents": ("author", "minority report"),
}
"""Table -> the column that names the citizen, and what its texts are."""
ANSWERS = ("disagree", "in between", "agree")


def consensus_frame(ballots: pl.DataFrame, statements: pl.DataFrame) -> pl.DataFrame:
    """Return mean shares of disagree, in between and agree for each rated statement, the most agreed first.

    ballots: rows of kind "score" with `dist` over ordered levels, lowest first; the middle one, if any, is in between.
    Columns: vote, item, text, agree, in between, disagree, value, n, min, max (of the citizens' mean ratings).
    """
    import polars as pl

    if not ballots.width or "dist" not in ballots.columns:
        return pl.DataFrame()
    rows = []
    rated = ballots.filter(pl.col("kind") == "score").group_by("vote", "item", maintain_order=True)
    texts = dict(statements.select("statement", "text").iter_rows()) if statements.width else {}
    for (vote, item), part in rated:
        dists = [d for d in part["dist"].to_list() if d]
        values = [v for v in part["value"].to_list() if v is not None]
        if not dists or not values:
            continue
        shares = [_three(d) for d in dists]
        row: dict[str, Any] = {"vote": vote, "item": item, "text": texts.get(item, "")}
        row |= {name: sum(one[k] for one in shares) / len(shares) for k, name in enumerate(ANSWERS)}
        row |= {"value": sum(values) / len(values), "n": len(values), "min": min(values), "max": max(values)}
        rows.append(row)
    return pl.DataFrame(rows).sort("vote", "agree", descending=[True, True]) if rows else pl.DataFrame()


def _three(dist: list[float]) -> tuple[float, float, float]:
    half, total = len(dist) // 2, sum(dist) or 1.0
    low, high = sum(dist[:half]), sum(dist[len(dist) - half :])
    return low / total, max(0.0, total - low - high) / total, high / total


def long_shares(frame: pl.DataFrame, row: str) -> pl.DataFrame:
    """Return shares as one row an answer, for a chart: row, answer, share, n."""
    return frame.unpivot(on=list(ANSWERS), index=[row, "n"], variable_name="answer", value_name="share")


def said_by(tables: dict[str, pl.DataFrame], citizen: str) -> pl.DataFrame:
    """Return what a citizen said and wrote, in order: where, round, text."""
    import polars as pl

    parts: list[dict[str, Any]] = []
    for table, (column, kind) in SAID.items():
        frame = tables.get(table)
        if frame is None or not frame.width or column not in frame.columns or "text" not in frame.columns:
            continue
        for row in frame.filter(pl.col(column) == citizen).iter_rows(named=True):
            where = str(row.get("kind") or "") if table == "statements" else kind
            parts.append({"where": where, "round": row.get("round"), "text": row["text"]})
    schema = {"where": pl.String, "round": pl.Int64, "text": pl.String}
    return pl.DataFrame(parts, schema=schema, orient="row")


def stances_of(probes: pl.DataFrame, citizen: str) -> pl.DataFrame:
    """Return a citizen's agreement with the probed statements at each time: when, item, statement, level."""
    import polars as pl

    if not probes.width:
        return pl.DataFrame()
    own = probes.filter(pl.col("citizen") == citizen)
    return own.select(when="t", item="item", statement="text", level="level")
