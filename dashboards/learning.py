"""What was learned from: the filters that samples went through, and the policies with where they come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dashboards.sources import Reader, mapping, number, text, whole


@dataclass(frozen=True, slots=True, kw_only=True)
class FunnelStep:
    """One filter: how many came in and went on, and why the others did not."""

    round: int
    name: str
    num_in: int
    num_out: int
    reasons: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A stored policy. curve: loss by step. notes: what the builder of its rows said of them."""

    name: str
    parent: str
    kind: str
    recipe: str
    seed: int
    base_digest: str
    data_digest: str
    digest: str
    num_rows: int
    num_too_long: int
    num_steps: int
    tokens: int
    loss: float | None
    seconds: float | None
    curve: tuple[float, ...]
    notes: tuple[str, ...]


def policies_of(reader: Reader) -> tuple[Policy, ...]:
    """Return the policies of `policies/*/policy.json`, in the order of their making."""
    found = []
    for path in sorted((reader.run.folder / "policies").glob("*/policy.json")):
        name = path.parent.name
        raw = {} if name.startswith(".") else reader.json(f"policies/{name}/policy.json")
        if raw:
            found.append((text(raw.get("created")), _policy(reader, name, raw)))
    return tuple(policy for _, policy in sorted(found, key=lambda pair: (pair[0], pair[1].name)))


def _policy(reader: Reader, name: str, raw: Mapping[str, Any]) -> Policy:
    metrics = mapping(raw.get("metrics"))
    losses = [number(row.get("loss")) for row in reader.rows(f"policies/{name}/curves.parquet", ["loss"])]
    labelled = reader.json(f"training/{name}/label.json")
    return Policy(
        name=text(raw.get("name")) or name,
        parent=text(raw.get("parent")),
        kind=text(raw.get("kind")),
        recipe=text(raw.get("recipe")),
        seed=whole(raw.get("seed")),
        base_digest=text(raw.get("base_digest")),
        data_digest=text(raw.get("data_digest")),
        digest=text(raw.get("digest")),
        num_rows=whole(metrics.get("num_rows"), whole(labelled.get("num_rows"))),
        num_too_long=whole(metrics.get("num_too_long")),
        num_steps=whole(metrics.get("num_steps")),
        tokens=whole(metrics.get("tokens")),
        loss=number(metrics.get("loss")),
        seconds=number(metrics.get("seconds")),
        curve=tuple(loss for loss in losses if loss is not None),
        notes=tuple(text(note) for note in labelled.get("notes") or () if note),
    )


def funnel_of(reader: Reader) -> tuple[FunnelStep, ...]:
    """Return the filters of every round, from `training/p<round>/label.json`; from `build.json` until it is there."""
    steps = []
    folders = sorted((reader.run.folder / "training").glob("p*"), key=lambda path: (len(path.name), path.name))
    for folder in folders:
        digits = folder.name.removeprefix("p")
        labelled = reader.json(f"training/{folder.name}/label.json")
        listed = labelled.get("funnel") or reader.json(f"training/{folder.name}/build.json").get("steps") or ()
        steps += [_step(int(digits) if digits.isdigit() else 0, mapping(step)) for step in listed]
        too_long = whole(mapping(reader.json(f"policies/{folder.name}/policy.json").get("metrics")).get("num_too_long"))
        if steps and too_long:
            num_in, why = steps[-1].num_out, f"longer than recipe.max_length: {too_long}"
            steps.append(
                FunnelStep(round=steps[-1].round, name="fits", num_in=num_in, num_out=num_in - too_long, reasons=why)
            )
    return tuple(steps)


def _step(round_: int, step: Mapping[str, Any]) -> FunnelStep:
    reasons = step.get("reasons")
    told = "; ".join(f"{why}: {num}" for why, num in reasons.items()) if isinstance(reasons, dict) else text(reasons)
    return FunnelStep(
        round=round_,
        name=text(step.get("step") or step.get("name")),
        num_in=whole(step.get("num_in")),
        num_out=whole(step.get("num_out")),
        reasons=told,
    )
