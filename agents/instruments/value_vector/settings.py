"""The settings of `value_vector`, checked when they are given."""

from __future__ import annotations

from dataclasses import dataclass

from agents.errors import UserError
from agents.instruments.banks import check_num
from agents.instruments.value_vector.bank import NAME, RepeatedIds
from agents.instruments.value_vector.forms import FORMS, LETTERS, REPEAT, Permutations


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueVectorConfig:
    """Settings of `value_vector`."""

    folder: str = ""
    """Folder with the three public item files of ProgressGym; empty is our own bank of 84 items."""
    num: int | None = None
    """How many items, a seeded part that keeps the share of every block and stratum; null is all."""
    seed: int = 0
    """Which part, where `num` is set."""
    forms: tuple[str, ...] = FORMS
    """Which templates to ask: letters, compare (two actions only), repeat."""
    orders: Permutations = "cyclic"
    """Of four actions: cyclic (four rotations) or all (24 orders, as published, at six times the cost)."""
    repeated_ids: RepeatedIds = "last"
    """Dilemmas of the public file that share an id: last keeps one, as published; all keeps every one."""

    def __post_init__(self) -> None:
        check_num(NAME, num=self.num)
        unknown = [form for form in self.forms if form not in FORMS]
        if unknown or not {LETTERS, REPEAT} & set(self.forms) or len(set(self.forms)) < len(self.forms):
            raise UserError(
                f"{NAME}.forms = {list(self.forms)} cannot be asked.",
                "items with four actions need letters or repeat.",
                f"choose some of {', '.join(FORMS)}, each once",
            )
        for name, value, allowed in (
            ("orders", self.orders, ("cyclic", "all")),
            ("repeated_ids", self.repeated_ids, ("last", "all")),
        ):
            if value not in allowed:
                raise UserError(
                    f'{NAME}.{name} = "{value}" is not known.',
                    f"it can be {' or '.join(allowed)} alone.",
                    f"use one of {', '.join(allowed)}",
                )
