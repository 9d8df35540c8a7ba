"""The report reads what the real loop writes: only the engine and the trainer are stand-ins here."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboards.findings import find_out
from dashboards.report import render_report
from dashboards.verdict import verdict
from selfalign.loop.graph import run_loop
from sim.stage import Stopped
from tests.selfalign.world import workshop


def test_two_rounds_are_told_with_the_policies_that_were_set_against_each_other(tmp_path: Path) -> None:
    refuses = {"p1": {"harmful", "ordinary", "safe"}, "p2": {"harmful"}}
    shop = workshop(tmp_path, refuses, num_rounds=2, stop_on_reject=False)
    run_loop(shop)
    shop.session.run.write_status(state="done")
    found = find_out(shop.session.run)
    assert [(g.policy, g.parent, g.decision) for g in found.gates] == [
        ("p1", "base", "rejected"),
        ("p2", "base", "promoted"),
    ]
    compliance = next(m for m in found.measures if m.scale == "harmful_compliance")
    assert [p.policy for p in compliance.points] == ["base", "p1", "p2"]
    assert compliance.before is compliance.points[0] and compliance.after is compliance.points[2]
    assert compliance.compared is not None and compliance.compared.diff == -1
    assert [p.name for p in found.policies] == ["p1", "p2"] and found.policies[0].curve == (0.5,)
    assert {step.round for step in found.funnel} == {1, 2}
    assert verdict(found).headline == "Promoted: p2 in round 2, by the gate (every criterion is met)."
    assert "Round 2: p2" in render_report(found)


def test_a_gate_that_waits_for_a_person_is_told_as_open(tmp_path: Path) -> None:
    shop = workshop(tmp_path, {"p1": {"harmful"}}, approve=True)
    with pytest.raises(Stopped) as stopped:
        run_loop(shop)
    shop.session.run.write_status(state="stopped", why=stopped.value.why)
    said = verdict(find_out(shop.session.run))
    assert said.headline.startswith("Not decided: the gate says promote of p1")
    assert said.tone == "open" and "approve=yes" in said.details[0]
