"""What the dashboard costs on a large run: `python -m benchmarks.dashboard [--json] [--scenes N] [--folder DIR]`.

Makes a run folder of 1,000,000 events and 100,000 samples in parts of 256 scripts, by rule and without a model, starts
the dashboard over it, opens every page in the distribution's headless Chromium, and prints for each page the seconds
until it is painted (title and end of its script, `first_paint_s`), for each filter the seconds until the rows that are
left stand (`filter_s`), and the peak memory of the dashboard's process (`peak_mb`). The first page is also told cold,
with the imports of the server's first session in it (`cold_s`).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import orjson
import polars as pl
from playwright.sync_api import Page, sync_playwright

from agents.requests import Message
from agents.sample import Candidate, Lineage, Sample, Vote
from sim.store import Run
from sim.tables import sample_row, sample_schema, write_frame, write_json

CHUNK = 256
PAGES = (
    "",
    "overview",
    "scenes",
    "samples",
    "loop",
    "pipeline",
    "launch",
    "compare",
    "releases",
    "assembly",
    "coevolution",
    "society",
    "opinions",
    "personas",
    "interview",
    "seat",
)
PORT = 8677


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the dashboard over a large run folder.")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--scenes", type=int, default=100_000, help="ten events and one sample each")
    parser.add_argument("--folder", type=Path, help="work here and leave the files (default: a temporary folder)")
    options = parser.parse_args()
    root = options.folder or Path(tempfile.mkdtemp(prefix="folkmoot-dash-"))
    try:
        if not list(root.glob("large/*/config.yaml")):
            make_run(root, options.scenes)
        figures = measure(root)
    finally:
        if options.folder is None:
            shutil.rmtree(root, ignore_errors=True)
    if options.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:>14}  {value}")


def make_run(root: Path, num: int) -> Run:
    """Write a run of `num` scenes: one row of scenes, three of roles, five of incidents, one of answers, one sample."""
    config = {"name": "large", "seed": 1, "engine": {"name": "scripted"}, "society": {"name": "scenes"}}
    run = Run.create(root, "large", config, {"created": "2026-01-01T00:00:00Z", "seed": 1, "scripted": True})
    for part, start in enumerate(range(0, num, CHUNK)):
        _part(run, part, range(start, min(num, start + CHUNK)))
    stage = "r1.play"
    tally = {"num_scripts": num, "num_done": num, "num_requests": 20 * num, "num_prompt_tokens": 900 * num}
    tally |= {"num_output_tokens": 90 * num, "seconds": 3600.0, "complete": True, "stage": stage}
    tally["by_purpose"] = {f"scenes/p{n}.v1": [num, 40 * num, 20 * num, 5 * num] for n in range(20)}
    write_json(run.folder / "tallies" / f"{stage}.json", tally)
    run.write_status(state="done", stage=stage, done=num, total=num, tally=tally, why="")
    other = Run.create(root, "small", {**config, "seed": 2}, {"seed": 2, "scripted": True})
    other.write_status(state="done", why="")
    return run


def _part(run: Run, part: int, numbers: range) -> None:
    ids = [f"scene-{n:06d}" for n in numbers]
    said = "Somebody asks for a thing that another would lose by, and the others hear of it in turn. " * 4
    scenes, roles, incidents, answers, samples = [], [], [], [], []
    for n, name in zip(numbers, ids, strict=True):
        script, kind = f"r1.play/{name}", ("harmful", "ordinary")[n % 2]
        head = {"script": script, "scene_id": name}
        scenes.append({**head, "seq": 0, "kind": kind, "instruction": f"Request {n}: {said[:120]}", "draft": said,
                       "consequence": said[:200], "revision": said[40:], "answer": said[40:], "is_harmful": n % 2 == 0,
                       "harmful_p": 0.5, "end_reason": "plan exhausted", "num_roles": 3, "num_accepted": 4,
                       "num_degraded": 0})  # fmt: skip
        for k in range(3):
            roles.append({**head, "seq": k, "role_id": f"r{k}", "name": f"Person {k}", "traits": "calm, kind",
                          "status": "", "target": "", "policy": "base", "is_ego": k == 0})  # fmt: skip
        for k in range(5):
            incidents.append({**head, "seq": k, "incident_id": f"act-{k}", "step": k, "source": f"r{k % 3}",
                              "text": said[:160], "place": "home", "secret": False, "accepted": k != 4, "num_tries": 1,
                              "feasible_p": 0.8, "recipients": ["r1"], "asked": ["r1", "r2"], "asked_p": [0.9, 0.2],
                              "critique": ""})  # fmt: skip
        answers.append({"script": script, "seq": 9, "instruction_id": name, "kind": kind, "method": "matrix",
                        "answer": said[:80], "refuses": n % 3 == 0})  # fmt: skip
        samples.append(_sample(n, name, script, kind, said))
    for table, rows in (("scenes", scenes), ("roles", roles), ("incidents", incidents), ("answers", answers)):
        write_frame(run.folder / "events" / "r1.play" / f"{table}-{part:05d}.parquet", pl.DataFrame(rows))
    frame = pl.DataFrame([sample_row(s) for s in samples], schema=sample_schema(), orient="row")
    write_frame(run.folder / "samples" / "r1.play" / f"part-{part:05d}.parquet", frame)
    lines = [orjson.dumps({"k": f"r1.play/{name}#0", "d": "0", "t": "g", "r": [said[:80], "stop", 20, []],
                           "u": [10, 0, 20, 0.1]}) for name in ids]  # fmt: skip
    journal = run.journal_path("r1.play")
    journal.parent.mkdir(exist_ok=True)
    with journal.open("ab") as file:
        file.writelines(b"00000000 " + line + b"\n" for line in lines)


def _sample(n: int, name: str, script: str, kind: str, said: str) -> Sample:
    return Sample(
        sample_id=f"{name}.row",
        kind=f"revision_{kind}",
        prompt=(Message("user", f"Request {n}: {said[:120]}"),),
        candidates=(
            Candidate(text=said[40:], author="base", role="revised"),
            Candidate(text=said, author="base", role="initial"),
        ),
        votes=(Vote(voter="v0", group="a", dim="harm", kind="pair", value=(0.8, 0.2)),),
        lineage=Lineage(script=script, requests=(f"{script}#0",), prompts=("scenes/draft.v1",), policies=("base",)),
        meta={"scene_id": name},
    )


def measure(root: Path) -> dict[str, Any]:
    """Start the dashboard, open each page and use each filter; return the figures."""
    name = "large/" + next((root / "large").iterdir()).name
    server = _serve(root)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"),
                args=["--no-sandbox", "--disable-background-networking"],
            )
            page = browser.new_page(viewport={"width": 1440, "height": 1000})
            cold = _open(page, f"/?run={name}")
            paints = {path or "runs": _open(page, f"/{path}?run={name}") for path in PAGES}
            again = {path: _open(page, f"/{path}?run={name}") for path in ("scenes", "samples")}
            filters = _filters(page, name)
            browser.close()
        peak = _peak_mb(server.pid)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(20)
    return {
        "num_events": _count(root / name, "events"),
        "num_samples": _count(root / name, "samples"),
        "cold_s": cold,
        "first_paint_s": max(paints.values()),
        "first_paint_by_page_s": paints,
        "second_paint_s": again,
        "filter_s": max(shown for shown, _ in filters.values()),
        "filter_and_page_s": max(whole for _, whole in filters.values()),
        "filter_by_name_s": filters,
        "peak_mb": peak,
        "num_cpus": len(os.sched_getaffinity(0)),
        "load_before": round(os.getloadavg()[0], 1),
    }


def _serve(root: Path) -> subprocess.Popen[bytes]:
    import dashboards

    app = Path(str(dashboards.__file__)).with_name("app.py")
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", PORT)) == 0:
            raise SystemExit(f"Port {PORT} is taken, perhaps by the dashboard of a benchmark that was killed: end it.")
    command = [sys.executable, "-m", "streamlit", "run", str(app), f"--server.port={PORT}", "--server.headless=true"]
    server = subprocess.Popen(command, env={**os.environ, "FOLKMOOT_RUNS": str(root)}, stdout=subprocess.DEVNULL)
    for _ in range(600):
        try:
            with urlopen(f"http://127.0.0.1:{PORT}/_stcore/health") as answer:
                if answer.status == 200:
                    return server
        except OSError:
            time.sleep(0.1)
    server.kill()
    raise RuntimeError("the dashboard did not start within a minute")


def _open(page: Page, path: str) -> float:
    began = time.perf_counter()
    page.goto(f"http://127.0.0.1:{PORT}{path}", wait_until="domcontentloaded")
    page.wait_for_selector("h1", timeout=60_000)
    _settled(page)
    return round(time.perf_counter() - began, 2)


def _settled(page: Page) -> None:
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]", timeout=60_000)


def _filters(page: Page, name: str) -> dict[str, tuple[float, float]]:
    figures: dict[str, tuple[float, float]] = {}
    for path in ("scenes", "samples"):
        _open(page, f"/{path}?run={name}")
        figures[f"{path}, words"] = _timed(page, lambda: _type(page, "Request 77"))
        _open(page, f"/{path}?run={name}")
        figures[f"{path}, kind"] = _timed(page, lambda: _choose(page, "Kind"))
    return figures


def _type(page: Page, words: str) -> None:
    box = page.get_by_label("Find")
    box.fill(words)
    box.press("Enter")


def _choose(page: Page, label: str) -> None:
    page.get_by_role("combobox", name=label).click()
    page.get_by_role("option").nth(1).click()


def _timed(page: Page, act: Any) -> tuple[float, float]:
    """Return the seconds from the act until the rows that are left stand, and until the page below them does too."""
    caption = page.locator("[data-testid=stCaptionContainer]").filter(has_text=" of ").first
    before = caption.inner_text()
    began = time.perf_counter()
    act()
    while caption.inner_text() == before and time.perf_counter() - began < 30:
        time.sleep(0.01)
    shown = time.perf_counter() - began
    _settled(page)
    return round(shown, 2), round(time.perf_counter() - began, 2)


def _peak_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return round(int(line.split()[1]) / 1024, 1)
    return 0.0


def _count(folder: Path, kind: str) -> int:
    return int(sum(pl.scan_parquet(p).select(pl.len()).collect().item() for p in folder.glob(f"{kind}/*/*.parquet")))


if __name__ == "__main__":
    main()
