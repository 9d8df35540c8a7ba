"""Co-evolution as page, report and terminal tell it: lines, bands, lag, budgets, beliefs, and following."""

from __future__ import annotations

import math
import re
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from agents.statistics.intervals import student_band
from dashboards import charts_coevolution as charts
from dashboards import coevolution_words as words
from dashboards import frames_coevolution as frames
from dashboards.coevolution import ASSISTANT, DISTANCE, HISTORY, MOST_MARKS, PEOPLE, Mark, Trials, marks, trials_of
from dashboards.coevolution_all import Coevolution
from dashboards.coevolution_drawing import Series, panel
from dashboards.coevolution_follow import Follow, follow_of
from dashboards.coevolution_live import Live, joined, live_of
from dashboards.coevolution_rows import coevolution_sections, live_sections
from dashboards.coevolution_view import coevolution_view
from dashboards.findings import Findings, find_out
from dashboards.measures import gates_of, measures_of
from dashboards.report import render_report
from dashboards.rows import arm_name
from dashboards.runs_folder import brief
from dashboards.sources import Reader
from dashboards.terminal import end_text
from dashboards.tools.leaderboard import read_run
from sim.store import Run
from societies.coevolution.config import BudgetConfig
from tests.dashboards.fake_coevolution import make_follow, make_live, make_trials
from tests.dashboards.fake_run import HOSTILE, make_run


@pytest.fixture(scope="module")
def numeric(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return make_trials(tmp_path_factory.mktemp("numeric"))


@pytest.fixture(scope="module")
def trials(numeric: Run) -> Trials:
    found = trials_of(Reader(numeric), seed=3)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return make_live(tmp_path_factory.mktemp("live"), replicas=2, text=HOSTILE)


@pytest.fixture(scope="module")
def live(spoken: Run) -> Live:
    found = live_of(Reader(spoken))
    assert found is not None
    return found


@pytest.fixture(scope="module")
def voted(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return make_follow(tmp_path_factory.mktemp("follow"))


def followed(run: Run) -> Follow:
    reader = Reader(run)
    gates = gates_of(reader)
    found = follow_of(reader, measures_of(reader, gates), gates)
    assert found is not None
    return found


def test_a_band_is_students_interval_over_seeds() -> None:
    values = np.array([[0.0, 1.0], [2.0, 1.0]])
    mean, lo, hi = student_band(values)
    assert mean.tolist() == [1.0, 1.0]
    assert hi[0] - 1.0 == pytest.approx(12.7062, abs=1e-3)  # t(1) at .975 is 12.7062, and the standard error is 1
    assert lo[1] == hi[1] == 1.0
    one = student_band(np.array([[3.0]]))
    assert one[0][0] == 3.0
    assert math.isnan(one[1][0])
    assert math.isnan(student_band(np.array([[1.0], [math.nan]]))[0][0])


def test_long_lines_are_thinned_and_keep_their_ends() -> None:
    thin = marks(np.arange(500.0)[None, :])
    assert len(thin) == MOST_MARKS
    assert (thin[0].value, thin[-1].value) == (0.0, 499.0)


def test_the_distance_at_the_end_is_the_published_lag(trials: Trials) -> None:
    lines = {(one.arm, one.who): one for one in trials.lines if (one.challenge, one.what) == ("coevolve", DISTANCE)}
    for entry in trials.entries:
        if entry.challenge == "coevolve":
            last = lines[entry.algorithm, PEOPLE].marks[-1]
            assert last.value == pytest.approx(entry.lag)
            assert last.lo is not None
            assert last.lo <= entry.lag
    assert lines["oracle", ASSISTANT].marks[-1].value == pytest.approx(0.0, abs=1e-9)
    assert lines["frozen", ASSISTANT].marks[-1].value == pytest.approx(1.0)
    assert ("none", ASSISTANT) not in lines


def test_an_oracle_that_looks_ahead_is_held_against_what_comes(trials: Trials) -> None:
    (line,) = [
        one
        for one in trials.lines
        if (one.challenge, one.arm, one.who, one.what) == ("predict(2)", "oracle", ASSISTANT, DISTANCE)
    ]
    judged = [mark.value for mark in line.marks[1:] if mark.value is not None]
    assert judged == pytest.approx([0.0] * len(judged), abs=1e-9)
    assert len(judged) == 3


def test_a_line_of_a_dimension_is_the_mean_way_along_each_seeds_own_history(numeric: Run, trials: Trials) -> None:
    results, _ = read_run(numeric)
    own = [one for one in results if (one.challenge, one.algorithm) == ("coevolve", "lifelong")]
    (line,) = [
        one for one in trials.lines
        if (one.challenge, one.arm, one.who, one.what) == ("coevolve", "lifelong", PEOPLE, own[0].dims[2])
    ]  # fmt: skip
    assert line.num_seeds == 3
    ways = []
    for one in own:
        start, end = one.tracks["history"][0][2], one.tracks["history"][-1][2]
        ways.append((one.tracks["human"][4][2] - start) * (1 if end > start else -1))
    assert line.marks[4].value == pytest.approx(np.mean(ways))
    moved = np.mean([np.abs(one.tracks["history"][-1] - one.tracks["history"][0]) for one in own], axis=0)
    assert trials.dims[0] == own[0].dims[int(np.argmax(moved))]


def test_what_was_refused_as_over_the_budget_is_told(tmp_path: Path) -> None:
    found = trials_of(Reader(make_trials(tmp_path, replicas=1, budget=BudgetConfig(per_timestep=5000, queries=100))))
    assert found is not None
    (effort,) = [one for one in found.efforts if (one.challenge, one.arm) == ("coevolve", "lifelong")]
    assert effort.num_queries == effort.allowed == 100
    assert effort.num_refused > 0
    asked = frames.asked_frame(found, "coevolve")
    assert asked.filter(pl.col("queries are") == "refused")["number"].sum() >= effort.num_refused
    said = words.effort_finding(found, "coevolve")
    assert "n = 1 seed:" in said
    assert "lifelong 100" in said
    assert found.entries[0].lo != found.entries[0].lo
    assert "no interval" in words.score_finding(found, "coevolve")
    assert all(mark.lo is None for line in found.lines for mark in line.marks)


def test_lag_and_lock_in_stand_beside_every_score(trials: Trials) -> None:
    frame = frames.scores_frame(trials, "coevolve")
    lifelong = frame.filter(pl.col("arm") == "lifelong")
    assert lifelong["what"].to_list() == ["score", "lag", "spread kept", "said and done"]
    assert lifelong["n"].to_list() == [3] * 4
    nulls = dict(frame.filter(pl.col("arm") == "none").select("what", "point").iter_rows())
    assert dict(lifelong.select("what", "null").iter_rows())["lag"] == nulls["lag"]
    assert "lag" in words.score_finding(trials, "coevolve")
    section = coevolution_sections_of(trials)[0]
    assert section.columns[:5] == ("arm", "score", "lag", "spread kept", "said and done")
    assert len(section.rows) == 5


def coevolution_sections_of(trials: Trials) -> list[object]:
    from dashboards.coevolution_all import Coevolution

    return coevolution_sections(Coevolution(trials=trials, live=None, follow=None))  # type: ignore[return-value]


def test_charts_of_numeric_runs(trials: Trials) -> None:
    lines = frames.lines_frame([one for one in trials.lines if one.challenge == "coevolve"])
    part = lines.filter((pl.col("what") == DISTANCE) & (pl.col("arm") == "lifelong"))
    spec = charts.bands(part, by="who", styles=charts.SIDES, title="lifelong", y="distance", line=0.0).to_dict()
    assert [layer["mark"]["type"] for layer in spec["layer"]] == ["rule", "area", "area", "line"]
    assert spec["layer"][3]["encoding"]["color"]["scale"]["domain"] == [PEOPLE, ASSISTANT]
    alone = part.with_columns(lo=pl.lit(None, pl.Float64), hi=pl.lit(None, pl.Float64))
    assert len(charts.bands(alone, by="who", styles=charts.SIDES, title="x", y="y").to_dict()["layer"]) == 1
    scores = frames.scores_frame(trials, "coevolve").filter(pl.col("what") == "lag")
    assert len(charts.points(scores, title="lag", x="lag", order=trials.arms).to_dict()["layer"]) == 3
    assert charts.asked(frames.asked_frame(trials, "coevolve"), trials.arms).to_dict()["layer"]
    assert charts.domain(lines.clear()) is None
    assert charts.SIDES[HISTORY][0] not in (charts.SIDES[PEOPLE][0], charts.SIDES[ASSISTANT][0])


def test_arms_keep_their_colours() -> None:
    styles = charts.arm_styles(["ai", "theirs", "frozen", "no_ai"])
    assert charts.arm_styles(["no_ai", "ai"])["ai"][0] == styles["ai"][0]
    assert len({colour for colour, _ in styles.values()}) == 4
    assert len({tuple(dash) for _, dash in styles.values()}) == 4


def test_beliefs_over_time_by_arm(live: Live) -> None:
    assert (live.arms, live.claims) == (("ai", "frozen", "no_ai"), ("honesty", "law"))
    assert (live.num_replicas, live.num_timesteps) == (2, 3)
    frame = frames.stands_frame(live, "")
    assert frame["arm"].unique(maintain_order=True).to_list() == ["AI", "frozen", "no AI"]
    shares = frame.group_by("arm", "timestep").agg(pl.col("share").sum(), pl.col("n").first())
    assert shares["share"].to_list() == pytest.approx([1.0] * 12)
    assert set(shares["n"]) == {32}
    assert set(frames.stands_frame(live, "law")["n"]) == {16}
    assert charts.stances(frame.filter(pl.col("arm") == "AI"), title="AI").to_dict()["encoding"]["color"]["scale"][
        "range"
    ]
    assert "n = 32 beliefs" in words.stand_finding(live, "")


def test_diversity_joins_replicas_and_differences_are_paired(live: Live) -> None:
    frame = frames.diversity_frame(live)
    assert set(frame["replicas"]) == {2}
    entropy = frame.filter((pl.col("what") == "entropy") & (pl.col("arm") == "AI"))
    assert entropy["timestep"].to_list() == [0, 1, 2, 3]
    assert (entropy["lo"] <= entropy["value"]).all()
    apart = frames.apart_frame(live)
    assert set(apart["arm"]) == {"AI", "frozen"}
    assert set(apart["against"]) == {"no AI"}
    first = apart.filter(pl.col("timestep") == 0)
    assert first["value"].drop_nulls().abs().max() == pytest.approx(0.0)
    assert "no difference shown" in words.entropy_finding(live) or "differs" in words.entropy_finding(live)
    assert first["p (Holm)"].null_count() == first.height, "at the start there is nothing to test"
    sure = apart.filter(pl.col("reading") == "differs")
    assert (sure["p (Holm)"] < 0.05).all()
    said = words.apart_finding(live)
    assert f": {sure.height} of {apart['p (Holm)'].drop_nulls().len()} difference" in said
    one = replace(live.apart[0], marks=(Mark(1, 0.2, 0.1, 0.3),), p_holm=(0.05,))
    assert words.reading_apart(one) == "not after correction"
    assert words.reading_apart(replace(one, p_holm=(0.04,))) == "differs"
    assert (
        "0 of 1 difference over timesteps and measures differ from 0 after Holm's correction; 1 more would by its "
        in (words.apart_finding(replace(live, apart=(one,))))
    )
    slopes = frames.slopes_frame(live)
    assert slopes["null"].to_list() == [0.0] * 3
    assert charts.points(slopes, title="slope", x="slope", order=live.arms).to_dict()
    assert "0 (grey tick): calibrated" in words.slope_finding(live)


def test_arms_of_beliefs_have_words_for_names(live: Live) -> None:
    said = [words.stand_finding(live, ""), words.entropy_finding(live), words.apart_finding(live)]
    assert all("no AI" in one for one in said)
    view = coevolution_view(Coevolution(trials=None, live=live, follow=None))
    told = [*said, words.slope_finding(live), str(view), str(live_sections(live))]
    assert not any("no_ai" in one for one in told)
    assert arm_name("ask_less") == "ask less"


def test_intervals_of_replicas_are_joined_as_those_of_independent_numbers() -> None:
    found = joined(4, [{"value": 1.0, "lo": 0.7, "hi": 1.3}, {"value": 2.0, "lo": 1.6, "hi": 2.4}])
    assert found == Mark(4, 1.5, pytest.approx(1.25), pytest.approx(1.75))
    assert joined(0, [{"value": 1.0, "lo": None, "hi": None}]) == Mark(0, 1.0, None, None)
    assert joined(0, [{"value": math.nan}, {"value": 1.0}]).value is None


def test_following_reads_the_policy_that_a_round_left_in_force(voted: Run) -> None:
    found = followed(voted)
    raw = [one for one in found.rounds if one.kind == "follow"]
    assert [one.policy for one in raw] == ["p1", "p1"]
    assert [one.value for one in raw] == pytest.approx([0.83, 0.81])
    assert [one.base for one in raw] == pytest.approx([0.78, 0.76])
    assert raw[0].later == pytest.approx(0.81)
    assert raw[1].later is None
    frame = frames.rounds_frame(found)
    assert charts.follows(frame.filter(pl.col("what") == "raw"), title="raw", span=(0, 1)).to_dict()["layer"]
    said = words.follow_finding(found)
    assert "raw 0.81 (0.71 to 0.91), the base 0.76, null 0.75" in said
    assert "n = 6 items" in said
    lines = {(one.who, one.what): one for one in found.lines}
    policy = lines[ASSISTANT, found.dims[0]]
    assert [mark.timestep for mark in policy.marks] == [0, 1, 2]
    assert [mark.value for mark in policy.marks] == pytest.approx([0.3, 0.32, 0.32])


@pytest.mark.parametrize("kind", ["numeric", "spoken", "voted"])
def test_the_report_tells_co_evolution(kind: str, request: pytest.FixtureRequest) -> None:
    found = find_out(request.getfixturevalue(kind))
    page = render_report(found)
    assert "<h2>People and AI over time</h2>" in page
    assert re.findall(r'<svg class="lines" ', page)
    assert "nan" not in re.findall(r' d="([^"]*)"', page).__str__()
    assert page == render_report(found)
    assert "<script" not in page
    told = {"numeric": "refused", "spoken": "Entrenchment slope", "voted": "with the next people"}
    assert told[kind] in page
    assert asdict(found)["coevolution"]


def test_the_same_numbers_stand_in_page_report_and_table(numeric: Run, trials: Trials) -> None:
    found: Findings = find_out(numeric)
    assert found.coevolution is not None
    assert repr(found.coevolution.trials) == repr(trials)
    page = render_report(found)
    assert words.distance_finding(trials, "coevolve") in page


def test_other_societies_have_none(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    assert find_out(run).coevolution is None
    assert "People and AI over time" not in render_report(find_out(run))


def test_a_damaged_run_says_what_cannot_be_told(tmp_path: Path) -> None:
    run = make_trials(tmp_path / "a", replicas=1)
    (run.folder / "events" / "r1.play" / "timesteps-00000.parquet").write_bytes(b"PAR1 torn")
    found = find_out(run)
    assert found.coevolution is not None
    assert any("timesteps-00000" in one for one in found.problems)
    vectors = run.folder / "events" / "r1.play" / "vectors-00000.parquet"
    pl.read_parquet(vectors).drop("values").write_parquet(vectors)
    assert any("cannot be told" in one for one in find_out(run).problems)
    live_run = make_live(tmp_path / "b")
    beliefs = live_run.folder / "events" / "r1.play" / "beliefs-00000.parquet"
    pl.read_parquet(beliefs).filter(pl.col("arm") != "no_ai").drop("dist", "mass").write_parquet(beliefs)
    again = live_of(Reader(live_run))
    assert again is not None
    assert (again.arms, again.stands) == (("ai", "frozen"), ())
    assert render_report(find_out(live_run))


def test_a_panel_without_numbers_says_so() -> None:
    assert "not measured" in panel("x", [Series("people", "people", (Mark(0, None, None, None),))])
    assert "<circle" in panel("<b>", [Series("people", "people", (Mark(0, 1.0, None, None),))])
    assert "&lt;b&gt;" in panel("<b>", [Series("people", "people", (Mark(0, 1.0, None, None),))])


def test_numbers_that_nobody_was_asked_for_are_called_neither_scripted_nor_a_models(
    numeric: Run, tmp_path: Path
) -> None:
    run = Run.open(shutil.copytree(numeric.folder, tmp_path / "run"))
    run.note("scripted", True)
    found = find_out(run)
    assert (found.scripted, found.unasked) == (False, True)
    page = render_report(found)
    assert "No model was asked: the people are numbers." in page and "Scripted run" not in page
    assert "machinery" not in page and "never asked" in page
    assert end_text(found, run.folder / "report.html").startswith("No model was asked: the people are numbers.")
    assert brief(run, "numeric")["scripted"] is False


def test_a_live_numeric_run_is_not_called_scripted_when_it_will_ask_nothing(numeric: Run, tmp_path: Path) -> None:
    run = Run.open(shutil.copytree(numeric.folder, tmp_path / "run"))
    run.write_status(state="running", tally={"num_requests": 0})
    run.note("scripted", True)
    assert find_out(run).scripted
    run.note("num_expected", 0)
    found = find_out(run)
    assert (found.scripted, found.unasked) == (False, False)
    run.write_status(tally={"num_requests": 1})
    assert find_out(run).scripted


def test_ticks_of_a_tiny_variance_do_not_read_alike() -> None:
    """Vega's own format cuts at six decimals."""
    columns = {"timestep": [0, 1], "value": [1e-6, 5e-7], "lo": [0.0, 0.0], "hi": [2e-6, 2e-6]}
    frame = pl.DataFrame({"arm": ["ai", "ai"], **columns})
    drawn = charts.bands(frame, by="arm", styles={"ai": ("#000000", [])}, title="variance", y="variance").to_dict()
    assert {layer["encoding"]["y"]["axis"]["format"] for layer in drawn["layer"]} == {"~g"}
