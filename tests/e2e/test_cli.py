"""The command line as a user meets it, on the scripted engine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sim.cli import main
from sim.replay import compare
from sim.store import Run

pytestmark = pytest.mark.e2e
SMALL = (
    "engine=scripted",
    "society.num_harmful=3",
    "society.num_ordinary=2",
    "society.num_roles=3",
    "society.num_steps=2",
    "society.max_interactions=3",
)


def folkmoot(*words: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "sim.cli", *words], capture_output=True, text=True, **options)  # type: ignore[call-overload, no-any-return]


def run_small(root: Path, *words: str) -> Run:
    out = folkmoot("run", f"paths.runs={root}", *SMALL, *words, "--json")
    assert out.returncode == 0, out.stderr
    return Run.open(json.loads(out.stdout)["run"])


def test_help_lists_every_verb() -> None:
    out = folkmoot("--help")
    assert out.returncode == 0
    for verb in ("run", "align", "resume", "replay", "ls", "show", "model", "doctor"):
        assert f"\n  {verb}" in out.stdout


def test_a_reader_who_leaves_is_no_failure() -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    with os.fdopen(theirs, "wb") as nobody:
        process = subprocess.run([sys.executable, "-m", "sim.cli", "--help"], stdout=nobody, stderr=subprocess.PIPE)
    assert (process.returncode, process.stderr) == (0, b"")


def test_a_dry_run_checks_the_policies_that_the_config_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "engine=scripted", "+policies.base=", "--dry-run"]) == 2
    assert "policies.base cannot be used as a name" in capsys.readouterr().err


def test_a_wrong_verb_gets_a_suggestion_and_exit_code_2() -> None:
    out = folkmoot("rnu")
    assert out.returncode == 2
    assert 'Did you mean "run"?' in out.stderr
    assert "Traceback" not in out.stderr


def test_a_wrong_option_or_sub_verb_gets_a_suggestion_and_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    for words, said in (
        (["ls", "--jsn"], 'Did you mean "--json"?'),
        (["run", "--dryrun"], 'Did you mean "--dry-run"?'),
        (["model", "pul", "x"], 'Did you mean "pull"?'),
        (["replay"], "see `folkmoot replay --help`"),
    ):
        assert main(words) == 2
        assert said in capsys.readouterr().err


def test_a_run_leaves_a_whole_folder_and_can_be_shown_and_replayed(tmp_path: Path) -> None:
    run = run_small(tmp_path)
    for name in (
        "config.yaml",
        "manifest.json",
        "status.json",
        "journal/r1.play.jsonl",
        "report.html",
        "logs/run.jsonl",
    ):
        assert (run.folder / name).exists(), name
    assert run.status["state"] == "done"
    assert run.manifest["scripted"] is True
    assert len(run.read_events("r1.play", "scenes")) == 5
    assert "scripted" in folkmoot("show", str(run.folder)).stdout.lower()
    assert json.loads(folkmoot("ls", str(tmp_path), "--json").stdout)[0]["state"] == "done"
    replayed = folkmoot("replay", str(run.folder), "--json")
    assert replayed.returncode == 0, replayed.stderr
    result = json.loads(replayed.stdout)
    assert result["num_files"] > 3
    assert result["different"] == []


def test_equal_seeds_give_equal_bytes_and_other_seeds_do_not(tmp_path: Path) -> None:
    first, again = run_small(tmp_path / "a"), run_small(tmp_path / "b")
    other = run_small(tmp_path / "c", "seed=1")
    assert compare(first.folder, again.folder)["different"] == []
    assert compare(first.folder, other.folder)["different"] != []


def test_ctrl_c_drains_prints_the_resume_command_and_resuming_gives_the_same_bytes(tmp_path: Path) -> None:
    whole = run_small(tmp_path / "whole")
    words = ["run", f"paths.runs={tmp_path / 'cut'}", *SMALL, "engine.latency_s=0.05"]
    process = subprocess.Popen(
        [sys.executable, "-m", "sim.cli", *words], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = list((tmp_path / "cut").glob("*/*/journal/r1.play.jsonl"))
        if found and found[0].read_bytes().count(b"\n") > 6:
            break
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "folkmoot resume" in err
    folder = next((tmp_path / "cut").glob("*/*"))
    assert folkmoot("resume", str(folder)).returncode == 0
    assert compare(whole.folder, folder)["different"] == []


@pytest.mark.slow
def test_killed_at_random_moments_a_run_resumes_to_the_same_bytes(tmp_path: Path) -> None:
    from benchmarks.crash import SCRIPTED, trials

    small = (*SCRIPTED, "society.num_harmful=6", "society.num_ordinary=3")
    result = trials(small, 3, seed=5)
    assert result["identical"] == 3
    assert result["paid_twice"] == 0


def test_resume_refuses_another_config_and_names_the_keys(tmp_path: Path) -> None:
    run = run_small(tmp_path)
    out = folkmoot("resume", str(run.folder), "seed=5", "society.num_roles=4")
    assert out.returncode == 2
    assert "seed" in out.stderr
    assert "society.num_roles" in out.stderr


def test_a_budget_stops_the_run_with_exit_code_3_and_it_can_go_on(tmp_path: Path) -> None:
    out = folkmoot("run", f"paths.runs={tmp_path}", *SMALL, "limits.requests=12", "limits.window=2")
    assert out.returncode == 3, out.stderr
    folder = next(tmp_path.glob("*/*"))
    assert Run.open(folder).status["state"] == "stopped"
    for _ in range(30):  # each attempt has the same budget again
        out = folkmoot("resume", str(folder), "limits.requests=60")
        if out.returncode == 0:
            break
        assert out.returncode == 3, out.stderr
    assert Run.open(folder).status["state"] == "done"


def test_a_dry_run_validates_and_estimates_within_a_quarter_of_the_truth(tmp_path: Path) -> None:
    out = folkmoot("run", *SMALL, f"paths.runs={tmp_path}", "--dry-run", "--json")
    assert out.returncode == 0, out.stderr
    estimate = json.loads(out.stdout)
    assert not list(tmp_path.iterdir())
    actual = run_small(tmp_path).tally("r1.play")
    assert abs(estimate["requests"] - actual["num_requests"]) <= 0.25 * actual["num_requests"]


def test_a_dry_run_tells_how_far_requests_may_lie_apart_where_votes_decide(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["run", "--dry-run", "--json", "engine=scripted", "society=assembly"]
    assert main(words) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["fewest_requests"] < facts["requests"] < facts["most_requests"]
    assert main(words[:3] + list(SMALL)) == 0
    assert "fewest_requests" not in json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("society.num_rolles=3",), "num_rolles"),
        (("+society.num_rolles=3",), 'Did you mean "num_roles"?'),
        (("society.num_roles=many",), "society.num_roles"),
        (("engine=vlm",), "vlm"),
        (("society.instructions=/no/such/file.csv",), "/no/such/file.csv"),
        (("model=local", "model.folder=/no/such/model", "engine=vllm"), "/no/such/model"),
    ],
)
def test_bad_input_is_explained_and_leaves_nothing_behind(words: tuple[str, ...], said: str, tmp_path: Path) -> None:
    engine = () if any(word.startswith("engine") for word in words) else ("engine=scripted",)
    out = folkmoot("run", f"paths.runs={tmp_path / 'runs'}", *engine, *words)
    assert out.returncode == 2, out.stderr
    assert said in out.stderr
    assert "Traceback" not in out.stderr
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("content", ["", "instruction\n" + "x" * 50_000 + "\n"])
def test_unusable_instruction_files_are_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.txt"
    path.write_text(content)
    out = folkmoot("run", *SMALL, f"society.instructions={path}", f"paths.runs={tmp_path / 'runs'}")
    assert out.returncode == 2, out.stderr
    assert "bad.txt" in out.stderr or "50000" in out.stderr or "50,000" in out.stderr
    assert not (tmp_path / "runs").exists()


def test_one_percent_of_garbage_is_survived_and_stands_in_the_dead_letter_file(tmp_path: Path) -> None:
    run = run_small(tmp_path, "engine.garbage=0.05")
    tally = run.tally("r1.play")
    assert tally["complete"]
    assert tally["num_lost"] == 0
    assert len(run.dead_letters("r1.play")) == tally["num_forfeits"]


def test_a_foreign_agents_package_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents" / "__init__.py").write_text("")
    code = "import sys; from sim.cli import main; sys.exit(main(['ls']))"
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, cwd=tmp_path)
    assert out.returncode == 2, out.stderr
    assert "agents" in out.stderr
    assert "Traceback" not in out.stderr
