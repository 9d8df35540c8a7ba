"""What a numeric co-evolution found: where people and AI went beside the history, scores with lag, and what it cost.

Scores and lags come from the leaderboard, which computes them anew from the recorded vectors. Bands are Student's 95 %
over seeds (replicas); with one seed there is none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from agents.statistics.intervals import student_band
from dashboards.coevolution_eras import Voice, voices_of
from dashboards.sources import Reader, clean, text, whole

if TYPE_CHECKING:
    from dashboards.tools.leaderboard import Entry
    from societies.coevolution.records import ChallengeResult

FloatArray = npt.NDArray[np.float64]
HISTORY, PEOPLE, ASSISTANT = "history", "people", "AI"
TRACKS = {HISTORY: "history", PEOPLE: "human", ASSISTANT: "examinee"}
DISTANCE, SPREAD = "distance", "spread"
MOST_MARKS = 60
"""Timesteps of a line, evenly spaced, the first and the last among them."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A value at a timestep with its band; None where there is none."""

    timestep: int
    value: float | None
    lo: float | None
    hi: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One side's way in one arm. what: a value dimension, "distance" or "spread".

    A dimension of one seed has its values. Each of several seeds has a history of its own, and their mean says nothing:
    there the line is how far one came from the history's start, counted in the direction that the history then took.
    distance: of people or AI from the history, in parts of its whole way; spread: of people around their mean.
    """

    challenge: str
    arm: str
    who: str
    what: str
    num_seeds: int
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """What an arm asked over all seeds, and what was refused as over the budget. allowed: queries; None: no limit."""

    challenge: str
    arm: str
    num_seeds: int
    num_queries: int
    num_tokens: int
    num_refused: int
    num_missing: int
    allowed: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedIn:
    """How far people froze in an arm, beside its score. Each is a mark over seeds, with the last timestep.

    kept: spread of the people at the end as a share of the history's. confirmed: correlation of what the AI says with
    how people then change; None without both sides.
    """

    challenge: str
    arm: str
    kept: Mark | None
    confirmed: Mark | None
    num_seeds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Trials:
    """A run with results. dims: as they are called, those that the history moved most first. voices: of eras."""

    challenges: tuple[str, ...]
    arms: tuple[str, ...]
    dims: tuple[str, ...]
    num_seeds: int
    num_timesteps: int
    entries: tuple[Entry, ...]
    lines: tuple[Line, ...]
    efforts: tuple[Effort, ...]
    locked: tuple[LockedIn, ...]
    voices: tuple[Voice, ...] = ()


def trials_of(reader: Reader, *, seed: int = 0) -> Trials | None:
    """Return what a run of society=coevolution or eras found; None for a run without results."""
    from dashboards.tools.leaderboard import findings, read_run

    # Assemblies have a table of this name too, with votes in it.
    if not reader.rows("events/*.play/results-*.parquet", ["challenge"]):
        return None
    results, problems = read_run(reader.run)
    board = findings([(reader.run.folder.name, one) for one in results], problems, seed=seed)
    reader.problems += board.problems
    rows = reader.rows("events/*.play/timesteps-*.parquet")
    groups: dict[tuple[str, str], list[ChallengeResult]] = {}
    for one in results:
        groups.setdefault((clean(one.challenge), clean(one.algorithm)), []).append(one)
    if not groups:
        return None
    steps = _steps(rows)
    lines = [line for key, own in groups.items() for line in (*_tracks(key, own), *_spreads(key, steps.get(key, {})))]
    return Trials(
        challenges=tuple(dict.fromkeys(key[0] for key in groups)),
        arms=tuple(dict.fromkeys(key[1] for key in groups)),
        dims=_dims(results),
        num_seeds=max(map(len, groups.values())),
        num_timesteps=max(len(one.tracks["history"]) for one in results),
        entries=board.entries,
        lines=tuple(lines),
        efforts=tuple(_effort(key, own, steps.get(key, {})) for key, own in groups.items()),
        locked=tuple(_locked(key, own, steps.get(key, {})) for key, own in groups.items()),
        voices=voices_of(reader),
    )


def _dims(results: Sequence[ChallengeResult]) -> tuple[str, ...]:
    """Return the dimensions, those first along which the history moved most, over all seeds of one challenge."""
    first = [one for one in results if one.challenge == results[0].challenge and one.dims == results[0].dims]
    moved = np.array([np.abs(one.tracks["history"][-1] - one.tracks["history"][0]) for one in first]).mean(axis=0)
    return tuple(clean(first[0].dims[place]) for place in np.argsort(-moved, kind="stable"))


def _tracks(key: tuple[str, str], own: Sequence[ChallengeResult]) -> list[Line]:
    """Return the lines of history, people and AI along every dimension, and the distances of the latter two."""
    whole_ones = [one for one in own if not one.failure and one.dims == own[0].dims]
    if not whole_ones or len({len(one.tracks["history"]) for one in whole_ones}) > 1:
        return []
    lines = []
    for who, track in TRACKS.items():
        if any(track not in one.tracks for one in whole_ones):
            continue
        values = np.array([one.tracks[track] for one in whole_ones])
        if np.isnan(values).all():
            continue
        shown = values if len(values) == 1 else _along(values, whole_ones)
        lines += [_line(key, who, clean(name), shown[:, :, place]) for place, name in enumerate(whole_ones[0].dims)]
        if who != HISTORY:
            lines.append(_line(key, who, DISTANCE, np.array([_distance(one, track) for one in whole_ones])))
    return lines


def _along(values: FloatArray, own: Sequence[ChallengeResult]) -> FloatArray:
    """Return values from the history's start on, counted in its direction. values: (num_seeds, num_timesteps, dims)."""
    history = np.array([one.tracks["history"] for one in own])
    start, end = history[:, :1], history[:, -1:]
    return np.asarray((values - start) * np.sign(end - start), dtype=np.float64)


def _distance(one: ChallengeResult, track: str) -> FloatArray:
    """Return |X_t - H_t| / |H_T - H_0| of a track; an AI that is to look ahead is held against what comes then."""
    from societies.coevolution.registering import challenge

    history = one.tracks["history"]
    lead = challenge(one.name, one.settings, one.challenge).lead if track == TRACKS[ASSISTANT] else 0
    ahead = np.full_like(history, np.nan)
    ahead[: len(history) - lead] = history[lead:]
    way = float(np.linalg.norm(history[-1] - history[0]))
    gap = np.linalg.norm(one.tracks[track] - ahead, axis=1)
    return np.asarray(gap / way if way > 0 else np.full(len(gap), np.nan), dtype=np.float64)


def _line(key: tuple[str, str], who: str, what: str, values: FloatArray) -> Line:
    """values: (num_seeds, num_timesteps)."""
    return Line(challenge=key[0], arm=key[1], who=who, what=what, num_seeds=len(values), marks=marks(values))


def marks(values: FloatArray) -> tuple[Mark, ...]:
    """Return the band of some seeds' curves, thinned evenly. values: (num_seeds, num_timesteps)."""
    mean, lo, hi = student_band(values)
    num = len(mean)
    kept = (
        sorted({round(k * (num - 1) / (MOST_MARKS - 1)) for k in range(MOST_MARKS)}) if num > MOST_MARKS else range(num)
    )
    return tuple(Mark(t, _known(mean[t]), _known(lo[t]), _known(hi[t])) for t in kept)


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


Steps = Mapping[int, Mapping[int, Mapping[str, Any]]]
"""Seed -> timestep -> row of the table `timesteps`."""


def _steps(rows: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], dict[int, dict[int, Mapping[str, Any]]]]:
    from societies.coevolution.arms import CALM

    out: dict[tuple[str, str], dict[int, dict[int, Mapping[str, Any]]]] = {}
    for row in rows:
        arm = text(row.get("algorithm"))
        if CALM not in arm:
            seeds = out.setdefault((text(row.get("challenge")), arm), {})
            seeds.setdefault(whole(row.get("replica")), {})[whole(row.get("timestep"))] = row
    return out


def _column(steps: Steps, name: str) -> tuple[list[int], FloatArray]:
    """Return the timesteps that every seed has, and (num_seeds, num_timesteps) of a column."""
    times = sorted(set.intersection(*(set(one) for one in steps.values()))) if steps else []
    values = [[one[t].get(name) for t in times] for one in steps.values()]
    return times, np.array([[np.nan if v is None else v for v in row] for row in values], dtype=np.float64)


def _spreads(key: tuple[str, str], steps: Steps) -> list[Line]:
    lines = []
    for who, name in ((HISTORY, "history_spread"), (PEOPLE, "spread")):
        times, values = _column(steps, name)
        if times and np.isfinite(values).any():
            own = [Mark(times[one.timestep], one.value, one.lo, one.hi) for one in marks(values)]
            lines.append(
                Line(challenge=key[0], arm=key[1], who=who, what=SPREAD, num_seeds=len(values), marks=tuple(own))
            )
    return lines


def _effort(key: tuple[str, str], own: Sequence[ChallengeResult], steps: Steps) -> Effort:
    return Effort(
        challenge=key[0],
        arm=key[1],
        num_seeds=len(own),
        num_queries=sum(one.num_queries for one in own),
        num_tokens=sum(one.num_tokens for one in own),
        num_refused=sum(one.num_refused for one in own),
        num_missing=sum(whole(row.get("num_missing")) for seed in steps.values() for row in seed.values()),
        allowed=_allowed(own, max((len(seed) for seed in steps.values()), default=0)),
    )


def _allowed(own: Sequence[ChallengeResult], num_turns: int) -> int | None:
    """Return how many queries the tightest of the three limits leaves to all seeds; None without a limit."""
    world = own[0].world
    budget = world.get("budget") or {}
    limits = [budget["per_timestep"] * num_turns] if budget.get("per_timestep") is not None and num_turns else []
    limits += [budget["queries"]] if budget.get("queries") is not None else []
    a_query = (world.get("ballot") or {}).get("tokens_per_query")
    limits += [budget["tokens"] // a_query] if budget.get("tokens") is not None and a_query else []
    return min(limits) * len(own) if limits else None


def _locked(key: tuple[str, str], own: Sequence[ChallengeResult], steps: Steps) -> LockedIn:
    times, people = _column(steps, "spread")
    _, history = _column(steps, "history_spread")
    coupled = any("human" in one.tracks for one in own)
    kept = None
    if coupled and times and (history[:, -1] > 0).all():
        kept = _last(people[:, -1] / history[:, -1], times[-1])
    follows = [_confirmation(one) for one in own if "human" in one.tracks and not one.failure]
    last = len(own[0].tracks["history"]) - 1
    return LockedIn(
        challenge=key[0],
        arm=key[1],
        kept=kept,
        confirmed=_last(np.array(follows), last) if follows else None,
        num_seeds=len(own),
    )


def _confirmation(one: ChallengeResult) -> float:
    from societies.coevolution.lockin import self_confirmation

    policy, people = one.tracks["examinee"], one.tracks["human"]
    known = np.isfinite(policy).all(axis=1) & np.isfinite(people).all(axis=1)
    return self_confirmation(policy[known], people[known])


def _last(values: FloatArray, timestep: int) -> Mark | None:
    mean, lo, hi = student_band(values)
    value = _known(float(mean))
    return None if value is None else Mark(timestep, value, _known(float(lo)), _known(float(hi)))
