"""The audit of an assembly: it verifies whole and redacted under one root, and damage of any kind is found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.errors import UserError
from dashboards.audit_digest import check, committed, redacted, root_of
from dashboards.audit_export import verify_audit
from sim.cli import main
from sim.store import Run
from tests.dashboards.fake_assembly import make_assembly

KEY = b"k" * 32
HEAD = {"format": "x"}
ONE = "c003"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return make_assembly(
        tmp_path_factory.mktemp("hall"), arms=("full",), values=False, num_judges=0, num_questions=0, num_critiques=0
    )


@pytest.fixture(scope="module")
def files(run: Run, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("audits")
    whole, public = folder / "whole.json", folder / "public.json"
    assert main(["audit", str(run.folder), "--out", str(whole)]) == 0
    assert main(["audit", str(run.folder), "--out", str(public), "--redact", ONE]) == 0
    return whole, public


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def shown(path: Path) -> dict[str, dict[str, Any]]:
    """Return record -> the values that are still there."""
    return {
        one["record"]: {name: field["value"] for name, field in one["fields"].items() if "salt" in field}
        for one in read(path)["records"]
    }


def test_whole_and_redacted_verify_under_one_root(files: tuple[Path, Path]) -> None:
    whole, public = files
    root = read(whole)["root"]
    for path in files:
        found = verify_audit(path, root)
        assert found.holds and found.root == root
    assert verify_audit(whole).num_redacted == 0 < verify_audit(public).num_redacted
    assert main(["audit", "--verify", str(public), "--root", root]) == 0
    assert main(["audit", "--verify", str(public), "--root", "0" * 64]) == 1


def test_nothing_of_the_citizen_is_left(files: tuple[Path, Path]) -> None:
    whole, public = files
    (person,) = [
        row for record, row in shown(whole).items() if record.startswith("citizens/") and row["citizen"] == ONE
    ]
    said = [
        row["text"]
        for row in shown(whole).values()
        if row.get("text") and ONE in (row.get("author"), row.get("speaker"))
    ]
    assert person["name"] and len(said) >= 2
    for path, there in ((whole, True), (public, False)):
        text = path.read_text("utf-8")
        assert (person["name"] in text) is there
        assert (json.dumps(person["card"])[1:-1] in text) is there
        assert all((one in text) is there for one in said)
    assert "salt" not in json.dumps(
        [one["fields"]["name"] for one in read(public)["records"] if one["record"] == f"citizens/{int(ONE[1:]):05d}"]
    )


def test_votes_recount_and_links_hold_after_redaction(files: tuple[Path, Path]) -> None:
    rows = shown(files[1])
    ballots = [row for record, row in rows.items() if record.startswith("ballots/")]
    for record, row in rows.items():
        if record.startswith("clauses/") and row["status"] == "adopted":
            own = [one["kind"] for one in ballots if one["vote"] == "clauses" and one["item"] == row["clause"]]
            assert own.count("yes") == row["yes"] and own.count("no") == row["no"] and len(own) == 9
            assert row["sources"]
    assert {row["citizen"] for row in ballots} >= {ONE}


def test_digests_of_requests_go_with_a_citizen(files: tuple[Path, Path]) -> None:
    whole, public = ({r: v for r, v in shown(path).items() if r.startswith("answers/")} for path in files)
    assert whole and all("request_digest" in row for row in whole.values())
    assert not any("request_digest" in row for row in public.values())
    assert 0 < sum("answer" not in row for row in public.values()) < len(public)
    told = read(files[1])
    assert told["redacted_citizens"] == [ONE] and len(told["not_provable"]) == 4 and told["provable"]


def test_damage_of_any_kind_is_found(files: tuple[Path, Path], tmp_path: Path) -> None:
    def damaged(change: Any) -> Any:
        whole = read(files[1])
        change(whole)
        path = tmp_path / "damaged.json"
        path.write_text(json.dumps(whole), encoding="utf-8")
        return verify_audit(path)

    def field(whole: dict[str, Any], name: str) -> dict[str, Any]:
        record = next(one for one in whole["records"] if one["record"].startswith("ballots/"))
        found: dict[str, Any] = record["fields"][name]
        return found

    found = damaged(lambda whole: field(whole, "kind").update(value="no way"))
    assert not found.holds and found.broken == ("ballots/00000 kind",)
    assert not damaged(lambda whole: field(whole, "kind").update(digest="0" * 64)).holds
    assert not damaged(lambda whole: whole["records"].pop()).holds
    assert not damaged(lambda whole: whole["records"].reverse()).holds
    assert not damaged(lambda whole: whole.update(arm="shuffled")).holds
    taken = damaged(lambda whole: [field(whole, "kind").pop(name) for name in ("value", "salt")])
    assert taken.holds and taken.num_redacted == verify_audit(files[1]).num_redacted + 1


def test_the_key_stays_with_the_run(run: Run, files: tuple[Path, Path]) -> None:
    secret = (run.folder / "audit.key").read_text("utf-8").strip()
    assert len(secret) == 64 and all(secret not in path.read_text("utf-8") for path in files)


def test_what_makes_no_sense_is_refused(run: Run, files: tuple[Path, Path], tmp_path: Path) -> None:
    assert main(["audit", str(run.folder)]) == 2
    assert main(["audit", str(run.folder), "--out", str(tmp_path / "x"), "--redact", "c0x3"]) == 2
    assert main(["audit", str(run.folder), "--verify", str(files[0])]) == 2
    for content in ("", "{}", '{"format": "folkmoot-audit-9"}', "[1]"):
        (tmp_path / "bad").write_text(content, encoding="utf-8")
        with pytest.raises(UserError, match="no audit"):
            verify_audit(tmp_path / "bad")


VALUES = st.one_of(st.text(max_size=9), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.none())


@given(st.dictionaries(st.text(max_size=5), VALUES, max_size=4), st.sets(st.text(max_size=5), max_size=3))
def test_redaction_never_changes_the_root(fields: dict[str, Any], names: set[str]) -> None:
    one = committed("r/0", fields, KEY)
    root = root_of(HEAD, [one])
    found = check(HEAD, json.loads(json.dumps([redacted(one, sorted(names))])), root)
    assert found.holds and found.num_redacted == len(names & fields.keys()) and found.num_fields == len(fields)


def test_equal_values_have_different_digests() -> None:
    one, other = (committed(name, {"kind": "yes"}, KEY)["fields"]["kind"]["digest"] for name in ("r/0", "r/1"))
    assert one != other
