"""Requests rendered again: equal to the journal by digest, or a reason why not; nothing of the run is touched."""

from __future__ import annotations

import hashlib
import shutil
import zlib
from pathlib import Path

import orjson
import pytest

from agents.requests import Generate, Score, request_digest
from agents.scoring import LABELS
from sim.cli import main
from sim.journal import read_records
from sim.rendered import _in_force, messages_of, render_again
from sim.store import Run, find_runs
from sim.tables import write_json

pytestmark = pytest.mark.e2e
STAGE = "r1.play"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    root = tmp_path_factory.mktemp("runs")
    words = ["society.num_harmful=3", "society.num_ordinary=2", "society.num_roles=2", "society.num_steps=1"]
    assert main(["run", f"paths.runs={root}", "engine=scripted", "experiment=demo", "loop=off", *words]) == 0
    return find_runs(root)[0]


def digests(run: Run) -> dict[str, str]:
    return {record["k"]: record["d"] for record in read_records(run.journal_path(STAGE))}


def contents(folder: Path) -> dict[str, str]:
    return {str(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.rglob("*")) if p.is_file()}


def with_another_digest(line: bytes) -> bytes:
    """Return a line of a journal that says something else was asked."""
    record = orjson.loads(line[9:])
    payload = orjson.dumps(record | {"d": "0" * 32} if "d" in record else record)
    return b"%08x %s\n" % (zlib.crc32(payload), payload)


def test_every_request_of_a_run_comes_out_as_it_was_asked(run: Run) -> None:
    before, wanted = contents(run.folder), digests(run)
    found = render_again(run, wanted)
    assert found.why_not == {}
    assert {key: request_digest(one) for key, one in found.requests.items()} == wanted
    assert {type(one) for one in found.requests.values()} == {Generate, Score}
    assert contents(run.folder) == before


def test_one_request_is_found_alone_and_a_score_lists_its_options(run: Run) -> None:
    every = render_again(run, digests(run)).requests
    key, score = next((k, one) for k, one in every.items() if isinstance(one, Score) and one.mode == "letter")
    assert render_again(run, [key]).requests == {key: score}
    last = messages_of(score)[-1].content
    assert all(f"({LABELS[n]}) {option}" in last for n, option in enumerate(score.options))


def test_what_cannot_be_rendered_says_why(run: Run, tmp_path: Path) -> None:
    key = next(iter(digests(run)))
    assert "not ask it" in render_again(run, [f"{STAGE}/nothing-like-it#0"]).why_not[f"{STAGE}/nothing-like-it#0"]
    assert "no stage in which" in render_again(run, ["r1.measure/x#0"]).why_not["r1.measure/x#0"]
    copy = Run(Path(shutil.copytree(run.folder, tmp_path / "copy")))
    path = copy.journal_path(STAGE)
    path.write_bytes(b"".join(map(with_another_digest, path.read_bytes().splitlines())))
    assert "differs at step" in render_again(copy, [key]).why_not[key]
    path.unlink()
    assert "is not there" in render_again(copy, [key]).why_not[key]


def test_the_policy_of_a_round_is_what_the_gate_before_it_decided(tmp_path: Path) -> None:
    run = Run(tmp_path)
    assert _in_force(run, 1) == "base"
    write_json(tmp_path / "gates" / "r1.decision.json", {"current": "p1"})
    assert _in_force(run, 2) == "p1"
