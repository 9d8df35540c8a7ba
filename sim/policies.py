"""Further policies of a run, named in its config: adapters that speak beside the base model, each under its own name.

A policy folder is what the loop and `folkmoot eras` leave behind. Its files are checked against `policy.json` before
an engine reads them, so that a policy that changed since is never taken for the one that was trained.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from agents.errors import UserError
from agents.requests import HUMAN
from sim.engines.base import PolicyRef
from sim.models.folder import digest_of, sha256_of

META = "policy.json"
BASE = "base"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def named_policies(
    given: Mapping[str, str], *, served_elsewhere: bool, base_digest: str = "", trains: bool = False
) -> tuple[PolicyRef, ...]:
    """Return the policies that `policies` of a config names, in order of name.

    given: name -> folder of a policy. served_elsewhere: an endpoint or a script answers for them, so that a folder may
    be left empty and is not read. base_digest: of the run's model, "" where there is none. trains: the run makes
    policies of its own, p1, p2, ... Raises UserError for names that are taken, and for folders that are missing,
    changed since they were made, no adapter, or trained on another model.
    """
    return tuple(_policy(name, given[name], served_elsewhere, base_digest, trains) for name in sorted(given))


def _policy(name: str, folder: str, served_elsewhere: bool, base_digest: str, trains: bool) -> PolicyRef:
    where = f"policies.{name}"
    if trains and re.fullmatch(r"p\d+", name):
        raise UserError(
            f"{where} cannot be used as a name in a run that trains.",
            "the loop calls the policies that it makes p1, p2 and so on, and requests name one of the two.",
            "rename it",
        )
    if name in (BASE, HUMAN) or not _NAME.fullmatch(name):
        raise UserError(
            f"{where} cannot be used as a name.",
            f'"{BASE}" is the run\'s model and "{HUMAN}" a person; others need letters, digits, ".", "_" and "-".',
            "rename it",
        )
    if served_elsewhere:
        return PolicyRef(name=name, kind="adapter")
    if not folder:
        raise UserError(f"{where} has no folder.", "this engine serves adapters from folders.", f"set {where}=FOLDER")
    path = Path(folder)
    try:
        meta = json.loads((path / META).read_text("utf-8"))
        files, kind = dict(meta["files"]), str(meta["kind"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{where} = {folder} holds no policy.",
            f"its {META} cannot be read ({error}).",
            "give a folder policies/NAME of a run, or of `folkmoot eras`",
        ) from None
    if kind != "adapter":
        raise UserError(
            f"{where} = {folder} is a whole model ({kind}).",
            "one engine holds one base model, and adapters beside it.",
            "record its answers in a run of its own (docs/coevolution.md), or serve it at an endpoint (engine=openai)",
        )
    there = str(meta.get("base_digest") or "")
    if base_digest and there and there != base_digest:
        raise UserError(
            f"{where} = {folder} was trained on another model.",
            f"its base has the digest {there[:12]}, the run's model {base_digest[:12]}: an adapter fits one base only.",
            "set model to the one it was trained on, or train it again",
        )
    stray = sorted({one.name for one in path.iterdir()} - {META, *files})
    if stray or not any(file.endswith(".safetensors") for file in files):
        raise UserError(
            f"The policy file {path / (stray[0] if stray else META)} is not to be trusted.",
            f"{META} does not name this file." if stray else "it names no weights.",
            "restore the folder from a copy, or train the policy again",
        )
    for file, wanted in sorted(files.items()):
        if not (path / file).is_file() or sha256_of(path / file) != wanted:
            raise UserError(
                f"The policy file {path / file} is corrupted.",
                f"its sha256 is not the one in {META}, or it is missing.",
                "restore the folder from a copy, or train the policy again",
            )
    return PolicyRef(name=name, kind="adapter", folder=path.resolve(), digest=digest_of(files))
