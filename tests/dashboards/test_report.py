"""`report.html`: complete, self-contained, honest about its source, and deaf to what agents write into it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest

from dashboards.findings import find_out
from dashboards.report import render_report, write_report
from dashboards.verdict import SCRIPTED
from sim.store import Run
from sim.tables import write_frame
from tests.dashboards.fake_run import HOSTILE, make_run

CHROMIUM = Path("/usr/bin/chromium")
VOID = {"meta", "br", "img", "link", "input", "hr"}


class Tags(HTMLParser):
    """Collect tags and attributes, and check that they nest."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_report_holds_every_part(whole_run: Run) -> None:
    page = render_report(find_out(whole_run))
    headings = re.findall(r"<h2>(.*?)</h2>", page)
    assert headings == [
        "What is missing, broken or replaced",
        "The loop",
        "Before and after",
        "The gate",
        "Scenes",
        "Baselines on the same instructions",
        "Samples, and what became of them",
        "Policies",
        "Costs",
        "Losses and forfeits",
        "How to reproduce",
        "How to read these numbers",
    ]
    for words in ("0.67 to 0.99", "n = 24", "a policy that never refuses 1", "folkmoot run experiment=demo", "<ins>"):
        assert words in page


def test_the_report_is_one_file_without_scripts_or_addresses(whole_run: Run) -> None:
    page = render_report(find_out(whole_run))
    parsed = Tags(page)
    assert not parsed.open
    assert not {"script", "link", "img", "iframe", "object"} & set(parsed.tags)
    assert not {"src", "href", "srcset"} & {name for name, _ in parsed.attributes}
    assert not any(name.startswith("on") for name, _ in parsed.attributes)
    assert "http" not in page.replace("http-equiv", "") and "@import" not in page and "url(" not in page


def test_equal_folders_give_equal_bytes(whole_run: Run) -> None:
    first = write_report(whole_run).read_bytes()
    assert write_report(whole_run).read_bytes() == first


def test_a_page_too_large_to_mail_drops_its_transcripts_first_and_says_so(whole_run: Run) -> None:
    found = find_out(whole_run)
    whole = render_report(found)
    small = render_report(found, most_bytes=len(whole.encode()) - 1)
    assert len(small) < len(whole)
    assert f"Transcripts of {len(found.scenes)} scenes are left out" in small
    assert "left out: with them" not in whole
    assert "Their card" not in small and "<details" in whole and small.count("<ins>") < whole.count("<ins>")
    assert "Losses and forfeits" in small
    assert not Tags(small).open


def test_the_verb_writes_one_file_where_it_is_told_to(
    whole_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from sim.cli import main

    write_report(whole_run)
    assert main(["report", str(whole_run.folder), "--out", str(tmp_path / "mail.html")]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "mail.html")
    assert (tmp_path / "mail.html").read_bytes() == (whole_run.folder / "report.html").read_bytes()
    assert main(["report", str(whole_run.folder), "--out", str(tmp_path / "none" / "mail.html")]) == 2
    assert "its folder is not there" in capsys.readouterr().err


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    page = render_report(find_out(make_run(tmp_path, text=HOSTILE)))
    parsed = Tags(page)
    assert not parsed.open and not {"script", "img"} & set(parsed.tags)
    assert "&lt;script&gt;alert" in page and "{{ 7 * 7 }}" in page and "\x1b" not in page


def test_a_scripted_run_carries_a_banner(tmp_path: Path, whole_run: Run) -> None:
    page = render_report(find_out(make_run(tmp_path, scripted=True)))
    assert 'class="banner"' in page and SCRIPTED.replace("'", "&#39;") in page
    assert 'class="banner"' not in render_report(find_out(whole_run))


def test_items_of_instruments_never_show(fresh_run: Run) -> None:
    secret = "SECRET evaluation item"
    frame = pl.DataFrame({"instrument": ["safety"], "item": ["i1"], "text": [secret]})
    write_frame(fresh_run.folder / "responses" / "r1.measure.parquet", frame)
    (fresh_run.folder / "deadletter" / "r1.measure.jsonl").write_text(json.dumps({"asked": secret}) + "\n")
    assert secret not in render_report(find_out(fresh_run))


@pytest.mark.parametrize("options", [{"loop": False}, {"stop": True}])
def test_unfinished_runs_get_an_honest_report(tmp_path: Path, options: dict[str, bool]) -> None:
    page = render_report(find_out(make_run(tmp_path, **options)))
    assert not Tags(page).open
    assert "Nothing was measured in this run." in page and "No gate was reached." in page


def test_an_empty_run_folder_gets_a_report(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("name: bare\n")
    page = render_report(find_out(Run.open(tmp_path)))
    assert "manifest.json is missing" in page and not Tags(page).open


def test_the_room_loads_no_engine_and_no_trainer() -> None:
    code = (
        "import sys, dashboards.report, dashboards.terminal, dashboards.verbs.show;"
        "rooms = {'torch', 'vllm', 'transformers', 'selfalign', 'societies'}; parts = ('sim.engines', 'sim.session');"
        "print([m for m in sys.modules if m.split('.')[0] in rooms or m.startswith(parts)])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


@pytest.mark.e2e
@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed (apt-get install chromium)")
@pytest.mark.parametrize("width", [1440, 800])
def test_a_browser_shows_the_report_without_complaint(whole_run: Run, tmp_path: Path, width: int) -> None:
    picture = tmp_path / "report.png"
    done = subprocess.run(
        [str(CHROMIUM), "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
         f"--user-data-dir={tmp_path / 'profile'}", "--enable-logging=stderr", f"--window-size={width},3000",
         f"--screenshot={picture}", write_report(whole_run).as_uri()],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert picture.is_file(), done.stderr
    assert ":CONSOLE" not in done.stderr
    header = picture.read_bytes()[:24]
    assert header[1:4] == b"PNG" and int.from_bytes(header[16:20], "big") == width
    assert picture.stat().st_size > 50_000
