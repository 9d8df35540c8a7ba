"""Agreement with an assembly: readers of its votes, what each scale says of known responders, and bad files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agents.errors import UserError
from agents.instruments.choices import ChoiceAgreementConfig, ChoiceAgreementInstrument, instrument
from agents.instruments.types import Subject
from agents.requests import Score, Scores


def file(tmp_path: Path, num: int = 40) -> Path:
    lines = ["option_a,option_b,p_a,split"]
    for n in range(num):
        split = ("train", "held_pair", "held_option")[n % 3]
        lines.append(f"park {n},road {n},{0.9 if n % 2 else 0.2},{split}")
    path = tmp_path / "choices.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def asked(loaded: ChoiceAgreementInstrument, answer: Any) -> list[Any]:
    outcomes = []
    for _, script in loaded.scripts(Subject()):
        request = script.send(None)
        assert isinstance(request, Score)
        try:
            script.send(Scores(options=request.options, logp=answer(loaded, request), identity="x", mode="letter"))
        except StopIteration as stop:
            outcomes.append(stop.value)
    return outcomes


def as_the_assembly(loaded: ChoiceAgreementInstrument, request: Score) -> Any:
    (item,) = [one for one in loaded.items if one.options == request.options]
    first = loaded.shares[item.id] > 0.5
    return ((-0.1, -3.0),) * 2 if first else ((-3.0, -0.1),) * 2


def always_the_first_slot(loaded: ChoiceAgreementInstrument, request: Score) -> Any:
    return ((-0.1, -3.0), (-3.0, -0.1))


def test_a_policy_that_votes_as_the_assembly_agrees_everywhere(tmp_path: Path) -> None:
    loaded = instrument.load(ChoiceAgreementConfig(choices=str(file(tmp_path))))
    rows = {row.scale: row for row in loaded.score(asked(loaded, as_the_assembly))}
    for group in ("held_pair", "held_option"):
        assert rows[f"agreement_{group}"].point == 1 and rows[f"agreement_each_order_{group}"].point == 1
        assert rows[f"gap_{group}"].point < 0.2
    assert {item.group for item in loaded.items} == {"held_pair", "held_option"}, "no training pair is measured"


def test_a_policy_that_likes_a_slot_agrees_by_half_and_never_in_both_orders(tmp_path: Path) -> None:
    loaded = instrument.load(ChoiceAgreementConfig(choices=str(file(tmp_path))))
    rows = {row.scale: row for row in loaded.score(asked(loaded, always_the_first_slot))}
    assert rows["agreement_held_pair"].point == pytest.approx(0.5)
    assert rows["agreement_each_order_held_pair"].point == 0


def test_unusable_files_say_what_they_lack(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is empty"):
        instrument.load(ChoiceAgreementConfig())
    (tmp_path / "bare.csv").write_text("option_a,p_a\nx,0.5\n", encoding="utf-8")
    with pytest.raises(UserError, match="lacks option_b, split"):
        instrument.load(ChoiceAgreementConfig(choices=str(tmp_path / "bare.csv")))
    (tmp_path / "train.csv").write_text("option_a,option_b,p_a,split\nx,y,0.5,train\n", encoding="utf-8")
    with pytest.raises(UserError, match="no held-out pair"):
        instrument.load(ChoiceAgreementConfig(choices=str(tmp_path / "train.csv")))
    with pytest.raises(UserError, match="no choices table"):
        instrument.load(ChoiceAgreementConfig(choices=str(tmp_path)))
