"""Frames and charts behind the pages: pure, from the small run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from agents.errors import UserError
from dashboards import charts, frames
from dashboards.frames_assembly import consensus_frame, long_shares, said_by
from dashboards.frames_compare import beside_frame, difference_rows, settings_frame
from dashboards.frames_parts import (
    PartReader,
    filtered,
    sample_index,
    scene_index,
    script_keys,
    with_reviews,
    with_short_names,
)
from dashboards.frames_text import block, both_sides, code, label
from dashboards.learning import policies_of
from dashboards.measures import gates_of, measures_of
from dashboards.reviewing import add_review, reviews_of, verdicts
from dashboards.rows import plural, told_value
from dashboards.scenes import scene_of
from dashboards.sources import Reader
from dashboards.views.grid import headers, number_formats
from sim.store import Run
from tests.dashboards.fake_run import HOSTILE, make_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return make_run(tmp_path_factory.mktemp("runs"), text=HOSTILE)


def test_texts_are_inert() -> None:
    assert "<script" not in block(HOSTILE)
    assert "&lt;script&gt;" in block(HOSTILE)
    for side in both_sides(HOSTILE, f"{HOSTILE} more"):
        assert "<script" not in side
        assert "<img" not in side
    assert label("**a** [x](http://y) `z` :smile:") == r"\*\*a\*\* \[x\]\(http" + "\\:\u200b" + r"//y\) \`z\` \:smile\:"
    assert "\n" not in label("a\nb")
    assert code("a`b\nc") == "`a'b c`"


def test_a_very_long_text_is_cut_and_says_so() -> None:
    assert "more characters are not shown" in block("x" * 30_000)


def test_a_scene_is_read_from_its_own_part(run: Run) -> None:
    index, problems = scene_index(run, "r1.play")
    assert not problems
    assert index.height == 5
    row = index.filter(pl.col("scene_id") == "scene-1")
    scene = scene_of(PartReader(run, part=row["part"][0]), "r1.play", "scene-1")
    assert scene == scene_of(Reader(run), "r1.play", "scene-1")
    reach = frames.perception_frame(scene)
    assert set(reach["reach"]) == {"perceived", "missed"}
    assert charts.perception(reach, 2).to_dict()["height"] > 0
    assert frames.acts_frame(scene)["took effect"].to_list() == [True, True, False]


def test_the_journal_of_one_script(run: Run) -> None:
    keys = script_keys(run, "r1.play", "r1.play/scene-1")
    assert keys == ["r1.play/scene-1#0", "r1.play/scene-1#1"]
    assert script_keys(run, "r1.play", "r1.play/scene") == []


def test_a_missing_column_is_null_and_a_torn_part_is_named(tmp_path: Path) -> None:
    run = make_run(tmp_path, loop=False)
    path = run.folder / "events" / "r1.play" / "scenes-00000.parquet"
    pl.read_parquet(path).drop("instruction").write_parquet(path)
    path.with_name("scenes-00001.parquet").write_bytes(b"PAR1")
    index, problems = scene_index(run, "r1.play")
    assert index["instruction"].null_count() == 5
    assert len(problems) == 1
    assert "scenes-00001.parquet" in problems[0]


def test_filters(run: Run) -> None:
    index, _ = sample_index(run, "r1.play")
    assert filtered(index, words="LETTER BOX").height == 2
    assert filtered(index, words="(").height == 0
    assert filtered(index, kind="answer_helpful").height == 3
    assert filtered(index).height == index.height == 5
    assert filtered(pl.DataFrame(), words="x").is_empty()
    marked = with_reviews(index, {"scene-1.row": "flag"})
    assert filtered(marked, review="flag")["sample_id"].to_list() == ["scene-1.row"]


def test_reviews_append_and_the_last_word_counts(tmp_path: Path) -> None:
    run = Run.create(tmp_path, "x", {"name": "x"}, {})
    add_review(run, "a", "flag", reviewer="Ada", why="bad\x1b[31m")
    with (run.folder / "reviews.jsonl").open("ab") as file:
        file.write(b'{"sample')
    add_review(run, "a", "accept", reviewer=" Ada ", why="")
    add_review(run, "b", "flag", reviewer="Ben", why="x")
    add_review(run, "b", "accept", reviewer="Ada")
    said, problems = verdicts(run)
    assert said == {"a": "accept", "b": "flag"}
    assert "broken line" in problems[0]
    assert [row["why"] for row in reviews_of(run, "a")] == ["bad[31m", ""]


@pytest.mark.parametrize(("verdict", "who", "why"), [("maybe", "A", "x"), ("flag", "A", " "), ("accept", " ", "")])
def test_an_incomplete_review_is_refused(tmp_path: Path, verdict: str, who: str, why: str) -> None:
    run = Run.create(tmp_path, "x", {"name": "x"}, {})
    with pytest.raises(UserError):
        add_review(run, "a", verdict, reviewer=who, why=why)
    assert not (run.folder / "reviews.jsonl").exists()


def test_the_release_reads_what_the_dashboard_writes(tmp_path: Path) -> None:
    from selfalign.release.reviews import read_reviews

    run = Run.create(tmp_path, "x", {"name": "x"}, {})
    add_review(run, "a", "flag", reviewer="Ada", why="bad")
    assert read_reviews(run.folder).flagged("a")


def test_stages_costs_and_losses(run: Run) -> None:
    tallies = {stage: run.tally(stage) for stage in ("r0.measure", "r1.play")}
    table = frames.stages_frame(tallies)
    assert table["lost"].to_list() == [0, 1]
    costs = frames.purposes_frame(list(tallies.values()))
    assert costs["requests"].sum() == sum(t["num_requests"] for t in tallies.values())
    assert charts.purposes(costs).to_dict()
    assert set(frames.causes_frame(tallies)["cause"]) == {"bug", "parse"}
    assert frames.stages_frame({}).is_empty()
    assert frames.purposes_frame([{"by_purpose": {"x": "no"}}]).is_empty()


def test_wide_tables_have_short_headers_and_lists_short_names(run: Run) -> None:
    stages = frames.stages_frame({"r1.play": run.tally("r1.play")})
    assert headers(stages)["from journal"] == "journal"
    assert not headers(stages.select("stage", "from journal")), "a narrow table has room for the whole name"
    assert max(len(headers(stages).get(name, name)) for name in stages.columns) <= 10
    rows = [{"run": "a-very-long-name-of-a-run/20260101-120000_ab12"}, {"run": "demo/1_ab12"}]
    shown = with_short_names(frames.runs_frame(rows))
    assert shown["run"].to_list() == ["a-very-long-...120000_ab12", "demo/1_ab12"]


def test_the_counts_of_a_run_are_those_of_all_its_stages() -> None:
    tallies = {
        "r0.measure": {"seconds": 1.5, "num_requests": 32, "num_forfeits": 0},
        "r1.play": {
            "seconds": 2.0,
            "num_requests": 61,
            "num_forfeits": 6,
            "forfeits": {"parse": 6},
            "lost": {"bug": 1},
        },
    }
    last = {"seconds": 0.5, "num_requests": 3, "num_forfeits": 2, "forfeits": {"parse": 1, "length": 1}}
    ended = frames.tally_of_all(tallies, {"stage": "r1.play", "tally": last})
    assert (ended["num_requests"], ended["num_forfeits"], ended["seconds"]) == (93, 6, 3.5)
    cut = frames.tally_of_all(tallies, {"stage": "r1.measure", "tally": last})
    assert (cut["num_requests"], cut["num_forfeits"], cut["seconds"]) == (96, 8, 4.0)
    assert (cut["forfeits"], cut["lost"]) == ({"parse": 7, "length": 1}, {"bug": 1})
    assert frames.tally_of_all({}, {})["seconds"] == 0


def test_speed_is_the_difference_of_two_heartbeats() -> None:
    def beat(stage: str, seconds: float, tokens: int) -> dict[str, Any]:
        return {"stage": stage, "tally": {"seconds": seconds, "num_prompt_tokens": tokens, "num_output_tokens": 0}}

    first = frames.speed_point(beat("r1.play", 2.0, 100), None)
    assert first is not None
    assert first["tokens per second"] == 50.0
    second = frames.speed_point(beat("r1.play", 4.0, 500), first)
    assert second is not None
    assert second["tokens per second"] == 200.0
    assert frames.speed_point(beat("r1.play", 4.0, 500), second) is None
    other = frames.speed_point(beat("r1.measure", 1.0, 10), second)
    assert other is not None
    assert other["tokens per second"] == 10.0


def test_measures_gates_and_policies_become_tables_and_charts(run: Run) -> None:
    reader = Reader(run)
    gates = gates_of(reader)
    measures = measures_of(reader, gates)
    points = frames.measures_frame(measures)
    assert points.height == 8
    differences = frames.differences_frame(measures)
    assert set(differences["reading"]) <= set(charts.READINGS)
    assert charts.differences(differences).to_dict()
    assert frames.gate_frame(gates[0]).height == len(gates[0].reasons) + len(gates[0].against_base)
    assert charts.curves(frames.curves_frame(policies_of(reader))).to_dict()
    beside = beside_frame(measures, measures, ("a", "b"))
    assert beside.height == 8
    rows = difference_rows(measures, measures)
    assert set(rows["reading"]) == {"no difference shown"}
    assert difference_rows(measures, []).is_empty()


def test_the_interval_of_a_difference_of_independent_points(run: Run) -> None:
    from dataclasses import replace

    measure = measures_of(Reader(run), ())[0]
    last = replace(measure.points[-1], point=0.5, lo=0.2, hi=0.8)
    moved = replace(last, point=0.9, lo=0.5, hi=1.3)
    a, b = (replace(measure, points=(one,)) for one in (last, moved))
    row = difference_rows([a], [b]).row(0, named=True)
    assert row["difference"] == pytest.approx(0.4)
    assert row["hi"] - row["lo"] == pytest.approx(2 * (0.3**2 + 0.4**2) ** 0.5)


def test_settings_differ() -> None:
    left = {"seed": 1, "society": {"name": "scenes", "n": [1]}, "paths": {"runs": "a"}}
    right = {"seed": 2, "society": {"name": "scenes", "n": [1]}, "paths": {"runs": "b"}, "new": {}}
    frame = settings_frame(left, right)
    assert frame.rows() == [("new", "-", "{}"), ("seed", "1", "2")]


def test_consensus_shares_sum_to_one() -> None:
    dists = {"A": (0.9, [0.0, 0.1, 0.1, 0.3, 0.5]), "B": (0.2, [0.5, 0.3, 0.2, 0.0, 0.0])}
    rows = [
        {"citizen": f"c{n}", "vote": "V0", "kind": "score", "item": item, "value": value, "dist": dist}
        for n in range(3)
        for item, (value, dist) in dists.items()
    ]
    ballots = pl.DataFrame(rows, schema_overrides={"dist": pl.List(pl.Float64)})
    statements = pl.DataFrame({"statement": ["A", "B"], "text": ["first", "second"]})
    frame = consensus_frame(ballots, statements)
    assert frame["item"].to_list() == ["A", "B"]
    assert frame.row(0, named=True)["agree"] == pytest.approx(0.8)
    assert frame.select(pl.sum_horizontal("agree", "in between", "disagree")).to_series().to_list() == pytest.approx(
        [1, 1]
    )
    long = long_shares(frame, "item")
    assert long.height == 6
    assert charts.shares(long, row="item", kinds=("disagree", "in between", "agree"), colours=("a", "b", "c")).to_dict()
    assert consensus_frame(pl.DataFrame(), statements).is_empty()
    assert said_by({}, "c0").is_empty()


def test_charts_are_thinned_and_keep_the_ends() -> None:
    frame = pl.DataFrame({"x": range(100_000)})
    thin = charts.thinned(frame)
    assert thin.height == charts.MAX_ROWS
    assert (thin["x"][0], thin["x"][-1]) == (0, 99_999)


def test_a_table_marks_thousands_and_shows_three_digits() -> None:
    frame = pl.DataFrame(
        {
            "tokens": [13309, 2],
            "seed": [20261128, 1],
            "p": [0.65990183, None],
            "seconds": [4012.5, 1.0],
            "name": ["a", "b"],
        }
    )
    assert number_formats(frame) == {"tokens": "localized", "p": "%.3g", "seconds": "localized"}
    assert number_formats(pl.DataFrame({"x": pl.Series([], dtype=pl.Float64)})) == {"x": "%.3g"}


def test_values_of_a_record_are_told_in_words() -> None:
    told = [told_value(one) for one in (0.6599018379627142, ["act-0", "act-1"], False, None, 12, "x")]
    assert told == ["0.66", "act-0, act-1", "no", "", "12", "x"]
    assert (plural(1, "role"), plural(1200, "role"), plural(0, "role")) == ("1 role", "1,200 roles", "0 roles")
