"""The dashboard's frame: its pages, the run that they are about, and nothing else. Started by `folkmoot dash`."""

from __future__ import annotations

import importlib
from pathlib import Path

import streamlit as st

from dashboards.views.common import choose_run

PAGES = {
    "Runs": [
        ("runs", "Runs", "list", ""),
        ("launch", "Compose and launch", "rocket_launch", "launch"),
        ("compare", "Compare", "compare_arrows", "compare"),
        ("releases", "Releases", "inventory_2", "releases"),
    ],
    "This run": [
        ("overview", "Overview", "monitoring", "overview"),
        ("scenes", "Scene replay", "theaters", "scenes"),
        ("samples", "Samples", "fact_check", "samples"),
        ("loop", "Alignment loop", "sync", "loop"),
        ("pipeline", "Pipeline", "schema", "pipeline"),
        ("assembly", "Assembly", "groups", "assembly"),
        ("coevolution", "Co-evolution", "diversity_3", "coevolution"),
        ("society", "Society map", "hub", "society"),
        ("opinions", "Opinion map", "scatter_plot", "opinions"),
        ("personas", "Persona card", "person", "personas"),
        ("interview", "Interview", "forum", "interview"),
        ("seat", "Human seat", "record_voice_over", "seat"),
    ],
}
WITHOUT_RUN = ("", "launch", "releases", "compare")


def main() -> None:
    """Show the page that the address names."""
    st.set_page_config(page_title="Folkmoot", page_icon=str(Path(__file__).with_name("icon.svg")), layout="wide")
    page = st.navigation(
        {
            section: [
                st.Page(f"views/{file}.py", title=title, icon=f":material/{icon}:", url_path=path, default=not path)
                for file, title, icon, path in pages
            ]
            for section, pages in PAGES.items()
        },
        expanded=True,
    )
    choose_run(needed=page.url_path not in WITHOUT_RUN)
    page.run()
    warm()


@st.cache_resource(show_spinner=False)  # type: ignore[untyped-decorator]
def warm() -> None:
    """Load the drawing library once, after the first page stands, so that the first chart does not wait for it."""
    import threading

    threading.Thread(target=importlib.import_module, args=("altair",), daemon=True).start()


main()
