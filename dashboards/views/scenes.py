"""Page: one scene replayed: who was there, who perceived what, what the modulator decided, and what came of it."""

from __future__ import annotations

import polars as pl
import streamlit as st

from dashboards import charts, frames
from dashboards.frames_parts import PartReader, filtered, scene_index, script_keys, stages_of
from dashboards.frames_text import block, both_sides, code, label
from dashboards.lineage import find_requests
from dashboards.rows import percent, plural
from dashboards.runs_folder import digest_of_files
from dashboards.scenes import Act, Scene, play_stages, scene_of
from dashboards.views import listing
from dashboards.views.common import (
    choice,
    figure,
    heading,
    pages_of,
    picked,
    table,
    this_run,
    told,
    words,
)
from sim.store import Run

SIZE = 10
COLUMNS = {"scene_id": "scene", "kind": "kind", "instruction": "instruction", "num_roles": "roles",
           "num_accepted": "acts", "num_degraded": "failed", "end_reason": "ended by"}  # fmt: skip


# Shared and not copied at each click: a frame of a hundred thousand rows does not change.
@st.cache_resource(max_entries=4, show_spinner="Reading the list of scenes")  # type: ignore[untyped-decorator]
def _index(folder: str, stage: str, digest: str) -> tuple[pl.DataFrame, list[str]]:
    from pathlib import Path

    return scene_index(Run(Path(folder)), stage)


def main() -> None:
    """Show the page."""
    run, name = this_run()
    heading("Scene replay", run, name)
    stages = play_stages(stages_of(run, "events"))
    with_scenes = [stage for stage in stages if any((run.folder / "events" / stage).glob("scenes-*.parquet"))]
    if not with_scenes:
        st.info(
            "This run has written no scenes. They are written in parts of 256 while a run plays, the last at its end: "
            "resume a run that was stopped on the page *Overview*. An assembly has its own page.",
            icon=":material/theaters:",
        )
        return
    listing.begin("scenes")
    stage, wanted, index = _list(run, with_scenes)
    if not index.is_empty() and wanted:
        _chosen(run, stage, wanted, index)
    listing.shows("scenes", stage, wanted)


# A filter runs this alone again: what stands below it costs more than the list, and stays as it is.
@st.fragment  # type: ignore[untyped-decorator]
def _list(run: Run, stages: list[str]) -> tuple[str, str, pl.DataFrame]:
    """Show the filters and the scenes that they leave; return stage, chosen scene ("" for none) and the whole index."""
    row = st.container(horizontal=True)
    asked = words("Find", "find", place=row, hint="words of the instruction, or a scene's id")
    stage = choice("Stage", "stage", stages[::-1], place=row)
    index, problems = _index(str(run.folder), stage, digest_of_files(run) + _parts_digest(run, stage))
    told(problems)
    wanted = st.query_params.get("scene", "")
    if index.is_empty():
        st.warning("No scene of this stage can be read.")
    else:
        kinds = index["kind"].drop_nulls().unique().sort().to_list()
        kind = choice("Kind", "kind", kinds, place=row, anything="any kind")
        found = filtered(index, words=asked, kind=kind)
        st.caption(f"{found.height:,} of {index.height:,} scenes.")
        first = _rows(found)
        wanted = wanted or first
    listing.wants("scenes", stage, wanted)
    return stage, wanted, index


def _rows(found: pl.DataFrame) -> str:
    """Show one page of scenes; return the first one's id, "" without any."""
    if found.is_empty():
        st.info("No scene is like that. Clear a filter to see more.")
        return ""
    st.warning("Scenes are simulated. Instructions and drafts may hold harmful text.", icon=":material/visibility:")
    shown, _ = pages_of(found, "page", size=SIZE)
    ids = shown["scene_id"].to_list()
    table(
        shown.select(COLUMNS.keys()).rename(COLUMNS),
        "scenes",
        on_select=picked("scene", "table-scenes", ids),
        selection_mode="single-row",
        alt="Scenes of this stage; select one to replay it",
    )
    return str(ids[0])


def _chosen(run: Run, stage: str, wanted: str, index: pl.DataFrame) -> None:
    row = index.filter(pl.col("scene_id") == wanted)
    if row.is_empty():
        st.error(f"There is no scene {code(wanted)} in stage {label(stage)}. Select one above.")
        return
    st.query_params["scene"] = wanted
    reader = PartReader(run, part=str(row["part"][0]))
    scene = scene_of(reader, stage, wanted)
    _scene(run, scene)
    told(reader.problems)


def _parts_digest(run: Run, stage: str) -> str:
    stat = (run.folder / "events" / stage).stat()
    return str(stat.st_mtime_ns)


def _scene(run: Run, scene: Scene) -> None:
    st.subheader(label(f"Scene {scene.scene_id}"))
    st.html(block(scene.instruction))
    _people(scene)
    if scene.acts:
        _timeline(scene)
    else:
        st.info("Nothing was played in this scene: the instruction was answered without one.")
    st.subheader("What came of it")
    harm = "" if scene.harmful_p is None else f" Judged harmful with probability {scene.harmful_p:.2f}."
    ended = label(f"{('It ended because: ' + scene.end_reason + '.') if scene.end_reason else ''}{harm}")
    st.caption(ended or "No consequence was written down.")
    if scene.consequence:
        st.html(block(scene.consequence))
    _answers(scene)
    _provenance(run, scene)


def _people(scene: Scene) -> None:
    rows = [
        {
            "name": role.name + (" (asks)" if role.is_ego else ""),
            "traits": role.traits,
            "state": role.status,
            "wants": role.target,
            "policy": role.policy,
        }
        for role in scene.roles
    ]
    if rows:
        title = f"{plural(len(rows), 'role')} and {plural(len(scene.things), 'thing')}"
        with st.expander(title, icon=":material/groups:", expanded=True):
            st.dataframe(pl.DataFrame(rows), hide_index=True, key="table-roles")
            if scene.things:
                st.html(block("Things: " + "; ".join(scene.things)))


def _timeline(scene: Scene) -> None:
    st.subheader("Timeline")
    num = len(scene.acts)
    asked = st.query_params.get("step", "")
    if asked.isdigit() and 1 <= int(asked) <= num:
        st.session_state["step"] = int(asked)
    elif not 1 <= st.session_state.get("step", 0) <= num:
        st.session_state["step"] = num
    if num > 1:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.slider("Act", 1, num, key="step", on_change=_step, args=(0, num))
            st.button("Back", icon=":material/chevron_left:", on_click=_step, args=(-1, num))
            st.button("On", icon=":material/chevron_right:", on_click=_step, args=(1, num))
    step = int(st.session_state["step"])
    left, right = st.columns([3, 2])
    with left:
        for number, act in enumerate(scene.acts[:step], start=1):
            _act(number, act, last=number == step)
    with right:
        reach = frames.perception_frame(scene)
        if not reach.is_empty():
            heard = reach.filter(pl.col("reach") == "perceived").height
            finding = f"Of {reach.height} pairs of act and person that the modulator asked about, {heard} perceived it."
            figure(charts.perception(reach, step), reach, "perception", finding)
    with st.expander("All acts as a table", icon=":material/table:"):
        table(frames.acts_frame(scene), "acts")


def _step(by: int, num: int) -> None:
    st.session_state["step"] = min(num, max(1, int(st.session_state["step"]) + by))
    st.query_params["step"] = str(st.session_state["step"])


def _act(number: int, act: Act, *, last: bool) -> None:
    with st.container(border=last):
        signs = [f"act {number}", act.source, f"at {act.place}" if act.place else ""]
        signs += ["secret"] if act.secret else []
        signs += [] if act.accepted else ["did not take effect"]
        st.markdown(f"**{label(' · '.join(s for s in signs if s), 160)}**")
        st.html(block(act.said))
        feasible = "not scored" if act.feasible_p is None else percent(act.feasible_p)
        tries = f", {act.num_tries} tries" if act.num_tries > 1 else ""
        st.caption(f"Modulator: feasible {feasible}{tries}. " + label(_reach(act), 400))
        if act.critique:
            st.caption("Critique")
            st.html(block(act.critique))


def _reach(act: Act) -> str:
    def named(pairs: tuple[tuple[str, float | None], ...]) -> str:
        return ", ".join(name if p is None else f"{name} ({p:.2f})" for name, p in pairs) or "nobody"

    return f"Perceived by {named(act.perceived)}; missed by {named(act.missed)}."


def _answers(scene: Scene) -> None:
    if not (scene.draft or scene.revision):
        return
    st.subheader("Draft and revision")
    if not scene.revision:
        st.caption("The draft stands as it is: nothing was revised.")
        st.html(block(scene.draft))
        return
    before, after = both_sides(scene.draft, scene.revision)
    left, right = st.columns(2)
    with left, st.container(border=True):
        st.markdown("**Draft**")
        st.html(before)
    with right, st.container(border=True):
        st.markdown("**Revision**")
        st.html(after)


def _provenance(run: Run, scene: Scene) -> None:
    st.subheader("Behind it: what the policy was asked and said")
    st.caption(
        "The journal holds every reply with its digest. Prompts are not stored: a replay renders them again, and the "
        "digest proves that they are equal."
    )
    if not st.toggle("Read the journal", key="journal"):
        return
    keys = script_keys(run, scene.stage, scene.script) if scene.script else []
    if not keys:
        st.info("The journal holds no request of this scene.")
        return
    asked = find_requests(PartReader(run, script=scene.script), keys[:400])
    rows = [
        {
            "request": one.key.removeprefix(scene.script),
            "reply": one.reply,
            "prompt tokens": one.num_prompt_tokens,
            "output tokens": one.num_output_tokens,
            "seconds": round(one.seconds, 2),
            "digest": one.digest[:12],
            "stands in": _act_of(one.reply, scene),
        }
        for one in asked
    ]
    table(pl.DataFrame(rows), "requests", alt="Requests of this scene in the order of the journal")
    st.code(f'folkmoot show {run.folder} --request "{keys[0]}"', language=None, wrap_lines=True)


def _act_of(reply: str, scene: Scene) -> str:
    """Say which part of the scene a reply became."""
    line = " ".join(reply.split())
    if not line:
        return ""
    for name in ("draft", "consequence", "revision", "condensed"):
        if " ".join(str(getattr(scene, name)).split()) == line:
            return name
    for number, act in enumerate(scene.acts, start=1):
        if act.said and (act.said in line or line in " ".join(act.text.split())):
            return f"act {number}"
    return ""


main()
