"""The report in a terminal: the same findings as tables, by rich on a terminal and as plain aligned text elsewhere.

Texts by agents are stripped of control characters, so that no reply can move the cursor or colour the screen.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from dashboards.drawing import short, shortened
from dashboards.findings import Findings
from dashboards.lineage import Walk
from dashboards.measured import MeasureRow, measure_row
from dashboards.rows import baseline_rows, clock, count, facts, loss_rows, percent, replaced_line, reproduce, tiles
from dashboards.sources import clean
from dashboards.verdict import gated, verdict, warning

WIDTH = 116


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A titled table with lines of text before and notes after it. right: columns that hold numbers."""

    title: str
    lines: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    right: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()


def sections(found: Findings) -> list[Section]:
    """Return the whole account, section by section; empty ones are left out."""
    said = verdict(found)
    top = [above] if (above := warning(found)) else []
    top += [said.headline, *said.details, ", ".join(f"{label} {value}" for label, value in facts(found))]
    top.append(", ".join(f"{tile.value} {tile.label}" for tile in tiles(found)))
    columns, baselines = baseline_rows(found)
    out = [
        Section(title=found.name, lines=tuple(top)),
        Section(title="Missing, broken or replaced", lines=(*found.problems, *found.degraded)),
        *_society(found),
        measured(found),
        *_rounds(found),
        *(_gate(found, number) for number in range(len(found.gates))),
        Section(title="Baselines: refusals by keyword", columns=tuple(columns), rows=tuple(map(tuple, baselines))),
        Section(
            title="Samples",
            columns=("stage", "kind", "samples"),
            rows=tuple((c.stage, c.kind, count(c.num)) for c in found.samples),
            right=(2,),
        ),
        Section(
            title="Filters",
            columns=("filter", "in", "out", "why"),
            rows=tuple((s.name, count(s.num_in), count(s.num_out), s.reasons) for s in found.funnel),
            right=(1, 2),
        ),
        _policies(found),
        _stages(found),
        Section(
            title="Losses and forfeits",
            columns=("stage", "cause", "scripts lost", "replies forfeited"),
            rows=tuple((r.stage, r.cause, count(r.lost), count(r.forfeits)) for r in loss_rows(found)),
            right=(2, 3),
            lines=(replaced_line(found),) if found.replaced else (),
        ),
        Section(title="Reproduce", rows=tuple(reproduce(found)), columns=("what", "value")),
    ]
    return [section for section in out if section.lines or section.rows]


def _society(found: Findings) -> list[Section]:
    """Return what assemblies and votes found; these tables are made of sections, so they are asked for late."""
    from dashboards.assembly_rows import assembly_sections
    from dashboards.assembly_utility_rows import utility_sections
    from dashboards.coevolution_rows import coevolution_sections

    own = assembly_sections(found.assemblies) if found.assemblies else []
    together = coevolution_sections(found.coevolution) if found.coevolution else []
    return [*own, *utility_sections(found.utilities), *together]


def _rounds(found: Findings) -> list[Section]:
    from dashboards.epochs_rows import epochs_section

    return [epochs_section(found.epochs)]


def measured(found: Findings) -> Section:
    """Return the before-and-after table."""
    rows = [measure_row(measure) for measure in found.measures]
    columns = ("measure", "before", "after", "difference", "95 % interval", "n", "baseline", "reading")
    return Section(
        title="Before and after",
        columns=columns,
        rows=tuple(_measured(row) for row in rows),
        right=(1, 2, 3),
        notes=tuple(_flags(rows)),
    )


def _flags(rows: Sequence[MeasureRow]) -> list[str]:
    """Return each flag once, with the measures that carry it."""
    flagged: dict[str, list[str]] = {}
    for row in rows:
        for flag in row.flags:
            flagged.setdefault(flag, []).append(row.scale)
    return [
        f"{flag}: {'all measures' if len(scales) == len(rows) else ', '.join(scales)}."
        for flag, scales in flagged.items()
    ]


def _measured(row: MeasureRow) -> tuple[str, ...]:
    pairs = row.pairs.partition(" ")[0] or row.after.n.removeprefix("n = ").partition(",")[0]
    return (
        f"{row.instrument} / {row.scale}",
        row.before.value,
        row.after.value,
        row.diff,
        row.diff_between or row.after.between or row.before.between,
        pairs or row.before.n.removeprefix("n = ").partition(",")[0],
        row.null.removeprefix("baseline: "),
        row.reading,
    )


def _gate(found: Findings, number: int) -> Section:
    gate = found.gates[number]
    rows = [(r.state, r.name + (" (target)" if r.target else ""), r.text) for r in gate.reasons]
    rows += [(r.state, f"{r.name}, against base", r.text) for r in gate.against_base]
    columns = ("state", "criterion", "why")
    lines = (gated(gate), *((f"The loop stopped here: {gate.stop}.",) if gate.stop else ()))
    return Section(title=f"Gate of round {gate.round}", lines=lines, columns=columns, rows=tuple(rows))


def _policies(found: Findings) -> Section:
    return Section(
        title="Policies",
        columns=("policy", "from", "recipe", "rows", "loss", "time", "data"),
        rows=tuple(
            (p.name, p.parent, p.recipe, count(p.num_rows), short(p.loss), clock(p.seconds), p.data_digest[:12])
            for p in found.policies
        ),
        right=(3, 4, 5),
    )


def _stages(found: Findings) -> Section:
    rows = []
    for s in found.stages:
        hit = percent(s.num_cached_tokens / s.num_prompt_tokens) if s.num_prompt_tokens else "-"
        numbers = (s.num_done, s.num_lost, s.num_requests, s.num_from_journal, s.num_prompt_tokens)
        rows.append((s.name, s.state, *map(count, numbers), hit, count(s.num_output_tokens), clock(s.seconds)))
    columns = ("stage", "state", "done", "lost", "requests", "journal", "prompt", "cached", "output", "time")
    return Section(title="Costs", columns=columns, rows=tuple(rows), right=tuple(range(2, 10)))


def end_text(found: Findings, report: Path) -> str:
    """Return what a run ends with: the verdict, the table, and where the report is."""
    said = verdict(found)
    top = [above] if (above := warning(found)) else []
    table = measured(found)
    parts = [*top, said.headline, *said.details[: 1 if table.rows else 4]]
    if table.rows:
        parts.append(plain([table]).rstrip())
    return "\n".join([*(clean(part) for part in parts), "", f"report {report}"])


def walk_sections(walk: Walk) -> list[Section]:
    """Return a sample's way back, step by step."""
    sample, scene = walk.sample, walk.scene
    told: list[tuple[str, str]] = [("sample", f"{sample.sample_id} ({sample.kind}) in {walk.stage}")]
    told += [(f"candidate {c.role}".strip(), f"{c.author}: {shortened(c.text, 300)}") for c in sample.candidates]
    told += walk.origin
    if scene:
        told.append(("scene", f"{scene.scene_id} ({scene.kind}): {scene.instruction}"))
        told += [("incident", line) for line in walk.incidents]
        told.append(("consequence", scene.consequence or "none was written"))
    told += [("vote", f"{v.voter} on {v.dim}: {', '.join(map(short, v.value))}") for v in sample.votes]
    model = ", ".join(f"{key} {value}" for key, value in sorted(walk.model.items()))
    return [
        Section(title="What it is", columns=("what", "text"), rows=tuple(told)),
        Section(
            title="Requests behind it",
            columns=("request", "tokens", "reply"),
            rows=tuple(
                (a.key, count(a.num_output_tokens), shortened(a.reply, 120) if a.found else "not in the journal")
                for a in walk.requests
            ),
            right=(1,),
        ),
        Section(title="Prompts", columns=("prompt", "digest"), rows=tuple(walk.prompts.items())),
        Section(
            title="Who spoke", columns=("policy", "origin"), rows=(*walk.policies.items(), ("base model", model or "-"))
        ),
    ]


def plain(parts: Sequence[Section]) -> str:
    """Return sections as plain aligned text; the last column is wrapped."""
    blocks = []
    for part in parts:
        lines = [clean(part.title), "-" * len(clean(part.title))]
        lines += [piece for line in part.lines for piece in textwrap.wrap(clean(line), WIDTH) or [""]]
        notes = [piece for note in part.notes for piece in textwrap.wrap(clean(note), WIDTH)]
        blocks.append("\n".join([*lines, *_aligned(part), *notes]))
    return "\n\n".join(blocks) + "\n"


def _aligned(part: Section) -> list[str]:
    if not part.rows:
        return []
    cells = [tuple(" ".join(clean(cell).split()) for cell in row) for row in (part.columns, *part.rows)]
    widths = [max(len(row[n]) for row in cells) for n in range(len(part.columns))]
    room = max(24, WIDTH - sum(width + 2 for width in widths[:-1]))
    out = []
    for row in cells:
        left = [c.rjust(w) if n in part.right else c.ljust(w) for n, (c, w) in enumerate(zip(row, widths, strict=True))]
        last = textwrap.wrap(row[-1], room, break_long_words=False, break_on_hyphens=False) or [""]
        start = "".join(cell + "  " for cell in left[:-1])
        first = last[0].rjust(min(widths[-1], room)) if len(row) - 1 in part.right else last[0]
        out.append((start + first).rstrip())
        out += [" " * len(start) + more for more in last[1:]]
    return out


def show(parts: Sequence[Section], stream: IO[str]) -> None:
    """Write sections: tables by rich on a terminal, plain text elsewhere."""
    if not stream.isatty():
        stream.write(plain(parts))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(file=stream, highlight=False)
    for part in parts:
        console.print(Text(clean(part.title), style="bold"))
        for line in part.lines:
            console.print(Text(clean(line)))
        if part.rows:
            table = Table(header_style="dim", box=None, pad_edge=False)
            for number, column in enumerate(part.columns):
                table.add_column(column, justify="right" if number in part.right else "left")
            for row in part.rows:
                table.add_row(*(Text(clean(cell)) for cell in row))
            console.print(table)
        for note in part.notes:
            console.print(Text(clean(note), style="dim"))
        console.print()
