"""Personal data: every rule finds its form, look-alikes stay, and what is replaced is not found again."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from selfalign.release.clean import Cleaner
from selfalign.release.config import ReleaseConfig, Source
from selfalign.release.intake import open_runs
from selfalign.release.names import rare_names, source_names
from selfalign.release.pii import find, harmless, iban, luhn, scrub
from tests.release.making import sample, write_run

FOUND = {
    "write to ann.b+c@mail.example-shop.co.uk today": "email",
    "my card is 4111 1111 1111 1111, thanks": "card",
    "5500-0055-5555-5559": "card",
    "pay to DE89 3704 0044 0532 0130 00 please": "iban",
    "GB82WEST12345698765432": "iban",
    "server at 192.168.10.24 is down": "ip",
    "at 2001:db8:85a3::8a2e:370:7334 now": "ip",
    "call +49 30 1234567": "phone",
    "call +1-212-555-0199 or": "phone",
    "ring (212) 555-0123": "phone",
    "ring 212-555-0123.": "phone",
    "ruf 030 123 45 67 an": "phone",
}
STAYS = (
    "on 2024-01-15 at 10:30", "on 15.01.2024", "version 1.2.3.4", "order 1234 5678 9012 3456", "1 200 000 people",
    "pi is 3.14159265358979", "follow @somebody", "isbn 978-3-16-148410-0", "0000 0000 0000 0000",
    "DE00 1234 5678 9012 3456 78",
    "127.0.0.1", "999.1.1.1", "room 030", "a@b", "0.0.0.0", "1999-2005", "12:34:56",
)  # fmt: skip


@pytest.mark.parametrize("text", FOUND)
def test_each_rule_finds_its_form(text: str) -> None:
    assert [hit.rule for hit in find(text)] == [FOUND[text]]
    clean, _ = scrub(text)
    assert f"[{FOUND[text].upper()}]" in clean
    assert find(clean) == []


@pytest.mark.parametrize("text", STAYS)
def test_look_alikes_stay(text: str) -> None:
    assert scrub(text) == (text, [])


@settings(max_examples=150, derandomize=True, deadline=None)
@given(st.text(alphabet="ab1204 .-+()@:/", max_size=60))
def test_scrubbing_twice_changes_nothing(text: str) -> None:
    once, _ = scrub(text)
    assert scrub(once)[0] == once


@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=15, max_size=15))
def test_exactly_one_last_digit_passes_luhn(digits: list[int]) -> None:
    texts = ["".join(map(str, [*digits, last])) for last in range(10)]
    assert sum(map(luhn, texts)) == (0 if set(digits) == {0} else 1)


def test_one_changed_digit_breaks_an_iban() -> None:
    assert iban("DE89370400440532013000")
    assert not iban("DE89370400440532013001")


def test_hits_reserved_for_examples_are_told_apart() -> None:
    assert harmless("ann@example.org")
    assert harmless("192.168.1.20")
    assert not harmless("ann@mail.org")
    assert not harmless("8.8.8.80")


def test_rare_names_of_source_personas_are_found_and_common_ones_and_ours_are_not() -> None:
    names = rare_names(["Ada Baker", "Zelda Quimby", "Tom Ray", "Tom Ray", "Tom Ray", "Cher", "Uma De Vries"])
    assert names == {"Zelda Quimby", "Uma De Vries"}
    cleaner = Cleaner(names=names, compared={"survey": "compared"})
    assert cleaner.text("Then Zelda Quimby met Tom Ray and Ada Baker.", "run|s1") == (
        "Then Zelda Quimby met Tom Ray and Ada Baker."
    )
    report = cleaner.report(0)
    assert (report["copied_names"]["num"], report["copied_names"]["hits"]) == (1, ["run|s1"])
    assert "1 rare names of source personas" in report["summary"]
    assert "Quimby" not in str(report)


def test_a_survey_that_is_not_at_hand_is_said_not_to_be_compared(tmp_path: Path) -> None:
    survey = tmp_path / "people.csv"
    survey.write_text("first,last,sex\nZelda,Quimby,female\nOrin,Pratchley,male\n")
    population = {"name": "survey", "source": "microdata", "path": str(survey), "size": 2,
                  "columns": {"name": ["first", "last"], "sex": "sex"}}  # fmt: skip
    run = write_run(tmp_path, [sample(1)])
    settings = yaml.safe_load((run.folder / "config.yaml").read_text()) | {"population": population}
    (run.folder / "config.yaml").write_text(yaml.safe_dump(settings))
    intakes = open_runs([run.folder], ReleaseConfig())
    names, told = source_names(intakes, [])
    assert names == {"Zelda Quimby", "Orin Pratchley"}
    assert told == {"survey": "2 rare names of 2 people compared"}
    survey.unlink()
    names, told = source_names(intakes, [Source(name="population:survey", licence="MIT")])
    assert not names
    assert told["survey"].startswith("NOT compared")


def test_the_report_counts_and_masks() -> None:
    cleaner = Cleaner()
    assert cleaner.text("mail ann@mail.org <|eot|>", "run|s1") == "mail [EMAIL] (eot)"
    report = cleaner.report(0)
    assert (report["before"]["email"], report["num_control_tokens"], report["hits"]) == (1, 1, ["run|s1"])
    assert "ann" not in str(report)
