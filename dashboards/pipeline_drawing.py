"""The pipeline of a run as mermaid text, as a table and in words. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from agents.statistics.intervals import wilson
from dashboards.drawing import shortened
from dashboards.pipeline import Box, Pipeline, node_id
from dashboards.rows import clock, count, percent

if TYPE_CHECKING:
    import polars as pl

MANY_FAIL = 0.05
"""Failure share from which a node is marked."""
MOST_PURPOSES, PER_ROW = 12, 4
"""Prompts that are drawn of a stage, and how many side by side."""


def mermaid(found: Pipeline) -> str:
    """Return the graph as mermaid text, names in plain characters."""
    shown = {box.id for box in found.boxes}
    lines = ["flowchart TB", *(f"  {box.id}{_shape(box)}" for box in found.boxes)]
    for arrow in found.arrows:
        if {arrow.source, arrow.target} <= shown:
            word = f"|{_plain(arrow.word)}|" if arrow.word else ""
            lines.append(f"  {arrow.source} -->{word} {arrow.target}")
    return "\n".join([*lines, *_marks(found.boxes)])


def prompt_graph(found: Pipeline, stage: str) -> str:
    """Return a stage with its dearest prompts as mermaid text, in rows; "" for a stage that asked nothing."""
    prompts = found.prompts.get(stage, ())[:MOST_PURPOSES]
    own = next((box for box in found.boxes if box.id == node_id(stage)), None)
    if not prompts or own is None:
        return ""
    lines = ["flowchart TB", f"  {own.id}{_shape(own)}", *(f"  {box.id}{_shape(box)}" for box in prompts)]
    lines += [f"  {own.id} --> {box.id}" for box in prompts[:PER_ROW]]
    lines += [f"  {above.id} ~~~ {below.id}" for above, below in zip(prompts, prompts[PER_ROW:], strict=False)]
    return "\n".join([*lines, *_marks((own, *prompts))])


def _marks(boxes: Sequence[Box]) -> list[str]:
    return [f"  style {box.id} stroke:#D55E00,stroke-width:3px" for box in boxes if _marked(box)]


def _marked(box: Box) -> bool:
    return box.state in ("stopped", "unfinished", "rejected") or (
        box.kind != "gate" and (box.share or 0.0) >= MANY_FAIL
    )


def _shape(box: Box) -> str:
    label = "<br/>".join([_plain(box.title), *map(_plain, label_lines(box))])
    left, right = {"policy": ("([", "])"), "gate": ("{{", "}}"), "training": ("[[", "]]")}.get(box.kind, ("[", "]"))
    return f'{left}"{label}"{right}'


def label_lines(box: Box) -> tuple[str, ...]:
    """Return what a node says under its title: state, time and tokens, failure share with its n."""
    state = () if box.state == "done" else (box.state,)
    if box.kind == "policy":
        return (*state, *((box.note,) if box.note else ()))
    cost = [clock(box.seconds)] if box.seconds is not None else []
    cost += [f"{count(box.tokens)} tokens"] if box.tokens else []
    share = () if box.share is None else (f"{percent(box.share)} of {count(box.num)} {box.of}",)
    return (*state, *((", ".join(cost),) if cost else ()), *share)


def _plain(words: str) -> str:
    return shortened("".join(c for c in words if c.isalnum() or c in " _.,:%/()-"), 60)


def boxes_frame(boxes: Sequence[Box]) -> pl.DataFrame:
    """Return nodes as rows, failure shares with their 95 % interval."""
    import polars as pl

    rows = []
    for box in boxes:
        between = wilson(min(box.failed, box.num), box.num) if box.num else None
        rows.append(
            {
                "node": box.title,
                "kind": box.kind,
                "state": box.state,
                "seconds": None if box.seconds is None else round(box.seconds, 1),
                "requests": box.num_requests,
                "prompt tokens": box.num_prompt_tokens,
                "output tokens": box.num_output_tokens,
                "failure share": box.share,
                "lo": between.lo if between else None,
                "hi": between.hi if between else None,
                "n": box.num,
                "which is": box.of,
                "note": box.note,
            }
        )
    numbers = ("seconds", "failure share", "lo", "hi")
    counts = ("requests", "prompt tokens", "output tokens", "n")
    schema = {**dict.fromkeys(rows[0] if rows else (), pl.String), **dict.fromkeys(numbers, pl.Float64)}
    return pl.DataFrame(rows, schema={**schema, **dict.fromkeys(counts, pl.Int64)} if rows else None, orient="row")


def pipeline_finding(found: Pipeline) -> str:
    """Return in a sentence where time and tokens went, and how many replies were forfeited."""
    timed = [box for box in found.boxes if box.seconds]
    total = sum(box.seconds or 0.0 for box in timed)
    stages = [box for box in found.boxes if box.kind == "stage"]
    kinds = [box.kind for box in found.boxes]
    counts = [f"{kinds.count(kind)} {kind}{'s' * (kinds.count(kind) != 1)}" for kind in ("stage", "training", "gate")]
    said = f"{counts[0]}, {counts[1]} and {counts[2]} took {clock(total)}"
    if timed:
        most = max(timed, key=lambda box: box.seconds or 0.0)
        said += f"; {most.title} took most, {percent((most.seconds or 0.0) / total)} of it"
    read = sum(box.tokens for box in stages)
    if read:
        dear = max(stages, key=lambda box: box.tokens)
        said += f"; {dear.title} asked most, {percent(dear.tokens / read)} of {count(read)} tokens"
    num, failed = sum(box.num for box in stages), sum(box.failed for box in stages)
    if num:
        between = wilson(min(failed, num), num)
        said += f". {percent(failed / num)} of n = {count(num)} replies could not be used ({percent(between.lo)} to "
        said += f"{percent(between.hi)}); most of them were asked again"
    return f"{said}. Time is that of the last attempt at a stage."
