"""The config of a run: composed by Hydra from `conf`, then validated once more, so that nobody sees a DictConfig.

Sections of plug-ins (engine, society, recipe, instruments) are validated by the dataclass that the plug-in declares.
Every complaint is a `UserError` that names the config path and the nearest allowed key.
"""

from __future__ import annotations

import dataclasses
import re
import types
import typing
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, TypeVar, cast

from pydantic import Field, TypeAdapter, ValidationError

from agents.errors import UserError, did_you_mean, nearest

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class PathsConfig:
    """Folders."""

    runs: str = "runs"
    """Run folders are made below this one."""
    data: str = ""
    """Relative data files are looked up here first, then in the working directory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataConfig:
    """A user's files, named once; other sections refer to them. Empty takes what is built in."""

    instructions: str = ""
    """Harmful or unlabelled instructions (AdvBench, XSTest, SimpleSafetyTests, JSONL or plain text)."""
    ordinary: str = ""
    """Ordinary instructions."""
    safe: str = ""
    """Safe requests that look unsafe (XSTest layout), for measuring over-refusal."""
    choices: str = ""
    """An assembly's votes on pairs of options (RUN/events/r1.play, Parquet or CSV), for measuring agreement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitsConfig:
    """When to stop; null is no limit."""

    window: Annotated[int, Field(ge=1)] = 512
    """Live root scripts at a time; bounds memory."""
    script_requests: Annotated[int, Field(ge=1)] | None = None
    """Requests that one root script may make (along each branch of its forks)."""
    script_tokens: Annotated[int, Field(ge=1)] | None = None
    """Prompt and output tokens that one root script may use (along each branch of its forks)."""
    requests: Annotated[int, Field(ge=1)] | None = None
    """Requests that one stage may make; the run then stops and can be resumed."""
    tokens: Annotated[int, Field(ge=1)] | None = None
    """Prompt and output tokens that one stage may use."""
    minutes: Annotated[float, Field(gt=0)] | None = None
    """Minutes that one stage may take."""
    seat_minutes: Annotated[float, Field(gt=0)] | None = None
    """Minutes that a person with a seat is waited for; then the base policy answers for the seat. Null waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """Everything a run needs to know. Plug-in sections keep their own validated dataclass elsewhere."""

    name: Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")] = "run"
    """Run folders are grouped by this name."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Everything random follows from it."""
    paths: PathsConfig = field(default_factory=PathsConfig)
    data: DataConfig = field(default_factory=DataConfig)
    limits: LimitsConfig = field(default_factory=LimitsConfig)
    model: dict[str, Any] = field(default_factory=dict)
    """A model entry, see `folkmoot model ls`."""
    policies: dict[str, str] = field(default_factory=dict)
    """Further policies that speak under a name of their own: name -> folder of an adapter; empty for an endpoint."""
    engine: dict[str, Any] = field(default_factory=dict)
    """name: vllm, transformers, openai, replay or scripted; the rest belongs to that engine."""
    population: dict[str, Any] = field(default_factory=dict)
    """A population spec; personas are drawn from it."""
    society: dict[str, Any] = field(default_factory=dict)
    """name: a registered society; the rest belongs to it."""
    recipe: dict[str, Any] = field(default_factory=dict)
    """name: a registered recipe; the rest are its training settings."""
    measure: dict[str, Any] = field(default_factory=dict)
    """Instruments and the judge."""
    loop: dict[str, Any] = field(default_factory=dict)
    """Rounds of the alignment loop, and the gate."""


def validate(cls: type[T], given: Mapping[str, Any], where: str) -> T:
    """Return `given` as an instance of the dataclass `cls`.

    where: config path of the section, for messages. Raises UserError for unknown keys and values out of range.
    """
    _refuse_unknown(cls, given, where)
    try:
        return TypeAdapter(cls).validate_python(dict(given))
    except ValidationError as error:
        raise _explained(error, where) from None


def plugin_section(section: Mapping[str, Any], where: str) -> tuple[str, dict[str, Any]]:
    """Split a plug-in's section into its name and the rest. Raises UserError when it has no name."""
    rest = dict(section)
    name = rest.pop("name", None)
    if not isinstance(name, str) or not name:
        raise UserError(
            f"{where}.name is missing.", "the section says which plug-in it configures.", f"set {where}.name"
        )
    return name, rest


def compose(overrides: Sequence[str], *, config_dir: Path | None = None) -> RunConfig:
    """Compose `conf/config.yaml` with overrides and validate the part that belongs to the house.

    config_dir: a further folder of config groups, such as a third party's `society/`.
    """
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    words = list(overrides)
    if config_dir is not None:
        if not config_dir.is_dir():
            why = "it is a file." if config_dir.exists() else "there is none of that name."
            raise UserError(f"--conf {config_dir} is not a folder.", why, "give a folder that holds config groups")
        words.append(f"hydra.searchpath=[file://{config_dir.resolve()}]")
    try:
        given = _composed(words)
    except (HydraException, OmegaConfBaseException, ValueError) as error:  # a group set to null is a bare ValueError
        raise _hydra_explained(error, words) from None
    return validate(RunConfig, given, "")


def _composed(words: Sequence[str]) -> dict[str, Any]:
    from hydra import compose, initialize_config_module
    from hydra.core.global_hydra import GlobalHydra
    from omegaconf import OmegaConf

    GlobalHydra.instance().clear()
    try:
        with initialize_config_module("conf", version_base="1.3"):
            raw = compose(config_name="config", overrides=list(words))
        return cast(dict[str, Any], OmegaConf.to_container(raw, resolve=True, throw_on_missing=True))
    finally:
        GlobalHydra.instance().clear()


def as_dict(config: RunConfig) -> dict[str, Any]:
    """Return the config as plain values, as `config.yaml` holds it."""
    return dataclasses.asdict(config)


def overridden(config: Mapping[str, Any], words: Sequence[str], *, closed: bool) -> dict[str, Any]:
    """Return a run's config with `key=value` words merged in. closed: refuse keys that it does not have.

    Raises UserError for words that cannot be merged.
    """
    from omegaconf import OmegaConf
    from omegaconf.errors import ConfigAttributeError, ConfigKeyError, OmegaConfBaseException
    from yaml import YAMLError

    base = OmegaConf.create(dict(config))
    OmegaConf.set_struct(base, closed)
    try:
        merged: Any = OmegaConf.to_container(OmegaConf.merge(base, OmegaConf.from_dotlist(list(words))), resolve=True)
    except (ConfigAttributeError, ConfigKeyError) as error:
        path = str(error.full_key)
        raise _unknown(path, _siblings(config, path)) from None
    except (OmegaConfBaseException, YAMLError) as error:
        why = " ".join(str(error).split("full_key:")[0].split())
        raise UserError(
            f"The overrides cannot be applied: {' '.join(words)}.",
            f"{why}.",
            "write KEY=VALUE, such as limits.minutes=5",
        ) from None
    return dict(merged)


def num_rounds(config: RunConfig) -> int:
    """Return the rounds of the loop, 0 where there is none. Raises UserError for what is no number of rounds.

    The section is validated by the loop's own room; whether there is a loop at all is asked before.
    """
    given = config.loop.get("num_rounds", 0)
    if isinstance(given, bool) or not isinstance(given, int) or given < 0:
        raise UserError(
            f"loop.num_rounds = {given!r} is not valid.", "it counts rounds: 0, 1, 2, ...", "set loop.num_rounds"
        )
    return given


def _siblings(config: Mapping[str, Any], path: str) -> Collection[str]:
    """Return the keys of the deepest section of a config on the way to this path."""
    found: Any = config
    for part in path.split(".")[:-1]:
        found = found.get(part) if isinstance(found, Mapping) else None
    return list(found) if isinstance(found, Mapping) else []


def _unknown(path: str, known: Collection[str]) -> UserError:
    near = did_you_mean(path.rpartition(".")[2], known)
    return UserError(f"{path} is not a config key.", "nothing reads it, so it would change nothing.", near)


def differing_keys(left: Mapping[str, Any], right: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Return the config paths at which two nested mappings differ, sorted."""
    out: list[str] = []
    for key in sorted(left.keys() | right.keys()):
        a, b = left.get(key), right.get(key)
        if isinstance(a, Mapping) and isinstance(b, Mapping):
            out += differing_keys(a, b, f"{prefix}{key}.")
        elif a != b:
            out.append(f"{prefix}{key}")
    return out


def _refuse_unknown(cls: Any, given: Mapping[str, Any], where: str) -> None:
    hints = typing.get_type_hints(cls)
    for key, value in given.items():
        path = f"{where}.{key}" if where else str(key)
        if key not in hints:
            raise _unknown(path, hints)
        for inner in _dataclasses_in(hints[key]):
            values = value if isinstance(value, list) else [value]
            for n, item in enumerate(values):
                if isinstance(item, Mapping):
                    _refuse_unknown(inner, item, f"{path}.{n}" if isinstance(value, list) else path)


def _dataclasses_in(hint: Any) -> list[Any]:
    if dataclasses.is_dataclass(hint):
        return [hint]
    if typing.get_origin(hint) in (list, tuple, Annotated, types.UnionType, typing.Union):
        return [found for part in typing.get_args(hint) for found in _dataclasses_in(part)]
    return []


def _explained(error: ValidationError, where: str) -> UserError:
    first = error.errors()[0]
    path = ".".join(str(part) for part in (where, *first["loc"]) if str(part))
    return UserError(
        f"{path} = {first.get('input')!r} is not valid.", f"{first['msg'][0].lower()}{first['msg'][1:]}.", f"set {path}"
    )


def _hydra_explained(error: Exception, overrides: Sequence[str]) -> UserError:
    """Return what a user can do about Hydra's complaint; its own advice, to write +key=value, only hides a typo."""
    text = " ".join(str(error).split())
    nothing = next((o for o in overrides if o.partition("=")[2] in ("null", "")), "")
    if "Config group override must be" in text and nothing:
        group = nothing.partition("=")[0].lstrip("+~")
        return UserError(
            f"{nothing}: {group} needs a choice.", "no part of a run can be left out.", f"leave {nothing} out"
        )
    missing = re.search(r"Could not find '([^']+)/([^'/]+)'", text)
    options = getattr(error, "options", None)
    if missing and options:
        group, name = missing.groups()
        known = ", ".join(sorted(options))
        return UserError(
            f'{group}={name}: there is no such choice of "{group}".', f"there are: {known}.", nearest(name, options)
        )
    told = [o for o in overrides if o.split("=")[0].lstrip("+~") in text]
    key = getattr(error, "full_key", None) or max(told, key=lambda o: len(o.split("=")[0]), default="")
    unknown = re.search(r"Could not override '([^']+)'", text)
    path = unknown.group(1) if unknown else key.split("=")[0].lstrip("+~")
    others = [one for one in overrides if one.split("=")[0].lstrip("+~") != path]
    parent, _, last = path.rpartition(".")
    siblings = _keys_at(parent, others)
    for num in range(path.count(".") + 1) if unknown else ():
        above, _, name = ".".join(path.split(".")[: num + 1]).rpartition(".")
        there = _keys_at(above, others)
        if there and name not in there:
            return _unknown(f"{above}.{name}".lstrip("."), there)
    hint = did_you_mean(last, siblings) if path and siblings and last not in siblings else "see `folkmoot run --help`"
    return UserError(f"The config cannot be composed: {key or 'see below'}.", text.rstrip(".") + ".", hint)


def _keys_at(path: str, overrides: Sequence[str]) -> set[str]:
    """Return the keys of a section as these overrides compose it; none when they cannot be composed either."""
    if not path:
        return {f.name for f in dataclasses.fields(RunConfig)} | {"experiment"}
    try:
        found: Any = _composed(overrides)
        for part in path.split("."):
            found = found[part]
    except Exception:  # a second mistake beside the first: the first one is told
        return set()
    return set(found) if isinstance(found, Mapping) else set()
