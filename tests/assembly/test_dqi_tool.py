"""`folkmoot dqi`: codes reckoned by hand, what is undefined, and what the tool says of bad files."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.errors import UserError
from dashboards.verbs.dqi import verb
from societies.assembly.dqi import RUBRIC
from societies.assembly.metrics.reliability import krippendorff

SCALES = tuple(scale.name for scale in RUBRIC if not scale.lay)
HEAD = "turn,speaker,judge," + ",".join(SCALES)
ONE = f"{HEAD}\nt1,Ada,anna,1,3,2b,2,2,3,2\nt2,Ben,anna,0,0,0,0,0,0,0\nt3,Ada,anna,1,0,1,1,1,,1\n"
BEN = f"{HEAD}\nt1,Ada,ben,1,3,2a,2,2,3,2\nt2,Ben,ben,0,1,0,0,0,0,0\nt3,Ada,ben,1,1,1,1,1,,1\n"


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    verb.configure(parser)
    return verb.run(parser.parse_args(words))


def write(folder: Path, text: str, name: str = "codes.csv") -> str:
    (folder / name).write_text(text, encoding="utf-8")
    return str(folder / name)


def report(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    assert run(*words, "--json") == 0
    return json.loads(capsys.readouterr().out)


def test_codes_reckoned_by_hand(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = report(capsys, write(tmp_path, ONE), write(tmp_path, BEN, "ben.csv"))
    scales = {one["scale"]: one for one in found["scales"]}
    # Judges averaged first: (3 + 3) / 2, (0 + 1) / 2 and (0 + 1) / 2 of 3.
    assert scales["justification"]["mean"] == pytest.approx((1 + 1 / 6 + 1 / 6) / 3)
    # 2a and 2b share a rank, so that the judges agree on content wholly.
    assert scales["content"]["mean"] == pytest.approx(0.5) and scales["content"]["alpha"]["mean"] == 1
    assert scales["content"]["null"] == pytest.approx((0 + 1 + 2 + 2) / 8)
    # t3 has no code of counterarguments, which counts for nothing rather than for 0.
    assert scales["counterarguments"]["n"] == 2 and scales["counterarguments"]["mean"] == pytest.approx(0.5)
    assert scales["counterarguments"]["blank_cells"] == 2 and scales["counterarguments"]["alpha"]["n"] == 2
    turns = {"t1": 1.0, "t2": (1 / 6) / 7, "t3": (1 + 1 / 6 + 0.5 * 4) / 6}
    assert found["turns"] == pytest.approx(turns)
    assert found["index"]["mean"] == pytest.approx(np.mean(list(turns.values())))
    speakers = {one["speaker"]: one for one in found["speakers"]}
    assert speakers["Ada"]["mean"] == pytest.approx((turns["t1"] + turns["t3"]) / 2) and speakers["Ada"]["n"] == 2
    assert speakers["Ben"]["interval"] == [None, None]
    by_hand = krippendorff(np.array([[3.0, 0, 0], [3, 1, 1]]))
    assert scales["justification"]["alpha"]["mean"] == pytest.approx(by_hand) and by_hand < 1


def test_one_judge_has_no_alpha_and_the_report_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, ONE)
    assert run(path, "--plot", str(tmp_path / "c.svg")) == 0
    out = capsys.readouterr().out
    assert "One judge only" in out and "undefined: one judge" in out and "codes at random" in out
    assert "constructive_politics" in (tmp_path / "c.svg").read_text()
    assert all(one["alpha"]["mean"] is None for one in report(capsys, path)["scales"])


def test_judges_who_share_no_turn_or_use_one_level_have_no_alpha(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    apart = f"{HEAD}\nt1,Ada,anna,1,3,2b,2,2,3,2\nt2,Ben,ben,0,0,0,0,0,0,0\n"
    run(write(tmp_path, apart))
    assert "undefined: no turn coded twice" in capsys.readouterr().out
    alike = f"{HEAD}\nt1,Ada,anna,1,3,2b,2,2,3,2\nt1,Ada,ben,1,3,2b,2,2,3,2\n"
    run(write(tmp_path, alike))
    out = capsys.readouterr().out
    assert "undefined: one level only" in out and "One turn only: there is no interval." in out


def test_a_speaker_unlike_the_others_stands_apart_and_shuffled_ones_do_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        f"t{n},{'Ada' if n < 8 else 'Ben'},anna," + ",".join("1" if n < 8 else "0" for _ in SCALES) for n in range(16)
    ]
    found = report(capsys, write(tmp_path, "\n".join([HEAD, *rows]) + "\n"))
    ada, ben = found["speakers"]
    assert ada["speaker"] == "Ada" and ada["mean"] > ada["null_interval"][1]
    assert ben["mean"] < ben["null_interval"][0]
    mixed = [
        row.replace("Ada", "X").replace("Ben", "X").replace("X", "Ada" if n % 2 else "Ben")
        for n, row in enumerate(rows)
    ]
    for one in report(capsys, write(tmp_path, "\n".join([HEAD, *mixed]) + "\n"))["speakers"]:
        assert one["null_interval"][0] <= one["mean"] <= one["null_interval"][1]


def test_json_other_columns_fewer_scales_and_lay_scales(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        {"id": f"t{n}", "who": "Ada", "coder": judge, "justification": n, "storytelling": n % 2, "text": "so"}
        for n in range(3)
        for judge in ("anna", "ben")
    ]
    path = write(tmp_path, json.dumps(rows), "codes.json")
    words = (path, "--turn", "id", "--speaker", "who", "--judge", "coder", "--ignore", "text")
    found = report(capsys, *words, "--scales", "justification,storytelling")
    assert found["index"]["mean"] == pytest.approx(1 / 3)
    assert "content" in found["scales_missing"] and "justification" not in found["scales_missing"]
    assert run(*words, "--scales", "justification") == 0
    assert "this index is not the published set" in capsys.readouterr().out
    lay = report(capsys, *words, "--scales", "storytelling")
    assert lay["index"]["mean"] is None and lay["speakers"] == [] and lay["scales"][0]["mean"] == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("text", "more", "message"),
    [
        (ONE.replace("anna,1,3", "anna,1,4"), (), 'row 1: "4" is no code of justification'),
        (ONE.replace("anna,1,3", "anna,yes,3"), (), '"yes" is no code of participation'),
        (ONE + "t1,Ada,anna,1,3,2b,2,2,3,2\n", (), "a second time"),
        (ONE + "t1,Cy,ben,1,3,2b,2,2,3,2\n", (), 'spoken by "Cy" and by "Ada"'),
        (ONE.replace("judge", "juge"), (), 'no column "judge"'),
        (ONE.replace("content", "contents"), (), 'no column "content"'),
        (ONE.replace("turn,", "turn,mood,", 1), (), '"mood" is no scale'),
        (ONE + "t4,Ada,,1,3,2b,2,2,3,2\n", (), "the judge is missing"),
        (ONE + "t4,Ada,cy,1,3,2b,2,2,3,2,9\n", (), "more cells"),
        (HEAD + "\n", (), "holds no codes"),
        ("", (), "no header"),
        (ONE, ("--scales", "justificaton"), 'called "justificaton"'),
        (ONE, ("--top", "0"), "--top 0 is too small"),
        (ONE, ("--plot", "x.doc"), "cannot be drawn"),
    ],
)
def test_bad_files_and_options_say_what_is_wrong(
    tmp_path: Path, text: str, more: tuple[str, ...], message: str
) -> None:
    with pytest.raises(UserError) as caught:
        run(write(tmp_path, text), *more)
    error = caught.value
    assert message in f"{error.given} {error.why}" and error.why and error.fix


@pytest.mark.parametrize(("text", "message"), [("{", "is no JSON"), ('{"turn": 1}', "no list of objects")])
def test_bad_json_says_what_is_wrong(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        run(write(tmp_path, text, "codes.json"))


def test_files_with_different_scales_are_not_compared(tmp_path: Path) -> None:
    more = BEN.replace("politics", "politics,novelty").replace("\nt", ",\nt")
    more = more.replace("novelty,", "novelty").rstrip("\n") + ",\n"
    with pytest.raises(UserError, match='do not both have "novelty"'):
        run(write(tmp_path, ONE), write(tmp_path, more, "ben.csv"))


def test_a_missing_file_and_a_picture_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        run(str(tmp_path / "none.csv"))
    (tmp_path / "p.csv").write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(UserError, match="not UTF-8"):
        run(str(tmp_path / "p.csv"))
