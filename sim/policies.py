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


def named_policies(given: Mapping[str, str], *, served_elsewhere: bool) -> tuple[PolicyRef, ...]:
    """Return the policies that `policies` of a config names, in order of name.

    given: name -> folder of a policy. served_elsewhere: an endpoint or a script answers for them, so that a folder may
    be left empty and is not read. Raises UserError for names that are taken, and for folders that are missing, changed
    since they were made, or no adapter.
    """
    return tuple(_policy(name, given[name], served_elsewhere) for name in sorted(given))


def _policy(name: str, folder: str, served_elsewhere: bool) -> PolicyRef:
    where = f"policies.{name}"
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
    for file, wanted in sorted(files.items()):
        if not (path / file).is_file() or sha256_of(path / file) != wanted:
            raise UserError(
                f"The policy file {path / file} is corrupted.",
                f"its sha256 is not the one in {META}, or it is missing.",
                "restore the folder from a copy, or train the policy again",
            )
    return PolicyRef(name=name, kind="adapter", folder=path.resolve(), digest=digest_of(files))
