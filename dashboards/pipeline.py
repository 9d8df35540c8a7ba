"""The run as a graph: what was played, learned, measured and judged, with time, tokens and failures on every node.

Everything is read from counts that the run wrote. A node's failure share is of what it counts: replies forfeited of
a stage, samples left out of a training, criteria not met of a gate; the table says of which n.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agents.statistics.intervals import wilson
from dashboards.drawing import shortened
from dashboards.learning import FunnelStep, Policy
from dashboards.measures import Gate
from dashboards.rows import clock, count, percent
from dashboards.sources import Reader, mapping, number, stage_key, text, whole

if TYPE_CHECKING:
    import polars as pl

MANY_FAIL = 0.05
"""Failure share from which a node is marked."""
MOST_PURPOSES, PER_ROW = 12, 4
"""Prompts that are drawn of a stage, and how many side by side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A node. kind: policy, stage, training, gate or prompt. state: done, stopped, unfinished, or a gate's decision.

    seconds: None where no clock ran, as for one prompt of many. failed of num: what the failure share counts, in `of`.
    """

    id: str
    title: str
    kind: str
    state: str = "done"
    seconds: float | None = None
    num_requests: int = 0
    num_prompt_tokens: int = 0
    num_output_tokens: int = 0
    failed: int = 0
    num: int = 0
    of: str = ""
    note: str = ""

    @property
    def share(self) -> float | None:
        """The failure share; None where nothing was counted."""
        return self.failed / self.num if self.num else None

    @property
    def tokens(self) -> int:
        """Tokens read and written."""
        return self.num_prompt_tokens + self.num_output_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrow:
    """From one node to another, with a word."""

    source: str
    target: str
    word: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """The run as a graph. prompts: stage -> its prompts, the dearest first."""

    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    prompts: Mapping[str, tuple[Box, ...]]


def pipeline_of(
    reader: Reader, policies: Sequence[Policy], funnel: Sequence[FunnelStep], gates: Sequence[Gate]
) -> Pipeline | None:
    """Return the graph of a run; None where no stage left anything."""
    run = reader.run
    names = {path.stem for path in run.folder.glob("tallies/*.json")} | {
        p.stem for p in run.folder.glob("journal/*.jsonl")
    }
    stages = sorted(names, key=stage_key)
    if not stages:
        return None
    tallies = {name: reader.json(f"tallies/{name}.json") for name in stages}
    boxes = [_stage(name, tallies[name]) for name in stages]
    known = {policy.name: policy for policy in policies}
    boxes += [_training(policy, funnel) for policy in policies if policy.parent]
    boxes += [_gate(gate) for gate in gates]
    measured = [name for name in stages if name.endswith(".measure")]
    arrows: list[Arrow] = []
    force = "base"
    speakers = ["base"]
    for name in stages:
        round_, verb = stage_key(name)[0], name.partition(".")[2]
        candidate = f"p{round_}"
        if verb == "measure":
            speaker = candidate if round_ and candidate in known else force
            arrows.append(Arrow(source=_id(speaker), target=_id(name), word="is asked"))
        else:
            arrows.append(Arrow(source=_id(force), target=_id(name), word="plays"))
            speaker = force
        speakers.append(speaker)
        if verb == "play" and candidate in known:
            arrows.append(Arrow(source=_id(name), target=_id(f"train {candidate}"), word=_samples(reader, name)))
            arrows.append(Arrow(source=_id(f"train {candidate}"), target=_id(candidate)))
            speakers.append(candidate)
        gate = next((one for one in gates if one.round == round_ and verb == "measure" and round_), None)
        if gate is not None:
            before = [one for one in measured if stage_key(one)[0] < round_]
            for one in (*before[-1:], name):
                arrows.append(Arrow(source=_id(one), target=_id(f"gate {gate.round}")))
            kept = gate.policy if gate.decision == "promoted" else gate.parent or force
            arrows.append(Arrow(source=_id(f"gate {gate.round}"), target=_id(kept), word=_verdict(gate, kept)))
            speakers.append(kept)
            force = kept
    minds = [_policy(name, known.get(name), force) for name in dict.fromkeys(speakers)]
    return Pipeline(
        boxes=(*minds, *boxes),
        arrows=tuple(dict.fromkeys(arrows)),
        prompts={name: _prompts(reader, name, tally) for name, tally in tallies.items()},
    )


def _id(name: str) -> str:
    return "n_" + "".join(c if c.isascii() and c.isalnum() else "_" for c in name)


def _verdict(gate: Gate, kept: str) -> str:
    return "promoted" if gate.decision == "promoted" else f"{gate.decision}, {kept} stays" if kept else gate.decision


def _stage(name: str, tally: Mapping[str, Any]) -> Box:
    state = "done" if tally.get("complete") else "stopped" if tally.get("stopped") else "unfinished"
    lost = whole(tally.get("num_lost"))
    return Box(
        id=_id(name),
        title=name,
        kind="stage",
        state=state,
        seconds=number(tally.get("seconds")),
        num_requests=whole(tally.get("num_requests")),
        num_prompt_tokens=whole(tally.get("num_prompt_tokens")),
        num_output_tokens=whole(tally.get("num_output_tokens")),
        failed=whole(tally.get("num_forfeits")) + whole(tally.get("num_failed")),
        num=whole(tally.get("num_requests")),
        of="replies forfeited",
        note=f"{count(lost)} of {count(whole(tally.get('num_done')) + lost)} scripts lost",
    )


def _training(policy: Policy, funnel: Sequence[FunnelStep]) -> Box:
    own = [step for step in funnel if f"p{step.round}" == policy.name]
    first, last = (own[0].num_in, own[-1].num_out) if own else (policy.num_rows, policy.num_rows)
    return Box(
        id=_id(f"train {policy.name}"),
        title=f"train {policy.name}, {policy.recipe or 'no recipe'}",
        kind="training",
        seconds=policy.seconds,
        num_prompt_tokens=policy.tokens,
        failed=first - last,
        num=first,
        of="samples left out",
        note=f"{count(policy.num_rows)} rows, {count(policy.num_steps)} steps",
    )


def _gate(gate: Gate) -> Box:
    failed = sum(one.state in ("failed", "not run") for one in gate.reasons)
    return Box(
        id=_id(f"gate {gate.round}"),
        title=f"gate of round {gate.round}",
        kind="gate",
        state=gate.decision,
        failed=failed,
        num=len(gate.reasons),
        of="criteria not met",
        note=gate.summary,
    )


def _policy(name: str, policy: Policy | None, force: str) -> Box:
    note = "in force" if name == force else ""
    return Box(
        id=_id(name), title=f"policy {name}", kind="policy", note=note if policy or name == "base" else "not stored"
    )


def _samples(reader: Reader, stage: str) -> str:
    num = reader.table(f"samples/{stage}/part-*.parquet", ["kind"]).height
    return f"{count(num)} samples" if num else "samples"


def _prompts(reader: Reader, stage: str, tally: Mapping[str, Any]) -> tuple[Box, ...]:
    failed: dict[str, int] = {}
    for letter in reader.lines(f"deadletter/{stage}.jsonl"):
        purpose = text(mapping(letter.get("asked")).get("purpose"))
        failed[purpose] = failed.get(purpose, 0) + 1
    boxes = [
        Box(
            id=_id(f"{stage} {purpose}"),
            title=text(purpose),
            kind="prompt",
            num_requests=whole(values[0]),
            num_prompt_tokens=whole(values[1]),
            num_output_tokens=whole(values[3]),
            failed=failed.get(text(purpose), 0),
            num=whole(values[0]),
            of="replies forfeited",
        )
        for purpose, values in mapping(tally.get("by_purpose")).items()
        if isinstance(values, list) and len(values) == 4
    ]
    return tuple(sorted(boxes, key=lambda one: (-one.tokens, one.title)))


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
    own = next((box for box in found.boxes if box.id == _id(stage)), None)
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
