"""Only overrides pass to the command line, and never through a shell."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import pytest

from agents.errors import UserError
from dashboards import launching
from dashboards.verbs.dash import prepared, verb


@pytest.mark.parametrize(
    "word",
    ["--conf=/tmp", "-x", "--json", "; rm -rf /", "$(id)", "a b=c\nd", "paths.runs=/elsewhere", "+paths.runs=/x",
     "hydra.searchpath=[file:///tmp]", "hydra=x", "++hydra.run.dir=/x", "=x", "seed=1\x00"],
)  # fmt: skip
def test_what_is_no_override_is_refused(word: str, tmp_path: Path) -> None:
    with pytest.raises(UserError):
        launching.checked_words([word], tmp_path)


def test_overrides_pass_and_the_folder_is_fixed(tmp_path: Path) -> None:
    words = launching.checked_words(["seed=1", " +society.x=a b; c ", "", "~model"], tmp_path)
    assert words == ["seed=1", "+society.x=a b; c", "~model", f"paths.runs={tmp_path}"]


def test_the_shown_command_is_quoted() -> None:
    assert launching.shown(["run", "a=$(id)"]) == "folkmoot run 'a=$(id)'"


def test_groups_and_defaults_come_from_the_installed_configs() -> None:
    groups = launching.groups()
    assert "scripted" in groups["engine"]
    assert launching.defaults()["society"] in groups["society"]


def test_a_bad_config_is_refused_by_the_command_line(tmp_path: Path) -> None:
    words = launching.checked_words(["engine=scripted", "society.num_harmfull=2"], tmp_path)
    said = launching.ask(["run", *words, "--dry-run", "--json"])
    assert said.code == 2
    assert "num_harmfull" in said.err
    assert not list(tmp_path.iterdir())


def test_a_started_run_tells_its_folder_and_is_collected(tmp_path: Path) -> None:
    words = launching.checked_words(["engine=scripted", "society.num_harmful=1", "society.num_ordinary=1"], tmp_path)
    started = launching.start(["run", *words], tmp_path)
    end = time.monotonic() + 60
    while (folder := launching.folder_told(started.log)) is None and time.monotonic() < end:
        time.sleep(0.1)
    assert folder is not None
    assert folder.is_relative_to(tmp_path)
    assert started.log.parent.name.startswith(".")


def dash(*words: str) -> tuple[list[str], dict[str, str]]:
    parser = argparse.ArgumentParser()
    verb.configure(parser)
    return prepared(parser.parse_args(words))


def test_it_listens_on_this_machine_alone(tmp_path: Path) -> None:
    command, environment = dash(str(tmp_path))
    assert "--server.address=127.0.0.1" in command
    assert environment["FOLKMOOT_MAY_CHANGE"] == "yes"
    assert environment["FOLKMOOT_RUNS"] == str(tmp_path)


def test_another_address_only_reads(tmp_path: Path) -> None:
    assert dash(str(tmp_path), "--host", "0.0.0.0")[1]["FOLKMOOT_MAY_CHANGE"] == "no"
    assert dash(str(tmp_path), "--host", "0.0.0.0", "--allow-launch")[1]["FOLKMOOT_MAY_CHANGE"] == "yes"
    assert dash(str(tmp_path), "--read-only")[1]["FOLKMOOT_MAY_CHANGE"] == "no"


def test_one_run_opens_its_folder_at_that_run(tmp_path: Path) -> None:
    folder = tmp_path / "demo" / "x"
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text("name: demo\n")
    environment = dash(str(folder))[1]
    assert environment["FOLKMOOT_RUNS"] == str(tmp_path)
    assert environment["FOLKMOOT_FIRST_RUN"] == "demo/x"


@pytest.mark.parametrize("words", [("--port", "0"), ("--port", "70000"), ("--read-only", "--allow-launch")])
def test_what_cannot_be_served_is_said(tmp_path: Path, words: tuple[str, ...]) -> None:
    with pytest.raises(UserError):
        dash(str(tmp_path), *words)


def test_a_file_is_no_folder_of_runs(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    with pytest.raises(UserError, match="is a file"):
        dash(str(tmp_path / "x"))
