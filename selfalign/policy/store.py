"""Policies as folders: named, versioned, hash-checked, and never changed once they stand.

`policies/<name>/` holds the adapter (safetensors), the training curve and `policy.json`: parent, base model, recipe,
data digest, seed, date, the sha256 of every file, and what was measured. A folder appears whole or not at all.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from agents.errors import UserError, did_you_mean
from selfalign.train.job import write_json
from sim.engines.base import PolicyRef
from sim.models.folder import digest_of, sha256_of
from sim.store import utc_now

META = "policy.json"
FORMAT = 1
ALLOWED = (".safetensors", ".json", ".jsonl", ".parquet", ".txt", ".md", ".jinja")
PICKLES = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib")
BASE = "base"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyMeta:
    """Where a policy comes from.

    parent: the policy it was trained from. base_digest: of the base model's files. data_digest: of the training rows.
    files: name -> sha256. metrics: plain numbers known when it was stored (loss, tokens, seconds ...).
    """

    name: str
    parent: str
    kind: Literal["adapter", "merged"] = "adapter"
    base_digest: str = ""
    recipe: str = ""
    data_digest: str = ""
    seed: int = 0
    created: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """One digest over all files."""
        return digest_of(self.files)


@dataclass(frozen=True, slots=True)
class PolicyStore:
    """The policies of one run."""

    folder: Path

    def path(self, name: str) -> Path:
        """Where a policy's folder is."""
        return self.folder / name

    def names(self) -> list[str]:
        """Return the stored policies, by name."""
        names = (path.parent.name for path in self.folder.glob(f"*/{META}"))
        return sorted(name for name in names if not name.startswith("."))

    def has(self, name: str) -> bool:
        """Tell whether a policy is stored (the base always is)."""
        return name == BASE or (self.path(name) / META).is_file()

    def put(self, meta: PolicyMeta, files: Path, extra: Mapping[str, Path] | None = None) -> PolicyMeta:
        """Store the files of a folder as a new policy; the same content again is harmless.

        extra: further files, name -> path. Raises UserError for pickled weights, for none, and for a taken name.
        """
        if not meta.name or meta.name == BASE or not all(c.isalnum() or c in "._-" for c in meta.name):
            raise ValueError(f"not a policy name: {meta.name!r}")
        sources = {path.name: path for path in sorted(files.iterdir()) if path.is_file()} | dict(extra or {})
        _refuse_pickles(meta.name, sources)
        if not any(name.endswith(".safetensors") for name in sources):
            raise UserError(
                f"Policy {meta.name} has no safetensors weights in {files}.",
                "training wrote none.",
                "look at logs/ in the run folder, then resume",
            )
        self.folder.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{meta.name}.", dir=self.folder))
        try:
            for name, path in sources.items():
                shutil.copyfile(path, temporary / name)
            hashes = {name: sha256_of(temporary / name) for name in sources}
            values = {f: getattr(meta, f) for f in meta.__dataclass_fields__}
            whole = PolicyMeta(**{**values, "files": hashes, "created": meta.created or utc_now()})
            if self.has(meta.name):
                return self._same(whole)
            record = {f: getattr(whole, f) for f in whole.__dataclass_fields__}
            write_json(temporary / META, {**record, "format": FORMAT, "digest": whole.digest})
            temporary.chmod(0o755)
            _sync(temporary)
            temporary.replace(self.path(meta.name))
            return whole
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    def _same(self, whole: PolicyMeta) -> PolicyMeta:
        there = self.meta(whole.name)
        if there.digest != whole.digest:
            raise UserError(
                f"Policy {whole.name} is stored already, with other files.",
                f"digest {there.digest[:12]} is there, {whole.digest[:12]} was to be stored.",
                f"start a new run, or remove {self.path(whole.name)} if you know why",
            )
        return there

    def meta(self, name: str) -> PolicyMeta:
        """Return what `policy.json` says. Raises UserError for an unknown policy or a damaged file."""
        path = self.path(name) / META
        if not path.is_file():
            known = [*self.names(), BASE]
            raise UserError(
                f"There is no policy {name} in {self.folder}.", f"it has no {META}.", did_you_mean(name, known)
            )
        try:
            raw = json.loads(path.read_text("utf-8"))
            if raw.pop("format") != FORMAT:
                raise ValueError("another format")
            raw.pop("digest")
            return PolicyMeta(**raw)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise _damaged(path, f"it cannot be read ({error})") from None

    def verify(self, name: str) -> PolicyMeta:
        """Check every file against its hash and return the policy's meta. Raises UserError naming the wrong file."""
        meta = self.meta(name)
        folder = self.path(name)
        present = {path.name for path in folder.iterdir() if path.name != META}
        _refuse_pickles(name, {item: folder / item for item in sorted(present)})
        for file, wanted in sorted(meta.files.items()):
            path = folder / file
            if not path.is_file():
                raise _damaged(path, "the file is missing")
            if sha256_of(path) != wanted:
                raise _damaged(path, "its sha256 differs from the one in policy.json")
        stray = sorted(present - set(meta.files))
        if stray:
            raise _damaged(folder / stray[0], "policy.json does not name this file")
        return meta

    def lineage(self, name: str) -> list[str]:
        """Return the policy and its ancestors, the base last. Raises UserError for a missing ancestor or a circle."""
        out = [name]
        while out[-1] != BASE:
            parent = self.meta(out[-1]).parent
            if parent in out:
                raise _damaged(self.path(out[-1]) / META, f"its parent {parent} descends from it")
            out.append(parent)
        return out

    def ref(self, name: str) -> PolicyRef:
        """Return how an engine finds the policy, after checking its files."""
        if name == BASE:
            return PolicyRef(name=BASE)
        meta = self.verify(name)
        return PolicyRef(
            name=name,
            kind=meta.kind,
            folder=self.path(name).resolve(),
            digest=meta.digest,
        )


def _refuse_pickles(name: str, files: Mapping[str, Path]) -> None:
    for file, path in files.items():
        if path.is_dir() or not file.endswith(ALLOWED):
            pickled = file.endswith(PICKLES)
            raise UserError(
                f"Policy {name} holds {file}.",
                "pickled weights can run code when they are loaded." if pickled else "it is not a policy file.",
                "keep safetensors weights, JSON and the curve only; convert others",
            )


def _damaged(path: Path, why: str) -> UserError:
    return UserError(
        f"The policy file {path} is corrupted.",
        f"{why}.",
        "restore the folder from a copy, or start a new run: a policy that changed is not the one that was measured",
    )


def _sync(folder: Path) -> None:
    for path in folder.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
