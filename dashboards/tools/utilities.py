"""Utilities from a CSV of pairwise answers: what is preferred, how surely, and how coherently.

Columns: option_a, option_b, and either p_a (share or probability of choosing option_a) or a_wins and b_wins.
Optional: order ("ab": option_a was shown first, "ba": option_b was; without the column option_a counts as first) and
weight (number of answers a p_a rests on, or a factor on the wins).
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from agents.errors import UserError, did_you_mean, nearest
from agents.statistics.intervals import Interval
from dashboards.terminal import Section
from dashboards.tools.separators import check_commas
from societies.assembly.utilities import (
    Accuracy,
    Answers,
    Coherence,
    Edges,
    OrderGap,
    accuracy,
    average_orders,
    bootstrap,
    coherence,
    edge_budget,
    fit,
    hold_out,
    laplace,
    next_pairs,
)

REQUIRED = ("option_a", "option_b")
KNOWN = (*REQUIRED, "p_a", "a_wins", "b_wins", "order", "weight")
_FEWEST_FOR_HOLDOUT = 20
_MOST_ROWS = 60


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pairs:
    """What a file says. options: names by number, in order of first appearance."""

    options: tuple[str, ...]
    answers: Answers
    num_rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionRow:
    """One option: utility in the common gauge (mean 0, standard deviation 1), its interval and its variance."""

    option: str
    mu: float
    se: float
    lo: float
    hi: float
    variance: float
    num_edges: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UtilityFindings:
    """Everything the tool found. tested: None when too few edges were there to set some aside."""

    options: tuple[OptionRow, ...]
    order: OrderGap
    coherence: Coherence
    trained: Accuracy
    tested: Accuracy | None
    spread: float
    converged: bool
    num_rows: int
    num_edges: int
    full_budget: int
    num_parts: int
    intervals: str
    suggested: tuple[tuple[str, str], ...]


def read_pairs(path: Path) -> Pairs:
    """Read a pairs CSV. Raises UserError with the line for anything that cannot be used."""
    if not path.is_file():
        raise UserError(
            f"{path} is not there.",
            "utilities are fitted from such a file.",
            "give the path of a CSV of pairwise answers",
        )
    number: dict[str, int] = {}
    rows: list[tuple[int, int, float, float]] = []
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream)
            if not reader.fieldnames:
                raise UserError(f"{path} is empty.", "It has no header and no pair.", "give a CSV of pairwise answers")
            check_commas(path, reader.fieldnames)
            _check_columns(path, reader.fieldnames or ())
            for line in reader:
                where = f"{path}, line {reader.line_num}"
                a, b = ((line[name] or "").strip() for name in REQUIRED)
                if not a or not b or a == b:
                    raise UserError(f"{where}: no pair.", "It needs two different options.", "fill or drop the line")
                p, weight = _share(line, where)
                pair = number.setdefault(a, len(number)), number.setdefault(b, len(number))
                rows.append((*pair, p, weight) if _a_first(line, where) else (*pair[::-1], 1 - p, weight))
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path} is no CSV in UTF-8.", str(error), "save it as CSV, UTF-8") from error
    if not rows:
        raise UserError(f"{path} holds no pairs.", "Only the header is there.", "add one line a pair")
    first, second, p_first, weights = (np.array(column) for column in zip(*rows, strict=True))
    answers = Answers(num_options=len(number), shown_first=first, shown_second=second, p=p_first, weight=weights)
    return Pairs(options=tuple(number), answers=answers, num_rows=len(rows))


def findings(
    pairs: Pairs, *, holdout: float = 0.05, num_resamples: int = 0, num_suggested: int = 0, seed: int = 0
) -> UtilityFindings:
    """Fit and judge. Accuracy comes from a fit without the held-out edges; the utilities shown use all edges.

    num_resamples: 0 for intervals from the curvature, else from that many refits to resampled edges.
    """
    asked, order = average_orders(pairs.answers)
    train, held = hold_out(asked, share=holdout, seed=seed) if _can_hold(asked, holdout) else (asked, None)
    partial = fit(train)
    whole = partial if held is None else fit(asked, start=partial)
    sure = bootstrap(whole, asked, num_resamples=num_resamples, seed=seed) if num_resamples else laplace(whole, asked)
    degree = np.bincount(asked.first, minlength=asked.num_options) + np.bincount(
        asked.second, minlength=asked.num_options
    )
    best_first = np.argsort(-whole.mu, kind="stable")
    suggested = next_pairs(whole.mu, asked, num_suggested, np.random.default_rng(seed)) if num_suggested else ((), ())
    return UtilityFindings(
        options=tuple(
            OptionRow(
                option=pairs.options[k],
                mu=float(whole.mu[k]),
                se=float(sure.se[k]),
                lo=float(sure.lo[k]),
                hi=float(sure.hi[k]),
                variance=float(whole.var[k]),
                num_edges=int(degree[k]),
            )
            for k in best_first
        ),
        order=order,
        coherence=coherence(asked, seed=seed),
        trained=accuracy(partial, train, seed=seed),
        tested=None if held is None else accuracy(partial, held, seed=seed),
        spread=whole.spread,
        converged=whole.converged and partial.converged,
        num_rows=pairs.num_rows,
        num_edges=len(asked),
        full_budget=edge_budget(asked.num_options),
        num_parts=_num_parts(asked),
        intervals=f"{num_resamples} refits to resampled edges" if num_resamples else "curvature of the fit",
        suggested=tuple((pairs.options[a], pairs.options[b]) for a, b in zip(*suggested, strict=True)),
    )


def sections(found: UtilityFindings) -> list[Section]:
    """Return the tables: utilities, how well they foretell, coherence with its nulls, and pairs to ask next."""
    shown = found.options
    left_out = max(0, len(shown) - _MOST_ROWS)
    if left_out:
        shown = (*shown[: _MOST_ROWS // 2], *shown[-_MOST_ROWS // 2 :])
    rows = tuple((_n(r.mu), f"{_n(r.lo)} to {_n(r.hi)}", _n(r.variance), str(r.num_edges), r.option) for r in shown)
    notes = [f"Utilities have mean 0 and standard deviation 1; 95 % intervals from the {found.intervals}."]
    if left_out:
        notes.append(f"{left_out} options in the middle are not shown; --json has all.")
    out = [
        Section(title="What to know first", lines=_warnings(found)),
        Section(
            title=f"Utilities of {len(found.options)} options from {found.num_edges} pairs",
            columns=("utility", "95 % interval", "variance", "pairs", "option"),
            rows=rows,
            right=(0, 1, 2, 3),
            notes=tuple(notes),
        ),
        _quality(found),
        Section(title="Ask next", columns=("option_a", "option_b"), rows=found.suggested),
    ]
    return [section for section in out if section.rows or section.lines]


def chart(found: UtilityFindings) -> Any:
    """Return an Altair chart of utilities with their intervals, the best on top."""
    import altair as alt

    rows = found.options
    if len(rows) > _MOST_ROWS:
        rows = (*rows[: _MOST_ROWS // 2], *rows[-_MOST_ROWS // 2 :])
    values = [
        {"option": r.option, "utility": _plain(r.mu), "lo": _plain(r.lo), "hi": _plain(r.hi), "pairs": r.num_edges}
        for r in rows
    ]
    base = alt.Chart(alt.Data(values=values)).encode(
        y=alt.Y("option:N", sort=None, title=None, axis=alt.Axis(labelLimit=360))
    )
    bars = base.mark_rule(strokeWidth=2).encode(x=alt.X("lo:Q", title="utility (mean 0, sd 1)"), x2="hi:Q")
    points = base.mark_point(filled=True, size=60).encode(x="utility:Q", tooltip=["option:N", "utility:Q", "pairs:Q"])
    return (bars + points).properties(
        width=420, title=f"{len(found.options)} options, {found.num_edges} pairs, 95 % intervals"
    )


def _quality(found: UtilityFindings) -> Section:
    c, o, noise = found.coherence, found.order, found.order.noise
    rows = [
        ("completeness, 2 |P - 1/2|", *_between(c.completeness), f"{_n(c.coin_completeness)} (coin)", c.num_edges),
        ("decisiveness beyond sampling", *_between(c.decisiveness), "0 (coin)", c.num_edges),
        ("probability of a cycle", *_between(c.cycles), "0.25 (coin)", c.num_triads),
        ("order gap |P(A|AB) - P(A|BA)|", *_between(o.gap), f"{_n(noise)} (sampling)", o.num_both),
        ("advantage of standing first", *_between(o.advantage), "0", o.num_both),
    ]
    for name, one in (("fitted", found.trained), ("held out", found.tested)):
        if one is not None:
            rows.append((f"right side, {name} pairs", *_between(one.right), "0.5 (coin)", one.num_decided))
            rows.append(
                (f"log-loss, {name} pairs", *_between(one.log_loss), f"{_n(math.log(2))} (coin)", one.num_edges)
            )
    return Section(
        title="Can it be trusted",
        columns=("measure", "value", "95 % interval", "null", "n"),
        rows=tuple((a, b, c_, d, str(n)) for a, b, c_, d, n in rows),
        right=(1, 2, 4),
    )


def _warnings(found: UtilityFindings) -> tuple[str, ...]:
    out = []
    if found.num_parts > 1:
        out.append(
            f"The pairs fall into {found.num_parts} parts that were never compared with each other: "
            "utilities of different parts cannot be compared."
        )
    if found.order.num_single:
        out.append(
            f"{found.order.num_single} of {found.num_edges} pairs were asked in one order only: "
            "position bias stays in their utilities."
        )
    if found.tested is None:
        out.append("No pairs were set aside, so nothing here shows that the utilities foretell new answers.")
    if found.num_edges < found.full_budget:
        out.append(f"{found.num_edges} pairs were asked; the usual budget for so many options is {found.full_budget}.")
    if not found.converged:
        out.append("The fit stopped before it converged: read the utilities with care.")
    return tuple(out)


def _check_columns(path: Path, names: Any) -> None:
    missing = [name for name in REQUIRED if name not in names]
    if missing:
        raise UserError(
            f'{path} has no column "{missing[0]}".',
            f"its columns are {', '.join(names)}.",
            nearest(missing[0], names, f"name the columns {', '.join(REQUIRED)} and p_a (or a_wins, b_wins)"),
        )
    if "p_a" not in names and not {"a_wins", "b_wins"} <= set(names):
        raise UserError(f"{path} does not say who won.", "It has neither p_a nor a_wins and b_wins.", "add one of them")
    for name in names:
        if name not in KNOWN and did_you_mean(name, KNOWN).startswith("Did"):
            raise UserError(
                f'{path} has an unknown column "{name}".',
                "it looks like one that is known, and would be passed over.",
                f"{did_you_mean(name, KNOWN)} Rename or drop it",
            )


def _share(line: dict[str, str], where: str) -> tuple[float, float]:
    """Return the share of option_a and the weight of one line."""
    weight = _number(line, "weight", where, lambda x: x > 0, "above 0") if (line.get("weight") or "").strip() else 1.0
    if "p_a" in line:
        return _number(line, "p_a", where, lambda x: 0 <= x <= 1, "between 0 and 1"), weight
    a, b = (_number(line, name, where, lambda x: x >= 0, "not negative") for name in ("a_wins", "b_wins"))
    if a + b <= 0:
        raise UserError(f"{where}: nobody won.", "a_wins and b_wins are both 0.", "drop the line")
    return a / (a + b), weight * (a + b)


def _number(line: dict[str, str], name: str, where: str, fits: Callable[[float], bool], what: str) -> float:
    text = (line.get(name) or "").strip()
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or not fits(value):
        raise UserError(f'{where}: {name} is "{text}".', f"It must be a number {what}.", "correct or drop the line")
    return value


def _a_first(line: dict[str, str], where: str) -> bool:
    order = (line.get("order") or "ab").strip().lower()
    if order not in ("ab", "ba"):
        raise UserError(f'{where}: order is "{order}".', "It says which option was shown first.", "use ab or ba")
    return order == "ab"


def _can_hold(asked: Edges, holdout: float) -> bool:
    return holdout > 0 and len(asked) >= _FEWEST_FOR_HOLDOUT


def _num_parts(asked: Edges) -> int:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    size = asked.num_options
    links = coo_array((np.ones(len(asked)), (asked.first, asked.second)), shape=(size, size))
    return int(connected_components(links, directed=False, return_labels=False))


def _between(value: Interval) -> tuple[str, str]:
    return _n(value.point), "-" if math.isnan(value.lo) else f"{_n(value.lo)} to {_n(value.hi)}"


def _n(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3f}".replace("-0.000", "0.000")


def _plain(value: float) -> float | None:
    return value if math.isfinite(value) else None


def option_rows(found: UtilityFindings) -> Iterator[str]:
    """Yield a CSV of the utilities, header first: option, mu, se, lo, hi, variance, num_edges."""
    yield "option,mu,se,lo,hi,variance,num_edges"
    for r in found.options:
        name = '"' + r.option.replace('"', '""') + '"'
        yield f"{name},{r.mu:.6g},{r.se:.6g},{r.lo:.6g},{r.hi:.6g},{r.variance:.6g},{r.num_edges}"
