"""Page: what one checks before sharing a release: card, counts, reports, files, and whether it verifies."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import streamlit as st

from agents.errors import UserError
from dashboards.frames_text import code, label
from dashboards.launching import ask
from dashboards.releases import body_of, counts_frame, read_release, releases_below
from dashboards.views.common import choice, folder, table, told, trouble


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
    st.subheader("Reports")
    for file, body in release.reports.items():
        summary = body.get("summary", "") if isinstance(body, dict) else ""
        with st.expander(label(file), icon=":material/description:"):
            if summary:
                st.text(str(summary))
            st.json(body, expanded=1)
    st.subheader("Card")
    st.caption("As text, the way it lies in the folder.")
    st.code(body_of(release.card) or "There is no README.md.", language=None, wrap_lines=True, height=420)
    if release.card:
        st.download_button(
            "README.md", release.card, file_name="README.md", icon=":material/download:", on_click="ignore"
        )
    with st.expander(f"{len(release.files)} files", icon=":material/folder:"):
        table(pl.DataFrame(release.files, schema={"file": pl.String, "bytes": pl.Int64}, orient="row"), "files")


def _verify(path: Path) -> None:
    st.code(f"folkmoot release verify {path}", language=None, wrap_lines=True)
    key = f"verified-{path}"
    if st.button("Verify now", icon=":material/verified:"):
        with st.spinner("Checking"):
            try:
                st.session_state[key] = ask(["release", "verify", str(path), "--json"])
            except UserError as error:
                trouble(error)
                return
    said = st.session_state.get(key)
    if said is None:
        return
    body = said.json()
    if not isinstance(body, dict):
        st.error("The check could not be made. This is what it said:", icon=":material/error:")
        st.code(said.err.strip() or said.out.strip(), language=None, wrap_lines=True)
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
