"""Page: what one checks before sharing a release: card, counts, reports, files, and whether it verifies."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import streamlit as st

from agents.errors import UserError
from dashboards.frames_text import code, label
from dashboards.launching import ask
from dashboards.releases import body_of, counts_frame, examples_of, read_release, releases_below, runs_behind
from dashboards.views.common import choice, folder, table, told, trouble, words


def main() -> None:
    """Show the page."""
    st.title("Releases")
    root = folder().root
    found = releases_below([root, root / "releases", root.parent / "releases"])
    if not found:
        st.info(f"There is no release in {code(str(root / 'releases'))} or beside the runs. Make one with:")
        st.code(f"folkmoot release build {root}/NAME/RUN name=demo version=0.1.0", language=None, wrap_lines=True)
        return
    name = choice("Release", "release", sorted(found))
    try:
        release = read_release(found[name])
    except UserError as error:
        trouble(error)
        return
    told(release.problems)
    _verify(release.path)
    st.subheader("Rows")
    counts = counts_frame(release)
    st.caption(f"{counts['rows'].sum():,} rows in {counts.height} tables." if counts.height else "It holds no rows.")
    table(counts, "rows", alt="Rows by config and split")
    _walk(release.path, root, counts["config"].unique(maintain_order=True).to_list())
    st.subheader("Reports")
    for file, body in release.reports.items():
        summary = body.get("summary", "") if isinstance(body, dict) else ""
        with st.expander(label(file), icon=":material/description:"):
            if summary:
                st.text(str(summary))
            st.json(body, expanded=1)
    st.subheader("Card")
    # Opened whole: a box that scrolls by itself cannot be reached by the keyboard.
    with st.expander("README.md as text, the way it lies in the folder", icon=":material/article:"):
        st.code(body_of(release.card) or "There is no README.md.", language=None, wrap_lines=True)
    if release.card:
        st.download_button(
            "README.md", release.card, file_name="README.md", icon=":material/download:", on_click="ignore"
        )
    with st.expander(f"{len(release.files)} files", icon=":material/folder:"):
        table(pl.DataFrame(release.files, schema={"file": pl.String, "bytes": pl.Int64}, orient="row"), "files")


def _walk(path: Path, root: Path, configs: list[str]) -> None:
    """Walk one row back to its scene, turns, votes, prompts, model, seed and policies."""
    named = {config: examples_of(path, config) for config in configs}
    shown = [config for config, rows in named.items() if rows]
    if not shown:
        return
    st.subheader("Where a row comes from")
    row = st.container(horizontal=True)
    config = choice("Table", "config", shown, place=row)
    rows = dict(named[config])
    picked = choice("Row", "row", list(rows), place=row)
    typed = words("Or an id", "id", place=row, hint="or how it begins")
    name = typed.strip() or picked
    if not typed.strip():
        st.caption(label(f"{picked}: {rows[picked]}", 120))
    runs, absent = runs_behind(path, root)
    line = ["release", "show", str(path), name, *(["--config-name", config] if not typed.strip() else [])]
    line += ["--runs", *map(str, runs)] if runs else []
    st.code("folkmoot " + " ".join(line), language=None, wrap_lines=True)
    if absent:
        st.info(f"Not below {code(str(root))}: {', '.join(map(code, absent))}. Their turns and replies are not shown.")
    key = f"walked-{path}-{config}-{name}"
    asked = st.button("Walk back", icon=":material/route:")
    body = _answer(asked, key, [*line, "--json"], "Reading", "The row could not be walked back.")
    if body is not None:
        _walked(body)


def _answer(asked: bool, key: str, words: list[str], doing: str, failed: str) -> dict[str, Any] | None:
    """Return what a command said when its button was last pressed, kept under `key`; None where there is nothing."""
    if asked:
        with st.spinner(doing):
            try:
                st.session_state[key] = ask(words)
            except UserError as error:
                trouble(error)
                return None
    said = st.session_state.get(key)
    if said is None:
        return None
    body = said.json()
    if isinstance(body, dict):
        return body
    st.error(f"{failed} This is what it said:", icon=":material/error:")
    st.code(said.err.strip() or said.out.strip(), language=None, wrap_lines=True)
    return None


def _walked(body: dict[str, Any]) -> None:
    found = body["lineage"]
    facts = {
        "row": f"{body['config']}/{found['split']} {found['id']}",
        "run": f"{found['run_id']}, {found['stage']}",
        "seed": found["run_seed"],
        "scene": f"{found['scene_id'] or '-'}, tick {found['tick']}",
        "topics": ", ".join(found.get("topics") or ()) or "none named",
        "sample": found["sample_id"] or "-",
        "model": ", ".join(found["models"]) or "none asked",
        "policies": f"{', '.join(found['policies'])} (versions {found['policy_version_min']} to "
        f"{found['policy_version_max']})",
        "people": ", ".join(found["citizen_ids"]) or "none named",
        "filters passed": ", ".join(found["filters_passed"]),
        "journal": body["journal"],
    }
    table(pl.DataFrame({"what": list(facts), "value": [str(one) for one in facts.values()]}), "walk-facts")
    for why in body["missing"]:
        st.warning(label(str(why), 200), icon=":material/warning:")
    parts = {
        "turns": [{"turn": str(one)} for one in body["turns"]],
        "votes": [{**one, "values": str(one["values"])} for one in body["ballots"]],
        "prompts": [dict(zip(("prompt", "digest", "file"), one, strict=True)) for one in body["prompts"]],
        "requests": [{"request": r["key"], "digest": r["digest"], "reply": r["reply"]} for r in body["requests"]],
    }
    for title, rows in parts.items():
        if rows:
            with st.expander(f"{len(rows)} {title}", icon=":material/route:", expanded=title == "turns"):
                table(pl.DataFrame(rows), f"walk-{title}")
    _prompts(body["requests"])
    with st.expander("The row itself", icon=":material/data_object:"):
        st.json(body["row"], expanded=1)


def _prompts(requests: list[dict[str, Any]]) -> None:
    """Show the prompts as they were asked, one at a time, and say of the others why they are not there."""
    there = {str(one["key"]): one for one in requests if one["prompt"]}
    if there:
        with st.expander(f"{len(there)} prompts as they were asked", icon=":material/format_quote:"):
            one = there[choice("Request", "prompt", list(there))]
            st.caption("Rendered again from the run; its digest is the one in the release.")
            lines = [f"[{role}]\n{content}" for role, content in one["prompt"]]
            st.code("\n".join([*lines, f"[reply]\n{one['reply']}"]), language=None, wrap_lines=True)
    absent = Counter(str(one["why_not"]) for one in requests if not one["prompt"])
    for why, num in absent.items():
        st.caption(label(f"{num} prompts are not shown: {why}", 300))


def _verify(path: Path) -> None:
    st.code(f"folkmoot release verify {path}", language=None, wrap_lines=True)
    key = f"verified-{path}"
    asked = st.button("Verify now", icon=":material/verified:")
    words = ["release", "verify", str(path), "--json"]
    body = _answer(asked, key, words, "Checking", "The check could not be made.")
    if body is None:
        return
    good = body.get("passed") is True
    (st.success if good else st.error)(
        "Every check passed." if good else "Not every check passed.", icon=f":material/{'check' if good else 'error'}:"
    )
    rows = [
        {
            "check": str(one.get("name")),
            "state": "passed" if one.get("passed") else "FAILED",
            "found": str(one.get("found")),
        }
        for one in body.get("checks") or ()
    ]
    table(pl.DataFrame(rows, schema=dict.fromkeys(("check", "state", "found"), pl.String)), "checks")


main()
