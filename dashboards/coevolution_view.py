"""Co-evolution as the report shows it: the same lines, findings and tables as the page. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from dashboards.coevolution import ASSISTANT, DISTANCE, HISTORY, PEOPLE, Line, Trials
from dashboards.coevolution_all import Coevolution
from dashboards.coevolution_drawing import Series, ends, legend, panel
from dashboards.coevolution_follow import Follow
from dashboards.coevolution_live import MEASURES, Live
from dashboards.coevolution_rows import eras_section, follow_section, live_sections, trial_section
from dashboards.coevolution_words import apart_finding
from dashboards.rows import arm_name, spaced
from dashboards.terminal import Section

KINDS = {HISTORY: "history", PEOPLE: "people", ASSISTANT: "ai"}
NUM_DIMS = 4
"""Value dimensions drawn of a challenge; the dashboard shows all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartView:
    """One part: tables, then rows of panels, each row with a title and a hint."""

    title: str
    sections: tuple[Section, ...]
    legend: Markup
    rows: tuple[tuple[str, tuple[Markup, ...], str], ...]


def coevolution_view(found: Coevolution) -> tuple[PartView, ...]:
    """Return the parts of the report's section, one a challenge, and one each for beliefs and for following."""
    parts = [_challenge(found.trials, name) for name in found.trials.challenges] if found.trials else []
    if found.trials is not None and found.trials.voices:
        section = eras_section(found.trials.voices)
        parts.insert(0, PartView(title=section.title, sections=(section,), legend=Markup(""), rows=()))
    if found.live is not None:
        parts.append(_live(found.live))
    if found.follow is not None:
        parts.append(_follow(found.follow))
    return tuple(parts)


def _challenge(found: Trials, challenge: str) -> PartView:
    own = [one for one in found.lines if one.challenge == challenge]
    arms = list(dict.fromkeys(one.arm for one in own))
    seeds = f"Bands: 95 % over {found.num_seeds} seeds." if found.num_seeds > 1 else "One seed: no band."
    way = "How far each came along the way of its seed's history." if found.num_seeds > 1 else "Values."
    about = f"Distance of people and AI from the history, in parts of its whole way. {seeds}"
    rows = [("How far from the history", _arms(own, arms, DISTANCE), about)]
    for dim in found.dims[:NUM_DIMS]:
        rows.append((f"Values: {spaced(dim)}", _arms(own, arms, dim), f"{way} {seeds}"))
    section = trial_section(found, challenge)
    return PartView(
        title=section.title,
        sections=(section,),
        legend=legend(tuple(KINDS.items())),
        rows=tuple(r for r in rows if r[1]),
    )


def _arms(lines: Sequence[Line], arms: Sequence[str], what: str) -> tuple[Markup, ...]:
    """Draw the arms side by side on one value axis."""
    by_arm = {arm: [_series(one) for one in lines if (one.arm, one.what) == (arm, what)] for arm in arms}
    span = ends([series for own in by_arm.values() for series in own])
    return tuple(panel(arm, own, span=span) for arm, own in by_arm.items() if own)


def _series(line: Line) -> Series:
    return Series(line.who, KINDS[line.who], line.marks)


def _live(found: Live) -> PartView:
    kinds = {arm: f"a{place % 5}" for place, arm in enumerate(found.arms)}
    drawn, apart = [], []
    for measure, name in MEASURES.items():
        own = [Series(arm_name(o.arm), kinds[o.arm], o.marks) for o in found.diversity if o.measure == measure]
        other = [Series(arm_name(o.arm), kinds[o.arm], o.marks) for o in found.apart if o.measure == measure]
        drawn += [panel(name, own)] if own else []
        apart += [panel(name, other)] if other else []
    rows = [("Diversity of beliefs", tuple(drawn), "Bands: 95 %, people resampled.")]
    if found.apart:
        against = (
            f"Each arm less {arm_name(found.apart[0].base)}; bands: 95 %, people resampled in pairs, each by itself."
        )
        against += f" {apart_finding(found)}"
        rows.append(("Difference between the arms", tuple(apart), against))
    return PartView(
        title="Beliefs of language-model people",
        sections=tuple(live_sections(found)),
        legend=legend(tuple((arm_name(arm), kind) for arm, kind in kinds.items())),
        rows=tuple(rows),
    )


def _follow(found: Follow) -> PartView:
    drawn = []
    for dim in found.dims[: 2 * NUM_DIMS]:
        own = [_series(one) for one in found.lines if one.what == dim]
        drawn.append(panel(spaced(dim), own))
    about = "Value vectors on items that nobody voted on, by round; the policy's band: 95 % over items."
    return PartView(
        title="Following people whose values move",
        sections=(follow_section(found),),
        legend=legend(((PEOPLE, KINDS[PEOPLE]), ("policy in force", KINDS[ASSISTANT]))),
        rows=(("People and policy by dimension", tuple(drawn), about),) if drawn else (),
    )
