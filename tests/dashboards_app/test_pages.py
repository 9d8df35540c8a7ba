"""Each page on a good run, on a broken one, and with nothing there (Streamlit's own test tool, no browser)."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from sim.store import Run
from tests.dashboards.fake_run import HOSTILE

pytest.importorskip("streamlit", reason="the dashboard needs the dash extra: pip install folkmoot[dash]")
from streamlit.testing.v1 import AppTest

APP = str(Path(__file__).parents[2] / "dashboards" / "app.py")
PAGES = {
    "runs": "Runs",
    "overview": "Overview",
    "scenes": "Scene replay",
    "samples": "Samples",
    "loop": "Alignment loop",
    "launch": "Compose and launch",
    "compare": "Compare runs",
    "releases": "Releases",
    "assembly": "Assembly",
    "coevolution": "Co-evolution",
    "society": "Society map",
    "pipeline": "Pipeline",
    "opinions": "Opinion map",
    "personas": "Persona card",
    "interview": "Interview",
    "seat": "Human seat",
}
Opened = Callable[..., AppTest]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Opened:
    def open_page(root: Path, page: str, *, may: str = "yes", **query: str) -> AppTest:
        monkeypatch.setenv("FOLKMOOT_RUNS", str(root))
        monkeypatch.setenv("FOLKMOOT_MAY_CHANGE", may)
        at = AppTest.from_file(APP, default_timeout=90)
        at.run()
        if page != "runs":
            at.switch_page(f"views/{page}.py")
        for key, value in query.items():
            at.query_params[key] = value
        return at.run()

    return open_page


def words(at: AppTest) -> str:
    kinds = (
        "title",
        "header",
        "subheader",
        "markdown",
        "caption",
        "info",
        "warning",
        "error",
        "success",
        "code",
        "html",
    )
    out = []
    for kind in kinds:
        for one in at.get(kind):
            out.append(str(getattr(one, "value", None) or getattr(one.proto, "body", "")))
    return "\n".join(out)


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_a_page_opens_on_a_good_run(opened: Opened, runs_root: Path, name: str, page: str) -> None:
    at = opened(runs_root, page, run=name)
    assert not at.exception
    assert at.title[0].value == PAGES[page]


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_a_page_without_runs_says_what_to_do(opened: Opened, tmp_path: Path, page: str) -> None:
    at = opened(tmp_path / "none", page)
    assert not at.exception
    said = words(at)
    assert "folkmoot " in said
    if page not in ("launch",):
        assert at.info


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_a_page_opens_on_a_broken_run(opened: Opened, broken_root: Path, page: str) -> None:
    at = opened(broken_root, page)
    assert not at.exception
    assert at.title[0].value == PAGES[page]
    if page == "overview":
        said = words(at)
        assert "broken off" in said
        assert "manifest" in said


@pytest.mark.slow
def test_what_agents_write_stays_text(opened: Opened, runs_root: Path, name: str) -> None:
    at = opened(runs_root, "scenes", run=name, scene="scene-1")
    bodies = [one.proto.body for one in at.get("html")]
    told = "\n".join(bodies)
    assert "&lt;script&gt;alert" in told
    assert "<script" not in told
    assert "<img" not in told
    assert "{{ 7 * 7 }}" in told
    assert "\x1b" not in told
    assert HOSTILE[:10] not in words(at).replace(told, "")


@pytest.mark.slow
def test_the_overview_of_an_ended_run_reads_each_tally_once(
    opened: Opened, runs_root: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dashboards.sources import Reader

    read: list[str] = []
    plain = Reader.json

    def counted(self: Reader, relative: str) -> dict[str, Any]:
        read.append(relative)
        return plain(self, relative)

    at = opened(runs_root, "overview", run=name)
    monkeypatch.setattr(Reader, "json", counted)
    at.run()
    assert not at.exception
    assert {m.label: m.value for m in at.metric}["Requests"] != "0"
    tallies = [one for one in read if one.startswith("tallies/")]
    # Once more to tell who answered, which the heading of every page does.
    assert sorted(tallies) == sorted([f"tallies/{stage}.json" for stage in ("r0.measure", "r1.measure", "r1.play")] * 2)


@pytest.mark.slow
def test_a_run_that_has_ended_is_at_no_node_of_its_loop(opened: Opened, tmp_path: Path) -> None:
    from tests.dashboards.fake_run import make_run

    run = make_run(tmp_path)
    run.write_status(loop={"round": 1, "node": "watch", "current": "base"})
    said = words(opened(tmp_path, "loop"))
    assert "The loop is finished, with round 1 as its last; the policy in force is `base`." in said
    assert "The loop is at" not in said
    said = words(opened(tmp_path, "overview"))
    assert "Finished; the last was stage `r1.measure`." in said
    assert "loop at" not in said


@pytest.mark.slow
def test_the_overview_says_what_an_order_does_while_a_policy_trains(opened: Opened, tmp_path: Path) -> None:
    import os

    from tests.dashboards.fake_run import make_run

    run = make_run(tmp_path)
    said = "An order to stop ends it with the step at hand, and its checkpoint is kept"
    run.write_status(state="running", pid=os.getpid(), loop={"round": 1, "node": "train", "current": "base"})
    assert said in words(opened(tmp_path, "overview"))
    assert said not in words(opened(tmp_path, "overview", may="no")), "whoever only reads gives no orders"
    run.write_status(loop={"round": 1, "node": "measure_after", "current": "base"})
    assert said not in words(opened(tmp_path, "overview"))


@pytest.mark.slow
@pytest.mark.parametrize("wanted", ["../../etc", "tiny/none", "%2e%2e/x", "tiny/../tiny"])
def test_an_address_with_no_such_run_says_so(opened: Opened, runs_root: Path, wanted: str) -> None:
    at = opened(runs_root, "overview", run=wanted)
    assert not at.exception
    assert at.error
    assert "Do:" in at.error[0].value


@pytest.mark.slow
def test_a_verdict_is_written_and_shown(opened: Opened, broken_root: Path) -> None:
    run = Run(next((broken_root / "tiny").iterdir()))
    run.folder.joinpath("reviews.jsonl").unlink()
    from tests.dashboards.fake_run import make_run

    root = broken_root.parent / "fresh"
    run = make_run(root)
    at = opened(root, "samples", sample="scene-1.row")
    at.text_input(key="reviewer").set_value("Ada")
    flag = next(b for b in at.button if b.label == "Flag")
    flag.click().run()
    assert "no reason" in at.error[0].value
    why = next(t for t in at.text_input if t.label == "Why")
    why.set_value("it leaks")
    next(b for b in at.button if b.label == "Flag").click().run()
    row = orjson.loads((run.folder / "reviews.jsonl").read_bytes())
    assert (row["sample_id"], row["verdict"], row["reviewer"], row["why"]) == ("scene-1.row", "flag", "Ada", "it leaks")
    assert "1 of them flagged" in words(at)


@pytest.mark.slow
def test_a_dashboard_that_only_reads_offers_no_change(opened: Opened, runs_root: Path, name: str) -> None:
    at = opened(runs_root, "overview", run=name, may="no")
    assert not [b for b in at.button if b.label in ("Pause", "Stop", "Resume")]
    at = opened(runs_root, "samples", run=name, may="no")
    assert not [b for b in at.button if b.label in ("Accept", "Flag")]
    at = opened(runs_root, "launch", may="no")
    assert all(b.disabled for b in at.button if b.label == "Start")


@pytest.mark.slow
def test_a_question_is_answered(opened: Opened, broken_root: Path) -> None:
    from agents.requests import Message, Score
    from sim.desk import ask, pending

    run = Run(next((broken_root / "tiny").iterdir()))
    desk = run.folder / "desk"
    ask(
        desk,
        "c000",
        "r1.play/x#0",
        Score(messages=(Message("user", "<b>Which?</b>"),), options=("yes", "no"), purpose="t"),
    )
    at = opened(broken_root, "seat")
    assert not at.exception
    assert "&lt;b&gt;Which?" in words(at)
    at.radio[0].set_value(1)
    next(b for b in at.button if b.label == "Answer").click().run()
    assert not pending(desk)
    assert not at.exception


@pytest.mark.slow
def test_pages_load_no_engine_and_no_trainer(opened: Opened, runs_root: Path) -> None:
    import subprocess

    modules = ("common", "runs", "overview", "scenes", "samples", "loop", "launch", "compare", "releases", "seat",
               "assembly", "coevolution", "society", "opinions", "pipeline", "personas")  # fmt: skip
    code = (
        "import os, sys, logging, contextlib; logging.disable(50)\n"
        f"os.environ['FOLKMOOT_RUNS'] = {str(runs_root)!r}\n"
        "import importlib\n"
        f"for name in {modules!r}:\n"
        "    with contextlib.suppress(BaseException):\n"
        "        importlib.import_module('dashboards.views.' + name)\n"
        "heavy = ('torch', 'vllm', 'transformers', 'trl')\n"
        "print([m for m in sys.modules if m in heavy or m.startswith('sim.engines')])\n"
    )
    done: Any = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.strip().splitlines()[-1] == "[]"
