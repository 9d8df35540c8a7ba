"""`folkmoot polis` on files: what it reads, what it says, what it refuses, and that nobody is named."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pytest

from agents.errors import UserError
from dashboards.terminal import plain
from dashboards.tools.polis import findings
from dashboards.tools.polis_files import read_export
from dashboards.tools.polis_golden import ccai_checks, math_checks
from dashboards.tools.polis_view import hull, opinion_map, sections
from dashboards.verbs.polis import verb
from tests.assembly.test_polis import camps
from tests.shared_data import shared_data

SECRET = "panel-id-9f3c"


def write_export(folder: Path, *, name: str = "", groups: bool = True, agree: int = 1, seed: int = 1) -> Path:
    """Write a small export of two camps; participants have ids that must not come out."""
    values, labels = camps((20, 14), 10, seed=seed, missing=0.2)
    header = ["participant", "group-id", "n-comments", "n-votes", "n-agree", "n-disagree", *map(str, range(10))]
    lines = [",".join(header)]
    for number, row in enumerate(values):
        cells = ["" if np.isnan(v) else str(int(v) * agree) for v in row]
        group = str(labels[number]) if groups else ""
        counts = ["0", str(10 - cells.count("")), str(int((row == 1).sum())), str(int((row == -1).sum()))]
        lines.append(",".join([f"{SECRET}-{number}", group, *counts, *cells]))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}participants-votes.csv").write_text("\n".join(lines))
    comments = ["timestamp,datetime,comment-id,author-id,agrees,disagrees,moderated,comment-body"]
    comments += [f'1,x,{n},{SECRET},0,0,{-1 if n == 9 else 1},"Statement, number {n}"' for n in range(10)]
    comments += [f"1,x,77,{SECRET},0,0,1,Nobody voted on this"]
    (folder / f"{name}comments.csv").write_text("\n".join(comments))
    (folder / f"{name}summary.csv").write_text('topic,"A topic, indeed"\nurl,https://example.org')
    return folder


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    verb.configure(parser)
    return verb.run(parser.parse_args(words))


def test_an_export_is_read_by_folder_by_file_and_by_the_beginning_of_its_names(tmp_path: Path) -> None:
    write_export(tmp_path / "one")
    write_export(tmp_path / "two", name="fish.")
    by_folder, by_file = read_export(tmp_path / "one"), read_export(tmp_path / "one" / "participants-votes.csv")
    assert (by_folder.name, by_file.name) == ("one", "one")
    export = read_export(tmp_path / "two" / "fish")
    assert export.name == "fish"
    assert export.topic == "A topic, indeed"
    assert export.texts[3] == "Statement, number 3"
    assert export.moderated.tolist() == [False] * 9 + [True]
    assert export.values.shape == (34, 10)
    assert export.labels is not None
    assert np.bincount(export.labels).tolist() == [20, 14]
    assert export.notes == ("Statements of fish.comments.csv without a vote column, left out: 1.",)


def test_votes_one_a_line_are_read_and_the_last_one_counts(tmp_path: Path) -> None:
    rows = ["timestamp,datetime,comment-id,voter-id,vote", "3,x,0,a,-1", "1,x,0,a,1", "2,x,10,b,0", "2,x,2,b,1"]
    (tmp_path / "votes.csv").write_text("\n".join(rows))
    export = read_export(tmp_path)
    assert export.statements == ("0", "2", "10")
    assert export.labels is None
    np.testing.assert_array_equal(export.values, [[-1, np.nan, np.nan], [np.nan, 1, 0]])
    assert "comments.csv is missing" in export.notes[0]


def test_votes_of_the_other_sign_are_refused_until_it_is_said(tmp_path: Path) -> None:
    write_export(tmp_path, agree=-1)
    with pytest.raises(UserError, match="agree = -1") as refused:
        read_export(tmp_path)
    assert "--agree -1" in str(refused.value)
    turned = read_export(tmp_path, agree=-1)
    write_export(tmp_path / "straight")
    np.testing.assert_array_equal(turned.values, read_export(tmp_path / "straight").values)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("participant,group-id,0,1\n", "is empty"),
        ("participant,group-id\na,0\n", "has no statements"),
        ("participant,group-id,0,1\na,0,,\n", "holds no vote"),
        ("participant,group-id,0,1\na,0,2,1\n", 'column 0: "2" is no vote'),
        ("participant,group-id,0,1\na,0,yes,1\n", '"yes" is no vote'),
        ("participant,group-id,0,0\na,0,1,1\n", "two columns of one statement"),
        ("participant,group-id,0\na,0,1\na,1,1\n", "rows 2 and 3 are of the same participant"),
        ("participant,group-id,0\na,left,1\n", "is no number"),
    ],
)
def test_a_broken_export_is_refused_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "participants-votes.csv").write_text(text)
    with pytest.raises(UserError) as refused:
        read_export(tmp_path)
    assert said in str(refused.value)


def test_missing_several_and_undecodable_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no Polis export"):
        read_export(tmp_path)
    with pytest.raises(UserError, match="no Polis export"):
        read_export(tmp_path / "nowhere")
    (tmp_path / "notes.csv").write_text("a\n")
    with pytest.raises(UserError, match="no votes file"):
        read_export(tmp_path / "notes.csv")
    for name in ("one.", "two."):
        write_export(tmp_path, name=name)
    with pytest.raises(UserError, match="holds 2 conversations") as refused:
        read_export(tmp_path)
    assert "one, two" in str(refused.value)
    (tmp_path / "one.participants-votes.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="cannot be read"):
        read_export(tmp_path / "one")
    (tmp_path / "votes.csv").write_text("comment-id,vote\n1,1\n")
    with pytest.raises(UserError, match="has no column voter-id"):
        read_export(tmp_path / "votes.csv")


def test_a_conversation_in_which_everything_was_moderated_out_is_refused(tmp_path: Path) -> None:
    write_export(tmp_path)
    comments = (tmp_path / "comments.csv").read_text().replace(",0,0,1,", ",0,0,-1,")
    (tmp_path / "comments.csv").write_text(comments)
    with pytest.raises(UserError, match="every statement was moderated out"):
        findings(read_export(tmp_path))


def test_the_findings_tell_groups_consensus_and_how_sure_it_is(tmp_path: Path) -> None:
    found = findings(read_export(write_export(tmp_path)), num_resamples=200)
    assert found.source == "exported"
    assert [(group.name, group.num_people) for group in found.groups] == [("A", 20), ("B", 14)]
    assert found.agreement > 0.8
    assert sum(found.explained) > found.chance
    assert found.null == 0.25
    products = [item.product.value for item in found.consensus]
    assert products == sorted(products, reverse=True)
    for item in found.consensus:
        assert item.id != "9"
        assert item.root.value == pytest.approx(item.product.value ** (1 / 2))
        assert item.least.value == pytest.approx(min(item.shares))
        assert item.product.lo <= item.product.value <= item.product.hi
    assert all(group.stands_for for group in found.groups)
    assert repr(findings(read_export(tmp_path), num_resamples=200)) == repr(found)


def test_groups_can_be_found_again_and_their_number_be_given(tmp_path: Path) -> None:
    write_export(tmp_path)
    export = read_export(tmp_path)
    assert findings(export, regroup=True, num_resamples=20).source == "found"
    assert len(findings(export, num_groups=3, num_resamples=20).groups) == 3
    alone = findings(export, num_groups=1, num_resamples=20)
    assert len(alone.groups) == 1
    assert any("one group only" in note for note in alone.notes)
    without = findings(read_export(write_export(tmp_path / "b", groups=False)), num_resamples=20)
    assert without.source == "found"
    assert np.isnan(without.agreement)


def test_nothing_that_tells_who_somebody_is_comes_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_export(tmp_path)
    assert run(str(tmp_path), "--json", "--plot", str(tmp_path / "map.json"), "--resamples", "20") == 0
    assert run(str(tmp_path), "--resamples", "20") == 0
    written = capsys.readouterr().out + (tmp_path / "map.json").read_text()
    assert SECRET not in written


def test_json_is_whole_and_the_tables_say_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_export(tmp_path)
    assert run(str(tmp_path), "--json", "--resamples", "20", "--top", "3") == 0
    told = json.loads(capsys.readouterr().out)
    assert len(told["consensus"]) == 3
    found = findings(read_export(tmp_path), num_resamples=20, top=3)
    text = plain(sections(found))
    for title in ("What all groups can live with", "What group A stands for", "What divides the groups", "Notes"):
        assert title in text
    assert f"{told['consensus'][0]['product']['value']:.2f} [" in text


def test_the_map_shows_groups_and_what_the_axes_explain(tmp_path: Path) -> None:
    found = findings(read_export(write_export(tmp_path)), num_resamples=20)
    chart = opinion_map(found).to_dict()
    text = json.dumps(chart)
    assert "of variance" in text
    assert "A (20)" in text
    assert len(chart["layer"]) == 2
    assert run(str(tmp_path), "--plot", str(tmp_path / "map.svg"), "--resamples", "20") == 0
    assert (tmp_path / "map.svg").read_text().startswith("<svg")
    with pytest.raises(UserError, match="cannot be drawn"):
        run(str(tmp_path), "--plot", str(tmp_path / "map.bmp"))


def test_a_hull_is_the_corners_in_a_circle() -> None:
    corners = hull([(0, 0), (2, 0), (2, 2), (0, 2), (1, 1), (1, 0)])
    assert corners == [(0, 0), (2, 0), (2, 2), (0, 2), (0, 0)]
    assert hull([(1, 1), (1, 1)]) == [(1, 1)]


@pytest.mark.parametrize("words", [("--top", "0"), ("--groups", "0"), ("--resamples", "0"), ("--seed", "-1")])
def test_numbers_that_are_too_small_are_refused(tmp_path: Path, words: tuple[str, str]) -> None:
    with pytest.raises(UserError, match="too small"):
        run(str(write_export(tmp_path)), *words)


def test_a_real_conversation_passes_through_with_its_traps() -> None:
    export = read_export(shared_data("polis") / "scoop-hivemind.ubi")
    assert "14" not in export.statements
    assert export.notes == ("Statements of scoop-hivemind.ubi.comments.csv without a vote column, left out: 1.",)
    found = findings(export, num_resamples=50)
    assert [group.num_people for group in found.groups] == [70, 113, 42, 9]
    assert found.num_found == 2
    assert found.null == 0.5**4
    assert 0 < found.agreement < 0.2


def test_production_outputs_can_be_held_against_from_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(str(shared_data("polis_math")), "--golden", "math") == 0
    told = capsys.readouterr().out
    assert "differs" not in told
    assert told.count("holds") == 18


def test_a_changed_production_output_differs(tmp_path: Path) -> None:
    place = shared_data("polis_math") / "below-100-ptpts"
    math = json.loads((place / "math-pca2.json").read_text())
    math["group-aware-consensus"]["0"] += 1e-9
    (tmp_path / "math-pca2.json").write_text(json.dumps(math))
    (tmp_path / "votes.json").write_text((place / "votes.json").read_text())
    assert [check.claim for check in math_checks(tmp_path) if check.ok is False] == ["consensus"]
    (tmp_path / "votes.json").write_text("[]")
    with pytest.raises(UserError, match="not laid out as expected"):
        math_checks(tmp_path)
    with pytest.raises(UserError, match=r"holds no math-pca2\.json"):
        math_checks(tmp_path / "nowhere")


def test_the_cleaned_data_of_collective_constitutional_ai_is_read_in_its_layout(tmp_path: Path) -> None:
    """Synthetic files of the described shape: the counts differ from the public ones, the plain agreement does not."""
    (tmp_path / "clean_votes.csv").write_text(
        f",participant,group-id,n-votes,0,1,2\n0,{SECRET}1,0.0,3,1,1.0,-1\n1,{SECRET}2,0.0,2,1,,0\n2,{SECRET}3,1.0,2,-1,1,\n"
    )
    (tmp_path / "clean_comments.csv").write_text(
        "comment-id,author-id,moderated,comment-body,group_0_consensus,group_1_consensus\n"
        "0,1,1,One,1.0,0.0\n1,1,1,Two,1.0,1.0\n"
    )
    checks = {check.claim: check for check in ccai_checks(tmp_path)}
    assert checks["published agreement is plain A/S"].ok
    assert checks["statements"].found == "2"
    assert checks["group sizes"].found == "(2, 1)"
    assert checks["participants kept"].ok is False
    assert not any(SECRET in check.found for check in checks.values())
    (tmp_path / "clean_comments.csv").unlink()
    with pytest.raises(UserError, match="is not there"):
        ccai_checks(tmp_path)


def test_where_groups_and_people_stand_is_told_by_the_definitions(tmp_path: Path) -> None:
    found = findings(read_export(write_export(tmp_path)), num_resamples=20)
    grouped = [p for p in found.places if p.group != "none"]
    middle = np.mean([(p.x, p.y) for p in grouped], axis=0)
    for group in found.groups:
        mine = [p for p in grouped if p.group == group.name]
        own = np.mean([(p.x, p.y) for p in mine], axis=0)
        far = [1 - float(np.hypot(p.x - middle[0], p.y - middle[1])) for p in mine]
        assert [p.centricness for p in mine] == pytest.approx(far)
        assert group.centricness.value == pytest.approx(np.mean(far))
        assert group.centricness.lo <= group.centricness.value <= group.centricness.hi
        assert group.coreness.value == pytest.approx(
            np.mean([1 - float(np.hypot(p.x - own[0], p.y - own[1])) for p in mine])
        )
        assert sum(p.extremeness for p in mine) == pytest.approx(0.0, abs=1e-9)
    assert "Where the groups stand" in plain(sections(found))
