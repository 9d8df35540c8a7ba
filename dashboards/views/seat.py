"""Page: a seat in a run that is going: what is asked of a person, and the answer."""

from __future__ import annotations

import datetime as dt

import streamlit as st

from agents.errors import UserError
from dashboards.frames_text import block, label
from dashboards.runs_folder import state_now
from dashboards.views.common import heading, may_change, this_run, trouble
from sim.desk import MAX_TEXT, Question, answer, pending
from sim.store import Run

LOOK_EVERY_S = 2.0


def main() -> None:
    """Show the page."""
    run, name = this_run()
    state, _ = heading("Human seat", run, name)
    who = st.text_input("Your name", key="who", max_chars=80, help="Written beside your answers")
    waiting = _waiting(run)
    _show(run, waiting, who, going=state.going)
    # Last: a rerun before the form was read would lose an answer that was sent while another question came in.
    st.session_state["desk-seen"] = _seen(waiting, state.going)
    st.fragment(_wait, run_every=LOOK_EVERY_S if state.going else None)(run)


def _show(run: Run, waiting: list[Question], who: str, *, going: bool) -> None:
    if not waiting:
        if going:
            st.info(
                "Nothing is asked of a person now. The page looks again every two seconds.", icon=":material/hourglass:"
            )
        else:
            st.info("The run does not go on, so nothing can be answered. Runs with seats for people are started with:")
            st.code("folkmoot run society=assembly society.human_seats=1", language=None, wrap_lines=True)
        return
    seats = list(dict.fromkeys(one.seat for one in waiting))
    seat = st.selectbox("Seat", seats, key="seat") if len(seats) > 1 else seats[0]
    mine = [one for one in waiting if one.seat == seat]
    st.caption(f"{len(mine)} questions wait at seat {label(seat)}, {len(waiting)} in all.")
    _question(run, mine[0], who)


def _waiting(run: Run) -> list[Question]:
    if (run.folder / "desk").is_symlink():
        return []
    return pending(run.folder / "desk")


def _seen(waiting: list[Question], going: bool) -> tuple[tuple[str, ...], bool]:
    return tuple(one.number for one in waiting), going


def _wait(run: Run) -> None:
    """Draw the page anew when other questions wait than it shows, or the run ended."""
    if st.session_state["desk-seen"] != _seen(_waiting(run), state_now(run)[0].going):
        st.rerun()


def _question(run: Run, question: Question, who: str) -> None:
    if question.until:
        until = dt.datetime.fromtimestamp(question.until, dt.UTC).strftime("%H:%M:%S")
        st.warning(f"Answer before {until} UTC; then the base policy answers for this seat.", icon=":material/timer:")
    for message in question.messages:
        with st.container(border=True):
            st.caption(label(message.role))
            st.html(block(message.content))
    if not may_change():
        st.info("This dashboard only reads. Answer from a terminal:")
        st.code(f"folkmoot sit {run.folder} --seat {question.seat}", language=None, wrap_lines=True)
        return
    with st.form(f"answer-{question.number}", clear_on_submit=True):
        if question.options:
            number = st.radio("Your answer", range(len(question.options)), index=None,
                              format_func=lambda n: label(question.options[n], 200))  # fmt: skip
            given = "" if number is None else question.options[number]
        else:
            given = st.text_area("Your answer", max_chars=MAX_TEXT, height=140)
        sent = st.form_submit_button("Answer", icon=":material/send:", type="primary")
    if sent:
        try:
            answer(run.folder / "desk", question, given, who=who)
        except UserError as error:
            trouble(error)
            return
        st.toast("Your answer was written down.")
        st.rerun()


main()
