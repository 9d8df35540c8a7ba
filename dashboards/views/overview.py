"""Page: is the run well? Progress, speed, losses and cost, live while it goes on, with the buttons that steer it."""

from __future__ import annotations

import time
from typing import Any

import streamlit as st

from dashboards import charts, frames
from dashboards.frames_parts import stages_of
from dashboards.frames_text import code, label
from dashboards.launching import last_lines, shown, start
from dashboards.rows import clock, count, percent
from dashboards.runs_folder import state_now
from dashboards.sources import Reader, mapping, number, stage_key, text, whole
from dashboards.standing import TRAINS, doing, is_training
from dashboards.views.common import METRIC_WIDTH, figure, folder, heading, may_change, reproduce, table, this_run, told
from dashboards.views.moving import moving
from sim.control import give_order
from sim.store import Run

BEGINS_WITHIN_S = 120.0
# How often a going run is looked at, and how often before its first numbers.
EVERY_S, EVERY_S_AT_FIRST = 1.0, 0.4


def main() -> None:
    """Show the page."""
    run, name = this_run()
    state, status = heading("Overview", run, name)
    if may_change():
        _buttons(run, state.word)
    polls = state.going or time.monotonic() < st.session_state.get(f"begins-{run.folder}", 0.0)
    began = bool(whole(mapping(status.get("tally")).get("num_requests")))
    st.session_state["had-numbers"] = began
    # Read once for the whole page: they are written when a stage ends, and the page runs again when the run does.
    st.session_state["state-seen"] = state.word
    reader = Reader(run)
    tallies = _tallies(reader)
    st.fragment(_live, run_every=(EVERY_S if began else EVERY_S_AT_FIRST) if polls else None)(run, name, tallies)
    _whole(reader, tallies)


def _live(run: Run, name: str, tallies: dict[str, dict[str, Any]]) -> None:
    """Show what changes while the run goes on. tallies: the counts of the stages that had ended when the page ran."""
    state, status = state_now(run)
    if st.session_state["state-seen"] != state.word:
        st.session_state["state-seen"] = state.word
        st.rerun()
    tally = mapping(status.get("tally"))
    done, total = whole(status.get("done")), whole(status.get("total"))
    if total:
        st.progress(min(1.0, done / total), text=f"{doing(state, status)}: {done:,} of {total:,} scripts")
    else:
        st.write(f"{doing(state, status)}.")
    if is_training(state, status) and may_change():
        st.caption(TRAINS)
    _metrics(status, tally if state.going else frames.tally_of_all(tallies, status), state.going)
    points = _points(name, status)
    if len(points) > 1:
        import polars as pl

        frame = pl.DataFrame(points)
        last = frame["tokens per second"][-1]
        finding = f"The last heartbeat gives {count(last)} tokens per second; {len(points)} heartbeats were seen here."
        figure(charts.speed(frame), frame, "speed", finding)
    updated = text(status.get("updated"))
    if updated:
        st.caption(f"Last heartbeat {label(updated.replace('T', ' ').removesuffix('Z'))} (UTC).")

    if whole(tally.get("num_requests")) and not st.session_state["had-numbers"]:
        st.session_state["had-numbers"] = True
        st.rerun()


def _metrics(status: dict[str, Any], tally: dict[str, Any], going: bool) -> None:
    of = "this stage" if going else "all stages"
    seconds = number(tally.get("seconds")) or 0.0
    read, wrote = whole(tally.get("num_prompt_tokens")), whole(tally.get("num_output_tokens"))
    hit = f"{percent(whole(tally.get('num_cached_tokens')) / read)}" if read else "-"
    causes = ", ".join(f"{k} {v}" for k, v in mapping(tally.get("forfeits")).items())
    lost = ", ".join(f"{k} {v}" for k, v in mapping(tally.get("lost")).items())
    cells = [
        ("Tokens per second", count((read + wrote) / seconds) if seconds else "-", f"Read and written, {of}"),
        ("Requests", count(whole(tally.get("num_requests"))), f"Answered, journal included, {of}"),
        ("Forfeits", count(whole(tally.get("num_forfeits"))), f"Unusable answers by cause, {of}: {causes or 'none'}"),
        ("Scripts lost", count(whole(tally.get("num_lost"))), f"By cause, {of}: {lost or 'none'}"),
        ("From cache", hit, f"Share of prompt tokens that the prefix cache served, {of}"),
        ("Time left" if going else "Time", clock(number(status.get("eta_s")) if going else seconds), of),
    ]
    row = st.container(horizontal=True)
    for title, value, meaning in cells:
        row.metric(title, value, help=label(meaning, 300), width=METRIC_WIDTH)


def _points(name: str, status: dict[str, Any]) -> list[dict[str, Any]]:
    """Keep the heartbeats that this window saw, by run."""
    kept: list[dict[str, Any]] = st.session_state.setdefault(f"points-{name}", [])
    point = frames.speed_point(status, kept[-1] if kept else None)
    if point is not None:
        if kept and kept[-1]["stage"] != point["stage"]:
            kept.clear()
        kept.append(point)
        del kept[:-600]
    return kept


def _buttons(run: Run, word: str) -> None:
    with st.container(horizontal=True):
        going = word in ("running", "pausing", "paused")
        if st.button("Pause", icon=":material/pause:", disabled=word != "running"):
            give_order(run.folder, "pause", who="the dashboard")
            st.session_state["ordered"] = "pause"
        if st.button("Go on", icon=":material/play_arrow:", disabled=word not in ("paused", "pausing")):
            give_order(run.folder, "go", who="the dashboard")
            st.session_state["ordered"] = "go on"
        if st.button("Stop", icon=":material/stop:", disabled=not going):
            give_order(run.folder, "stop", who="the dashboard")
            st.session_state["ordered"] = "stop"
        if st.button("Resume", icon=":material/restart_alt:", disabled=word not in ("stopped", "failed", "broken off")):
            started = start(["resume", str(run.folder)], folder().root)
            st.session_state[f"log-{run.folder}"] = str(started.log)
            # A process needs seconds to open a run, more on a busy machine: look on until its first heartbeat.
            st.session_state[f"begins-{run.folder}"] = time.monotonic() + BEGINS_WITHIN_S
            st.toast(f"Started: {code(started.command)}")
            _wait_for_change(run, word)
            st.rerun()
    if st.session_state.pop("ordered", ""):
        _wait_for_change(run, word)
        st.rerun()
    log = st.session_state.get(f"log-{run.folder}")
    if log and word in ("failed", "stopped", "broken off"):
        from pathlib import Path

        with st.expander("What the process said last", icon=":material/terminal:"):
            st.code(last_lines(Path(log)) or "nothing", language=None, wrap_lines=True)


def _wait_for_change(run: Run, word: str, most_s: float = 4.0) -> None:
    """Wait until the run's heartbeat confirms that something changed; the order stands even if it takes longer."""
    end = time.monotonic() + most_s
    while time.monotonic() < end and state_now(run)[0].word == word:
        time.sleep(0.1)
    state, status = state_now(run)
    if state.word == word:
        waits = is_training(state, status)
        st.toast(f"The order stands. {TRAINS if waits else 'The run takes it up with its next heartbeat.'}")


def _tallies(reader: Reader) -> dict[str, dict[str, Any]]:
    """Return stage -> the counts that it wrote at its end, in order of the stages; nothing for one still going on."""
    folder = reader.run.folder
    names = {p.stem for p in (folder / "tallies").glob("*.json")} | set(stages_of(reader.run, "events"))
    return {stage: reader.json(f"tallies/{stage}.json") for stage in sorted(names, key=stage_key)}


def _whole(reader: Reader, tallies: dict[str, dict[str, Any]]) -> None:
    """Show the counts of all stages that ended."""
    config, manifest = reader.config(), reader.json("manifest.json")
    told(reader.problems)
    for note in manifest.get("degraded") or ():
        st.warning(f"Degraded: {label(text(note), 300)}", icon=":material/warning:")
    st.subheader("Stages")
    if tallies:
        table(frames.stages_frame(tallies), "stages", alt="Counts of each stage")
    else:
        st.info("No stage has ended yet: its counts are written at its end.")
    moving(reader)
    costs = frames.purposes_frame(list(tallies.values()))
    if not costs.is_empty():
        st.subheader("Cost by purpose")
        dear, tokens = costs["purpose"][0], int(costs["prompt tokens"].sum()) + int(costs["output tokens"].sum())
        finding = f"{tokens:,} tokens in all; most of them for {dear}."
        if costs.height > charts.MOST_PURPOSES:
            finding += f" The {charts.MOST_PURPOSES} dearest of {costs.height} are drawn."
        figure(charts.purposes(costs), costs, "cost", finding)
    causes = frames.causes_frame(tallies)
    st.subheader("Lost and forfeited")
    if causes.is_empty():
        st.write("Nothing was lost or forfeited in the stages that ended.")
    else:
        table(causes, "lost", alt="What was lost or forfeited, by stage and cause")
    _facts(reader.run, config, manifest)


def _page_of(run: Run) -> bytes:
    from dashboards.findings import find_out
    from dashboards.report import render_report

    return render_report(find_out(run)).encode()


def _facts(run: Run, config: dict[str, Any], manifest: dict[str, Any]) -> None:
    import yaml

    st.subheader("How it was made")
    words = manifest.get("command")
    if isinstance(words, list) and words:
        reproduce(shown([str(word) for word in words]))
    st.download_button(
        "Report as one file",
        lambda: _page_of(run),
        file_name=f"{run.folder.parent.name}-{run.folder.name}.html",
        mime="text/html",
        key="get-report",
        icon=":material/mail:",
        on_click="ignore",
        help="One HTML file that opens from disk, with no network: findings, losses, and a few transcripts",
    )
    with st.expander("Config", icon=":material/tune:"):
        st.code(
            yaml.safe_dump(config, sort_keys=True) if config else "config.yaml cannot be read",
            language=None,
            wrap_lines=True,
        )
    with st.expander("Manifest: versions, digests, machine", icon=":material/fingerprint:"):
        st.json(manifest, expanded=1)


main()
