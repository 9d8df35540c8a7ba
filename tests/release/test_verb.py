"""The command line: actions, exit codes, JSON, and what is refused."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pytest

from agents.errors import UserError
from selfalign.release.build import Built
from selfalign.verbs.release import verb
from sim.store import Run
from tests.release.making import sample, write_run
from tests.release.test_verify import flip


def call(*words: object) -> int:
    parser = argparse.ArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter)
    verb.configure(parser)
    return int(verb.run(parser.parse_intermixed_args([str(word) for word in words])))


def told(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_build_verify_and_compare(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = write_run(tmp_path, [sample(n) for n in range(12)])
    config = tmp_path / "release.yaml"
    config.write_text("name: mine\nsources: [{name: bank, licence: Apache-2.0}]\n")
    assert call("build", run.folder, "--config", config, f"out={tmp_path / 'out'}", "--json") == 0
    made = told(capsys)
    assert sum(made["rows"]["sft"].values()) == 12
    assert call("verify", made["release"], "--runs", run.folder, "--rebuild") == 0  # from its own settings
    assert "passed" in capsys.readouterr().out
    assert call("diff", made["release"], made["release"], "--json") == 0
    assert told(capsys)["asks_for"] == "nothing"
    with pytest.raises(UserError, match="says nothing about why it exists beside mine-v0"):
        call("build", run.folder, f"out={tmp_path / 'out'}", "version=0.2.0", "--config", config)
    why = "why=Same rows, to try the number."
    assert call("build", run.folder, f"out={tmp_path / 'out'}", "version=0.2.0", "--config", config, why) == 0
    assert "Same rows, to try the number." in (tmp_path / "out" / "mine-v0.2.0" / "CHANGELOG.md").read_text()
    assert "release " in capsys.readouterr().out
    assert call("diff", made["release"], tmp_path / "out" / "mine-v0.2.0") == 0
    assert "asks for patch" in capsys.readouterr().out


def test_a_failed_check_exits_1(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flip(copy)
    assert call("verify", copy) == 1
    assert "FAILED" in capsys.readouterr().out
    assert call("verify", copy, "--json") == 1
    assert told(capsys)["passed"] is False


def test_show_and_push(built: Built, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    line = (built.folder / "preference" / "sample.jsonl").read_text().splitlines()[0]
    name = json.loads(line)["id"]
    assert call("show", built.folder, name, "--runs", run.folder) == 0
    out = capsys.readouterr().out
    assert "reply to r1.play/" in out
    assert "tiny@1.0" in out
    assert call("show", built.folder, name, "--json") == 0
    assert told(capsys)["row"]["id"] == name
    assert call("push", built.folder, "me/tiny") == 0
    assert "would publish" in capsys.readouterr().out
    assert call("push", built.folder, "me/tiny", "--json") == 0
    assert told(capsys)["done"] is False


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (["bild"], 'Did you mean "build"'),
        (["build"], "build was given nothing"),
        (["verify"], "verify was given nothing"),
        (["diff", "a"], "diff was given a"),
        (["verify", "a", "--really"], "--really means nothing"),
        (["verify", "a", "--rebuild"], "--rebuild needs runs"),
        (["build", "x=1"], "x is not a config key"),
    ],
)
def test_what_cannot_be_meant_is_refused(words: list[str], match: str) -> None:
    with pytest.raises(UserError) as caught:
        call(*words)
    assert match in str(caught.value)
