"""Rounds that somebody watched, and counterfactual arms: what terminal, report, frames and pages say of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dashboards.assembly import Assemblies, assemblies_of
from dashboards.assembly_counterfactual_rows import arms_against_full, strategic_voters
from dashboards.assembly_numbers import Number
from dashboards.epochs import epochs_of
from dashboards.epochs_rows import epochs_section, epochs_view
from dashboards.findings import find_out
from dashboards.frames import epochs_frame
from dashboards.report import render_report
from dashboards.sources import Reader
from dashboards.terminal import sections
from sim.store import Run
from sim.tables import write_json
from tests.dashboards.fake_assembly import make_assembly
from tests.dashboards.fake_run import HOSTILE, make_run

WHY = "drift 0.3000 is above loop.stop.drift = 0.25"


def watched(name: str, value: float | None, **other: Any) -> dict[str, Any]:
    bounds = {"lo": None, "hi": None} if value is None else {"lo": value - 0.05, "hi": value + 0.05}
    null = {"null": 0.02, "null_name": "the first policy asked in other words", "text": f"what {name} is"}
    return {"instrument": "frozen_panel", "name": name, "value": value, "n": 16, **bounds, **null, **other}


def write_epochs(run: Run, *, why: str = WHY) -> None:
    for round_, drift in ((1, 0.1), (2, 0.3)):
        rows = [
            watched("spread", 0.01, null=None, null_name=""),
            watched("drift", drift),
            watched("diversity", None if round_ == 1 else 0.8, null=1.0, null_name="no change"),
        ]
        stop = {"rule": "drift", "reason": why} if round_ == 2 else None
        record = {"round": round_, "policy": f"p{round_}", "before": "base", "first": "base", "rules": {}}
        write_json(run.folder / "epochs" / f"r{round_}.json", {**record, "rows": rows, "stop": stop})
    decided = {"round": 1, "candidate": "p1", "decision": "promoted", "by": "gate", "current": "p1", "stop": why}
    write_json(run.folder / "gates" / "r1.decision.json", decided)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    made = make_run(tmp_path_factory.mktemp("runs"))
    write_epochs(made)
    return made


def test_a_round_is_told_with_interval_n_null_and_why_the_loop_stopped(run: Run) -> None:
    part = epochs_section(epochs_of(Reader(run)))
    assert part.columns[:3] == ("number", "round 1 (p1)", "round 2 (p2)")
    assert [row[0] for row in part.rows] == ["drift", "diversity", "spread"], "what is drawn comes first"
    assert part.rows[0] == (
        "drift", "0.1 (0.05 to 0.15)", "0.3 (0.25 to 0.35)", "0.02 (the first policy asked in other words)", "16",
        "what drift is",
    )  # fmt: skip
    assert part.rows[1][1] == "-" and part.rows[2][3] == "-"
    assert part.lines == (f"The loop stopped after round 2: {WHY}.",)


def test_curves_hold_the_number_with_its_interval_and_its_null(run: Run) -> None:
    frame = epochs_frame(epochs_of(Reader(run)))
    assert frame.select("number", "who", "round", "value").rows()[:4] == [
        ("drift", "the panel", 1, 0.1), ("drift", "the panel", 2, 0.3), ("drift", "its null", 1, 0.02),
        ("drift", "its null", 2, 0.02),
    ]  # fmt: skip
    assert frame.filter(frame["who"] == "its null")["lo"].null_count() == frame["who"].eq("its null").sum()
    view = epochs_view(epochs_of(Reader(run)))
    assert view is not None and len(view.pictures) == 2
    assert 'class="line history"' in view.pictures[0] and 'class="band ai"' in view.pictures[0]


def test_report_and_terminal_tell_the_rounds_and_the_gate_tells_the_stop(run: Run) -> None:
    found = find_out(run)
    page = render_report(found)
    assert "Rounds, by those who are asked after each" in page and f"<b>The loop stopped here:</b> {WHY}." in page
    titles = [part.title for part in sections(found)]
    assert "Rounds, by those who are asked after each" in titles
    gate = next(part for part in sections(found) if part.title == "Gate of round 1")
    assert gate.lines[-1] == f"The loop stopped here: {WHY}."


def test_a_run_without_a_panel_says_nothing_of_it_and_hostile_text_stays_text(tmp_path: Path) -> None:
    plain = make_run(tmp_path)
    assert epochs_view(epochs_of(Reader(plain))) is None
    assert "Rounds, by those" not in render_report(find_out(plain))
    write_epochs(plain, why=HOSTILE)
    page = render_report(find_out(plain))
    assert "<script>" not in page and "<img" not in page
    (plain.folder / "epochs" / "r2.json").write_text("{broken")
    reader = Reader(plain)
    assert len(epochs_of(reader)) == 1 and reader.problems


def test_the_page_draws_a_curve_for_each_number(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("streamlit", reason="the dashboard needs the dash extra: pip install folkmoot[dash]")
    from streamlit.testing.v1 import AppTest

    monkeypatch.setenv("FOLKMOOT_RUNS", str(run.folder.parents[1]))
    at = AppTest.from_file(str(Path(__file__).parents[2] / "dashboards" / "app.py"), default_timeout=180)
    at.run()
    at.switch_page("views/loop.py")
    at.query_params["run"] = f"{run.folder.parent.name}/{run.folder.name}"
    at.run()
    assert not at.exception
    assert "Rounds, by those who are asked after each" in [one.value for one in at.subheader]
    assert sum(WHY in one.value.replace("\\", "") for one in at.warning) == 2, "above the curves and at the gate"
    said = " ".join(one.value for one in at.caption)
    assert "what drift is" in said and "16 citizens" in said


# --- counterfactual arms


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Run:
    arms = ("full", "no_interaction", "reseated", "strategic")
    small = {"num_judges": 0, "values": False, "written": 0}
    return make_assembly(tmp_path_factory.mktemp("hall"), arms=arms, strategic=0.5, num_assemblies=1, **small)


@pytest.fixture(scope="module")
def found(hall: Run) -> Assemblies:
    read = assemblies_of(Reader(hall), ["r1.play"], seed=7)
    assert read is not None
    return read


def test_every_arm_is_paired_with_the_assembly_itself(found: Assemblies) -> None:
    rows = arms_against_full(found).rows
    assert {row[0] for row in rows} == {"no interaction", "reseated", "strategic"}
    signs = {row[1] for row in rows if row[0] == "reseated"}
    assert {"support of the winning statement", "two citizens share a first choice"} <= signs
    assert all(row[5].endswith("paired") and row[4] in ("0 (the arms alike)", "1 (the arms alike)") for row in rows)
    ratio = next(row for row in rows if "(arm / full)" in row[1])
    assert ratio[4] == "1 (the arms alike)" and float(ratio[2]) > 0
    one = next(d for d in found.differences if d.arm == "no_interaction" and d.sign.startswith("support"))
    by_arm = next(line for line in found.consensus if line.name == one.sign).by_arm
    full, other = by_arm["full"], by_arm["no_interaction"]
    assert one.found.value == pytest.approx((other.value or 0) - (full.value or 0))


def test_strategic_voters_are_told_with_null_and_for_whose_benefit(found: Assemblies) -> None:
    part = strategic_voters(found)
    assert {row[1] for row in part.rows} == {"full", "strategic"}
    assert part.lines and part.lines[0].startswith("In the arm strategic 0 of 2 votes")
    for one in found.manipulations:
        assert one.changes.n == 100 and one.changes.null is not None and one.changes.lo is not None
        assert (one.changes.value == 0) == (one.favours == "")
        for gain in (one.gain, one.gain_others):
            assert gain.null == 0 and gain.n > 0 and None not in (gain.value, gain.lo, gain.hi, one.gain_shuffled)
        assert (one.counted == one.sincere) or one.arm == "strategic"
        assert len(one.voters) == (one.num_strategic if one.arm == "strategic" else 0)


def test_a_run_of_before_has_gains_without_interval_and_says_no_more_than_it_knows(found: Assemblies) -> None:
    old = Number(value=0.1, lo=None, hi=None, null=0.0, n=0)
    one = replace(found.manipulations[0], gain=old, gain_others=old, gain_shuffled=None)
    row = strategic_voters(replace(found, manipulations=(one,))).rows[0]
    assert row[10:] == ("+0.1", "-", "+0.1", "-")


def test_the_report_has_both_tables_and_a_run_without_such_arms_has_neither(hall: Run, tmp_path: Path) -> None:
    page = render_report(find_out(hall))
    assert "What each arm changes" in page and "Strategic voters" in page
    plain = make_assembly(tmp_path, arms=("full",), num_judges=0, values=False, written=0)
    bare = render_report(find_out(plain))
    assert "What each arm changes" not in bare and "Strategic voters" not in bare
