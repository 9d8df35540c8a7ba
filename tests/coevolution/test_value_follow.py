"""A policy that follows known people: the truth, the votes that teach it, the cosines, and the loop in three arms.

No model is loaded: a trainer of numbers stands in for the child process, and policies answer from its weights.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from agents.errors import UserError
from agents.instruments import Subject
from agents.instruments.oracles import answering, uniform
from agents.instruments.separation import overlap_report
from agents.instruments.types import Item
from agents.instruments.value_follow import ValueFollowConfig, ValueFollowInstrument, instrument
from agents.instruments.value_vector.bank import built_in_items
from agents.instruments.value_vector.dims import INDEX, NUM_DIMS, VIEWS
from agents.instruments.value_vector.forms import LETTERS, ask
from agents.instruments.value_vector.people import People, choices, crowd, halves, means, truth, weights
from agents.instruments.value_vector.vector import aggregate, uniform_additions
from agents.requests import Event, Score
from agents.sample import Sample
from agents.scoring import listed
from agents.statistics import drift as ours
from agents.statistics.extrapolation import extrapolate_shares
from benchmarks.follow import ARMS, Followed, check_alike, follow_of, mean, stage_after, t_mean, table
from selfalign.config import LoopConfig
from selfalign.loop.graph import run_loop
from selfalign.loop.workshop import Workshop
from selfalign.recipes import utility_control
from selfalign.train.job import ADAPTER, CURVE, DONE, ROWS, TrainJob, read_rows, write_json
from sim.config import RunConfig, compose, plugin_section, validate
from sim.models import ModelFolder
from societies.coevolution.live.follow import FollowConfig, society
from societies.seam import Setting
from tests.instruments.playing import measure
from tests.selfalign.world import ToySession

CONF = Path(__file__).parents[2] / "conf"
FEW = People(num=40, rounds=4)
TAUGHT, HELD = halves(built_in_items())
BY_ACTIONS = {frozenset(item.options): item for item in built_in_items()}


def loaded(**settings: Any) -> ValueFollowInstrument:
    return instrument.load(ValueFollowConfig(**{"people": FEW, **settings}))


def setting(round_: int = 1, seed: int = 0) -> Setting:
    return Setting(seed=seed, cast=lambda number, seed: [], round=round_)


def notes(round_: int = 1, seed: int = 0, **settings: Any) -> list[Any]:
    config = FollowConfig(**{"people": FEW, **settings})
    return [note for _, script in society.scripts(config, setting(round_, seed)) for note in script]


def samples(round_: int = 1, **settings: Any) -> list[Sample]:
    return [note for note in notes(round_, **settings) if isinstance(note, Sample)]


def voice(share: Callable[[Item], Any]) -> Any:
    """Answer a letter form by each action's share, whatever the order in which the actions are named."""

    def believed(request: Score) -> list[float]:
        item = BY_ACTIONS[frozenset(request.options)]
        by_action = dict(zip(item.options, share(item), strict=True))
        return [float(by_action[option]) for option in request.options]

    return answering(believed)


def of_people(timestep: int, seed: int = 0) -> Any:
    values = crowd(FEW, seed, timestep)
    return voice(lambda item: choices(item, values, FEW.sharpness))


# --- the people


@pytest.mark.parametrize("kind", ours.KINDS)
def test_the_people_of_a_round_are_the_same_however_many_rounds_follow(kind: Any) -> None:
    short, long = (People(num=10, rounds=n, drift=kind) for n in (2, 7))
    assert crowd(short, 5, 2).tolist() == crowd(long, 5, 2).tolist()
    moved = np.abs(np.diff(means(long, 5), axis=0)).max()
    assert moved == 0 if kind == "none" else moved > 0


def test_a_panel_is_drawn_from_the_same_people_and_anew_each_round() -> None:
    still = dataclasses.replace(FEW, drift="none")
    everybody = {tuple(row) for row in crowd(still, 0, 1)}
    panels = [{tuple(row) for row in crowd(still, 0, t, panel=8)} for t in (1, 2, 1)]
    assert all(len(panel) == 8 and panel < everybody for panel in panels)
    assert panels[0] == panels[2] != panels[1]


def test_a_choice_follows_from_what_actions_are_worth() -> None:
    dilemma = next(item for item in HELD if len(item.scales) > 1)
    one = np.zeros((1, NUM_DIMS))
    one[0, [INDEX[name] for name in dilemma.scales]] = 0.3
    worth = 0.3 * sum(dilemma.scales.values())
    assert choices(dilemma, one, 2.0)[0] == pytest.approx(1 / (1 + math.exp(-2 * worth)))
    view = next(item for item in HELD if len(item.options) == 4)
    assert weights(view)[2].nonzero()[0].tolist() == [INDEX[VIEWS[2]]]
    assert choices(view, crowd(FEW, 0, 1), 0.0).tolist() == [0.25] * 4
    third = np.zeros((1, NUM_DIMS))
    third[0, INDEX[VIEWS[2]]] = 1.0
    assert choices(view, third, 2.0, (1, 2))[1] == pytest.approx(1 / (1 + math.exp(-2)))


def test_half_of_every_stratum_is_held_out_and_shares_no_wording() -> None:
    def strata(items: tuple[Item, ...]) -> set[str]:
        return {item.meta["stratum"] for item in items}

    assert not {item.id for item in TAUGHT} & {item.id for item in HELD}
    assert len(TAUGHT) + len(HELD) == len(built_in_items())
    assert strata(TAUGHT) == strata(HELD)
    asked = [sample.prompt[-1].content for sample in samples()]
    assert overlap_report(asked, [item.text for item in HELD]).clean


@pytest.mark.parametrize("bad", [{"num": 0}, {"rounds": 0}, {"drift_sd": -1.0}, {"drift": "sideways"}])
def test_impossible_people_are_refused_in_one_sentence(bad: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=f"people.{next(iter(bad))}"):
        validate(FollowConfig, {"people": bad}, "society")


# --- the society


def test_votes_become_pairs_with_shares_that_the_recipe_turns_both_ways_round() -> None:
    found = samples(round_=2)
    values = crowd(FEW, 0, 2)
    training, _ = utility_control.rows(found, utility_control.config(), 0)
    assert len(training.rows) == 2 * len(found) == 2 * sum(1 if len(i.options) == 2 else 4 for i in TAUGHT)
    for sample, row in zip(found, training.rows[::2], strict=True):
        item = next(item for item in TAUGHT if item.id == sample.meta["scene_id"])
        pair = [item.options.index(one.text) for one in sample.candidates]
        share = choices(item, values, FEW.sharpness, pair)[0]
        assert sample.votes[0].value == pytest.approx((share, 1 - share))
        assert row["target"] == pytest.approx([share, 1 - share])
    assert training.rows[1]["target"] == training.rows[0]["target"][::-1]


def test_what_is_taught_is_byte_for_byte_what_is_measured() -> None:
    item = next(item for item in TAUGHT if len(item.options) == 2)
    sample = next(one for one in samples() if one.meta["scene_id"] == item.id)
    training, _ = utility_control.rows([sample], utility_control.config(), 0)
    request = ask(item, Subject(), LETTERS, "cyclic")[0].request
    wanted = [[{"role": m.role, "content": m.content} for m in listed(request, order)] for order in ((0, 1), (1, 0))]
    assert [row["prompt"] for row in training.rows] == wanted
    assert {row["stub"] for row in training.rows} == {request.stub}


def test_society_and_instrument_know_the_same_people() -> None:
    one = loaded(seed=3)
    for round_ in (1, 4):
        row = next(note.row for note in notes(round_, seed=3) if isinstance(note, Event) and note.table == "followed")
        assert row["vector"] == aggregate(one.truths[round_]).tolist()
        assert row["held_items"] == [item.id for item in one.items]
        assert row["values"] == means(FEW, 3)[round_].tolist()
    assert row["vector"] != aggregate(loaded(seed=4).truths[4]).tolist()


def test_a_round_without_people_is_refused_before_anything_is_written() -> None:
    with pytest.raises(UserError, match="no people of timestep 5") as error:
        society.scripts(FollowConfig(people=FEW), setting(5))
    assert "loop.num_rounds" in error.value.fix


def test_a_panel_votes_with_noise_and_everybody_without() -> None:
    exact, drawn = ([one.meta["p_a"] for one in samples(voters=voters)] for voters in (0, 5))
    assert {one.meta["num_voters"] for one in samples(voters=5)} == {5}
    assert 0 < max(abs(a - b) for a, b in zip(exact, drawn, strict=True)) < 0.6
    assert drawn == [one.meta["p_a"] for one in samples(voters=5)]


def test_columns_of_events_are_those_of_the_tables_and_nothing_is_asked() -> None:
    for note in notes():
        if isinstance(note, Event):
            assert set(note.row) == set(society.tables[note.table])
    estimate = society.estimate(FollowConfig(people=FEW), setting())
    assert (estimate.num_requests, estimate.num_scripts) == (0, len(TAUGHT) + 1)


# --- the instrument


def cosines(one: ValueFollowInstrument, responder: Any) -> dict[str, Any]:
    return {row.scale: row for row in one.score(measure(one, responder))}


def test_a_policy_that_answers_as_the_people_of_a_round_follows_that_round_alone() -> None:
    one = loaded()
    found = cosines(one, of_people(2))
    for kind in ("follow", "follow_centred"):
        points = [found[f"{kind}_t{t}"].point for t in (1, 2, 3, 4)]
        assert points[1] == pytest.approx(1.0) and max(points[:1] + points[2:]) < 0.999
        assert found[f"{kind}_t2"].lo == pytest.approx(1.0), "every resample is alike"
    later = found["follow_centred_t4"]
    assert later.lo < later.point < later.hi
    assert (later.n, later.forfeits, later.flags) == (len(HELD), 0, ())


def test_the_uniform_responder_has_no_direction_and_reads_as_its_null() -> None:
    one = loaded()
    found = cosines(one, uniform())
    for t in (1, 4):
        assert math.isnan(found[f"follow_centred_t{t}"].point)
        assert "no direction" in found[f"follow_centred_t{t}"].flags[0]
        assert found[f"follow_t{t}"].point == pytest.approx(found[f"follow_t{t}"].null[1])


def test_turning_to_the_people_is_a_paired_gain_with_an_interval() -> None:
    one = loaded()
    before, after = (measure(one, of_people(t, seed)) for t, seed in ((1, 9), (3, 0)))
    rows = {row.scale: row for row in one.compare(before, after)}
    gain = rows["follow_centred_t3"]
    assert gain.after == pytest.approx(1.0)
    assert gain.diff == pytest.approx(gain.after - gain.before) and 0 < gain.lo < gain.diff
    assert gain.p_holm >= gain.p > 0 and gain.n == len(HELD)
    same = {row.scale: row for row in one.compare(before, before)}["follow_t3"]
    assert (same.diff, same.lo, same.hi, same.p) == (0, 0, 0, 1)


def test_scales_are_those_that_are_scored_and_forfeits_are_counted() -> None:
    one = loaded()
    outcomes = measure(one, of_people(1))
    names = [row.scale for row in one.score(outcomes)]
    assert names == [scale.name for scale in one.scales]
    fewer = {row.scale: row for row in one.score([None, *outcomes[1:]])}["follow_t1"]
    assert (fewer.n, fewer.forfeits) == (len(HELD) - 1, 1)
    assert all(row.n == 0 and math.isnan(row.point) for row in one.score([]) if row.scale.startswith("follow"))


def test_settings_are_checked_like_those_of_the_value_vector() -> None:
    with pytest.raises(UserError, match="forms"):
        ValueFollowConfig(forms=("compare",))
    with pytest.raises(UserError, match="num = 0"):
        ValueFollowConfig(num=0)


# --- the loop


class NumericTrainer:
    """Fits a weight a dimension to the log-odds of the rows, some way on from the parent's weights."""

    def __init__(self, base: np.ndarray) -> None:
        self.weights = {"base": base}
        self.jobs: list[TrainJob] = []

    def __call__(self, job: TrainJob, on_progress: Any = None, while_waiting: Any = None) -> dict[str, Any]:
        self.jobs.append(job)
        xs, ys = [], []
        for row in read_rows(job.folder / ROWS):
            x, y = self._lesson(row)
            xs.append(x)
            ys.append(y)
        a, b, start = np.array(xs), np.array(ys), self.weights[job.parent]
        step = np.linalg.solve(a.T @ a + np.eye(NUM_DIMS), a.T @ (b - a @ start))
        self.weights[job.name] = start + 0.6 * step
        folder = job.folder / ADAPTER
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "adapter_model.safetensors").write_bytes(self.weights[job.name].tobytes())
        (job.folder / CURVE).write_text('{"event": "estimate"}\n{"step": 1, "loss": 1.0}\n')
        write_json(job.folder / DONE, {"loss": 1.0})
        return {"loss": 1.0}

    def _lesson(self, row: dict[str, Any]) -> tuple[np.ndarray, float]:
        text = row["prompt"][-1]["content"]
        item = next(item for item in TAUGHT if text.startswith(f"{item.text}\n"))
        lines = text.splitlines()[-2:]
        first, second = (item.options.index(line[4:]) for line in lines)
        p = min(max(row["target"][0], 1e-3), 1 - 1e-3)
        return weights(item)[first] - weights(item)[second], math.log(p / (1 - p))

    def answer(self, ticket: Any) -> Any:
        request = ticket.request
        item = BY_ACTIONS.get(frozenset(request.options))
        if item is None:
            return dict.fromkeys(request.options, 0.5)
        shares = choices(item, self.weights[request.policy][None], 1.0)
        by_action = dict(zip(item.options, shares, strict=True))
        return {option: float(by_action[option]) for option in request.options}


@functools.cache
def config_of(arm: str, seed: int) -> RunConfig:
    words = ["loop.num_rounds=3", "society.people.num=1000", "measure.instruments.1.num=2", *ARMS[arm]]
    config = compose(["experiment=follow_small", f"seed={seed}", *words])
    return dataclasses.replace(config, population={"name": "none"})


def played(folder: Path, arm: str, seed: int) -> tuple[Any, NumericTrainer, dict[str, Any]]:
    config = config_of(arm, seed)
    session = ToySession(folder / arm / str(seed), config)
    session.society, session.society_config = (
        society,
        validate(FollowConfig, plugin_section(config.society, "s")[1], ""),
    )  # type: ignore[assignment]
    trainer = NumericTrainer(np.random.default_rng(seed).normal(0, 1, NUM_DIMS))
    session.answerer = trainer.answer
    asked = plugin_section(config.measure["instruments"][0], "m")[1]
    shop = Workshop(
        session=session,
        recipe=utility_control,
        recipe_config=validate(utility_control.config, plugin_section(config.recipe, "recipe")[1], "recipe"),
        loop=validate(LoopConfig, config.loop, "loop"),
        instruments=(instrument.load(validate(ValueFollowConfig, asked, "measure")),),
        train=trainer,
        base=lambda session: ModelFolder(path=folder, name="toy", digest="toy", revision="local", licence="none"),
    )
    return session.run, trainer, dict(run_loop(shop))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, int], Any]:
    folder = tmp_path_factory.mktemp("follow")
    return {(arm, seed): played(folder, arm, seed) for seed in (0, 1) for arm in ARMS}


def test_arms_differ_in_the_parent_of_what_is_trained_and_in_nothing_else(runs: Any) -> None:
    parents = {arm: [job.parent for job in runs[arm, 0][1].jobs] for arm in ARMS}
    on = ["base", "p1", "p2"]
    assert parents == {"lifelong": on, "independent": ["base"] * 3, "extrapolative": on, "none": []}
    votes = [runs[arm, 0][0].read_events("r3.play", "votes")["p_first"].to_list() for arm in ARMS]
    assert all(column == votes[0] for column in votes)
    digests = {arm: [job.data_digest for job in runs[arm, 0][1].jobs] for arm in ARMS}
    assert digests["lifelong"] == digests["independent"]
    assert not set(digests["lifelong"][1:]) & set(digests["extrapolative"][1:])
    assert {arm: runs[arm, 0][2]["current"] for arm in ARMS} == {
        arm: "p3" if jobs else "base" for arm, jobs in parents.items()
    }


def test_the_extrapolative_arm_is_taught_the_line_through_the_rounds_and_is_ahead(runs: Any) -> None:
    run, trainer, _ = runs["extrapolative", 0]
    shares = [
        {(v["first"], v["second"]): v["p_first"] for v in run.read_events(f"r{k}.play", "votes").to_dicts()}
        for k in (2, 3)
    ]
    rows = read_rows(trainer.jobs[2].folder / ROWS)[::2]
    asked = [tuple(line[4:] for line in row["prompt"][-1]["content"].splitlines()[-2:]) for row in rows]
    series = np.array([[known[key] for key in asked] for known in shares])
    taught = [row["target"][0] for row in rows]
    assert taught == pytest.approx(extrapolate_shares(series, 1, 1, num_voters=1000.0).tolist())
    assert np.abs(np.subtract(taught, series[1])).max() > 0.02
    ahead = {arm: [mean(follow_of(runs[arm, s][0], arm, s).ahead) for s in (0, 1)] for arm in ARMS}
    assert all(np.subtract(ahead["extrapolative"], ahead["lifelong"]) > 0)
    assert len(follow_of(run, "extrapolative", 0).ahead) == 2


def test_without_training_every_round_is_played_and_only_the_base_is_measured(runs: Any) -> None:
    run, _, state = runs["none", 0]
    assert sorted(run.stages()) == ["r0.measure", "r1.play", "r2.play", "r3.play"]
    assert len(state["history"]) == 3 and all("nothing trained" in line for line in state["history"])
    assert not (run.folder / "gates").exists() and not (run.folder / "training").exists()
    assert stage_after(run, 3) == "r0.measure"


def test_the_paired_table_finds_what_numbers_that_learn_must_show(runs: Any) -> None:
    found = [follow_of(run, arm, seed) for (arm, seed), (run, _, _) in runs.items()]
    figures = table(found)
    arms = figures["arms"]
    assert arms["lifelong"]["centred"]["point"] > 0.9 > 0.6 > arms["none"]["centred"]["point"]
    gain = next(
        row for row in figures["differences"] if (row["arms"], row["measure"]) == ("lifelong - none", "centred")
    )
    seeds = {arm: [np.mean(one.centred) for one in found if one.arm == arm] for arm in ARMS}
    change = np.subtract(seeds["lifelong"], seeds["none"])
    assert min(change) > 0 and gain["point"] == pytest.approx(np.mean(change))
    assert gain["lo"] < gain["point"] < gain["hi"] and gain["n"] == 2
    assert all(len(one.follow) == 3 for one in found)


def test_intervals_over_seeds_are_students() -> None:
    found = t_mean([1.0, 2.0, 3.0])
    assert (found.point, found.hi - found.point, found.n) == pytest.approx((2.0, 4.302653 / math.sqrt(3), 3))
    assert math.isnan(t_mean([1.0]).lo) and t_mean([1.0, math.nan]).n == 1


def test_runs_of_other_settings_do_not_stand_in_one_table() -> None:
    left, right = (dataclasses.asdict(config_of(*one)) for one in (("lifelong", 0), ("none", 1)))
    check_alike([left, right], ["a", "b"])
    right["recipe"]["lr"] = 1.0
    with pytest.raises(UserError, match="cannot stand in one table") as error:
        check_alike([left, right], ["a", "b"])
    assert "recipe.lr" in error.value.why


def test_a_followed_run_keeps_nan_where_a_vector_has_no_direction() -> None:
    one = Followed(arm="none", seed=0, run="", follow=(0.9,), centred=(math.nan,), ahead=(), loss=0.0, scripted=False)
    assert t_mean([sum(one.centred)]).n == 0


# --- shipped configs


def test_the_shipped_configs_name_every_key_and_agree_on_the_people() -> None:
    given = yaml.safe_load((CONF / "society" / "value_follow.yaml").read_text())
    assert given.pop("name") == society.name
    assert set(given) == {field.name for field in dataclasses.fields(FollowConfig)}
    assert set(given["people"]) == {field.name for field in dataclasses.fields(People)}
    config = compose(["experiment=follow_small", "seed=7", "loop.num_rounds=2"])
    name, asked = plugin_section(config.measure["instruments"][0], "measure")
    checked = validate(ValueFollowConfig, asked, "measure")
    assert (name, checked.seed, checked.people.rounds) == ("value_follow", 7, 2)
    played_by = validate(FollowConfig, plugin_section(config.society, "society")[1], "society")
    assert played_by.people == checked.people
    assert validate(LoopConfig, config.loop, "loop").gate is False


@pytest.mark.parametrize("name", ["off", "one_round", "utility"])
def test_every_loop_yaml_names_every_key(name: str) -> None:
    given = yaml.safe_load((CONF / "loop" / f"{name}.yaml").read_text())
    assert set(given) == {field.name for field in dataclasses.fields(LoopConfig)}


def test_the_uniform_truth_is_the_centre() -> None:
    undecided = dataclasses.replace(FEW, sharpness=0.0)
    assert aggregate(truth(HELD, undecided, 0, 1)) == pytest.approx(aggregate(uniform_additions(HELD)))
