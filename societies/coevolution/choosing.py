"""Challenges and arms as a config names them, checked before anything is played."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agents.errors import UserError
from societies.coevolution import registering
from societies.coevolution.arms import CALM, REFERENCES, Arm
from societies.coevolution.protocols import Challenge


def chosen_challenges(
    entries: Sequence[Mapping[str, Any]], num_timesteps: int
) -> list[tuple[Challenge, dict[str, Any]]]:
    """Return the challenges with their settings. Raises UserError for what is unknown, double or cannot be judged."""
    out: list[tuple[Challenge, dict[str, Any]]] = []
    for number, given in enumerate(entries):
        where = f"society.challenges[{number}]"
        name, settings = _named(given, where)
        challenge = registering.challenge(name, settings, where)
        challenge.num_turns(num_timesteps)
        out.append((challenge, settings))
    _refuse_doubles([challenge.label for challenge, _ in out], "society.challenges")
    return out


def chosen_arms(entries: Sequence[Mapping[str, Any]]) -> list[Arm]:
    """Return the arms. Raises UserError for what is unknown or double."""
    out = []
    for number, given in enumerate(entries):
        where = f"society.arms[{number}]"
        name, settings = _named(given, where)
        if CALM in name or "/" in name:
            raise UserError(
                f'{where}.name = "{name}" cannot be used.', f'"{CALM}" and "/" have a meaning.', "rename it"
            )
        kind = str(settings.pop("examinee", name))
        out.append(registering.arm(name, kind, settings, where))
    _refuse_doubles([arm.name for arm in out], "society.arms")
    if all(arm.kind in REFERENCES for arm in out):
        raise UserError("society.arms names no examinee.", "none and oracle are references only.", "add lifelong")
    return out


def _named(given: Mapping[str, Any], where: str) -> tuple[str, dict[str, Any]]:
    settings = dict(given)
    name = settings.pop("name", None)
    if not isinstance(name, str) or not name:
        raise UserError(f"{where}.name is missing.", "results are told apart by name.", "give each entry a name")
    return name, settings


def _refuse_doubles(names: Sequence[str], where: str) -> None:
    double = sorted({name for name in names if names.count(name) > 1})
    if double:
        raise UserError(f"{where} names {double[0]} twice.", "results are told apart by name.", "rename one of them")
    if not names:
        raise UserError(f"{where} is empty.", "there is nothing to play.", "name at least one")
