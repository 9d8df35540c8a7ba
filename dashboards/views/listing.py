"""A list beside the one thing of it that is shown: a filter draws the list alone again, another choice the page."""

from __future__ import annotations

import streamlit as st


def begin(page: str) -> None:
    """Start drawing a page whose list is a fragment: call it before the list."""
    st.session_state.pop(_key(page), None)


def shows(page: str, *what: str) -> None:
    """Say what the page shows below its list, once it is drawn."""
    st.session_state[_key(page)] = what


def wants(page: str, *what: str) -> None:
    """Say, in the list, what is chosen now; where the page below shows something else, the whole page runs again."""
    drawn = st.session_state.get(_key(page))
    if drawn is not None and drawn != what:
        st.rerun()


def _key(page: str) -> str:
    return f"drawn-{page}"
