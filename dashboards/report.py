"""`report.html`: one self-contained file that a person can mail. Findings in, text out; equal findings, equal bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from dashboards.assembly_view import assemblies_view, utility_view
from dashboards.coevolution_view import coevolution_view
from dashboards.diff import Piece, changed_share, readable, side, word_diff
from dashboards.drawing import bar, loop_picture, short, shortened
from dashboards.epochs_rows import epochs_view
from dashboards.findings import Cost, Findings, Stage, find_out
from dashboards.learning import FunnelStep
from dashboards.measured import measure_row
from dashboards.rows import (
    baseline_rows,
    clock,
    count,
    facts,
    loss_rows,
    percent,
    replaced_line,
    reproduce,
    tiles,
)
from dashboards.scenes import Act, Role, Scene
from dashboards.verdict import RULES, gated, loop_boxes, verdict, warning
from sim.store import Run
from sim.tables import write_whole

MAX_TEXT = 2_400
"""Characters shown of a draft or a revision."""
MAX_BYTES = 10_000_000
"""Above this a page cannot be mailed everywhere."""
MAX_CELL = 400
"""Characters shown of a text in a table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleView:
    """A role as the page shows it."""

    name: str
    is_ego: bool
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ActView:
    """An act as the page shows it."""

    source: str
    text: str
    heard: str
    critique: str
    accepted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneView:
    """A scene as the page shows it."""

    kind: str
    title: str
    stage: str
    script: str
    roles: tuple[RoleView, ...]
    things: str
    acts: tuple[ActView, ...]
    end_reason: str
    consequence: str
    before: list[Piece]
    after: list[Piece]
    changed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FunnelView:
    """A filter as the page shows it."""

    name: str
    reasons: str
    num_in: int
    num_out: int
    bar: Markup


def write_report(run: Run, found: Findings | None = None) -> Path:
    """Write `report.html` into the run folder and return its path."""
    path = run.folder / "report.html"
    write_whole(path, render_report(found or find_out(run)).encode())
    return path


def render_report(found: Findings, *, most_bytes: int = MAX_BYTES) -> str:
    """Return the page. Every text of agents and users is escaped.

    A page above `most_bytes` is written again without its transcripts, scenes first, then assemblies in detail, and
    says so.
    """
    page = _rendered(found, "")
    size = len(page.encode())
    if size <= most_bytes:
        return page
    for name, less in _without_transcripts(found):
        why = f"{name} left out: with them this page would have {size / 1e6:.1f} MB, and it is meant to be mailed."
        page = _rendered(less, f"Transcripts of {why} The run folder has them, and so has the dashboard.")
        if len(page.encode()) <= most_bytes:
            break
    return page


def _without_transcripts(found: Findings) -> Iterator[tuple[str, Findings]]:
    less = replace(found, scenes=())
    if found.scenes:
        yield f"{len(found.scenes)} scenes are", less
    if found.assemblies is not None and found.assemblies.shown:
        told = f"{len(found.assemblies.shown)} assemblies"
        told = f"{len(found.scenes)} scenes and {told} are" if found.scenes else f"{told} are"
        yield told, replace(less, assemblies=replace(found.assemblies, shown=()))


def _rendered(found: Findings, left_out: str) -> str:
    boxes, back = loop_boxes(found)
    stations = ", then ".join(f"{box.title}: {'; '.join(box.lines)}" for box in boxes)
    columns, baselines = baseline_rows(found)
    view: dict[str, Any] = {
        "style": Markup(_resource("report.css")),
        "warning": warning(found),
        "facts": facts(found),
        "tiles": tiles(found),
        "loop": loop_picture(boxes, back, f"The loop of this run. {stations}. {back}."),
        "epochs": epochs_view(found.epochs),
        "measures": [measure_row(measure) for measure in found.measures],
        "scenes": [scene_view(scene) for scene in found.scenes],
        "events": [(s.name, table, num) for s in found.stages for table, num in s.events.items()],
        "assemblies": assemblies_view(found.assemblies) if found.assemblies else None,
        "utilities": [utility_view(one) for one in found.utilities],
        "coevolution": coevolution_view(found.coevolution) if found.coevolution else None,
        "baseline_columns": columns,
        "baselines": baselines,
        "baseline_hint": BASELINE_HINT,
        "funnel": [_funnel_view(step, found) for step in found.funnel],
        "losses": loss_rows(found),
        "replaced": replaced_line(found),
        "cached": _cached,
        "gated": gated,
        "repro": reproduce(found),
        "rules": RULES,
        "left_out": left_out,
    }
    return _environment().get_template("report.html.jinja").render(f=found, v=verdict(found), view=view)


BASELINE_HINT = (
    "Share of answers to the training instructions that read as refusals by keyword, with n and a 95 % interval. "
    "This is a description of the data, not a measurement of the policy: held-out items and a judge stand above."
)


def scene_view(scene: Scene) -> SceneView:
    """Return a scene as the page shows it: draft and revision side by side, by words."""
    revised = scene.revision or scene.answer
    pieces = word_diff(_cut(scene.draft), _cut(revised))
    shown = readable(pieces)
    changed = f"{percent(changed_share(pieces))} of the words changed."
    if not revised:
        changed = "No revision was written."
    elif scene.is_harmful is False:
        changed = "The consequence was found harmless, so the draft stands as the answer. " + changed
    return SceneView(
        kind=scene.kind or "scene",
        title=scene.instruction or scene.scene_id,
        stage=scene.stage,
        script=scene.script,
        roles=tuple(_role_view(role) for role in scene.roles),
        things="; ".join(scene.things),
        acts=tuple(_act_view(act) for act in scene.acts),
        end_reason=scene.end_reason,
        consequence=_cut(scene.consequence),
        before=side(shown, "before") or [Piece("same", "None was written.")],
        after=side(shown, "after") or [Piece("same", "None was written.")],
        changed=changed,
    )


def _role_view(role: Role) -> RoleView:
    about = "; ".join(part for part in (role.traits, role.status) if part)
    return RoleView(name=role.name or role.role_id, is_ego=role.is_ego, about=shortened(about, 160))


def _act_view(act: Act) -> ActView:
    def named(pairs: tuple[tuple[str, float | None], ...]) -> str:
        return ", ".join(name if p is None else f"{name} ({p:.2f})" for name, p in pairs)

    heard = f"Perceived by {named(act.perceived)}." if act.perceived else "Perceived by nobody else."
    if act.missed:
        heard += f" Not by {named(act.missed)}."
    if act.secret:
        heard = f"Done in secret. {heard}"
    return ActView(
        source=act.source,
        text=shortened(act.said, 500),
        heard=heard,
        critique=shortened(act.critique, 400),
        accepted=act.accepted,
    )


def _funnel_view(step: FunnelStep, found: Findings) -> FunnelView:
    first = next(s.num_in for s in found.funnel if s.round == step.round) or 1
    share = step.num_out / first
    several = len({s.round for s in found.funnel}) > 1
    return FunnelView(
        name=f"round {step.round}: {step.name}" if several else step.name,
        reasons=step.reasons,
        num_in=step.num_in,
        num_out=step.num_out,
        bar=bar(share, f"{percent(share)} of all samples are left"),
    )


def _cached(cost: Stage | Cost) -> str:
    return percent(cost.num_cached_tokens / cost.num_prompt_tokens) if cost.num_prompt_tokens else "-"


def _cell(text: str) -> str:
    return shortened(text, MAX_CELL)


def _cut(text: str) -> str:
    text = text.strip()
    return text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + f"\n[{len(text) - MAX_TEXT:,} more characters]"


def _resource(name: str) -> str:
    return (resources.files("dashboards") / "templates" / name).read_text(encoding="utf-8")


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_resource),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(count=count, short=short, clock=clock, cut=_cell)
    return environment
