"""The loop: who is asked when, what cannot leak, budgets, broken examinees, shocks and minorities."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from agents.requests import Message, Score
from societies.coevolution.arms import Arm
from societies.coevolution.challenges import Coevolve, Follow, Pluralism, Predict, Recover
from societies.coevolution.desk import MAX_REFUSED_ASKS, Budget, Desk
from societies.coevolution.examinees import Extrapolative, Lifelong
from societies.coevolution.fast import coevolve
from societies.coevolution.humans import Poll
from societies.coevolution.play import alone, trial
from societies.coevolution.protocols import Humans, Pulls, Turn
from societies.coevolution.votes import even_bank
from tests.coevolution.toys import DIMS, calm_folk, five_arms, played, playing, rows


def lone(examinee: Any, name: str = "it") -> list[Arm]:
    return [Arm(name=name, kind=name, examinee=examinee)]


@pytest.mark.parametrize("challenge, num", [(Follow(), 8), (Predict(horizon=3), 5), (Coevolve(), 8)])
def test_an_examinee_lives_as_many_timesteps_as_can_be_judged(challenge: Any, num: int) -> None:
    results, notes = played(trial(playing(challenge, five_arms())))
    assert [row["timestep"] for row in rows(notes, "timesteps", algorithm="lifelong")] == list(range(1, num + 1))
    assert challenge.verdict(results["lifelong"]).num == num
    assert len(rows(notes, "vectors", algorithm="", track="history")) == 9
    if challenge.coupled:
        assert len(rows(notes, "vectors", algorithm="lifelong", track="human")) == 9


def test_nobody_is_asked_at_timestep_zero() -> None:
    asked: list[int] = []

    def spy(humans: Any) -> None:
        inner = humans.ask

        def ask(pairs: Any, *, arm: str = "") -> Any:
            asked.append(humans.timestep)
            return (yield from inner(pairs, arm=arm))

        humans.ask = ask

    played(trial(playing(Follow(), lone(Lifelong()), change=spy)))
    assert asked == list(range(1, 9))


def test_replacing_the_future_by_noise_leaves_the_transcript_as_it_was() -> None:
    def noisy_after(timestep: int) -> Any:
        def change(humans: Any) -> None:
            future = humans.steps[:, timestep + 1 :]
            future[:] = np.random.default_rng(9).normal(0, 3, future.shape)

        return change

    for challenge in (Predict(horizon=2), Follow(), Coevolve()):
        bank = even_bank("shares", num_dims=DIMS, pairs_per_dim=10, span=8.0)
        told = [
            rows(played(trial(playing(challenge, five_arms(), bank=bank, change=change)))[1], "timesteps")
            for change in (None, noisy_after(4))
        ]
        before, after = ([(r["algorithm"], r["timestep"], r["transcript"]) for r in part] for part in told)
        kept = [a == b for a, b in zip(before, after, strict=True) if a[1] <= 4]
        assert all(kept) and len(kept) >= 4 * 4
        assert [x for x in before if x[1] > 4 and x[0] == "lifelong"] != [
            x for x in after if x[1] > 4 and x[0] == "lifelong"
        ]


@pytest.mark.parametrize("challenge", [Coevolve(), Recover(at=3), Pluralism()])
def test_the_loop_is_deterministic_and_does_not_depend_on_threads(
    challenge: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("societies.coevolution.humans.BLOCK", 64)
    told = []
    for threads in (1, 1, 4):
        folk = calm_folk(700, noise_sd=0.1, influence=0.2, num_threads=threads)
        told.append([n.row for n in alone(trial(playing(challenge, five_arms(), folk=folk)))[1]])
    assert told[0] == told[1] == told[2]


def test_people_by_the_hundred_move_as_the_vectors_of_the_fast_path() -> None:
    folk = calm_folk(400, influence=0.3)
    results, _ = played(trial(playing(Coevolve(), five_arms(), folk=folk, seed=4)))
    history = results["none"].tracks["history"][None]
    for name, arm, order in (
        ("none", "none", 0), ("frozen", "frozen", 0), ("oracle", "oracle", 0), ("lifelong", "learner", 0),
        ("extrapolative", "learner", 1),
    ):  # fmt: skip
        people, policies = coevolve(history, arm, Pulls(), order=order)  # type: ignore[arg-type]
        assert results[name].tracks["human"] == pytest.approx(people[0], abs=2e-4)
        if name == "extrapolative":
            # At t = 1 the loop's examinee has asked once; the fast path knows S_0 alone as well.
            assert results[name].tracks["examinee"][1:] == pytest.approx(policies[0, 1:], abs=2e-4)


def test_each_pull_can_be_switched_off() -> None:
    still, _ = played(trial(playing(Coevolve(), five_arms(), pulls=Pulls(history=0.0, ai=0.0))))
    for result in still.values():
        assert result.tracks["human"] == pytest.approx(np.tile(result.tracks["history"][0], (9, 1)), abs=1e-4)
    alone_with_ai, _ = played(trial(playing(Coevolve(), five_arms(), pulls=Pulls(history=0.0, ai=0.5))))
    assert alone_with_ai["none"].tracks["human"][-1] == pytest.approx(
        alone_with_ai["none"].tracks["human"][0], abs=1e-4
    )
    assert not np.allclose(alone_with_ai["oracle"].tracks["human"][-1], alone_with_ai["oracle"].tracks["human"][0])
    without_ai, _ = played(trial(playing(Coevolve(), five_arms(), pulls=Pulls(history=0.3, ai=0.0))))
    for result in without_ai.values():
        assert result.tracks["human"] == pytest.approx(without_ai["none"].tracks["human"], abs=1e-6)


def test_an_independent_examinee_depends_on_the_first_policy_and_the_data_at_hand_alone() -> None:
    def policies(examinee: Any, *, garbage: int) -> np.ndarray:
        def change(humans: Any) -> None:
            inner = humans.ask

            def ask(pairs: Any, *, arm: str = "") -> Any:
                answers = yield from inner(pairs, arm=arm)
                if humans.timestep <= garbage:
                    answers.value[:] = 99.0
                return answers

            humans.ask = ask

        results, _ = played(trial(playing(Follow(), lone(examinee), change=change)))
        return results["it"].tracks["examinee"]

    for examinee, memory in (
        (Lifelong(mode="independent", rate=0.5), 1),
        (Extrapolative(mode="independent", rate=0.5), 2),
    ):
        assert policies(examinee, garbage=4)[4 + memory :] == pytest.approx(policies(examinee, garbage=0)[4 + memory :])
    iterative = Lifelong(mode="iterative", rate=0.5)
    assert np.abs(policies(iterative, garbage=4)[5:] - policies(iterative, garbage=0)[5:]).min() > 1


def test_queries_over_the_budget_are_refused_counted_and_come_back_as_missing() -> None:
    budget = Budget(per_timestep=7, queries=20, tokens=None)
    results, notes = played(trial(playing(Follow(), lone(Lifelong()), budget=budget)))
    told = rows(notes, "timesteps", algorithm="it")
    assert [row["num_queries"] for row in told] == [7, 7, 6, 0, 0, 0, 0, 0]
    assert [row["num_refused"] for row in told] == [12, 12, 13, *[19] * 5]
    result = results["it"]
    assert (result.num_queries, result.num_refused, result.num_tokens) == (20, 8 * 19 - 20, 200)
    # What it could not ask about stays as it was handed over.
    assert result.tracks["examinee"][-1][7:] == pytest.approx(result.tracks["history"][0][7:])
    by_tokens, _ = played(trial(playing(Follow(), lone(Lifelong()), budget=Budget(tokens=205))))
    assert by_tokens["it"].num_queries == 20 and by_tokens["it"].num_tokens == 200


def test_lost_answers_are_counted_and_skipped() -> None:
    bank = even_bank("hard", num_dims=DIMS, pairs_per_dim=20, span=8.0)
    results, notes = played(trial(playing(Follow(), lone(Extrapolative(order=2)), bank=bank, poll=Poll(missing=0.3))))
    assert 0.2 < sum(row["num_missing"] for row in rows(notes, "timesteps")) / (8 * 380) < 0.4
    assert np.isfinite(results["it"].tracks["examinee"]).all()
    nothing, _ = played(trial(playing(Follow(), lone(Extrapolative()), bank=bank, poll=Poll(missing=1.0))))
    assert np.ptp(nothing["it"].tracks["examinee"], axis=0).max() == 0


@dataclass(frozen=True)
class Broken:
    """Examinees that do not keep to the rules."""

    how: str

    def live(self, desk: Desk) -> Iterator[Any]:
        if self.how == "no generator":
            return None  # type: ignore[return-value]
        return self._live(desk)

    def _live(self, desk: Desk) -> Iterator[Any]:
        if self.how == "never yields":
            return
        for timestep in desk.timesteps():
            if timestep == 3:
                if self.how == "endless":
                    while True:
                        yield from desk.ask()
                if self.how == "pairs":
                    yield from desk.ask(np.array([10**6]))
                if self.how == "bug":
                    raise ZeroDivisionError("oh")
            policy: Any = {"short": np.ones(3), "nan": np.full(DIMS, np.nan), "words": [["a"], 2]}.get(self.how)
            yield Turn(timestep, desk.initial if policy is None else policy)
            if self.how == "twice" and timestep == 3:
                yield Turn(timestep, desk.initial)


@pytest.mark.parametrize(
    "how, why",
    [
        ("never yields", "timestep 1: it ended without yielding a turn"),
        ("no generator", "timestep 1: live.. returned no generator"),
        ("twice", "timestep 4: it yielded a turn of timestep 3"),
        ("endless", f"timestep 3: asked {MAX_REFUSED_ASKS + 1} times over its budget"),
        ("pairs", "timestep 3: asked for pairs outside"),
        ("bug", "timestep 3: ZeroDivisionError: oh"),
        ("short", r"timestep 1: its policy has shape \(3,\); the values have \(19,\)"),
        ("nan", "timestep 1: its policy holds a value that is not finite"),
        ("words", "timestep 1: its policy is neither a name nor numbers"),
    ],
)
def test_a_broken_examinee_loses_its_own_arm_alone(how: str, why: str) -> None:
    budget = Budget(per_timestep=100)
    arms = [*lone(Broken(how)), *five_arms()]
    results, notes = played(trial(playing(Coevolve(), arms, budget=budget)))
    sound, _ = played(trial(playing(Coevolve(), five_arms(), budget=budget)))
    assert re.match(why, results["it"].failure), results["it"].failure
    assert rows(notes, "results", algorithm="it")[0]["score"] is None
    for name, result in sound.items():
        assert not results[name].failure
        assert results[name].tracks["human"] == pytest.approx(result.tracks["human"])


@dataclass(frozen=True)
class Asking:
    """An examinee that asks a model: its requests pass through the loop."""

    def live(self, desk: Desk) -> Any:
        policy = np.array(desk.initial)
        for timestep in desk.timesteps():
            scores = yield Score(messages=(Message("user", f"t {timestep}"),), options=("a", "b"), purpose="t/x.v1")
            policy = policy + scores.probability["a"]
            yield Turn(timestep, policy)


def test_requests_of_an_examinee_reach_the_engine_and_their_answers_come_back() -> None:
    script = trial(playing(Follow(), lone(Asking())))
    with pytest.raises(ValueError, match="asks a model"):
        alone(script)


def test_recovery_compares_with_the_same_people_undisturbed() -> None:
    challenge = Recover(at=3, size=4.0, share=1.0)
    results, notes = played(trial(playing(challenge, five_arms())))
    verdicts = {name: challenge.verdict(result) for name, result in results.items()}
    none = verdicts["none"]
    assert none.details["human_left"] == pytest.approx(0.7**5, abs=1e-3)
    assert none.details["human_half_life"] == pytest.approx(1 + (0.7 - 0.5) / (0.7 - 0.49), abs=1e-3)
    assert verdicts["frozen"].details["human_left"] == pytest.approx(0.35**5, abs=1e-3)
    assert verdicts["frozen"].details["ai_peak"] == 0
    # An AI that learns from shaken people holds them there; one that looks ahead overshoots with them.
    assert verdicts["extrapolative"].score < verdicts["lifelong"].score < none.score < verdicts["frozen"].score
    assert "half of the shock is still there at the end" in verdicts["extrapolative"].flags
    for result in results.values():
        assert result.tracks["human"][:3] == pytest.approx(result.tracks["calm/human"][:3])
    assert len(rows(notes, "results")) == 5


def test_an_ai_of_the_average_serves_the_minority_worse_and_draws_groups_together() -> None:
    challenge = Pluralism(minority=0.2)
    lost, kept = [], []
    for seed in range(12):
        results, _ = played(trial(playing(challenge, five_arms(), folk=calm_folk(200), seed=seed)))
        lifelong, none = (challenge.verdict(results[name]) for name in ("lifelong", "none"))
        lost.append(lifelong.details["gap"])
        kept.append(none.details["difference_kept"] - lifelong.details["difference_kept"])
        assert lifelong.score == pytest.approx(
            min(lifelong.details["minority_cosine"], lifelong.details["majority_cosine"])
        )
        assert np.isnan(none.score) and none.flags
    assert np.mean(lost) > 0 and np.mean(np.array(lost) > 0) >= 0.75
    assert min(kept) > 0


def test_a_third_party_challenge_needs_no_change_of_ours() -> None:
    @dataclass(frozen=True)
    class Shaken(Follow):
        name = "shaken"  # type: ignore[misc]
        coupled = True  # type: ignore[misc]

        def between(self, timestep: int, humans: Humans, arms: Any, seed: int) -> Any:
            yield from humans.disturb(arms, np.full(len(humans.dims), 0.5), 1.0)

    results, _ = played(trial(playing(Shaken(), five_arms(), pulls=Pulls(history=0.0, ai=0.0))))
    people = results["none"].tracks["human"]
    assert np.diff(people, axis=0) == pytest.approx(np.full((8, DIMS), 0.5), abs=1e-4)
