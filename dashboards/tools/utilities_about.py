"""What utilities say beyond their order: exchange rates, waiting, lotteries, means and ends, choices, associations.

Four files, each optional. `about`: a row an option, `option` and any of `good` with `amount` (and `delay`), and further
columns of numbers, each a score of the options (power, fitness, how far an outcome would turn one's values round).
`lotteries`: `lottery`, `outcome`, `chance`, a row an outcome of a lottery; both are options. `process`: `state`,
`next`, `chance`, a row a transition; a state that is never left ends there. `choices`: `offered` (options joined by
"|") and `chosen`. Utilities are those fitted from the pairs; all of these describe answers, not what a model would do.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from agents.errors import UserError, did_you_mean
from agents.statistics.intervals import Interval
from dashboards.terminal import Section
from dashboards.tools.separators import check_commas
from societies.assembly.utilities import (
    association,
    discounting,
    exchange_rate,
    expected_utility_gap,
    instrumentality_gap,
    log_curve,
    maximisation,
    present_worth,
)
from societies.assembly.utilities.edges import FloatArray
from societies.assembly.utilities.exchange import Discount, LogCurve
from societies.assembly.utilities.lotteries import Gap

FIXED = ("option", "good", "amount", "delay")
Row = dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """How many of `other` are worth `amount` of `good`, with the fit of both curves."""

    good: str
    amount: float
    other: str
    worth: Interval
    r2: tuple[float, float]
    n: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trait:
    """The correlation of utilities with one score, over n options; null 0."""

    score: str
    correlation: Interval
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What the files allowed to say; empty or None where a file was not given."""

    rates: tuple[Rate, ...] = ()
    waiting: tuple[tuple[str, Discount, int], ...] = ()
    traits: tuple[Trait, ...] = ()
    lotteries: Gap | None = None
    means: Gap | None = None
    chosen: tuple[Interval, float, int] | None = None


def about(
    options: Sequence[str],
    utility: FloatArray,
    *,
    described: Path | None = None,
    lotteries: Path | None = None,
    process: Path | None = None,
    choices: Path | None = None,
    seed: int = 0,
) -> About:
    """Return what the files say together with the utilities. Raises UserError with the line that cannot be used."""
    place = {name: number for number, name in enumerate(options)}
    found = About()
    if described is not None:
        found = _described(described, place, utility, seed)
    return About(
        rates=found.rates,
        waiting=found.waiting,
        traits=found.traits,
        lotteries=None if lotteries is None else _lotteries(lotteries, place, utility, seed),
        means=None if process is None else _process(process, place, utility, seed),
        chosen=None if choices is None else _choices(choices, place, utility),
    )


def _described(path: Path, place: Mapping[str, int], utility: FloatArray, seed: int) -> About:
    rows = _rows(path, ("option",))
    at = [_option(path, line, row["option"], place) for line, row in rows]
    for n, (line, row) in enumerate(rows):
        if at[n] in at[:n]:
            raise UserError(
                f'{path}, line {line} describes "{row["option"]}" again.', "it would count twice.", "keep one line"
            )
    goods: dict[str, list[tuple[float, float, float]]] = {}
    for (line, row), number in zip(rows, at, strict=True):
        good = row.get("good", "")
        if good:
            amount = _number(path, line, row, "amount", least=0.0, strict=True)
            delay = _number(path, line, row, "delay", least=0.0) if row.get("delay") else 0.0
            goods.setdefault(good, []).append((amount, delay, float(utility[number])))
    curves = {good: curve for good, cases in sorted(goods.items()) if (curve := _now(cases)) is not None}
    return About(
        rates=_rates(curves, goods),
        waiting=_waiting(curves, goods),
        traits=_traits(path, rows, at, utility, seed),
    )


def _now(cases: Sequence[tuple[float, float, float]]) -> LogCurve | None:
    """Return the curve of what is had at once; None with fewer than two different amounts."""
    now = [(amount, u) for amount, delay, u in cases if delay == 0]
    if len({amount for amount, _ in now}) < 2:
        return None
    amounts, values = (np.array(column) for column in zip(*now, strict=True))
    return log_curve(amounts, values)


def _rates(curves: Mapping[str, LogCurve], goods: Mapping[str, list[tuple[float, float, float]]]) -> tuple[Rate, ...]:
    found = []
    for good, other in combinations(curves, 2):
        amount = float(np.median([case[0] for case in goods[good] if case[1] == 0]))
        x, y = curves[good], curves[other]
        worth = exchange_rate(x, y, amount)
        found.append(Rate(good=good, amount=amount, other=other, worth=worth, r2=(x.r2, y.r2), n=(x.n, y.n)))
    return tuple(found)


def _waiting(
    curves: Mapping[str, LogCurve], goods: Mapping[str, list[tuple[float, float, float]]]
) -> tuple[tuple[str, Discount, int], ...]:
    found = []
    for good, curve in curves.items():
        later = [case for case in goods[good] if case[1] > 0]
        if len({delay for _, delay, _ in later}) < 3 or curve.b <= 0:
            continue
        worth = np.array([float(present_worth(curve, amount, np.array([u]))[0]) for amount, _, u in later])
        delays = np.array([delay for _, delay, _ in later])
        found += [(good, form, len(later)) for form in discounting(delays, worth)]
    return tuple(found)


def _traits(
    path: Path, rows: Sequence[tuple[int, Row]], at: Sequence[int], utility: FloatArray, seed: int
) -> tuple[Trait, ...]:
    names = [name for name in rows[0][1] if name not in FIXED]
    found = []
    for name in names:
        cases = [(n, _number(path, line, row, name)) for (line, row), n in zip(rows, at, strict=True) if row[name]]
        if len(cases) < 3:
            raise UserError(
                f'{path}: the score "{name}" is given for {len(cases)} options.',
                "a correlation needs at least three.",
                "fill it in, or leave the column out",
            )
        who, score = (np.array(column) for column in zip(*cases, strict=True))
        found.append(Trait(score=name, correlation=association(utility[who], score, seed=seed), n=len(cases)))
    return tuple(found)


def _lotteries(path: Path, place: Mapping[str, int], utility: FloatArray, seed: int) -> Gap:
    table = _chances(path, "lottery", "outcome", place)
    outcomes = sorted({outcome for row in table.values() for outcome in row})
    chances = np.array([[row.get(outcome, 0.0) for outcome in outcomes] for row in table.values()])
    return expected_utility_gap(utility[list(table)], utility[outcomes], chances, seed=seed)


def _process(path: Path, place: Mapping[str, int], utility: FloatArray, seed: int) -> Gap:
    table = _chances(path, "state", "next", place)
    states = sorted(set(table) | {after for row in table.values() for after in row})
    moves = np.eye(len(states))
    for number, state in enumerate(states):
        if state in table:
            moves[number] = [table[state].get(after, 0.0) for after in states]
    try:
        return instrumentality_gap(utility[states], moves, seed=seed)
    except ValueError as error:
        raise UserError(f"{path} describes no process that ends.", f"{error}.", "add the states it ends in") from None


def _chances(path: Path, first: str, second: str, place: Mapping[str, int]) -> dict[int, dict[int, float]]:
    table: dict[int, dict[int, float]] = {}
    for line, row in _rows(path, (first, second, "chance")):
        a, b = (_option(path, line, row[name], place) for name in (first, second))
        if b in table.setdefault(a, {}):
            raise UserError(
                f"{path}, line {line}: this {second} is given twice.", "its chance would count twice.", "keep one line"
            )
        table[a][b] = _number(path, line, row, "chance", least=0.0)
    names = {number: name for name, number in place.items()}
    for number, row_ in table.items():
        total = sum(row_.values())
        if abs(total - 1) > 1e-6:
            raise UserError(
                f'{path}: the chances of "{names[number]}" add up to {total:g}.', "they must make 1.", "correct them"
            )
    return table


def _choices(path: Path, place: Mapping[str, int], utility: FloatArray) -> tuple[Interval, float, int]:
    offered, chosen = [], []
    for line, row in _rows(path, ("offered", "chosen")):
        names = [name.strip() for name in row["offered"].split("|")]
        offers = [_option(path, line, name, place) for name in names]
        if len(set(offers)) < 2 or len(set(offers)) < len(offers):
            raise UserError(
                f"{path}, line {line}: no two different options are offered.",
                "there was nothing to choose.",
                'join them by "|"',
            )
        if row["chosen"] and row["chosen"] not in names:
            raise UserError(
                f'{path}, line {line}: "{row["chosen"]}" was not offered.',
                f"offered were {', '.join(names)}.",
                "name one of them, or leave it blank where none was chosen",
            )
        offered.append(offers)
        chosen.append(place[row["chosen"]] if row["chosen"] else -1)
    sizes = {len(offers) for offers in offered}
    if len(sizes) > 1:
        raise UserError(
            f"{path} offers {min(sizes)} to {max(sizes)} options.", "chance differs between them.", "split the file"
        )
    share, chance = maximisation(utility, np.array(offered), np.array(chosen))
    return share, chance, len(chosen)


def _rows(path: Path, wanted: Sequence[str]) -> list[tuple[int, Row]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream)
            names = [(name or "").strip() for name in reader.fieldnames or ()]
            reader.fieldnames = names
            check_commas(path, names)
            for name in wanted:
                if name not in names:
                    raise UserError(
                        f'{path} has no column "{name}".',
                        f"its columns are {', '.join(names) or 'none'}.",
                        f"give it the columns {', '.join(wanted)}",
                    )
            rows = [(reader.line_num, {k: (v or "").strip() for k, v in row.items() if k}) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path} cannot be read.", f"{error}.", "give a CSV file in UTF-8") from None
    if not rows:
        raise UserError(
            f"{path} has no rows below its header.", "there is nothing to analyse.", "give a CSV file with rows"
        )
    return rows


def _option(path: Path, line: int, name: str, place: Mapping[str, int]) -> int:
    if name not in place:
        raise UserError(
            f'{path}, line {line}: "{name}" is no option of the pairs.',
            "only what was compared there has a utility.",
            f"{did_you_mean(name, place)} Spell it as in the file of pairs, or ask about it",
        )
    return place[name]


def _number(path: Path, line: int, row: Row, column: str, *, least: float = -math.inf, strict: bool = False) -> float:
    try:
        value = float(row.get(column, ""))
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value < least or (strict and value == least):
        what = "a number" if math.isinf(least) else f"a number {'above' if strict else 'of at least'} {least:g}"
        raise UserError(
            f'{path}, line {line}: {column} is "{row.get(column, "")}".', f"it must be {what}.", "correct it"
        )
    return value


def about_sections(found: About) -> list[Section]:
    """Return the tables; empty ones are left out."""
    parts = [
        Section(
            title="Exchange rates",
            columns=("amount", "of", "is worth", "95 % interval", "of", "R2", "n"),
            rows=tuple(
                (
                    f"{r.amount:g}",
                    r.good,
                    _n(r.worth.point),
                    _span(r.worth),
                    r.other,
                    f"{_n(r.r2[0])}, {_n(r.r2[1])}",
                    f"{r.n[0]}, {r.n[1]}",
                )
                for r in found.rates
            ),
            right=(0, 2, 3),
            notes=("From U = a + b ln N for each good, at the median amount asked; R2 and n of the two fits.",),
        ),
        Section(
            title="Waiting",
            columns=("good", "form", "rate", "rmse of ln D", "AIC", "n"),
            rows=tuple(
                (good, one.form, f"{one.rate:.4g}", f"{one.rmse:.3f}", f"{one.aic:.1f}", str(n))
                for good, one, n in found.waiting
            ),
            right=(2, 3, 4, 5),
            notes=("The lower AIC explains better; none is the null: waiting costs nothing.",),
        ),
        Section(
            title="What utilities go along with",
            columns=("score", "correlation", "95 % interval", "null", "n"),
            rows=tuple((t.score, _n(t.correlation.point), _span(t.correlation), "0", str(t.n)) for t in found.traits),
            right=(1, 2, 3, 4),
        ),
        Section(title="Do they behave like utilities", columns=_GAPS, rows=tuple(_gaps(found)), right=(1, 2, 3, 4)),
    ]
    return [part for part in parts if part.rows]


_GAPS = ("measure", "value", "95 % interval", "null", "n")


def _gaps(found: About) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for name, gap in (
        ("lottery against its expected utility, mean |gap|", found.lotteries),
        ("state against where it ends, mean |gap|", found.means),
    ):
        if gap is not None:
            rows.append((name, _n(gap.mean.point), _span(gap.mean), f"{_n(gap.shuffled)} (shuffled)", str(gap.n)))
    if found.chosen is not None:
        share, chance, n = found.chosen
        rows.append(("chose the offered option of highest utility", _n(share.point), _span(share), _n(chance), str(n)))
    return rows


def _span(value: Interval) -> str:
    return "-" if math.isnan(value.lo) else f"{_n(value.lo)} to {_n(value.hi)}"


def _n(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3f}".replace("-0.000", "0.000")
