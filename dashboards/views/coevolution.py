"""Page: people and AI over time: where values went, arms side by side, scores with lag and lock-in, what was asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import streamlit as st

from dashboards import charts_coevolution as charts
from dashboards import frames_coevolution as frames
from dashboards.coevolution import DISTANCE, HISTORY, SPREAD, Trials
from dashboards.coevolution_all import Coevolution, coevolution_of
from dashboards.coevolution_follow import Follow
from dashboards.coevolution_live import Live
from dashboards.coevolution_words import (
    ERAS,
    NUMERIC,
    apart_finding,
    distance_finding,
    effort_finding,
    entropy_finding,
    follow_finding,
    score_finding,
    slope_finding,
    stand_finding,
)
from dashboards.frames_text import label
from dashboards.measures import gates_of, measures_of
from dashboards.rows import arm_name, spaced
from dashboards.runs_folder import digest_of_files
from dashboards.sources import Reader, mapping, text, whole
from dashboards.views.common import choice, figure, heading, pages_of, reproduce, table, this_run, told
from dashboards.views.panels import panels
from sim.store import Run

ALONG = "How far each came from the start of its seed's history, counted in the direction that the history took."
TICK = "Grey tick: the arm without an AI, or the frozen one."
DIMS_SHOWN = 6  # value dimensions on one page of small multiples


@st.cache_data(max_entries=4, show_spinner="Reading the co-evolution")  # type: ignore[untyped-decorator]
def _read(run_folder: str, digest: str) -> tuple[Coevolution | None, list[str]]:
    reader = Reader(Run(Path(run_folder)))
    gates = gates_of(reader)
    seed = whole(reader.config().get("seed"))
    return coevolution_of(reader, measures_of(reader, gates), gates, seed=seed), reader.problems


def main() -> None:
    """Show the page."""
    run, name = this_run()
    heading("Co-evolution", run, name)
    marks = "".join(str(path.stat().st_mtime_ns) for path in sorted(run.folder.glob("events/*")))
    found, problems = _read(str(run.folder), digest_of_files(run) + marks)
    told(problems)
    if found is None:
        society = text(mapping(Reader(run).config().get("society")).get("name"))
        st.info(
            f"This run has no co-evolution that can be shown (its society is {label(society) or 'unknown'}). Play one:"
        )
        for line in ("coevolve_numeric", "coevolve_live", "follow_small"):
            st.code(f"folkmoot run experiment={line}", language=None, wrap_lines=True)
        return
    if found.trials is not None:
        _trials(found.trials)
        reproduce(f"folkmoot leaderboard {run.folder}")
    if found.live is not None:
        _live(found.live)
        reproduce(f"folkmoot show {run.folder}")
    if found.follow is not None:
        _follow(found.follow)
        reproduce(f"folkmoot show {run.folder}")


def _trials(found: Trials) -> None:
    st.info(ERAS if found.voices else NUMERIC, icon=":material/functions:")
    challenge = choice("Challenge", "challenge", list(found.challenges))
    arms = [one.arm for one in found.efforts if one.challenge == challenge]
    lines = frames.lines_frame([one for one in found.lines if one.challenge == challenge])
    if lines.is_empty():
        st.warning("No arm of this challenge left whole trajectories.")
    else:
        _distances(found, lines, challenge, arms)
        _dims(found, lines, arms)
    scores = frames.scores_frame(found, challenge)
    st.subheader("Scores, with lag and lock-in beside them")
    shown = [what for what in frames.SCORES if (scores.drop_nulls(["point"])["what"] == what).any()]
    drawn = [
        charts.points(scores.filter(pl.col("what") == what), title=what, x=frames.SCORES[what], order=arms)
        for what in shown
    ]
    panels(drawn, scores, "scores", f"{score_finding(found, challenge)} {TICK}", columns=4, narrowest=210)
    _notes(found, challenge)
    st.subheader("What was asked, and what it cost")
    asked = frames.asked_frame(found, challenge)
    every = frames.efforts_frame(found)
    figure(charts.asked(asked, arms), every, "asked", effort_finding(found, challenge))


def _notes(found: Trials, challenge: str) -> None:
    flags = [(flag, e.algorithm) for e in found.entries if e.challenge == challenge for flag in e.flags]
    for flag in dict.fromkeys(flag for flag, _ in flags):
        st.caption(label(f"{flag}: {', '.join(arm for one, arm in flags if one == flag)}.", 300))
    details = [
        {"arm": e.algorithm, "what": spaced(name), "value": value}
        for e in found.entries
        if e.challenge == challenge
        for name, value in e.details.items()
    ]
    if details:
        with st.expander("What this challenge measures besides", icon=":material/list:"):
            table(pl.DataFrame(details), "details", alt="Further numbers of this challenge by arm")


def _distances(found: Trials, lines: pl.DataFrame, challenge: str, arms: list[str]) -> None:
    st.subheader("How far people and AI are from the history")
    how = choice("Shown", "shown", [DISTANCE, SPREAD])
    part = lines.filter(pl.col("what") == how)
    if how == DISTANCE:
        _side_by_side(part, arms, "distance", "distance", distance_finding(found, challenge), line=0.0)
        return
    finding = (
        "Spread of people around their mean, arm by arm, beside that of people who only live the history. "
        f"Bands: 95 % over n = {found.num_seeds} seeds."
    )
    _side_by_side(part, arms, "spread", "spread", finding)


def _side_by_side(
    frame: pl.DataFrame, arms: list[str], name: str, y: str, finding: str, *, line: float | None = None
) -> None:
    span = charts.domain(frame)
    drawn = [
        charts.bands(part, by="who", styles=charts.SIDES, title=arm, y=y, span=span, line=line)
        for arm in arms
        if (part := frame.filter(pl.col("arm") == arm)).height
    ]
    panels(drawn, frame, name, finding, columns=5, narrowest=180)


def _dims(found: Trials, lines: pl.DataFrame, arms: list[str]) -> None:
    st.subheader("Value trajectories by dimension")
    asked = {one.arm: one.num_queries for one in found.efforts}
    with_lines = sorted((arm for arm in arms if (lines["arm"] == arm).any()), key=lambda arm: -asked[arm])
    how = choice("Small multiples", "by", ["one arm, all dimensions", "one dimension, all arms"])
    dims = pl.DataFrame({"dim": [dim for dim in found.dims if (lines["what"] == dim).any()]})
    seeds = "Values of one seed, so there is no band."
    if found.num_seeds > 1:
        seeds = f"{ALONG} Bands: 95 % over n = {found.num_seeds} seeds."
    known = "Grey, dashed: the history. Blue: people. Orange, dotted: the AI."
    if how.startswith("one dim"):
        dim = choice("Dimension", "dim", dims["dim"].to_list())
        part = lines.filter(pl.col("what") == dim)
        _side_by_side(part, arms, f"values-{dim}", dim, f"Values on {spaced(dim)}, arm by arm. {known} {seeds}")
        return
    arm = choice("Arm", "arm", with_lines)
    shown, start = pages_of(dims, "dims", size=DIMS_SHOWN)
    names = shown["dim"].to_list()
    part = lines.filter((pl.col("arm") == arm) & pl.col("what").is_in(names))
    span = charts.domain(part)
    drawn = [
        charts.bands(
            part.filter(pl.col("what") == dim), by="who", styles=charts.SIDES, title=spaced(dim), y="value", span=span
        )
        for dim in names
    ]
    which = f"{start + 1} to {start + len(names)} of {dims.height} dimensions, those first that the history moved most"
    panels(drawn, part, f"values-{arm}", f"Arm {arm}: {which}. {known} {seeds}")


def _live(found: Live) -> None:
    st.caption(
        "People are prompts to a language model. What they believe here is not, and may not be shown as, opinion."
    )
    st.subheader("Where people stood")
    claim = choice("Claim", "claim", list(found.claims), anything=frames.ALL_CLAIMS)
    stands = frames.stands_frame(found, claim)
    arms = [arm_name(arm) for arm in found.arms]
    drawn = [charts.stances(stands.filter(pl.col("arm") == arm), title=arm) for arm in arms]
    panels(drawn, stands, "stances", stand_finding(found, claim))
    st.subheader("Diversity of beliefs")
    diversity = frames.diversity_frame(found)
    styles = dict(zip(arms, charts.arm_styles(found.arms).values(), strict=True))
    drawn = [
        charts.bands(part, by="arm", styles=styles, title=name, y="", span=charts.domain(part))
        for key, name in frames.measures_named(diversity)
        if (part := diversity.filter(pl.col("what") == key)).drop_nulls(["value"]).height
    ]
    panels(drawn, diversity, "diversity", entropy_finding(found))
    apart = frames.apart_frame(found)
    if apart.height:
        st.subheader("Difference between the arms")
        drawn = [
            charts.bands(part, by="arm", styles=styles, title=name, y="difference", span=charts.domain(part), line=0.0)
            for key, name in frames.measures_named(apart)
            if (part := apart.filter(pl.col("what") == key)).drop_nulls(["value"]).height
        ]
        panels(drawn, apart, "apart", apart_finding(found))
    slopes = frames.slopes_frame(found)
    if slopes.drop_nulls(["point"]).height:
        st.subheader("Entrenchment")
        figure(
            charts.points(slopes, title="slope of belief change on prior belief", x="slope", order=arms),
            slopes,
            "slopes",
            slope_finding(found),
        )


def _follow(found: Follow) -> None:
    st.subheader("Does the policy follow people whose values move?")
    st.caption(
        f"People are numbers with a known drift (n = {found.num_people:,}, {found.num_voters:,} vote in a round). The "
        "policy is measured on items that they never voted on."
    )
    rounds = frames.rounds_frame(found)
    drawn: list[Any] = []
    for what, name in (("raw", "raw cosine"), ("centred", "centred cosine (about the uniform responder)")):
        part = rounds.filter(pl.col("what") == what)
        if part.height:
            drawn.append(
                charts.follows(part, title=name, span=charts.domain(part, ("value", "lo", "hi", "base", "null")))
            )
    panels(drawn, rounds, "follow", follow_finding(found), columns=2)
    lines = frames.lines_frame(found.lines)
    if lines.is_empty():
        return
    st.subheader("Value vectors of people and policy by dimension")
    dims = pl.DataFrame({"dim": list(found.dims)})
    shown, start = pages_of(dims, "dims", size=DIMS_SHOWN)
    names = shown["dim"].to_list()
    part = lines.filter(pl.col("what").is_in(names))
    styles = {who: style for who, style in charts.SIDES.items() if who != HISTORY}
    drawn = []
    for dim in names:
        own = part.filter(pl.col("what") == dim)
        span = charts.domain(own)
        drawn.append(charts.bands(own, by="who", styles=styles, title=spaced(dim), y="value", span=span))
    finding = (
        f"{start + 1} to {start + len(names)} of {dims.height} dimensions, those first along which people moved most. "
        "Blue: people, exact. Orange: the policy in force after the round, with its 95 % interval over items."
    )
    panels(drawn, part, "vectors", finding)


main()
