"""An instrument that puts one question to many pairs: the pair is the test item, not the question."""

from __future__ import annotations

from pathlib import Path

from agents.instruments.choices import QUESTION, ChoiceAgreementConfig, instrument
from selfalign.measure import pairs_asked
from tests.instruments.test_choices import file


def test_held_out_pairs_are_test_items_and_training_pairs_are_not(tmp_path: Path) -> None:
    loaded = instrument.load(ChoiceAgreementConfig(choices=str(file(tmp_path))))
    pairs = pairs_asked([loaded])[QUESTION]
    assert frozenset(("road 1", "park 1")) in pairs, "held out, whatever the order"
    assert frozenset(("park 0", "road 0")) not in pairs, "a training pair"
    assert len(pairs) == len(loaded.items)
