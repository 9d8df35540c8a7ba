"""Every number of a run stands in one table, whose bytes are those of the journal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from agents.instruments.frames import scores_frame
from agents.instruments.types import ScoreRow
from agents.requests import Cause, Event, Forfeit, Generate, Message
from sim.engines.scripted import ScriptedEngine
from sim.limits import Limits
from sim.metrics import METRIC_COLUMNS, metrics_frame, read_metrics, write_metrics
from sim.stage import Stopped, play_stage
from sim.store import Run
from sim.tables import write_frame
from societies.seam import Curve

TABLES = {
    "walks": {"who": "str", "far": "float", "late": "bool"},
    "means": {"what": "str", "day": "int", "value": "float", "lo": "float", "hi": "float", "n": "int"},
}


class Town:
    name, package, config, tables = "town", "", dict, TABLES
    curves = (
        Curve(table="walks", column="far", name="walked", definition="a day's way", unit="km", by=("who",)),
        Curve(table="walks", column="late", name="late", definition="walks that ended late", null=0.5),
        Curve(table="means", column="value", name="{what}", definition="as it stands", step="day", ready=True),
    )


def walk(number: int) -> Iterator[Any]:
    request = Generate(messages=(Message("user", f"{number}"),), purpose="t/walk.v1")
    reply = yield request
    if number == 3:
        yield Forfeit(cause=Cause.PARSE, request=request, reply=reply.text, why="no", final=True)
    who = "ada" if number % 2 else "bo"
    yield Event(table="walks", row={"who": who, "far": float(number), "late": number == 0})
    yield Event(table="walks", row={"who": who})
    row = {"what": "warmth", "day": number, "value": number / 4, "lo": number / 8, "hi": float("nan"), "n": 9}
    yield Event(table="means", row=row)


def played(tmp_path: Path, *, window: int = 64, limits: Limits | None = None) -> Run:
    run = Run.create(tmp_path, "test", {"name": "walks"}, {"scripted": True})
    engine = ScriptedEngine(lambda ticket: "so be it", max_in_flight=window)
    scripts = ((f"s{n}", walk(n)) for n in range(4))
    limits = limits or Limits(window=window)
    play_stage(run, "r1.play", scripts, engine, run_seed=1, tables=TABLES, limits=limits)
    return run


def only(frame: pl.DataFrame, name: str, group: str = "") -> dict[str, Any]:
    return frame.row(by_predicate=(pl.col("name") == name) & (pl.col("group") == group), named=True)


def test_columns_become_means_and_shares_with_intervals(tmp_path: Path) -> None:
    frame = metrics_frame(played(tmp_path), Town())
    ada = only(frame, "walked", "who=ada")
    # Worked by hand: 1 and 3 have mean 2 and standard error 1; Student's t for one degree of freedom is 12.706.
    assert (ada["value"], ada["n"], ada["unit"], ada["society"]) == (2.0, 2, "km", "town")
    assert (ada["lo"], ada["hi"]) == pytest.approx((-10.706, 14.706), abs=1e-3)
    late = only(frame, "late")
    # Wilson 1927 for 1 of 4, worked by hand: (0.25 + 0.48018) / 1.96036 -+ 0.65398 / 1.96036, half width 0.3270.
    assert (late["value"], late["n"], late["null"]) == (0.25, 4, 0.5)
    assert (late["lo"], late["hi"]) == pytest.approx((0.0456, 0.6994), abs=1e-3)
    warmth = frame.filter(pl.col("name") == "warmth")
    assert warmth["step"].to_list() == [0, 1, 2, 3]
    assert warmth["clock"].unique().to_list() == ["day"]
    assert warmth["value"].to_list() == [0.0, 0.25, 0.5, 0.75]
    assert warmth["hi"].to_list() == [None] * 4
    assert frame["scripted"].all()


def test_the_account_is_there_and_time_is_not(tmp_path: Path) -> None:
    frame = metrics_frame(played(tmp_path), Town()).filter(pl.col("source") == "account")
    assert only(frame, "requests")["value"] == 4
    assert only(frame, "forfeits")["value"] == 0.25
    assert only(frame, "forfeits", "cause=parse")["n"] == 4
    assert not [name for name in frame["name"] if "second" in name or "speed" in name]


def test_bytes_do_not_depend_on_the_order_of_completion(tmp_path: Path) -> None:
    seen = set()
    for window in (1, 64):
        run = played(tmp_path, window=window)
        write_metrics(run, Town())
        seen.add((run.folder / "metrics.parquet").read_bytes())
    assert len(seen) == 1
    assert read_metrics(run).columns == list(METRIC_COLUMNS)


def test_a_stage_that_was_stopped_has_no_rows(tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        played(tmp_path, limits=Limits(window=1, run_requests=2))
    (run,) = [Run(path.parent) for path in tmp_path.glob("*/*/config.yaml")]
    assert metrics_frame(run, Town()).is_empty()
    assert read_metrics(run).columns == list(METRIC_COLUMNS)


def test_scores_and_training_stand_beside_what_was_played(tmp_path: Path) -> None:
    run = played(tmp_path)
    (run.folder / "tallies" / "r1.measure.json").write_bytes((run.folder / "tallies" / "r1.play.json").read_bytes())
    row = ScoreRow(
        instrument="safety", scale="refuses", group="", point=0.4, se=0.1, lo=0.2, hi=float("nan"), n=10, n_eff=10,
        mode="score", null=("always yes", 0.0), policy="p1",
    )  # fmt: skip
    write_frame(run.folder / "scores" / "r1.measure.parquet", scores_frame([row]))
    curve = pl.DataFrame({"step": [1, 2], "loss": [0.7, 0.6], "seconds": [1.0, 2.0]})
    write_frame(run.folder / "policies" / "p1" / "curves.parquet", curve)
    frame = metrics_frame(run, Town())
    found = only(frame, "safety/refuses", "policy=p1")
    assert (found["value"], found["lo"], found["hi"], found["null"], found["n"]) == (0.4, 0.2, None, 0.0, 10)
    loss = frame.filter(pl.col("source") == "training")
    assert loss["value"].to_list() == [0.7, 0.6]
    assert loss["stage"].unique().to_list() == ["r1.train"]
    assert frame["stage"].unique(maintain_order=True).to_list() == ["r1.play", "r1.train", "r1.measure"]


def test_a_table_of_another_version_leaves_out_its_curve_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = played(tmp_path)
    (path,) = (run.folder / "events" / "r1.play").glob("walks-*.parquet")
    write_frame(path, pl.read_parquet(path).drop("far"))
    names = set(metrics_frame(run, Town())["name"])
    assert {"late", "warmth"} <= names
    assert "walked" not in names
    assert "walks of r1.play has no column far" in caplog.text


def test_a_policy_that_a_kill_left_half_stored_is_none(tmp_path: Path) -> None:
    run = played(tmp_path)
    curve = pl.DataFrame({"step": [1], "loss": [0.7]})
    write_frame(run.folder / "policies" / "p1" / "curves.parquet", curve)
    before = metrics_frame(run, Town())
    write_frame(run.folder / "policies" / ".p1.x7ab" / "curves.parquet", curve)
    assert metrics_frame(run, Town()).equals(before)


def test_rewards_stand_among_the_curves_of_training(tmp_path: Path) -> None:
    run = played(tmp_path)
    folder = run.folder / "policies" / "p1"
    write_frame(folder / "curves.parquet", pl.DataFrame({"step": [1, 2], "reward": [0.1, 0.3], "kl": [0.0, 0.02]}))
    write_frame(folder / "reward_curves.parquet", pl.DataFrame({"step": [1], "loss": [0.6], "accuracy": [0.75]}))
    found = metrics_frame(run, Town()).filter(pl.col("source") == "training")
    told = [tuple(row) for row in found.select("name", "group", "step", "value").iter_rows()]
    model = "policy=p1, reward model"
    assert told == [
        ("accuracy", model, 1, 0.75), ("kl", "policy=p1", 1, 0.0), ("kl", "policy=p1", 2, 0.02),
        ("loss", model, 1, 0.6), ("reward", "policy=p1", 1, 0.1), ("reward", "policy=p1", 2, 0.3),
    ]  # fmt: skip


def test_numbers_that_no_engine_was_asked_for_are_not_scripted(tmp_path: Path) -> None:
    def told() -> Iterator[Event]:
        yield Event(table="walks", row={"who": "ada", "far": 1.0, "late": False})

    run = Run.create(tmp_path, "test", {"name": "walks"}, {"scripted": True})
    engine = ScriptedEngine(lambda ticket: "")
    play_stage(run, "r1.play", [("s0", told())], engine, run_seed=1, tables=TABLES, limits=Limits(window=1))
    frame = metrics_frame(run, Town())
    assert frame.height and not frame["scripted"].any()
