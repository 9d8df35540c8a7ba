"""The rounds of a loop as a table and as pictures, for terminal, report and page alike. Records in, rows out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from dashboards.coevolution_drawing import Series, legend, panel
from dashboards.drawing import short
from dashboards.epochs import FIRST, Epoch, Watched, marks_of, names_of
from dashboards.rows import spaced
from dashboards.terminal import Section

TITLE = "Rounds, by those who are asked after each"


def epochs_section(epochs: Sequence[Epoch]) -> Section:
    """Return the numbers of all rounds as a table, one row a number."""
    if not epochs:
        return Section(title=TITLE)
    rounds = tuple(f"round {one.round} ({one.policy})" for one in epochs)
    rows = []
    for name in names_of(epochs):
        found = [one.row(name) for one in epochs]
        last = next(row for row in reversed(found) if row is not None)
        null = f"{short(last.null)} ({last.null_name})" if last.null is not None else "-"
        rows.append((spaced(name), *map(_cell, found), null, str(last.n), last.text))
    return Section(
        title=TITLE,
        lines=stop_lines(epochs),
        columns=("number", *rounds, "null", "n", "what it is"),
        rows=tuple(rows),
        right=(*range(1, len(rounds) + 1), len(rounds) + 2),
        notes=(NOTE,),
    )


def stop_lines(epochs: Sequence[Epoch]) -> tuple[str, ...]:
    """Return why the loop ended before its last round; nothing where no rule ended it."""
    return tuple(f"The loop stopped after round {one.round}: {one.stop}." for one in epochs if one.stop)


NOTE = (
    "The same people, who never take part, answer the same items after every round. Intervals are over these people "
    "and take the items as given. Distances are never below 0: read drift against its null, not against 0."
)


def _cell(row: Watched | None) -> str:
    if row is None or row.value is None:
        return "-"
    return short(row.value) + ("" if row.lo is None or row.hi is None else f" ({short(row.lo)} to {short(row.hi)})")


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochsView:
    """The rounds as the report shows them."""

    table: Section
    pictures: tuple[Markup, ...]
    key: Markup


def epochs_view(epochs: Sequence[Epoch]) -> EpochsView | None:
    """Return the rounds as the report shows them; None where nobody is asked after rounds."""
    if not epochs:
        return None
    names = [name for name in names_of(epochs) if name in FIRST]
    return EpochsView(
        table=epochs_section(epochs),
        pictures=tuple(_picture(epochs, name) for name in names),
        key=legend((("the panel, with its 95 % interval", "ai"), ("its null", "history"))),
    )


def _picture(epochs: Sequence[Epoch], name: str) -> Markup:
    values, nulls = marks_of(epochs, name)
    return panel(spaced(name), [Series("null", "history", nulls), Series("panel", "ai", values)])
