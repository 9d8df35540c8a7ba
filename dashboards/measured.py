"""A measure as a row of the before-and-after table, with its plot: what report and terminal show alike. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from dashboards.drawing import Dot, axis_range, interval_plot, short
from dashboards.measures import Compared, Measure, Point
from dashboards.rows import between, spaced
from dashboards.verdict import signed


@dataclass(frozen=True, slots=True, kw_only=True)
class PointText:
    """A point in words."""

    value: str
    between: str
    n: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureRow:
    """A scale before and after, ready to be shown. tone: "good", "bad" or ""."""

    instrument: str
    scale: str
    group: str
    better: str
    asked: str
    flags: tuple[str, ...]
    before: PointText
    after: PointText
    diff: str
    diff_between: str
    pairs: str
    reading: str
    tone: str
    null: str
    plot: Markup


def measure_row(measure: Measure) -> MeasureRow:
    """Return a scale as a row, with its plot. A baseline far from the points is told in words only."""
    compared = measure.compared
    points = measure.points
    share = all(0 <= value <= 1 for p in points for value in (p.point, p.lo, p.hi) if value is not None)
    low, high = axis_range([v for p in points for v in (p.point, p.lo, p.hi)], share=share)
    dots = [_dot(measure, point) for point in points]
    said = "; ".join(f"{d.label} {short(d.point)} ({short(d.lo)} to {short(d.hi)})" for d in dots)
    reading = compared.reading if compared else "not compared"
    tone = {"better": "good", "worse": "bad"}.get(reading, "")
    flags = [*(compared.flags if compared else ()), *(flag for point in points for flag in point.flags)]
    return MeasureRow(
        instrument=measure.instrument,
        scale=spaced(measure.scale),
        group=measure.group,
        better={1: "more is better", -1: "less is better"}.get(measure.better, "neither way is better"),
        asked=_asked(points[-1]),
        flags=tuple(dict.fromkeys(flags)),
        before=_point_text(measure.before),
        after=_point_text(measure.after),
        diff=signed(compared.diff) if compared else "-",
        diff_between=_change(compared) if compared else "",
        pairs=_pairs(measure),
        reading=reading,
        tone=tone,
        null=_null(measure),
        plot=interval_plot(dots, low, high, f"{spaced(measure.scale)}: {said}", null=measure.null_value),
    )


def _dot(measure: Measure, point: Point) -> Dot:
    label = "before" if point is measure.before else "after" if point is measure.after else point.policy
    return Dot(label=label, point=point.point, lo=point.lo, hi=point.hi, filled=point is not measure.before)


def _point_text(point: Point | None) -> PointText:
    if point is None:
        return PointText(value="-", between="", n="")
    forfeits = f", {point.forfeits} forfeited" if point.forfeits else ""
    return PointText(value=short(point.point), between=between(point.lo, point.hi), n=f"n = {point.n}{forfeits}")


def _pairs(measure: Measure) -> str:
    compared = measure.compared
    if compared is None or compared.diff is None:
        return ""
    words = f"{compared.n} pairs"
    if compared.p_holm is not None:
        words += f", p = {short(compared.p_holm, 2)}"
    if compared.mde is not None:
        words += f", shows {short(compared.mde, 2)}"
    return words


def _asked(point: Point) -> str:
    parts = [point.mode, point.orders, "" if point.label_mass is None else f"label mass {point.label_mass:.2f}"]
    return ", ".join(part for part in parts if part)


def _null(measure: Measure) -> str:
    if measure.null_value is None:
        return "no null baseline" + (f": {measure.null_name}" if measure.null_name else "")
    return f"baseline: {measure.null_name or 'null'} {short(measure.null_value)}"


def _change(compared: Compared) -> str:
    if compared.lo is None or compared.hi is None:
        return "no interval"
    return f"{signed(compared.lo)} to {signed(compared.hi)}"
