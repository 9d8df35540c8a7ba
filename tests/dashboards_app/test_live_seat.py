"""A person sits in a live assembly and answers everything through the dashboard's page, question by question."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from sim.engines.scripted import ScriptedEngine
from sim.engines.seated import Seated
from sim.stage import play_stage
from sim.store import Run
from societies.assembly.event_tables import TABLES
from societies.assembly.society import society
from societies.seam import Setting
from tests.assembly.acting import Town, play, small, town

pytest.importorskip("streamlit", reason="the dashboard needs the dash extra: pip install folkmoot[dash]")
from streamlit.testing.v1 import AppTest

APP = str(Path(__file__).parents[2] / "dashboards" / "app.py")
LONGEST_S = 300
SAID = "I say from my own seat that we need a garden."


class Live(threading.Thread):
    """An assembly of six that plays beside the dashboard. why: what went wrong in it."""

    def __init__(self, root: Path) -> None:
        super().__init__(daemon=True)
        agenda = root.parent / "agenda.json"
        entry = {"question": "Q?", "affirming_statement": "Yes at 0.30.", "negating_statement": "No at -0.30."}
        agenda.write_text(json.dumps([entry]), encoding="utf-8")
        self.run_ = Run.create(root, "live", {"name": "live"}, {})
        self.settings = small(
            agenda=str(agenda), panel=4, table_size=4, num_rounds=1, num_candidates=2, num_critiques=0, num_clauses=1,
            human_seats=1,
        )  # fmt: skip
        self.why: BaseException | None = None

    def run(self) -> None:
        people = town(40)
        setting = Setting(seed=0, cast=lambda number, _: people[:number])
        engine = Seated(ScriptedEngine(Town()), self.run_.folder / "desk")
        try:
            play_stage(self.run_, "r1.play", society.scripts(self.settings, setting), engine, run_seed=0, tables=TABLES)
        except BaseException as error:
            self.why = error


def answer(at: AppTest) -> str:
    """Answer what the page asks, if it asks; return what was sent."""
    send = [button for button in at.button if button.label == "Answer"]
    if not send:
        return ""
    if at.radio:
        at.radio[0].set_value(0)
        given = "first option"
    else:
        next(area for area in at.text_area if area.label == "Your answer").set_value(SAID)
        given = SAID
    send[0].click()
    return given


@pytest.mark.slow
def test_a_person_answers_a_live_assembly_through_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import polars as pl

    # Templates are compiled before: both sides would do it in threads of their own, which CPython 3.11 does not bear.
    play(panel=4, values=True, written=4)
    root = tmp_path / "runs"
    live = Live(root)
    monkeypatch.setenv("FOLKMOOT_RUNS", str(root))
    monkeypatch.setenv("FOLKMOOT_MAY_CHANGE", "yes")
    live.start()
    at = AppTest.from_file(APP, default_timeout=90)
    at.run()
    at.switch_page("views/seat.py")
    at.query_params["run"] = f"live/{live.run_.folder.name}"
    at.run()
    at.text_input(key="who").set_value("Ada").run()
    sent: list[str] = []
    began = time.monotonic()
    while live.is_alive() and time.monotonic() - began < LONGEST_S:
        if given := answer(at):
            sent.append(given)
        else:
            time.sleep(0.1)
        at.run()
        assert not at.exception, at.exception[0].value
        assert not at.error, at.error[0].value
    live.join(timeout=5)
    assert live.why is None and not live.is_alive()
    assert live.run_.is_complete("r1.play")
    folder = live.run_.folder / "events" / "r1.play"

    def rows(table: str) -> list[dict[str, Any]]:
        return pl.read_parquet(sorted(folder.glob(f"{table}-*.parquet"))).to_dicts()

    mine = [row["text"] for row in rows("turns") if row["speaker"] == "c000"]
    assert mine == [SAID]
    assert [row["text"] for row in rows("statements") if row["statement"] == "O.c000"] == [SAID]
    votes = [row for row in rows("ballots") if row["citizen"] == "c000"]
    assert votes and all(max(row["dist"]) > 0.999 and row["dist"][0] == max(row["dist"]) for row in votes)
    answers = list((live.run_.folder / "desk").glob("*/*.answer.json"))
    assert len(answers) == len(sent) >= 12
    assert {json.loads(path.read_text("utf-8"))["who"] for path in answers} == {"Ada"}
