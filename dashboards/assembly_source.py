"""The event tables of assemblies: which arms were played to their end, and what their citizens answered, as arrays.

An assembly is known by its stage and its name, since a loop plays assemblies of the same names in every round.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from dashboards.scenes import play_stages
from dashboards.sources import Reader, number, text

if TYPE_CHECKING:
    import polars as pl

FloatArray = npt.NDArray[np.float64]
T = TypeVar("T")
IntArray = npt.NDArray[np.int64]

CONTROL = "no_interaction"
"""The arm in which nobody hears anybody."""
MAIN = "full"
ITEMS = ("affirming", "negating")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Key:
    """One arm of one assembly in one stage."""

    stage: str
    assembly: str
    arm: str

    @property
    def where(self) -> tuple[str, str]:
        """The assembly without its arm."""
        return self.stage, self.assembly


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Poll:
    """What the citizens of one arm answered, in the order of their ids.

    before, after: [citizen, item], expected agreement with both sides of the question, 0 to 1; None where not asked.
    before_levels, after_levels: [citizen], likeliest level of agreement with the affirming side, of `num_levels`.
    votes: (name, item ids, [citizen, item] expected agreement), one a vote on statements, the deciding one last.
    winner: id of the statement that won it.
    knew_before, knew_after: [citizen], probability of the right answer, mean over the quiz; None without one.
    """

    key: Key
    citizens: tuple[str, ...]
    groups: tuple[str, ...]
    before: FloatArray | None
    after: FloatArray | None
    before_levels: IntArray | None
    after_levels: IntArray | None
    num_levels: int
    votes: tuple[tuple[str, tuple[str, ...], FloatArray], ...]
    winner: str
    knew_before: FloatArray | None
    knew_after: FloatArray | None

    @property
    def firsts(self) -> IntArray:
        """First choice of each citizen in the deciding vote: the statement they would sign most readily."""
        return np.asarray(self.votes[-1][2].argmax(axis=1), dtype=np.int64)

    @property
    def for_winner(self) -> FloatArray | None:
        """Expected agreement of each citizen with the winning statement."""
        _, items, levels = self.votes[-1]
        return levels[:, items.index(self.winner)] if self.winner in items else None


class Archive:
    """Reads the tables of a run's assemblies. summaries: the row of each arm that was played to its end."""

    def __init__(self, reader: Reader, stages: Sequence[str]) -> None:
        self.reader = reader
        self.summaries: dict[Key, dict[str, Any]] = {}
        begun = set()
        for stage in play_stages(stages):
            for row in reader.rows(f"events/{stage}/assemblies-*.parquet"):
                self.summaries[_key(stage, row)] = row
            begun |= {
                _key(stage, row) for row in reader.rows(f"events/{stage}/citizens-*.parquet", ["assembly", "arm"])
            }
        self.num_unfinished = len(begun - set(self.summaries))

    @property
    def assemblies(self) -> list[tuple[str, str]]:
        """(stage, name) of every assembly with at least one finished arm."""
        return list(dict.fromkeys(key.where for key in self.summaries))

    @property
    def arms(self) -> list[str]:
        """The arms played, the assembly itself first."""
        names = list(dict.fromkeys(key.arm for key in self.summaries))
        return sorted(names, key=lambda arm: (arm != MAIN, arm != CONTROL, names.index(arm)))

    def rows(self, key: Key, table: str, columns: Sequence[str] = ()) -> list[dict[str, Any]]:
        """Return the rows of one arm, in the order in which they were written."""
        pattern = f"events/{key.stage}/{table}-*.parquet"
        return self.reader.rows(pattern, columns, assembly=key.assembly, arm=key.arm)

    def tallies(self, table: str, column: str) -> dict[Key, dict[str, int]]:
        """Return for every arm with such rows how often each value of a column occurs."""
        found: dict[Key, dict[str, int]] = {}
        for stage in dict.fromkeys(key.stage for key in self.summaries):
            for key, rows in self._by_arm(stage, table, [column]).items():
                names = sorted(text(row.get(column)) for row in rows)
                found[key] = {name: names.count(name) for name in dict.fromkeys(names)}
        return found

    def polls(self) -> dict[Key, Poll]:
        """Return what the citizens of every finished arm answered; arms without citizens or ballots are left out."""
        found: dict[Key, Poll] = {}
        for stage in dict.fromkeys(key.stage for key in self.summaries):
            citizens = self._by_arm(stage, "citizens", ["citizen", "group"])
            probes = self._by_arm(stage, "probes", ["citizen", "t", "item", "level", "dist"])
            ballots = self._by_arm(stage, "ballots", ["citizen", "vote", "kind", "item", "value"])
            quiz = self._by_arm(stage, "quiz", ["citizen", "t", "p_right"])
            for key in (key for key in self.summaries if key.stage == stage):
                parts = (citizens.get(key, []), probes.get(key, []), ballots.get(key, []), quiz.get(key, []))
                poll = _poll(key, text(self.summaries[key].get("winner")), *parts)
                if poll is not None:
                    found[key] = poll
        return found

    def _by_arm(self, stage: str, table: str, columns: list[str]) -> dict[Key, list[dict[str, Any]]]:
        frame = self.reader.table(f"events/{stage}/{table}-*.parquet", ["assembly", "arm", *columns])
        found: dict[Key, list[dict[str, Any]]] = {}
        for row in _plain(frame):
            found.setdefault(_key(stage, row), []).append(row)
        return found


def matrix(
    rows: Sequence[dict[str, Any]], citizens: Sequence[str], column: str = "value"
) -> tuple[list[str], FloatArray]:
    """Return the items in the order of their first row, and [citizen, item] of a column; nan where there is none."""
    items = list(dict.fromkeys(text(row.get("item")) for row in rows))
    place, who = {item: k for k, item in enumerate(items)}, {citizen: n for n, citizen in enumerate(citizens)}
    table = np.full((len(citizens), len(items)), np.nan)
    for row in rows:
        value, citizen = number(row.get(column)), text(row.get("citizen"))
        if value is not None and citizen in who:
            table[who[citizen], place[text(row.get("item"))]] = value
    return items, table


def _poll(
    key: Key,
    winner: str,
    citizens: list[dict[str, Any]],
    probes: list[dict[str, Any]],
    ballots: list[dict[str, Any]],
    quiz: list[dict[str, Any]],
) -> Poll | None:
    groups = {text(row.get("citizen")): text(row.get("group")) for row in citizens}
    names = tuple(sorted(groups))
    votes = []
    for vote in sorted({text(row.get("vote")) for row in ballots if row.get("kind") == "score"}):
        items, levels = matrix([row for row in ballots if row.get("vote") == vote], names)
        if np.isfinite(levels).all():
            votes.append((vote, tuple(items), levels))
    if not names or not votes:
        return None
    likeliest = {t: _levels([row for row in probes if row.get("t") == t], names) for t in ("before", "after")}
    return Poll(
        key=key,
        citizens=names,
        groups=tuple(groups[name] for name in names),
        before=_survey([row for row in probes if row.get("t") == "before"], names),
        after=_survey([row for row in probes if row.get("t") == "after"], names),
        before_levels=likeliest["before"],
        after_levels=likeliest["after"],
        num_levels=max((len(row.get("dist") or ()) for row in probes), default=0),
        votes=tuple(votes),
        winner=winner,
        knew_before=_known(quiz, "before", names),
        knew_after=_known(quiz, "after", names),
    )


def _survey(rows: list[dict[str, Any]], names: Sequence[str]) -> FloatArray | None:
    items, table = matrix(rows, names, "level")
    if set(items) != set(ITEMS) or not np.isfinite(table).all():
        return None
    return table[:, [items.index(item) for item in ITEMS]]


def _levels(rows: list[dict[str, Any]], names: Sequence[str]) -> IntArray | None:
    found = {
        text(r.get("citizen")): int(np.argmax(r["dist"])) for r in rows if r.get("item") == ITEMS[0] and r.get("dist")
    }
    return np.array([found[name] for name in names], dtype=np.int64) if set(names) <= set(found) else None


def _known(rows: list[dict[str, Any]], t: str, names: Sequence[str]) -> FloatArray | None:
    given: dict[str, list[float]] = {}
    for row in rows:
        share = number(row.get("p_right"))
        if row.get("t") == t and share is not None:
            given.setdefault(text(row.get("citizen")), []).append(share)
    return np.array([np.mean(given[name]) for name in names]) if set(names) <= set(given) else None


def _key(stage: str, row: dict[str, Any]) -> Key:
    return Key(stage=stage, assembly=text(row.get("assembly")), arm=text(row.get("arm")))


def _plain(frame: pl.DataFrame) -> list[dict[str, Any]]:
    return frame.to_dicts() if frame.width else []


def guarded(reader: Reader, what: str, read: Callable[[], T], instead: T) -> T:
    """Read what a damaged or foreign folder may hold; whatever it raises becomes a problem with its name."""
    try:
        return read()
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, ArithmeticError) as error:
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        reader.problems.append(f"{what[:1].upper()}{what[1:]} cannot be told ({first[:120]}).")
        return instead
