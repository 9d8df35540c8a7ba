"""Challenges and examinees by name: ours, and those that other packages register by entry point.

Groups `folkmoot.challenges` and `folkmoot.examinees`: a dataclass whose fields are the settings, which keeps to
`protocols.Challenge` or `protocols.Examinee`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import entry_points
from typing import Any, Literal, cast

from agents.errors import UserError, did_you_mean
from societies.coevolution.arms import REFERENCES, Arm
from societies.coevolution.challenges import Coevolve, Follow, Pluralism, Predict, Recover
from societies.coevolution.examinees import Extrapolative, Frozen, Lifelong
from societies.coevolution.protocols import Challenge, Examinee
from societies.coevolution.served import Served

Kind = Literal["challenges", "examinees"]
BUILT_IN: Mapping[Kind, Mapping[str, type[Any]]] = {
    "challenges": {one.name: one for one in (Follow, Predict, Coevolve, Recover, Pluralism)},
    "examinees": {"frozen": Frozen, "lifelong": Lifelong, "extrapolative": Extrapolative, "served": Served},
}


@cache
def _others(kind: Kind) -> dict[str, Any]:
    return {entry.name: entry for entry in entry_points(group=f"folkmoot.{kind}")}


def names(kind: Kind) -> list[str]:
    """Return the registered names, sorted; imports nobody's package."""
    return sorted(BUILT_IN[kind].keys() | _others(kind).keys())


def find(kind: Kind, name: str, where: str) -> Callable[..., Any]:
    """Return what is registered under a name. Raises UserError with the nearest known one."""
    if name in BUILT_IN[kind]:
        return BUILT_IN[kind][name]
    entry = _others(kind).get(name)
    if entry is None:
        raise UserError(
            f'{where}.name = "{name}" is not known.',
            f"no installed package registers it under folkmoot.{kind}.",
            did_you_mean(name, names(kind)),
        )
    return cast(Callable[..., Any], entry.load())


def challenge(name: str, settings: Mapping[str, Any], where: str = "challenge") -> Challenge:
    """Return a challenge with its settings. Raises UserError for an unknown one, or unusable settings."""
    return cast(Challenge, _built(find("challenges", name, where), settings, where))


def arm(name: str, kind: str, settings: Mapping[str, Any], where: str = "arm") -> Arm:
    """Return an arm: a reference, or a registered examinee with its settings. Raises UserError."""
    if kind in REFERENCES:
        if settings:
            raise UserError(f"{where} takes no settings.", f'"{kind}" is a reference, not an examinee.', "remove them")
        return Arm(name=name, kind=kind)
    if kind not in names("examinees"):
        known = [*names("examinees"), *REFERENCES]
        raise UserError(
            f'{where}.examinee = "{kind}" is not known.',
            "no installed package registers it under folkmoot.examinees.",
            did_you_mean(kind, known),
        )
    examinee = cast(Examinee, _built(find("examinees", kind, where), settings, where))
    return Arm(name=name, kind=kind, examinee=examinee, settings=dict(settings))


def _built(maker: Callable[..., Any], settings: Mapping[str, Any], where: str) -> Any:
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(cast(type[Any], maker)).validate_python(dict(settings))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        fields = sorted(getattr(maker, "__dataclass_fields__", {}))
        raise UserError(
            f"{where}.{key} = {first['input']!r} cannot be used.",
            f"{first['msg']}.",
            did_you_mean(key, fields) if first["type"].startswith("unexpected") else "see the setting's description",
        ) from None
