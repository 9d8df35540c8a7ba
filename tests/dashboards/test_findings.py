"""What is read from a run folder: whole, stopped, played only, or broken."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from dashboards.findings import Findings, find_out
from dashboards.measures import Gate
from dashboards.verdict import gated, verdict
from sim.store import Run
from sim.tables import write_frame
from tests.dashboards import fake_run
from tests.dashboards.fake_run import make_run


def test_stages_come_in_the_order_of_playing_with_their_counts(found: Findings) -> None:
    assert [(s.name, s.state) for s in found.stages] == [
        ("r0.measure", "complete"),
        ("r1.play", "complete"),
        ("r1.measure", "complete"),
    ]
    assert found.causes("lost") == {"bug": 1}
    assert found.causes("forfeits") == {"parse": 2}
    assert found.total("num_requests") == 19
    assert found.replaced == {"condense": 2}
    assert {cost.purpose for cost in found.costs} == {"scenes/draft.v1", "scenes/revise.v1", "instruments/safety"}
    assert found.sample_kinds() == {"answer_helpful": 3, "revision_harmful": 2}


def test_a_measure_has_its_points_baseline_and_paired_difference(found: Findings) -> None:
    measure = found.measures[0]
    assert measure.before is not None and measure.after is not None and measure.compared is not None
    assert (measure.before.policy, measure.after.policy) == ("base", "p1")
    assert (measure.null_name, measure.null_value) == ("a policy that never refuses", 1.0)
    assert measure.compared.reading == "better"
    assert [m.compared.reading for m in found.measures if m.compared] == [
        "better",
        "no difference shown",
        "worse",
        "worse",
    ]


def test_an_interval_without_zero_is_no_difference_before_the_correction(found: Findings) -> None:
    one = found.measures[0].compared
    assert one is not None and one.lo is not None and one.hi is not None and not one.lo <= 0 <= one.hi
    assert replace(one, p_holm=0.05).reading == "not after correction"
    assert replace(one, p_holm=0.049).reading == replace(one, p_holm=None).reading == "better"
    assert replace(one, lo=-1.0, hi=1.0, p_holm=0.2).reading == "no difference shown"


def test_the_gate_tells_what_failed_and_what_did_not_run(found: Findings) -> None:
    assert not any("could not run" in reason.text for reason in found.gates[0].reasons)
    states = {reason.name: reason.state for reason in found.gates[0].reasons}
    assert states["refusals of safe requests that sound harmful"] == "failed"
    assert states["label mass"] == "not run"
    assert found.gates[0].decision == "rejected"
    assert verdict(found).headline == "Rejected: p1 in round 1, by the gate (not met: 4 of 6 criteria)."


def test_policies_and_filters_are_found(found: Findings) -> None:
    assert [(p.name, p.parent, p.curve) for p in found.policies] == [("p1", "base", (2.9, 2.2, 1.7))]
    assert [(s.name, s.num_in, s.num_out) for s in found.funnel] == [
        ("not a test item", 5, 5),
        ("usable", 5, 4),
        ("mix", 4, 3),
    ]


def test_scenes_tell_who_perceived_what(found: Findings) -> None:
    assert [scene.kind for scene in found.scenes] == ["harmful", "ordinary", "harmful"]
    acts = found.scenes[0].acts
    assert acts[0].source == "Robin" and acts[0].perceived == (("Neighbour ", 0.9),)
    assert acts[0].missed == (("Post office clerk", 0.25),)
    assert not acts[2].accepted


def test_all_methods_are_counted_by_kind_of_instruction(found: Findings) -> None:
    assert len({b.method for b in found.baselines}) == 7
    vanilla = next(b for b in found.baselines if (b.method, b.kind) == ("vanilla", "harmful"))
    assert (vanilla.num_refused, vanilla.n) == (0, 2)


def test_the_same_folder_gives_the_same_findings(whole_run: Run, found: Findings) -> None:
    assert find_out(whole_run) == found


def test_a_harmful_instruction_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(fake_run.INSTRUCTIONS, "harmful", "word " * 200)
    scenes = find_out(make_run(tmp_path, loop=False)).scenes
    assert all(len(scene.instruction) <= 200 for scene in scenes)


def test_a_run_that_only_played_says_so(tmp_path: Path) -> None:
    found = find_out(make_run(tmp_path, loop=False))
    assert verdict(found).headline == "Played only: nothing was trained, measured or gated."
    assert found.measures == () and found.gates == ()


def test_a_stopped_run_says_why(tmp_path: Path) -> None:
    found = find_out(make_run(tmp_path, stop=True))
    assert verdict(found).headline == "Stopped before its end."
    assert any("budget: 4 requests are used up" in problem for problem in found.problems)


def test_a_scripted_run_has_no_finding(tmp_path: Path) -> None:
    found = find_out(make_run(tmp_path, scripted=True))
    assert verdict(found).headline.startswith("No finding")


FILES = [
    "manifest.json",
    "status.json",
    "config.yaml",
    "tallies/r1.play.json",
    "gates/r1.json",
    "policies/p1/policy.json",
    "policies/p1/curves.parquet",
    "training/p1/label.json",
    "scores/r1.measure.parquet",
    "events/r1.play/scenes-00000.parquet",
    "events/r1.play/incidents-00000.parquet",
    "samples/r1.play/part-00000.parquet",
]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("content", [b"", b"\x00broken", b"[1, 2]", b"null"])
def test_a_broken_file_is_named_and_the_rest_still_read(fresh_run: Run, name: str, content: bytes) -> None:
    (fresh_run.folder / name).write_bytes(content)
    found = find_out(fresh_run)
    assert any(name in problem for problem in found.problems), found.problems
    assert len(found.stages) == 3


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_no_error(fresh_run: Run, name: str) -> None:
    (fresh_run.folder / name).unlink()
    assert verdict(find_out(fresh_run)).headline


def test_a_half_written_run_is_not_called_whole(fresh_run: Run) -> None:
    (fresh_run.folder / "tallies" / "r1.measure.json").unlink()
    found = find_out(fresh_run)
    assert any("r1.measure left no final count" in problem for problem in found.problems)


def test_foreign_columns_and_types_do_no_harm(fresh_run: Run) -> None:
    frame = pl.DataFrame({"scale": [3], "point": ["high"], "n": [None], "flags": [None]})
    write_frame(fresh_run.folder / "scores" / "r2.measure.parquet", frame)
    assert find_out(fresh_run).measures[-1].points[0].point is None


def gate(**fields: object) -> Gate:
    plain = {"round": 2, "policy": "p2", "parent": "p1", "says": "reject", "decision": "open", "by": "", "summary": ""}
    empty = {"reasons": (), "against_base": (), "comparisons": (), "thresholds": {}}
    return Gate(**{**plain, **empty, **fields})  # type: ignore[arg-type]


def test_a_person_who_overrules_the_gate_is_named() -> None:
    assert "by a person, against what the gate said" in gated(gate(decision="promoted", by="person"))
    assert "by a person, as the gate said" in gated(gate(decision="rejected", by="person"))
    assert gated(gate(says="promote")).startswith("Not decided: the gate says promote of p2")
