"""`folkmoot verify RELEASE` and `folkmoot show ID`: the short forms, and what a word means that could be two things."""

from __future__ import annotations

import gc
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agents.errors import UserError
from selfalign.release.build import Built, build_release
from selfalign.release.reading import Release, few_collections
from selfalign.release.verify import verify_release
from selfalign.release.write import write_sums
from sim.cli import main
from sim.store import Run
from tests.release.making import sample, settings, write_run
from tests.release.test_verify import flip


@pytest.fixture
def place(built: Built, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with ./releases and ./runs."""
    shutil.copytree(built.folder, tmp_path / "releases" / built.folder.name)
    shutil.copytree(run.folder, tmp_path / "runs" / run.folder.parent.name / run.folder.name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def first(built: Built, config: str = "sft") -> str:
    return str(next(row["id"] for _, row in Release.open(built.folder).rows(config)))


def test_verify_is_release_verify(place: Path, built: Built, capsys: pytest.CaptureFixture[str]) -> None:
    folder = f"releases/{built.folder.name}"
    assert main(["verify", folder, "--json"]) == 0
    short = json.loads(capsys.readouterr().out)
    assert main(["release", "verify", folder, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == short
    run = str(next(path.parent for path in Path("runs").glob("*/*/config.yaml")))
    assert main(["verify", folder, "--runs", run, "--rebuild"]) == 0
    assert "same bytes again" in capsys.readouterr().out
    flip(place / folder)
    assert main(["verify", folder]) == 1
    assert main(["verify", run]) == 2
    assert "is a run, not a release" in capsys.readouterr().err
    assert main(["verify", folder, "--rebuild"]) == 2
    assert main(["verify"]) == 2


def test_show_takes_the_beginning_of_a_row(place: Path, built: Built, capsys: pytest.CaptureFixture[str]) -> None:
    name = first(built)
    assert main(["show", name[:10]]) == 0
    out = capsys.readouterr().out
    assert name in out
    assert "reply to r1.play/" in out, "the run below ./runs is found without being named"
    assert main(["release", "show", name[:10], "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["row"]["id"] == name
    assert main(["show", name, "--config-name", "sft", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["config"] == "sft"


def test_a_run_folder_whose_name_could_be_an_id_is_the_run(
    place: Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(run.folder, place / "abcd")
    assert main(["show", "abcd"]) == 0
    assert "walk" not in capsys.readouterr().out
    assert main(["show", "abce"]) == 2
    assert 'No release below releases has a row "abce"' in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (["show", "0123456789ab"], "1 releases were searched"),
        (["show", "nowhere"], "is not a run folder"),
        (["show", "--prompts"], "about a row of a release"),
        (["show", "abcdef12", "--html"], "read as the id of a row"),
        (["release", "show"], "show was given nothing"),
        (["release", "show", "a", "b", "c"], "show was given a, b, c"),
        (["release", "verify", "a", "--prompts"], "--prompts means nothing"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    place: Path, words: list[str], match: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    assert match in capsys.readouterr().err


def test_a_release_folder_is_no_run(place: Path, built: Built, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", f"releases/{built.folder.name}"]) == 2
    assert "folkmoot verify" in capsys.readouterr().err


def test_rows_of_two_releases_are_told_apart_and_of_two_versions_the_newest_is_taken(
    place: Path, built: Built, capsys: pytest.CaptureFixture[str]
) -> None:
    newer = place / "releases" / "tiny-v0.10.0"
    shutil.copytree(built.folder, newer)
    config = newer / "provenance" / "config.yaml"
    config.write_text(config.read_text().replace("version: 0.1.0", "version: 0.10.0"))
    name = first(built)
    assert main(["show", name]) == 0
    assert "releases/tiny-v0.10.0" in capsys.readouterr().out
    config.write_text(config.read_text().replace("name: tiny\n", "name: other\n"))
    write_sums(newer)
    assert main(["show", name]) == 2
    assert "Rows of several releases" in capsys.readouterr().err


def test_prompts_that_cannot_be_rendered_say_why(place: Path, built: Built, capsys: pytest.CaptureFixture[str]) -> None:
    """The made-up run cannot be played again: its config names a society that does not exist."""
    assert main(["show", first(built)]) == 0
    assert "2 prompts are not shown" in capsys.readouterr().out
    shutil.rmtree(place / "runs")
    assert main(["show", first(built)]) == 0
    assert "its run was not given; add --runs RUN" in capsys.readouterr().out


def fails() -> Any:
    raise UserError("no", "", "")


@pytest.mark.parametrize("was_on", [True, False])
@pytest.mark.parametrize("inside", [lambda: None, fails])
def test_the_collector_is_as_it_was_on_every_way_out(was_on: bool, inside: Callable[[], Any]) -> None:
    before = gc.isenabled()
    try:
        (gc.enable if was_on else gc.disable)()
        try:
            with few_collections():
                assert not gc.isenabled()
                with few_collections():
                    assert not gc.isenabled()
                assert not gc.isenabled(), "the inner one did not switch it on for the outer"
                inside()
        except UserError:
            pass
        assert gc.isenabled() is was_on
    finally:
        (gc.enable if before else gc.disable)()


def test_a_build_and_a_check_that_fail_leave_the_collector_on(tmp_path: Path, copy: Path) -> None:
    run = write_run(tmp_path, [sample(1)])
    assert gc.isenabled()
    with pytest.raises(UserError):
        build_release([run.folder], replace(settings(tmp_path / "out"), sources=[]))
    assert gc.isenabled()
    (copy / "schema.json").write_text("{")
    assert not all(check.passed for check in verify_release(copy))
    with pytest.raises(UserError):
        verify_release(tmp_path)
    assert gc.isenabled()
