"""The tables of `folkmoot dqi`."""

from __future__ import annotations

import math

from agents.statistics.intervals import Interval
from dashboards.terminal import Section
from dashboards.tools.dqi import Findings
from societies.assembly.dqi import LEAST_JUDGES


def sections(found: Findings, *, top: int = 20) -> list[Section]:
    """Return the tables of the report. top: speakers to show."""
    parts = [_head(found), _scales(found), _speakers(found, top)]
    return [part for part in parts if part.lines or part.rows]


def _head(found: Findings) -> Section:
    q = found.quality
    judges = ", ".join(f"{judge} ({num})" for judge, num in found.judges.items())
    lines = [
        f"{q.num_turns} turns of {found.num_speakers} speakers, {q.num_judges} judges (turns): {judges}.",
        f"Index, the mean over the published scales: {told(q.total)}; codes at random {_two(found.chance_total)}.",
    ]
    if found.missing:
        lines.append(f"Not coded, so that this index is not the published set: {', '.join(found.missing)}.")
    if q.num_turns < 2:
        lines.append("One turn only: there is no interval.")
    if q.num_judges < 2:
        lines.append("One judge only: whether others would code alike is unknown, and alpha is undefined.")
    elif not q.enough_judges:
        lines.append(f"Fewer than {LEAST_JUDGES} judges: take the agreement with care.")
    return Section(title=f"Discourse quality: {found.source}", lines=tuple(lines))


def _scales(found: Findings) -> Section:
    rows = []
    for one in found.quality.scales:
        blank = found.blank[one.scale]
        alpha = told(one.alpha.value) if not math.isnan(one.alpha.value.point) else _why(found, one.alpha.n)
        rows.append(
            (
                one.scale,
                told(one.mean),
                _two(found.chance[one.scale]),
                str(found.coded[one.scale]),
                alpha,
                str(one.alpha.n),
                str(blank) if blank else "",
            )
        )
    return Section(
        title="Scales",
        columns=("scale", "mean", "null", "turns", "alpha", "coded twice", "blank"),
        rows=tuple(rows),
        right=(1, 2, 3, 4, 5, 6),
        notes=(
            "mean: rank / highest rank, judges averaged first. null: every code as likely as any other.",
            "alpha: ordinal Krippendorff, 1 perfect, 0 chance, over turns with two codes or more (coded twice).",
            "In brackets: 95 % bootstrap interval over turns; turns of one speaker may be alike, and then it is wider.",
        ),
    )


def _why(found: Findings, num: int) -> str:
    """Return why alpha is undefined."""
    if found.quality.num_judges < 2:
        return "undefined: one judge"
    return "undefined: no turn coded twice" if not num else "undefined: one level only"


def _speakers(found: Findings, top: int) -> Section:
    shown = found.speakers[:top]
    rows = tuple(
        (
            line.speaker,
            told(line.value),
            f"[{line.null_lo:.2f}, {line.null_hi:.2f}]",
            str(line.n),
            "yes" if line.apart else "",
        )
        for line in shown
    )
    left = len(found.speakers) - len(shown)
    return Section(
        title="Index by speaker",
        columns=("speaker", "index", "null", "turns", "apart"),
        rows=rows,
        right=(1, 2, 3),
        notes=(
            "null: 95 % of the means of as many turns by anybody. apart: outside it; of 20 speakers one is by chance.",
            *((f"{left} more speakers: --top shows them.",) if left else ()),
        ),
    )


def told(one: Interval) -> str:
    """Return a mean with its interval, as the tables show it."""
    if math.isnan(one.point):
        return "-"
    return f"{one.point:.2f}" + ("" if math.isnan(one.lo) else f" [{one.lo:.2f}, {one.hi:.2f}]")


def _two(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.2f}"
