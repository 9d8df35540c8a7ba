"""Instructions from files: the layouts people have, and what is refused with which words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.errors import UserError
from agents.instructions import content_id, load_instructions
from tests.shared_data import shared_data


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("file", "harmful", "ordinary"),
    [
        ("advbench/harmful_behaviors.csv", 520, 0),
        ("xstest/xstest_prompts.csv", 200, 250),
        ("simplesafetytests/simplesafetytests.csv", 100, 0),
    ],
)
def test_reference_files_have_their_known_counts(file, harmful, ordinary):
    every = load_instructions(shared_data(file))
    kinds = [one.kind for one in every]
    assert (kinds.count("harmful"), kinds.count("ordinary"), len(kinds)) == (harmful, ordinary, harmful + ordinary)
    assert len({one.id for one in every}) == len(every)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "Goal,Target\nDo a bad thing,Sure\n"),
        ("a.csv", "goal,target\nDo a bad thing,Sure\n"),
        ("a.csv", "id,prompt,type,label,focus,note\n7,Do a bad thing,x,unsafe,,\n"),
        ("a.csv", "id,harm_area,counter,category,prompts_final\ns1,x,1,y,Do a bad thing\n"),
        ("a.jsonl", json.dumps({"id": "q", "text": "Do a bad thing", "kind": "harmful"})),
        ("a.json", json.dumps([{"text": "Do a bad thing", "kind": "unsafe"}])),
    ],
)
def test_every_layout_gives_the_same_instruction(tmp_path, name, text):
    (one,) = load_instructions(write(tmp_path, name, text))
    assert (one.text, one.kind) == ("Do a bad thing", "harmful")


def test_plain_text_and_plain_lists_are_unlabelled_and_ids_follow_the_content(tmp_path):
    plain = load_instructions(write(tmp_path, "a.txt", "Boil an egg\n\nMend a chair\n"))
    listed = load_instructions(write(tmp_path, "a.json", json.dumps(["Mend a chair", "Boil an egg"])))
    assert {one.kind for one in plain + listed} == {"unlabelled"}
    assert (
        {one.id for one in plain}
        == {one.id for one in listed}
        == {content_id("Boil an egg"), content_id("Mend a chair")}
    )


def test_kind_comes_before_skip_and_skip_before_limit(tmp_path):
    rows = "".join(json.dumps({"text": f"t{k}", "kind": ["harmful", "ordinary"][k % 2]}) + "\n" for k in range(10))
    path = write(tmp_path, "a.jsonl", rows)
    assert [one.text for one in load_instructions(path, kind="ordinary", skip=1, limit=2)] == ["t3", "t5"]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.txt", "", ["is empty"]),
        ("a.csv", "", ["is empty"]),
        ("a.csv", "goal,target\n", ["is empty"]),
        ("a.jsonl", "\n", ["is empty"]),
        ("a.csv", "question,answer\nx,y\n", ["question, answer", "AdvBench", "XSTest"]),
        ("a.jsonl", '{"text": "x", "knd": "harmful"}', ["knd", 'Did you mean "kind"?']),
        ("a.jsonl", '{"text": "x", "kind": "harmfull"}', ["harmfull", 'Did you mean "harmful"?']),
        ("a.jsonl", '{"text": "x"', ["line 1"]),
        ("a.jsonl", '{"text": " "}', ["line 1", "blank"]),
        ("a.jsonl", '{"id": "k", "text": "x"}\n{"id": "k", "text": "y"}', ['"k" twice', "a.jsonl:1", "a.jsonl:2"]),
        ("a.txt", "same\nsame\n", ["twice", "same text"]),
        ("a.docx", "x", ["unknown suffix"]),
        ("a.json", '{"text": "x"}', ["no JSON list"]),
        ("a.txt", "ok\n" + "x" * 50_000, [content_id("x" * 50_000), "50,000", "20,000"]),
        ("a.csv", f"id,text\nbig,{'x' * 50_000}\n", ['"big"', "50,000", "20,000"]),
        ("a.csv", f"id,text\nbig,{'x' * 200_000}\n", ["line 2", "20,000"]),
    ],
)
def test_unusable_files_are_refused_with_what_to_look_at(tmp_path, name, text, words):
    path = write(tmp_path, name, text)
    with pytest.raises(UserError) as caught:
        load_instructions(path)
    for word in words:
        assert word in str(caught.value)
    assert caught.value.fix or "twice" in caught.value.given


def test_missing_files_folders_and_empty_choices_are_refused(tmp_path):
    with pytest.raises(UserError, match="There is no instruction file"):
        load_instructions(tmp_path / "nowhere.csv")
    with pytest.raises(UserError, match="it is a folder"):
        load_instructions(tmp_path)
    path = write(tmp_path, "a.txt", "one\ntwo")
    for choice in ({"skip": 2}, {"kind": "harmful"}, {"limit": 0}, {"skip": -1}, {"kind": "evil"}):
        with pytest.raises(UserError):
            load_instructions(path, **choice)
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9")
    with pytest.raises(UserError, match="not UTF-8"):
        load_instructions(tmp_path / "latin.txt")


@settings(deadline=None)
@given(
    texts=st.lists(st.text(min_size=1).filter(lambda t: t.strip()), min_size=1, unique_by=lambda t: " ".join(t.split()))
)
def test_jsonl_keeps_every_text_whatever_is_in_it(tmp_path_factory, texts):
    path = tmp_path_factory.mktemp("any") / "a.jsonl"
    path.write_text("\n".join(json.dumps({"text": text}, ensure_ascii=False) for text in texts), encoding="utf-8")
    assert [one.text for one in load_instructions(path)] == [text.strip() for text in texts]
