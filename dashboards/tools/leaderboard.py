"""The leaderboard of co-evolution: results from run folders and leaderboard files, scored anew from their vectors.

A score that a file claims is never read. One line a result in JSON; a line that cannot be read is named and left out.
"""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from agents.errors import UserError, missing_extra
from agents.statistics.intervals import bootstrap_mean
from dashboards.sources import Reader, clean
from dashboards.terminal import Section
from sim.store import Run
from sim.tables import write_whole
from societies.coevolution.protocols import Verdict
from societies.coevolution.records import ChallengeResult, result_from_line, result_line
from societies.coevolution.registering import challenge

NAN = math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One algorithm in one challenge, over its replicas.

    score, centred, lag: means over replicas, nan where undefined. lo, hi and lag_lo, lag_hi: bootstrap intervals of
    score and lag over replicas; nan for a single one.
    gain: score on the scale from frozen (0) to oracle (1) of the same world.
    world: digest of the settings of people, ballot, pulls and budget; entries of one world can be compared.
    num: comparisons a replica.
    """

    challenge: str
    world: str
    algorithm: str
    source: str
    num_replicas: int
    num: int
    score: float
    lo: float
    hi: float
    centred: float
    lag: float
    lag_lo: float
    lag_hi: float
    gain: float
    num_queries: int
    num_tokens: int
    num_refused: int
    details: Mapping[str, float]
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """Entries by challenge and falling score, and a sentence for each thing that could not be read."""

    entries: tuple[Entry, ...]
    problems: tuple[str, ...]


def read(paths: Sequence[Path]) -> tuple[list[tuple[str, ChallengeResult]], list[str]]:
    """Return (source, result) of every run folder and leaderboard file, and what could not be read.

    Raises UserError for a path that is neither.
    """
    found: list[tuple[str, ChallengeResult]] = []
    problems: list[str] = []
    for path in paths:
        if path.is_file():
            results, bad = read_file(path)
        else:
            results, bad = read_run(Run.open(path))
        found += [(path.name, result) for result in results]
        problems += bad
    return found, problems


def read_file(path: Path) -> tuple[list[ChallengeResult], list[str]]:
    """Return the results of a leaderboard file (JSON lines), and a sentence for each line left out."""
    results, problems = [], []
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        if not line.strip():
            continue
        where = f"{path.name}, line {number}"
        try:
            results.append(result_from_line(orjson.loads(line), where))
        except orjson.JSONDecodeError:
            problems.append(f"{where} is not JSON.")
        except UserError as error:
            problems.append(f"{error.given} {error.why}")
    return results, problems


def read_run(run: Run) -> tuple[list[ChallengeResult], list[str]]:
    """Return the results of a run folder, put together from its raw vectors."""
    reader = Reader(run)
    results: list[ChallengeResult] = []
    for folder in sorted((run.folder / "events").glob("*.play")):
        stage = folder.name
        vectors = _tracks(reader.rows(f"events/{stage}/vectors-*.parquet"))
        for row in reader.rows(f"events/{stage}/results-*.parquet"):
            try:
                results.append(_result(row, vectors))
            except (KeyError, TypeError, ValueError, orjson.JSONDecodeError, UserError) as error:
                reader.problems.append(f"a result of {run.folder.name}/{stage} cannot be read ({error}).")
    if not results and not reader.problems:
        reader.problems.append(f"{run.folder.name} holds no results of co-evolution.")
    return results, reader.problems


Key = tuple[str, int, str]
"""(challenge, replica, algorithm)."""


def _tracks(rows: Sequence[Mapping[str, Any]]) -> dict[Key, dict[str, dict[int, list[float]]]]:
    out: dict[Key, dict[str, dict[int, list[float]]]] = defaultdict(lambda: defaultdict(dict))
    for row in rows:
        key = (row["challenge"], row["replica"], row["algorithm"])
        out[key][row["track"]][row["timestep"]] = row["values"]
    return out


def _result(row: Mapping[str, Any], vectors: Mapping[Key, Mapping[str, Mapping[int, list[float]]]]) -> ChallengeResult:
    num, dims = row["num_timesteps"], len(row["dims"])
    shared = vectors.get((row["challenge"], row["replica"], ""), {})
    own = vectors.get((row["challenge"], row["replica"], row["algorithm"]), {})
    empty = [[None] * dims] * num
    tracks: dict[str, list[Any]] = {"examinee": empty}
    tracks |= {"calm/examinee": empty} if "calm/human" in own else {}
    for name, points in (*shared.items(), *own.items()):
        tracks[name] = [points.get(timestep, [None] * dims) for timestep in range(num)]
    mappings = {name: orjson.loads(row[name]) for name in ("settings", "examinee_settings", "world")}
    return result_from_line({**row, **mappings, "tracks": tracks}, f"{row['challenge']}, {row['algorithm']}")


Group = tuple[str, str, str, str]
"""(challenge, world, algorithm, examinee with settings): one entry."""


def findings(results: Sequence[tuple[str, ChallengeResult]], problems: Sequence[str] = (), *, seed: int = 0) -> Board:
    """Return the board. Results of a challenge that is not installed, or that its judge cannot use, become problems.

    A result that came from two sources counts once.
    """
    told = list(problems)
    judged: dict[Group, dict[tuple[int, int], _Judged]] = defaultdict(dict)
    for source, result in results:
        try:
            verdict = challenge(result.name, result.settings, result.challenge).verdict(result)
        except UserError as error:
            told.append(f"{source}: {error.given} {error.why}")
        except (KeyError, IndexError, ValueError) as error:
            told.append(f"{source}: {result.challenge} of {result.algorithm} lacks vectors ({error}).")
        else:
            if result.failure:
                told.append(f"{source}: {result.algorithm} broke in {result.challenge}, {result.failure}.")
            group = (result.challenge, _digest(result.world), result.algorithm, _digest(_examinee(result)))
            judged[group].setdefault((result.seed, result.replica), _Judged(source, result, verdict))
    entries = [_entry(group, list(found.values()), judged, seed) for group, found in judged.items()]
    entries.sort(key=lambda one: (one.challenge, one.world, _worst_if_nan(one.score), one.algorithm))
    return Board(entries=tuple(entries), problems=tuple(dict.fromkeys(clean(text) for text in told)))


@dataclass(frozen=True, slots=True)
class _Judged:
    source: str
    result: ChallengeResult
    verdict: Verdict

    @property
    def score(self) -> float:
        """The verdict's score; nan for an examinee that broke."""
        return NAN if self.result.failure else self.verdict.score


def _digest(value: Mapping[str, Any]) -> str:
    return hashlib.blake2b(orjson.dumps(dict(value), option=orjson.OPT_SORT_KEYS), digest_size=4).hexdigest()


def _examinee(result: ChallengeResult) -> dict[str, Any]:
    return {"examinee": result.examinee, "settings": dict(result.examinee_settings)}


def _worst_if_nan(score: float) -> float:
    return math.inf if math.isnan(score) else -score


def _entry(
    group: Group, found: Sequence[_Judged], judged: Mapping[Group, Mapping[tuple[int, int], _Judged]], seed: int
) -> Entry:
    scores = np.array([one.score for one in found])
    lags = np.array([one.verdict.lag for one in found])
    lo, hi = _between(scores, seed)
    lag_lo, lag_hi = _between(lags, seed)
    frozen, oracle = (_reference(group, kind, judged) for kind in ("frozen", "oracle"))
    score = float(scores.mean())
    names = sorted({name for one in found for name in one.verdict.details})
    return Entry(
        challenge=clean(group[0]),
        world=group[1],
        algorithm=clean(group[2]),
        source=", ".join(sorted({one.source for one in found})),
        num_replicas=len(found),
        num=min(one.verdict.num for one in found),
        score=score,
        lo=lo,
        hi=hi,
        centred=_mean([one.verdict.centred for one in found]),
        lag=float(lags.mean()),
        lag_lo=lag_lo,
        lag_hi=lag_hi,
        gain=(score - frozen) / (oracle - frozen) if oracle != frozen else NAN,
        num_queries=sum(one.result.num_queries for one in found),
        num_tokens=sum(one.result.num_tokens for one in found),
        num_refused=sum(one.result.num_refused for one in found),
        details={name: _mean([one.verdict.details.get(name, NAN) for one in found]) for name in names},
        flags=tuple(sorted({flag for one in found for flag in one.verdict.flags})),
    )


def _between(values: npt.NDArray[np.float64], seed: int) -> tuple[float, float]:
    """Return the interval of a mean over replicas; nan for a single one, or where one is undefined."""
    if values.size < 2 or not np.isfinite(values).all():
        return NAN, NAN
    found = bootstrap_mean(values, seed=seed)
    return found.lo, found.hi


def _reference(group: Group, kind: str, judged: Mapping[Group, Mapping[tuple[int, int], _Judged]]) -> float:
    """Return the mean score of a reference in the same challenge and world; nan when there is none."""
    scores = [
        one.score
        for other, found in judged.items()
        if other[:2] == group[:2]
        for one in found.values()
        if one.result.examinee == kind
    ]
    return _mean(scores)


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else NAN


def sections(board: Board) -> list[Section]:
    """Return one table a challenge and world, best first."""
    out = [Section(title="Left out", lines=board.problems)] if board.problems else []
    for name, world in dict.fromkeys((entry.challenge, entry.world) for entry in board.entries):
        mine = [entry for entry in board.entries if (entry.challenge, entry.world) == (name, world)]
        flags = dict.fromkeys(flag for entry in mine for flag in entry.flags)
        notes = [f"{flag}: {', '.join(e.algorithm for e in mine if flag in e.flags)}." for flag in flags]
        if any(entry.num_replicas == 1 for entry in mine):
            notes.append("One replica has no interval: set society.replicas.")
        out.append(
            Section(
                title=f"{name}, world {world}",
                columns=(
                    "algorithm",
                    "score",
                    "95 % interval",
                    "gain",
                    "centred",
                    "lag",
                    "n",
                    "queries",
                    "refused",
                    "more",
                ),
                rows=tuple(_row(entry) for entry in mine),
                right=(1, 3, 4, 5, 7, 8),
                notes=tuple(notes),
            )
        )
    return out


def _row(entry: Entry) -> tuple[str, ...]:
    between = "" if math.isnan(entry.lo) else f"{entry.lo:.4f} to {entry.hi:.4f}"
    more = ", ".join(f"{name.replace('_', ' ')} {value:.3g}" for name, value in entry.details.items())
    return (
        entry.algorithm,
        _text(entry.score, 4),
        between,
        _text(entry.gain, 2),
        _text(entry.centred, 3),
        _text(entry.lag, 3),
        f"{entry.num_replicas} x {entry.num}",
        f"{entry.num_queries:,}",
        f"{entry.num_refused:,}",
        more,
    )


def _text(value: float, digits: int) -> str:
    return "-" if math.isnan(value) else f"{value:.{digits}f}"


def chart(board: Board) -> Any:
    """Return an Altair chart: scores with intervals, one panel a challenge and world."""
    try:
        import altair as alt
    except ImportError as error:
        raise missing_extra("altair", "dash") from error

    rows = [
        {
            "panel": f"{entry.challenge}, world {entry.world}",
            "algorithm": entry.algorithm,
            "score": entry.score,
            "lo": entry.score if math.isnan(entry.lo) else entry.lo,
            "hi": entry.score if math.isnan(entry.hi) else entry.hi,
        }
        for entry in board.entries
        if not math.isnan(entry.score)
    ]
    base = alt.Chart(alt.Data(values=rows)).encode(y=alt.Y("algorithm:N", sort="-x", title=None))
    where = alt.X("lo:Q", title="score", scale=alt.Scale(zero=False))
    layers = base.mark_rule().encode(x=where, x2="hi:Q") + base.mark_point(filled=True, size=60).encode(x="score:Q")
    return (
        layers.properties(width=420)
        .facet(row=alt.Row("panel:N", title=None))
        .resolve_scale(x="independent", y="independent")
    )


def plain(board: Board) -> dict[str, Any]:
    """Return the board as plain values for JSON; nan and infinity become null."""
    return {"entries": [_finite(asdict(entry)) for entry in board.entries], "problems": list(board.problems)}


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_board(path: Path, results: Sequence[tuple[str, ChallengeResult]]) -> int:
    """Write results as a leaderboard file, whole; return their number."""
    lines = [orjson.dumps(result_line(result), option=orjson.OPT_SORT_KEYS) for _, result in results]
    unique = list(dict.fromkeys(lines))
    write_whole(path, b"".join(line + b"\n" for line in unique))
    return len(unique)
