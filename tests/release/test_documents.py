"""Card and datasheet: every question is asked and answered from the release's facts, and nothing contradicts them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from selfalign.release.build import Built, build_release
from selfalign.release.config import Words
from selfalign.release.documents import questions
from tests.release.making import sample, settings, write_run

SECTIONS = {
    "Motivation": 4, "Composition": 16, "Collection": 12, "Processing": 4, "Uses": 6, "Distribution": 7,
    "Maintenance": 8,
}  # fmt: skip
"""Questions in each section of Gebru et al. 2021, those on people among them."""


def sections(text: str) -> dict[str, list[tuple[str, str]]]:
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    return {title: questions(body) for title, body in zip(parts[1::2], parts[2::2], strict=True)}


def test_every_question_of_the_seven_sections_has_an_answer(built: Built) -> None:
    found = sections((built.folder / "DATASHEET.md").read_text())
    assert {title: len(asked) for title, asked in found.items()} == SECTIONS
    for asked in found.values():
        for question, answer in asked:
            assert question.endswith("?"), question
            assert len(answer) > 5, question
            assert answer.endswith((".", "`")), (question, answer[-40:])


def test_what_does_not_apply_says_why(built: Built) -> None:
    text = (built.folder / "DATASHEET.md").read_text()
    said = [answer for _, answer in questions(text) if "ot applicable" in answer]
    assert len(said) >= 6
    assert all("because" in answer for answer in said)


def test_answers_come_from_the_facts_of_the_release(built: Built) -> None:
    text = (built.folder / "DATASHEET.md").read_text()
    answers = dict(questions(text))
    counts = answers["How many instances are there of each sort?"]
    assert all(f"{table.name} {table.num_rows()}" in counts for table in built.account.tables)
    assert "papers.csv CC-BY-NC-4.0" in answers["Do others hold rights in parts of it?"]
    assert "`nc_` configs under CC-BY-NC-4.0" in answers["Under which licence or terms?"]
    assert built.account.reports["judges"]["summary"] in answers["Are there errors, noise or redundancies?"]
    assert built.account.rebuild in answers["Is the software there?"]
    assert ".." not in re.sub(r"`[^`]*`", "", text).replace("...", "")
    assert "  " not in text


def test_words_of_a_person_take_their_places(tmp_path: Path) -> None:
    words = Words(funder="The Moot Fund.", contact="moot@example.org", ethics="Board 7, 2026.", users="One thesis.")
    run = write_run(tmp_path, [sample(n) for n in range(4)])
    made = build_release([run.folder], settings(tmp_path / "out", words=words))
    answers = dict(questions((made.folder / "DATASHEET.md").read_text()))
    assert answers["Who paid for it?"] == "The Moot Fund."
    assert answers["How can they be reached?"] == "moot@example.org"
    assert answers["Was there an ethical review?"] == "Board 7, 2026."
    assert answers["Is there a list of papers or systems that use it?"] == "One thesis."


@pytest.mark.parametrize("name", ["README.md", "DATASHEET.md"])
def test_tables_and_lists_are_well_formed(built: Built, name: str) -> None:
    text = re.sub(r"```.*?```", "code", (built.folder / name).read_text(), flags=re.DOTALL)
    lines = text.splitlines()
    for k, line in enumerate(lines):
        if line.startswith("|---"):
            width = line.count("|")
            rows = [lines[k - 1]]
            for row in lines[k + 1 :]:
                if not row.startswith("|"):
                    break
                rows.append(row)
            assert lines[k - 2] == "", f"no blank line before the table at {lines[k - 1]}"
            assert all(len(re.findall(r"(?<!\\)\|", row)) == width for row in rows), lines[k - 1]
    assert "\n\n\n" not in text
