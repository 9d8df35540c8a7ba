"""An opinion map over time: everybody as a point on the axes along which people differ most, and their drift. Pure.

The axes are found once, over all times together, so that a map does not turn while it is looked through; groups are
found at the last time and keep their names. Source: Small et al. 2021 (Polis), but for answers between yes and no.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import polars as pl

FloatArray = npt.NDArray[np.float64]
FEWEST_PEOPLE, FEWEST_ITEMS = 4, 2
NUM_SHUFFLES = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinions:
    """What people hold of items at several times. values: (num_times, num_people, num_items), nan where unasked."""

    name: str
    times: tuple[str, ...]
    people: tuple[str, ...]
    items: tuple[str, ...]
    values: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class OpinionMap:
    """points: (num_times, num_people, 2), nan for who was not there. groups: by person, "A" the largest.

    explained: share of the variance of each axis; chance: of both together when answers are shuffled within items.
    silhouette: how well the groups stand apart, and the same when shuffled; nan for a single group.
    """

    source: Opinions
    points: FloatArray
    groups: tuple[str, ...]
    explained: tuple[float, float]
    chance: float
    silhouette: float
    chance_silhouette: float
    loadings: FloatArray


def opinion_map(source: Opinions, *, seed: int = 0) -> OpinionMap | None:
    """Return the map; None with too few people or items, or where nobody differs."""
    from societies.assembly.polis import find_groups
    from societies.assembly.polis.chance import shuffled

    num_times, num_people, num_items = source.values.shape
    flat = source.values.reshape(-1, num_items)
    there = ~np.isnan(flat).all(axis=1)
    if num_people < FEWEST_PEOPLE or num_items < FEWEST_ITEMS or there.sum() < FEWEST_PEOPLE:
        return None
    axes, shares, placed_there = components(flat[there])
    if not shares.any():
        return None
    points = np.full((len(flat), 2), np.nan)
    points[there] = placed_there
    placed = points.reshape(num_times, num_people, 2)
    last = _last(placed)
    known = ~np.isnan(last).any(axis=1)
    grouping = find_groups(last[known])
    labels = np.full(num_people, -1)
    labels[known] = grouping.labels
    rng = np.random.default_rng(seed)
    explained, silhouettes = [], []
    for _ in range(NUM_SHUFFLES):
        _, own, stands = components(shuffled(flat[there], rng))
        explained.append(own.sum())
        silhouettes.append(find_groups(stands[: int(known.sum())]).silhouette)
    finite = [value for value in silhouettes if np.isfinite(value)]
    return OpinionMap(
        source=source,
        points=placed,
        groups=tuple(chr(ord("A") + int(label)) if label >= 0 else "none" for label in labels),
        explained=(float(shares[0]), float(shares[1])),
        chance=float(np.mean(explained)),
        silhouette=float(grouping.silhouette),
        chance_silhouette=float(np.mean(finite)) if finite else float("nan"),
        loadings=axes,
    )


def components(table: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return two principal axes (2, num_items), their shares of the variance (2,), and where each row stands (num, 2).

    What is missing is filled with the item's mean; a row that answered little is scaled up by how little, as in Polis.
    Each axis points to where its largest loading is positive. Source: Pearson 1901; Small et al. 2021.
    """
    seen = ~np.isnan(table)
    center = np.where(seen, table, 0.0).sum(axis=0) / np.maximum(1, seen.sum(axis=0))
    filled = np.where(seen, table - center, 0.0)
    _, strength, rows = np.linalg.svd(filled, full_matrices=False)
    total = float((strength**2).sum())
    axes, shares = np.zeros((2, table.shape[1])), np.zeros(2)
    for place in range(min(2, len(strength))):
        if total > 0 and strength[place] ** 2 > 1e-12 * total:
            axis = rows[place]
            axes[place] = axis * (1 if axis[np.abs(axis).argmax()] > 0 else -1)
            shares[place] = strength[place] ** 2 / total
    scale = np.sqrt(table.shape[1] / np.maximum(1, seen.sum(axis=1)))
    return axes, shares, np.asarray(scale[:, None] * (filled @ axes.T), dtype=np.float64)


def _last(points: FloatArray) -> FloatArray:
    """Return where everybody stood when last seen."""
    out: FloatArray = points[0].copy()
    for now in points[1:]:
        seen = ~np.isnan(now).any(axis=1)
        out[seen] = now[seen]
    return out


def points_frame(
    found: OpinionMap, time: int, groups: Mapping[str, str] | None = None, names: Mapping[str, str] | None = None
) -> pl.DataFrame:
    """Return a time's points: person, name, group, x, y, and before x, before y (null where there was none), moved.

    groups: person -> group, in place of the groups that were found.
    """
    import polars as pl

    rows = []
    for place, person in enumerate(found.source.people):
        x, y = found.points[time, place]
        if np.isnan(x):
            continue
        before = found.points[time - 1, place] if time else np.array([np.nan, np.nan])
        was = None if np.isnan(before).any() else before
        rows.append(
            {
                "person": person,
                "name": (names or {}).get(person, person),
                "group": (groups or {}).get(person, found.groups[place]),
                "x": float(x),
                "y": float(y),
                "before x": None if was is None else float(was[0]),
                "before y": None if was is None else float(was[1]),
                "moved": None if was is None else float(np.hypot(x - was[0], y - was[1])),
            }
        )
    numbers = dict.fromkeys(("x", "y", "before x", "before y", "moved"), pl.Float64)
    return pl.DataFrame(rows, schema={**dict.fromkeys(("person", "name", "group"), pl.String), **numbers}, orient="row")


def hulls_frame(points: pl.DataFrame, order: Sequence[str]) -> pl.DataFrame:
    """Return the corners of every group's convex hull: group, order, x, y. Groups of one or two have none."""
    import polars as pl

    from dashboards.tools.polis_view import hull

    rows = []
    for name in order:
        own = points.filter(pl.col("group") == name).select("x", "y").rows()
        corners = hull(own)
        if len(corners) > 3:
            rows += [{"group": name, "order": n, "x": x, "y": y} for n, (x, y) in enumerate(corners)]
    schema = {"group": pl.String, "order": pl.Int64, "x": pl.Float64, "y": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def frame_of(found: OpinionMap) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the ends of both axes over all times, so that nothing moves but people."""
    ends = []
    for axis in (0, 1):
        known = found.points[..., axis][~np.isnan(found.points[..., axis])]
        low, high = float(known.min()), float(known.max())
        air = (high - low) * 0.08 or 0.1
        ends.append((low - air, high + air))
    return ends[0], ends[1]


def map_finding(found: OpinionMap, time: int, points: pl.DataFrame) -> str:
    """Return in a sentence how many groups there are, what the axes hold, and how far people moved; with nulls."""
    named = sorted(set(found.groups) - {"none"})
    sizes = ", ".join(f"{name} {found.groups.count(name)}" for name in named)
    first, second = (100 * share for share in found.explained)
    said = (
        f"n = {points.height} people at {found.source.times[time]}, {len(found.source.items)} items. The axes "
        f"hold {first:.0f} % and {second:.0f} % of the variance; of answers shuffled within items "
        f"{100 * found.chance:.0f} %. "
    )
    if len(named) > 1:
        said += f"Groups found at the last time: {sizes}; silhouette {found.silhouette:.2f}"
        said += "" if np.isnan(found.chance_silhouette) else f", in shuffled answers {found.chance_silhouette:.2f}"
        said += ", so they are no more than chance finds. " if found.silhouette <= found.chance_silhouette else ". "
    else:
        said += "Nobody stands apart: one group. "
    moved = points["moved"].drop_nulls().to_list()
    if moved:
        since = found.source.times[time - 1]
        said += f"Since {since} n = {len(moved)} people moved by {sum(moved) / len(moved):.3g} in the mean."
    return said.strip()
