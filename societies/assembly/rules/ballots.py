"""Ballots as people write them, in tables and in PrefLib's text, to profiles and ratings. Text in, never a file.

An invalid ballot is dropped whole and counted with its reason; a candidate is never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from agents.errors import UserError, nearest
from societies.assembly.rules.profile import FloatArray, Order, Profile, profile_from_orders, profile_of
from societies.assembly.rules.ratings import Ratings, ratings_of

KINDS = ("orders", "ranks", "approval", "score", "credits", "shares")
"""orders: columns rank1..rankK hold names. ranks: a column a candidate holds 1, 2 ... . approval, score: likewise.

credits: likewise, what a voter spends on each candidate; a blank is nothing, a minus is against.
shares: likewise, how each voter divides a whole among the candidates; a blank is nothing."""
_ROUNDING = 0.01
"""How far a ballot of shares may be from its whole, as a share of it: three times .33 is .99. It is rescaled."""

_RANK = re.compile(r"rank[ _-]?(\d+)$", re.IGNORECASE)
_YES = {"1": 1.0, "yes": 1.0, "true": 1.0, "0": 0.0, "no": 0.0, "false": 0.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """A ballot that was left out: its row (from 1, the header not counted; the line in PrefLib files) and why."""

    row: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ballots:
    """What a table held. One of profile and ratings is set. groups, strata, ids: one label a kept ballot, or None."""

    kind: str
    profile: Profile | None
    ratings: Ratings | None
    groups: tuple[str, ...] | None
    strata: tuple[str, ...] | None
    dropped: tuple[Dropped, ...]
    num_rows: int
    ids: tuple[str, ...] | None = None


class _InvalidBallot(Exception):
    """Why one ballot cannot be counted."""


def parse_table(
    header: Sequence[str],
    rows: Sequence[Mapping[str, str]],
    kind: str,
    *,
    weight: str = "",
    group: str = "",
    stratum: str = "",
    id: str = "",
    ignore: Sequence[str] = (),
    candidates: Sequence[str] = (),
    scale: tuple[float, float] | None = None,
    credits: float | None = None,
    total: float = 1.0,
) -> Ballots:
    """Return the ballots of a table with one row a voter.

    kind: one of KINDS. weight, group, stratum, id: columns with that meaning, "" for none. ignore: columns to leave
    out. credits: what a voter may spend in all, for kind "credits"; None: the most that anybody spent.
    total: what a ballot of kind "shares" adds up to, such as 1 or 100; ratings are then shares of 1.
    candidates: the whole list; ballots that name others are dropped. Without it, "orders" takes every name that occurs
    and the other kinds every remaining column. In "orders" a cell holds one name, or several tied ones joined by "=".
    Raises UserError when columns are missing or no ballot is valid.
    """
    special = {column for column in (weight, group, stratum, id, *ignore) if column}
    for column in special:
        if column not in header:
            raise UserError(
                f'There is no column "{column}".', f"the file has {', '.join(header)}.", nearest(column, header)
            )
    if kind not in KINDS:
        raise UserError(f'"{kind}" is no kind of ballot.', f"kinds are {', '.join(KINDS)}.", nearest(kind, KINDS))
    columns = _columns(header, kind, special, candidates)
    names = _names(rows, kind, columns, candidates)
    read = _reader(kind, columns, names, scale, credits, total)
    values: list[tuple[float | None, ...]] = []
    weights: list[float] = []
    kept: list[int] = []
    dropped: list[Dropped] = []
    for number, row in enumerate(rows):
        try:
            ballot, w = read(row), _weight(row, weight)
        except _InvalidBallot as error:
            dropped.append(Dropped(row=number + 1, reason=str(error)))
            continue
        values.append(ballot)
        weights.append(w)
        kept.append(number)
    if not values or not any(weights):
        reason = f"The first reason was: {dropped[0].reason}." if dropped else "The file has no rows, or no weight."
        fix = (
            "check --kind, --total and the columns; --ignore leaves columns out"
            if kind == "shares"
            else "check --kind and the columns"
        )
        raise UserError("There is no valid ballot.", reason, fix)
    table = np.array([[np.nan if v is None else v for v in ballot] for ballot in values], dtype=np.float64)
    return Ballots(
        kind=kind,
        profile=_profile(table, weights, names) if kind in ("orders", "ranks") else None,
        ratings=_ratings(table, weights, names, kind, scale, credits) if kind not in ("orders", "ranks") else None,
        groups=tuple(rows[n][group] or "" for n in kept) if group else None,
        strata=tuple(rows[n][stratum] or "" for n in kept) if stratum else None,
        dropped=tuple(dropped),
        num_rows=len(rows),
        ids=_ids(rows, kept, id) if id else None,
    )


def _ids(rows: Sequence[Mapping[str, str]], kept: Sequence[int], column: str) -> tuple[str, ...]:
    ids = tuple((rows[n][column] or "").strip() for n in kept)
    seen: dict[str, int] = {}
    for n, one in zip(kept, ids, strict=True):
        if not one or seen.setdefault(one, n) != n:
            what = f"is that of row {seen[one] + 1} as well" if one else "is missing"
            raise UserError(f"Row {n + 1}: the id {what}.", "each ballot needs its own.", f'correct "{column}"')
    return ids


def parse_preflib(text: str) -> Ballots:
    """Return the ballots of a PrefLib file of orders (.soc, .soi, .toc, .toi): "count: 1,2,{3,4}" below a # header.

    A line counts for as many voters as it says. Lines that name a foreign or repeated candidate are dropped.
    Raises UserError for the format of before 2022, which has no # header, and for a header that is damaged.
    """
    named: dict[int, str] = {}
    num = 0
    orders: list[Order] = []
    dropped: list[Dropped] = []
    num_rows = 0
    for line_number, line in enumerate(text.splitlines(), start=1):
        if line.startswith("#"):
            key, _, value = line[1:].partition(":")
            if key.strip().upper() == "NUMBER ALTERNATIVES":
                num = _header_number(value, line_number)
            elif key.strip().upper().startswith("ALTERNATIVE NAME"):
                named[_header_number(key.split()[-1], line_number)] = value.strip()
        elif line.strip():
            if not num and not named:
                raise UserError(
                    "The file has no PrefLib header.",
                    'Lines such as "# NUMBER ALTERNATIVES: 4" must come first; files of before 2022 lack them.',
                    "take the present version of the data set from preflib.org",
                )
            count, order = _preflib_line(line, line_number)
            num_rows += count
            flat = [c for tier in order for c in tier]
            if not flat or len(set(flat)) < len(flat) or not all(1 <= c <= max(num, len(named)) for c in flat):
                reason = "names nobody" if not flat else "names a foreign candidate or one twice"
                dropped += [Dropped(row=line_number, reason=reason)] * count
                continue
            orders += [[[c - 1 for c in tier] for tier in order]] * count
    num = max(num, len(named))
    if not orders:
        raise UserError("There is no valid ballot.", "Every line was invalid, or there is none.", "check the file")
    labels = [named.get(c + 1, str(c + 1)) for c in range(num)]
    if len(set(labels)) < num:
        labels = [f"{label} ({c + 1})" for c, label in enumerate(labels)]
    profile = profile_from_orders(orders, num, names=labels)
    return Ballots(
        kind="orders",
        profile=profile,
        ratings=None,
        groups=None,
        strata=None,
        dropped=tuple(dropped),
        num_rows=num_rows,
    )


def _header_number(text: str, line: int) -> int:
    try:
        return int(text)
    except ValueError:
        raise UserError(
            f'Line {line}, in the PrefLib header, has "{text.strip()}" for a number.',
            "it says how many alternatives there are, or which one is named.",
            'correct the line, such as "# NUMBER ALTERNATIVES: 4"',
        ) from None


def _preflib_line(line: str, number: int) -> tuple[int, list[list[int]]]:
    count, colon, order = line.partition(":")
    tiers = re.findall(r"\{([^{}]*)\}|(\d+)", order)
    rest = re.sub(r"\{[\d\s,]*\}|\d+", "", order)
    if not colon or not count.strip().isdigit() or rest.strip(", \t"):
        raise UserError(
            f'Line {number} is "{line.strip()}".', "A PrefLib ballot reads count: 1,2,{3,4}.", "correct the line"
        )
    return int(count), [[int(c) for c in (tie or one).replace(",", " ").split()] for tie, one in tiers]


def _columns(header: Sequence[str], kind: str, special: set[str], candidates: Sequence[str]) -> list[str]:
    left = [column for column in header if column not in special]
    if kind == "orders":
        places = {int(found[1]): column for column in left if (found := _RANK.match(column.strip()))}
        if sorted(places) != list(range(1, len(places) + 1)) or not places:
            raise UserError(
                "The columns are not rank1, rank2, ... without a gap.",
                f"Found: {', '.join(header)}.",
                "rename them, or use --kind ranks when each candidate has a column",
            )
        return [places[place] for place in sorted(places)]
    missing = [name for name in candidates if name not in left]
    if missing:
        raise UserError(
            f'There is no column "{missing[0]}".',
            f"--candidates names it; left for candidates are {', '.join(left) or 'none'}.",
            nearest(missing[0], left, "correct --candidates"),
        )
    chosen = list(candidates) or left
    if len(set(chosen)) < len(chosen) or not chosen:
        raise UserError("The candidates' columns are not distinct.", f"Found: {', '.join(chosen)}.", "rename them")
    return chosen


def _names(
    rows: Sequence[Mapping[str, str]], kind: str, columns: Sequence[str], candidates: Sequence[str]
) -> tuple[str, ...]:
    if kind != "orders":
        return tuple(columns)
    if candidates:
        return tuple(dict.fromkeys(name.strip() for name in candidates))
    said = {name.strip() for row in rows for column in columns for name in (row.get(column) or "").split("=")}
    return tuple(sorted(said - {""}))


def _reader(
    kind: str,
    columns: Sequence[str],
    names: Sequence[str],
    scale: tuple[float, float] | None,
    credits: float | None,
    total: float,
) -> Callable[[Mapping[str, str]], tuple[float | None, ...]]:
    place = {name: n for n, name in enumerate(names)}

    def order(row: Mapping[str, str]) -> tuple[float | None, ...]:
        out: list[float | None] = [None] * len(names)
        for rank, column in enumerate(columns):
            for name in (part.strip() for part in (row.get(column) or "").split("=")):
                if not name:
                    continue
                if name not in place:
                    raise _InvalidBallot(f'names a foreign candidate: "{name}"')
                if out[place[name]] is not None:
                    raise _InvalidBallot(f'names a candidate twice: "{name}"')
                out[place[name]] = rank
        if all(value is None for value in out):
            raise _InvalidBallot("names nobody")
        return tuple(out)

    def cells(row: Mapping[str, str]) -> tuple[float | None, ...]:
        out = tuple(_cell((row.get(column) or "").strip(), column, kind, scale) for column in columns)
        if all(value is None for value in out):
            raise _InvalidBallot("is blank")
        spent = sum(abs(value or 0.0) for value in out)
        if kind == "credits" and credits is not None and spent > credits * (1 + 1e-9):
            raise _InvalidBallot(f"spends {spent:g} of {credits:g} credits")
        if kind == "shares":
            return _divided(out, columns, total)
        return tuple(value or 0.0 for value in out) if kind == "credits" else out

    return order if kind == "orders" else cells


def _divided(given: tuple[float | None, ...], columns: Sequence[str], total: float) -> tuple[float | None, ...]:
    """Return a ballot as shares of 1."""
    shares = [value or 0.0 for value in given]
    below = [column for column, value in zip(columns, shares, strict=True) if value < 0]
    if below:
        raise _InvalidBallot(f"gives less than nothing to {below[0]}")
    whole = sum(shares)
    if abs(whole - total) > total * (_ROUNDING + 1e-9):
        raise _InvalidBallot(f"adds up to {whole:g} instead of {total:g}")
    return tuple(value / whole for value in shares)


def _cell(text: str, column: str, kind: str, scale: tuple[float, float] | None) -> float | None:
    if not text:
        return None
    if kind == "approval":
        if text.lower() not in _YES:
            raise _InvalidBallot(f'"{text}" for {column} is no approval (1, 0, yes, no)')
        return _YES[text.lower()]
    try:
        value = float(text)
    except ValueError:
        raise _InvalidBallot(f'"{text}" for {column} is no number') from None
    if not np.isfinite(value) or (kind == "ranks" and value <= 0):
        raise _InvalidBallot(f'"{text}" for {column} is no rank' if kind == "ranks" else f'"{text}" is not finite')
    if kind == "score" and scale and not scale[0] <= value <= scale[1]:
        raise _InvalidBallot(f"{text} for {column} is outside {scale[0]:g} to {scale[1]:g}")
    return value


def _weight(row: Mapping[str, str], column: str) -> float:
    if not column:
        return 1.0
    try:
        value = float(row.get(column) or "")
    except ValueError:
        value = -1.0
    if not np.isfinite(value) or value < 0:
        raise _InvalidBallot(f'has the weight "{row.get(column)}"')
    return value


def _profile(table: FloatArray, weights: list[float], names: Sequence[str]) -> Profile:
    return profile_of(np.nan_to_num(table), ranked=~np.isnan(table), weights=weights, names=names)


def _ratings(
    table: FloatArray,
    weights: list[float],
    names: Sequence[str],
    kind: str,
    scale: tuple[float, float] | None,
    credits: float | None,
) -> Ratings:
    if kind == "credits":
        most = credits or float(np.abs(table).sum(axis=1).max()) or 1.0
        return ratings_of(table, weights=weights, names=names, lo=-most if (table < 0).any() else 0.0, hi=most)
    if kind in ("approval", "shares"):
        return ratings_of(table, weights=weights, names=names, lo=0.0, hi=1.0)
    lo, hi = scale or (float(np.nanmin(table)), float(np.nanmax(table)))
    if not lo < hi:
        raise UserError(f"All scores are {lo:g}.", "A scale needs two levels.", "give --scale LO HI")
    return ratings_of(table, weights=weights, names=names, lo=lo, hi=hi)
