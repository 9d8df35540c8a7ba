"""A run of eras in report and terminal: who spoke, and never that people were numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboards.coevolution import trials_of
from dashboards.coevolution_all import Coevolution
from dashboards.coevolution_rows import coevolution_sections
from dashboards.coevolution_view import coevolution_view
from dashboards.coevolution_words import ERAS, NUMERIC, together_headline
from dashboards.sources import Reader
from sim.config import validate
from sim.engines.scripted import ScriptedEngine
from sim.stage import play_stage
from sim.store import Run
from societies.coevolution.eras import ErasConfig, society
from tests.coevolution.era_folk import believing, history, setting


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Coevolution:
    answer = believing(history)
    config = validate(ErasConfig, {"num": 60, "forms": ["letters"]}, "society")
    run = Run.create(tmp_path_factory.mktemp("runs"), "eras", {}, {"scripted": True})
    engine = ScriptedEngine(lambda ticket: answer(ticket.request))
    play_stage(run, "r1.play", society.scripts(config, setting()), engine, run_seed=0, tables=society.tables)
    reader = Reader(Run.open(Path(run.folder)))
    trials = trials_of(reader)
    assert not reader.problems
    return Coevolution(trials=trials, live=None, follow=None)


def test_who_spoke_stands_first_and_people_are_not_called_numbers(found: Coevolution) -> None:
    first, *others = coevolution_sections(found)
    assert first.title == "Who spoke for the eras" and first.lines == (ERAS,)
    assert [row[0] for row in first.rows] == ["c13", "c15", "c17", "c19", "c21", "policy-base"]
    assert [one.title for one in others] == ["Co-evolution, follow", "Co-evolution, predict(1)"]
    assert NUMERIC not in [line for section in others for line in section.lines]
    assert together_headline(found).startswith("Eras spoken by a model")


def test_the_report_has_a_part_for_the_voices(found: Coevolution) -> None:
    parts = coevolution_view(found)
    assert [part.title for part in parts] == [
        "Who spoke for the eras",
        "Co-evolution, follow",
        "Co-evolution, predict(1)",
    ]
    assert found.trials is not None
    voice = found.trials.voices[-1]
    assert (voice.kind, voice.away) == ("policy", pytest.approx(0.0, abs=1e-9))
    assert all(one.away is not None and one.away > 0.05 for one in found.trials.voices[:-1])
