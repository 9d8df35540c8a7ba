"""One trial: a challenge, all its arms side by side, from the first timestep to the last.

The loop is the same whether people are numbers or voices. At each timestep the history moves, every arm takes its turn,
the people who live with an AI are pulled, and the judge looks. Nothing is scored here: vectors are written down.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from agents.requests import Event, Fork, Script
from societies.coevolution.arms import CALM, NONE, ORACLE, Arm, Player
from societies.coevolution.desk import Budget, Desk
from societies.coevolution.protocols import Bank, Challenge, Gauge, Humans, Policy, Pulls
from societies.coevolution.records import Answers, ChallengeResult, Snapshot, ValueVector

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Tracks = dict[tuple[str, str], dict[int, FloatArray]]
"""(arm, track) -> timestep -> vector; the arm is "" for what all arms share."""


@dataclass(frozen=True, slots=True)
class VectorGauge:
    """The gauge of the numeric fast path: a policy is its own value vector."""

    dims: tuple[str, ...]

    def measure(self, policy: Policy, timestep: int) -> Script[ValueVector]:
        """Return the policy as a value vector. Raises ValueError for the name of a policy, which holds no numbers."""
        yield from ()
        if isinstance(policy, str):
            raise ValueError(f'policy "{policy}" is a name; it takes an instrument to measure it')
        return ValueVector(policy="examinee", timestep=timestep, dims=self.dims, values=np.asarray(policy))


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What one script plays. humans: makes the people, with a copy for each name it is given."""

    challenge: Challenge
    settings: Mapping[str, Any]
    arms: Sequence[Arm]
    humans: Callable[[Sequence[str]], Humans]
    bank: Bank
    gauge: Callable[[Humans], Gauge]
    pulls: Pulls
    budget: Budget
    num_timesteps: int
    replica: int
    seed: int
    world: Mapping[str, Any]


def trial(given: Trial) -> Script[list[ChallengeResult]]:
    """Play a challenge with all arms; write down vectors, timesteps and results, and return the results."""
    challenge = given.challenge
    arms = [arm for arm in given.arms if challenge.coupled or arm.kind != NONE]
    names = [arm.name + twin for twin in (("", CALM) if challenge.twins else ("",)) for arm in arms]
    humans = given.humans(names if challenge.coupled else ())
    gauge = given.gauge(humans)
    start = (yield from humans.measure()).values
    players = [
        Player(
            arm,
            name,
            Desk(
                bank=given.bank,
                initial=start,
                answer=_asking(humans, name if challenge.coupled else ""),
                budget=given.budget,
                lead=challenge.lead,
            ),
        )
        for name, arm in zip(names, itertools.cycle(arms), strict=False)
    ]
    tracks: Tracks = {}
    yield from _look(tracks, given, humans, gauge, players, judged=True)
    for timestep in range(1, given.num_timesteps):
        yield from humans.tick()
        judged = timestep <= challenge.num_turns(given.num_timesteps)
        if judged:
            yield from _live(timestep, given, humans, players)
        yield from _look(tracks, given, humans, gauge, players, judged=judged)
        if judged:
            yield from _rows(timestep, given, humans, players, tracks)
    for player in players:
        player.end()
        _tell_oracle(player, tracks, challenge.lead)
    results = [_result(given, humans.dims, player, tracks) for player in players if CALM not in player.name]
    for result in results:
        yield Event(table="results", row=result_row(result, challenge.verdict(result).score))
    yield from (Event(table="vectors", row=row) for row in _vector_rows(given, tracks))
    return results


def _asking(humans: Humans, arm: str) -> Callable[[IntArray], Script[Answers]]:
    return lambda pairs: humans.ask(pairs, arm=arm)


def _live(timestep: int, given: Trial, humans: Humans, players: Sequence[Player]) -> Script[None]:
    """Let every arm take its turn side by side, then move the people who live with them."""
    challenge = given.challenge
    truth = (yield from humans.measure()).values
    policies = yield Fork(tuple((player.name, player.turn(timestep, truth)) for player in players))
    if not challenge.coupled:
        return
    yield from humans.pull(dict(zip((p.name for p in players), policies, strict=True)), given.pulls)
    yield from challenge.between(timestep, humans, [p.name for p in players if CALM not in p.name], given.seed)


def _look(
    tracks: Tracks, given: Trial, humans: Humans, gauge: Gauge, players: Sequence[Player], *, judged: bool
) -> Script[None]:
    """Measure the history, and where there was a turn every arm's people and policy."""
    now = humans.timestep
    groups = ("", *humans.groups)
    for group in groups:
        yield from _note(tracks, ("", _track("history", group)), now, humans.measure(group=group))
    for player in players if judged else ():
        for group in groups if given.challenge.coupled else ():
            yield from _note(
                tracks, (player.name, _track("human", group)), now, humans.measure(arm=player.name, group=group)
            )
        if player.arm.kind != NONE:
            yield from _note(tracks, (player.name, "examinee"), now, gauge.measure(player.policy, now))


def _track(name: str, group: str) -> str:
    return f"{name}/{group}" if group else name


def _note(tracks: Tracks, key: tuple[str, str], timestep: int, measure: Script[ValueVector]) -> Script[None]:
    vector = yield from measure
    tracks.setdefault(key, {})[timestep] = np.asarray(vector.values, dtype=np.float64)


def snapshot(player: Player, timestep: int, human: FloatArray, examinee: FloatArray | None) -> Snapshot:
    """Return the judge's look at one arm in one timestep, with what it used there."""
    used = player.desk.now
    return Snapshot(
        timestep=timestep,
        human=human,
        examinee=examinee,
        num_queries=used.num_queries,
        num_tokens=used.num_tokens,
        num_refused=used.num_refused,
        num_missing=used.num_missing,
        transcript=player.transcript,
    )


def _tell_oracle(player: Player, tracks: Tracks, lead: int) -> None:
    """Give the oracle of a challenge that looks ahead the truth of that time, which the loop could not know yet."""
    if player.arm.kind == ORACLE and lead:
        truth, own = tracks["", "history"], tracks[player.name, "examinee"]
        own.update({t: truth[t + lead] for t in own if t and t + lead in truth})


def _rows(timestep: int, given: Trial, humans: Humans, players: Sequence[Player], tracks: Tracks) -> Iterator[Event]:
    whole = humans.spread()
    for player in players:
        own = given.challenge.coupled
        human = tracks[(player.name, "human") if own else ("", "history")][timestep]
        policy = tracks.get((player.name, "examinee"), {}).get(timestep)
        seen = snapshot(player, timestep, human, policy)
        yield Event(
            table="timesteps",
            row={
                "challenge": given.challenge.label,
                "replica": given.replica,
                "algorithm": player.name,
                "timestep": seen.timestep,
                "num_queries": seen.num_queries,
                "num_tokens": seen.num_tokens,
                "num_refused": seen.num_refused,
                "num_missing": seen.num_missing,
                "transcript": seen.transcript,
                "spread": humans.spread(arm=player.name) if own else whole,
                "history_spread": whole,
            },
        )


def _result(given: Trial, dims: tuple[str, ...], player: Player, tracks: Tracks) -> ChallengeResult:
    twin = player.name + CALM
    own: dict[str, FloatArray] = {}
    for (arm, track), rows in tracks.items():
        if arm in ("", player.name):
            own[track] = _stacked(rows, given.num_timesteps, len(dims))
        elif arm == twin:
            own[f"calm/{track}"] = _stacked(rows, given.num_timesteps, len(dims))
    for side in ("examinee", "calm/examinee") if given.challenge.twins else ("examinee",):
        own.setdefault(side, np.full((given.num_timesteps, len(dims)), np.nan))
    total = player.desk.total
    return ChallengeResult(
        challenge=given.challenge.label,
        name=given.challenge.name,
        settings=given.settings,
        algorithm=player.name,
        examinee=player.arm.kind,
        examinee_settings=player.arm.settings,
        replica=given.replica,
        seed=given.seed,
        world=given.world,
        dims=dims,
        tracks=own,
        num_queries=total.num_queries,
        num_tokens=total.num_tokens,
        num_refused=total.num_refused,
        failure=player.failure,
    )


def _stacked(rows: Mapping[int, FloatArray], num_timesteps: int, num_dims: int) -> FloatArray:
    out = np.full((num_timesteps, num_dims), np.nan)
    for timestep, vector in rows.items():
        out[timestep] = vector
    return out


def result_row(result: ChallengeResult, score: float) -> dict[str, Any]:
    """Return a result's row in the table `results`; its vectors stand in the table `vectors`."""
    return {
        "challenge": result.challenge,
        "name": result.name,
        "settings": _json(result.settings),
        "algorithm": result.algorithm,
        "examinee": result.examinee,
        "examinee_settings": _json(result.examinee_settings),
        "replica": result.replica,
        "seed": result.seed,
        "world": _json(result.world),
        "dims": list(result.dims),
        "num_timesteps": len(result.tracks["history"]),
        "num_queries": result.num_queries,
        "num_tokens": result.num_tokens,
        "num_refused": result.num_refused,
        "failure": result.failure,
        "score": None if result.failure or np.isnan(score) else score,
    }


def _json(value: Mapping[str, Any]) -> str:
    return orjson.dumps(dict(value), option=orjson.OPT_SORT_KEYS).decode()


def _vector_rows(given: Trial, tracks: Tracks) -> Iterator[dict[str, Any]]:
    for (arm, track), rows in tracks.items():
        calm = arm.endswith(CALM)
        for timestep, vector in rows.items():
            yield {
                "challenge": given.challenge.label,
                "replica": given.replica,
                "algorithm": arm.removesuffix(CALM),
                "track": f"calm/{track}" if calm else track,
                "timestep": timestep,
                "values": vector.tolist(),
            }


def alone(script: Script[Any]) -> tuple[Any, list[Any]]:
    """Play a script that asks no model, without an engine; return its value and the notes it wrote.

    Raises ValueError when it yields a request after all.
    """
    notes: list[Any] = []
    answer: Any = None
    while True:
        try:
            item = script.send(answer)
        except StopIteration as end:
            return end.value, notes
        answer = None
        if isinstance(item, Fork):
            parts = [alone(child) for _, child in item.children]
            notes += [note for _, part in parts for note in part]
            answer = [value for value, _ in parts]
        elif isinstance(item, Event):
            notes.append(item)
        else:
            raise ValueError(f"this script asks a model: {item!r}")
