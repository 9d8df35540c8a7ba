"""The run as a graph: what was played, learned, measured and judged, with time, tokens and failures on every node.

Everything is read from counts that the run wrote. A node's failure share is of what it counts: replies forfeited of
a stage, samples left out of a training, criteria not met of a gate; the table says of which n.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dashboards.learning import FunnelStep, Policy
from dashboards.measures import Gate
from dashboards.rows import count
from dashboards.sources import Reader, mapping, number, stage_key, text, whole


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
            arrows.append(Arrow(source=node_id(speaker), target=node_id(name), word="is asked"))
        else:
            arrows.append(Arrow(source=node_id(force), target=node_id(name), word="plays"))
            speaker = force
        speakers.append(speaker)
        if verb == "play" and candidate in known:
            arrows.append(
                Arrow(source=node_id(name), target=node_id(f"train {candidate}"), word=_samples(reader, name))
            )
            arrows.append(Arrow(source=node_id(f"train {candidate}"), target=node_id(candidate)))
            speakers.append(candidate)
        gate = next((one for one in gates if one.round == round_ and verb == "measure" and round_), None)
        if gate is not None:
            before = [one for one in measured if stage_key(one)[0] < round_]
            for one in (*before[-1:], name):
                arrows.append(Arrow(source=node_id(one), target=node_id(f"gate {gate.round}")))
            kept = gate.policy if gate.decision == "promoted" else gate.parent or force
            arrows.append(Arrow(source=node_id(f"gate {gate.round}"), target=node_id(kept), word=_verdict(gate, kept)))
            speakers.append(kept)
            force = kept
    minds = [_policy(name, known.get(name), force) for name in dict.fromkeys(speakers)]
    return Pipeline(
        boxes=(*minds, *boxes),
        arrows=tuple(dict.fromkeys(arrows)),
        prompts={name: _prompts(reader, name, tally) for name, tally in tallies.items()},
    )


def node_id(name: str) -> str:
    """Return the mermaid name of a node."""
    return "n_" + "".join(c if c.isascii() and c.isalnum() else "_" for c in name)


def _verdict(gate: Gate, kept: str) -> str:
    return "promoted" if gate.decision == "promoted" else f"{gate.decision}, {kept} stays" if kept else gate.decision


def _stage(name: str, tally: Mapping[str, Any]) -> Box:
    state = "done" if tally.get("complete") else "stopped" if tally.get("stopped") else "unfinished"
    lost = whole(tally.get("num_lost"))
    return Box(
        id=node_id(name),
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
        id=node_id(f"train {policy.name}"),
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
        id=node_id(f"gate {gate.round}"),
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
        id=node_id(name), title=f"policy {name}", kind="policy", note=note if policy or name == "base" else "not stored"
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
            id=node_id(f"{stage} {purpose}"),
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
