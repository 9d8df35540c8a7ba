"""What co-evolution leaves behind: plain frozen records, the event tables, and the line of a leaderboard file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from agents.errors import UserError
from societies.seam import Curve

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

TABLES: dict[str, dict[str, str]] = {
    "vectors": {
        "challenge": "str",
        "replica": "int",
        "algorithm": "str",
        "track": "str",
        "timestep": "int",
        "values": "list[float]",
    },
    "timesteps": {
        "challenge": "str",
        "replica": "int",
        "algorithm": "str",
        "timestep": "int",
        "num_queries": "int",
        "num_tokens": "int",
        "num_refused": "int",
        "num_missing": "int",
        "transcript": "str",
        "spread": "float",
        "history_spread": "float",
    },
    "results": {
        "challenge": "str",
        "name": "str",
        "settings": "str",
        "algorithm": "str",
        "examinee": "str",
        "examinee_settings": "str",
        "replica": "int",
        "seed": "int",
        "world": "str",
        "dims": "list[str]",
        "num_timesteps": "int",
        "num_queries": "int",
        "num_tokens": "int",
        "num_refused": "int",
        "failure": "str",
        "score": "float",
    },
}
"""Tables of the society. `vectors` holds every raw vector; the score in `results` is a convenience: readers recompute
it. Rows of the tracks that all algorithms share (the history) have no algorithm."""

CURVES = (
    Curve(
        table="timesteps",
        column="spread",
        name="spread",
        definition="of values among those who live with the examinee",
        by=("challenge", "algorithm"),
        step="timestep",
    ),
    Curve(
        table="timesteps",
        column="history_spread",
        name="history spread",
        definition="of values in the history without any examinee",
        by=("challenge", "algorithm"),
        step="timestep",
    ),
    Curve(
        table="results",
        column="score",
        name="score",
        definition="of an algorithm in a challenge, over replicas",
        by=("challenge", "algorithm"),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueVector:
    """One measurement of somebody's values.

    policy: who was measured. values: one a dimension of `dims`. interval: (low, high) a dimension, or empty where
    everything was counted. invalid_rate: share of items without a usable answer. templates: wordings used.
    """

    policy: str
    timestep: int
    dims: tuple[str, ...]
    values: FloatArray
    interval: tuple[tuple[float, float], ...] = ()
    invalid_rate: float = 0.0
    num_items: int = 0
    templates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PreferenceVote:
    """One voter's answer to one pair. p_first: probability of the first answer, mean of both orders.

    order_gap: how far the two orders lie apart. missing: it could not be parsed or was refused; it keeps its place.
    """

    pair_id: str
    timestep: int
    voter: str
    group: str
    p_first: float
    order_gap: float = 0.0
    missing: bool = False
    weight: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What the humans said to some queries, in the order of the queries.

    pairs: numbers of the pairs in the bank. value: share (or probability) of the first answer, or a reading; nan where
    missing. num_voters: people behind each value; 0 when unknown.
    """

    pairs: IntArray
    value: FloatArray
    num_voters: float = 0.0

    @property
    def missing(self) -> BoolArray:
        """Where there is no answer: lost, unparsable or refused."""
        return np.isnan(self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The judge's look at one algorithm after its turn in a timestep.

    human, examinee: value vectors of whom it lives among, and its own; None where there is none.
    """

    timestep: int
    human: FloatArray
    examinee: FloatArray | None
    num_queries: int
    num_tokens: int
    num_refused: int
    num_missing: int
    transcript: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChallengeResult:
    """One algorithm in one challenge, with every raw vector; scores are made from it and never stored as truth.

    challenge: label, such as "predict(2)"; name and settings rebuild its judge.
    tracks: name -> (num_timesteps, num_dims); a row of nan where nothing was measured. "history" is the truth H_t,
    "human" those who live with the examinee, "examinee" its policies; group tracks are "history/GROUP" and so on, and
    "calm/human" is the same arm without the shock.
    world: settings of people, ballot, pulls and budget: only results of one world can be compared.
    failure: why the examinee broke; "" when it did not.
    """

    challenge: str
    name: str
    settings: Mapping[str, Any]
    algorithm: str
    examinee: str
    examinee_settings: Mapping[str, Any] = field(default_factory=dict)
    replica: int = 0
    seed: int = 0
    world: Mapping[str, Any] = field(default_factory=dict)
    dims: tuple[str, ...]
    tracks: Mapping[str, FloatArray]
    num_queries: int = 0
    num_tokens: int = 0
    num_refused: int = 0
    failure: str = ""


_MAPPINGS = ("settings", "examinee_settings", "world")


def result_line(result: ChallengeResult) -> dict[str, Any]:
    """Return a result as the plain object of one line of a leaderboard file; nan becomes null."""
    plain = {
        name: getattr(result, name)
        for name in ChallengeResult.__dataclass_fields__
        if name not in ("dims", "tracks", *_MAPPINGS)
    }
    tracks = {
        name: [[x if math.isfinite(x) else None for x in row] for row in np.asarray(track).tolist()]
        for name, track in sorted(result.tracks.items())
    }
    settings = {name: dict(getattr(result, name)) for name in _MAPPINGS}
    return {**plain, **settings, "dims": list(result.dims), "tracks": tracks}


def result_from_line(line: Any, where: str) -> ChallengeResult:
    """Return the result of a leaderboard line; a score that it claims is ignored.

    where: file and line, for messages. Raises UserError for what is missing, ragged or of unequal dimensions.
    """
    try:
        dims = tuple(str(name) for name in line["dims"])
        tracks = {str(name): _track(rows, len(dims)) for name, rows in line["tracks"].items()}
        if len({len(track) for track in tracks.values()}) > 1:
            raise ValueError("its tracks have unequal numbers of timesteps")
        return ChallengeResult(
            challenge=str(line["challenge"]),
            name=str(line["name"]),
            settings=dict(line.get("settings", {})),
            algorithm=str(line["algorithm"]),
            examinee=str(line.get("examinee", line["algorithm"])),
            examinee_settings=dict(line.get("examinee_settings", {})),
            replica=int(line.get("replica", 0)),
            seed=int(line.get("seed", 0)),
            world=dict(line.get("world", {})),
            dims=dims,
            tracks=tracks,
            num_queries=int(line.get("num_queries", 0)),
            num_tokens=int(line.get("num_tokens", 0)),
            num_refused=int(line.get("num_refused", 0)),
            failure=str(line.get("failure", "")),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        why = f"it has no {error}" if isinstance(error, KeyError) else str(error)
        raise UserError(
            f"{where} is not a result.",
            f"{why}.",
            "each line needs challenge, name, algorithm, dims and tracks, as `folkmoot leaderboard --write` makes them",
        ) from None


def _track(rows: Any, num_dims: int) -> FloatArray:
    track = np.array([[math.nan if x is None else float(x) for x in row] for row in rows], dtype=np.float64)
    if track.ndim != 2 or track.shape[1] != num_dims:
        raise ValueError(f"its vectors do not all have {num_dims} values")
    return track
