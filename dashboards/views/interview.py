"""Page: talk with somebody of a run, or with one of its policies, apart from the run and in a process of its own."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from agents.errors import UserError
from dashboards.frames_parts import stages_of
from dashboards.frames_text import block, code, label
from dashboards.interviewing import (
    interviews_frame,
    is_over,
    people_of,
    policies_for,
    waiting_questions,
    word_of,
    words_for,
)
from dashboards.launching import last_lines, shown, start
from dashboards.sources import Reader, mapping, text
from dashboards.verdict import SCRIPTED
from dashboards.views.common import choice, folder, heading, may_change, picked, table, this_run, told, trouble
from sim.interview import MAX_TEXT, Interview, interviews, new_name
from sim.store import Run

LOOK_EVERY_S = 1.0
IDLE_MINUTES = 10


def main() -> None:
    """Show the page."""
    run, name = this_run()
    heading("Interview", run, name)
    st.caption(
        "Simulated: a policy answers, by itself or as one of the run's people, who then knows their card and what they "
        "perceived. The talk is kept apart: no number, sample or release of the run contains it. Nobody's opinion."
    )
    asked = st.query_params.get("interview", "")
    if asked:
        try:
            interview = Interview.at(run.folder, asked)
        except UserError as error:
            trouble(error)
            return
        _talk(run, interview)
    else:
        _begin(run)
    _earlier(run, asked)


def _begin(run: Run) -> None:
    reader = Reader(run)
    stages = [stage for stage in stages_of(run, "events") if stage.endswith(".play")]
    given = st.query_params.get("persona", "")
    script = given.rpartition(":")[0]
    people: dict[str, str] = {}
    for stage in [script.partition("/")[0]] if script else stages[:1]:
        people |= people_of(reader, stage, script) if stage in stages else {}
    told(reader.problems)
    row = st.container(horizontal=True)
    who = choice("Whom", "persona", list(people), place=row, anything="the policy by itself", names=people, width=460)
    policy = choice("Answered by", "policy", policies_for(reader), place=row, anything="as in the run")
    if not people:
        st.write("Nobody of this run can be asked by name: no stage with people has ended. A policy can, by itself.")
    elif not script:
        st.caption("People of the first 256 scripts are listed. Others: open their card, and begin from there.")
    else:
        st.button("List others", icon=":material/group:", on_click=lambda: _forget("persona"))
    engine = text(mapping(reader.config().get("engine")).get("name")) or "no engine"
    model = text(mapping(reader.json("manifest.json").get("model")).get("name"))
    if not may_change():
        st.info("This dashboard only reads. Talk in a terminal:")
        st.code(shown(words_for(str(run.folder), "", who=who, policy=policy)), language=None, wrap_lines=True)
        return
    st.write(
        f"It opens the engine {code(engine)}{f' with the model {code(model)}' if model else ''} once more, beside "
        f"whatever runs, and takes as much memory. It ends by itself after {IDLE_MINUTES} minutes without a question."
    )
    if st.button("Begin", icon=":material/forum:", type="primary"):
        identity = new_name()
        words = words_for(str(run.folder), identity, who=who, policy=policy)
        started = start([*words, "--idle", str(IDLE_MINUTES)], folder().root)
        st.session_state[f"talk-{identity}"] = (started.pid, str(started.log))
        st.query_params["interview"] = identity
        st.rerun()


def _forget(*keys: str) -> None:
    for key in keys:
        st.query_params.pop(key, None)
        st.session_state.pop(key, None)


def _talk(run: Run, interview: Interview) -> None:
    word, _ = word_of(interview)
    over = is_over(word)
    about = interview.about
    with st.container(horizontal=True):
        st.button("New interview", icon=":material/add_comment:", on_click=lambda: _forget("interview"))
        if may_change() and not over and about:
            st.button("End", icon=":material/stop:", on_click=interview.end)
    if about:
        _whom(about)
    st.fragment(_lines, run_every=None if over else LOOK_EVERY_S)(interview, over)
    if about and not over and may_change():
        question = st.chat_input("Your question", max_chars=MAX_TEXT)
        if question:
            try:
                interview.ask(question)
            except UserError as error:
                trouble(error)
                return
            st.rerun()
    elif not over and not may_change():
        st.info("This dashboard only reads, so questions are not taken here.")


def _whom(about: dict[str, object]) -> None:
    things = about.get("perceived")
    perceived = [text(one) for one in things] if isinstance(things, list) else []
    who = text(about.get("name")) or "somebody"
    st.subheader(label(who))
    st.caption(
        f"Answered by the policy {code(text(about.get('policy')))} on {code(text(about.get('engine')))}"
        f"{' ' + code(text(about.get('model'))) if about.get('model') else ''}; simulated."
    )
    if about.get("scripted"):
        st.warning(SCRIPTED, icon=":material/smart_toy:")
    if about.get("card"):
        things_told = f"{len(perceived)} thing{'s' * (len(perceived) != 1)} they perceived"
        with st.expander(f"Their card, and {things_told}", icon=":material/person:"):
            st.html(block(text(about.get("card"))))
            if perceived:
                st.markdown("**Perceived, the oldest first**")
                st.html(block("\n".join(perceived)))


def _lines(interview: Interview, over: bool) -> None:
    """Show what was said, and how it stands; draw the page anew when it began or ended."""
    word, why = word_of(interview)
    pid, log = st.session_state.get(f"talk-{interview.folder.name}", (0, ""))
    seen = (bool(interview.about), is_over(word))
    if st.session_state.setdefault("talk-seen", seen) != seen or is_over(word) != over:
        st.session_state["talk-seen"] = seen
        st.rerun()
    name = text(interview.about.get("name")) or "Answer"
    for row in interview.transcript():
        _said("You", text(row.get("question")), "user")
        answer, error = text(row.get("answer")), text(row.get("error"))
        _said(name, answer or f"No answer: {error}", "assistant")
    for question in waiting_questions(interview):
        _said("You", question, "user")
    _standing(interview, word, why, pid, Path(log) if log else None)


def _said(who: str, words: str, role: str) -> None:
    with st.chat_message(role, avatar=":material/person:" if role == "user" else ":material/smart_toy:"):
        st.caption(label(who))
        st.html(block(words))


def _standing(interview: Interview, word: str, why: str, pid: int, log: Path | None) -> None:
    from dashboards.runs_folder import is_alive

    if is_over(word):
        st.info(f"The interview is over: {label(why, 300) or label(word)}.", icon=":material/stop:")
    elif not interview.about and (log is None or is_alive(pid) is False):
        st.error("**This interview did not begin.** What its process said:", icon=":material/error:")
        st.code((last_lines(log) if log else "") or "nothing; begin another", language=None, wrap_lines=True)
    elif word == "listening":
        st.caption("Listening. Ask below.")
    else:
        st.caption("Thinking ..." if word == "answering" else "The engine opens. This takes some seconds ...")
    if log and is_over(word) and not interview.transcript():
        with st.expander("What the process said last", icon=":material/terminal:"):
            st.code(last_lines(log) or "nothing", language=None, wrap_lines=True)


def _earlier(run: Run, asked: str) -> None:
    found = [one for one in interviews(run.folder) if one.folder.name != asked][:200]
    if not found:
        return
    st.subheader("Other interviews of this run")
    table(
        interviews_frame(found),
        "interviews",
        on_select=picked("interview", "table-interviews", [one.folder.name for one in found]),
        selection_mode="single-row",
        alt="Interviews of this run; select one to read it",
    )


main()
