"""The rows of the report's and the terminal's tables: findings in, short texts out, so that both say the same. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dashboards.drawing import short
from dashboards.findings import Findings
from dashboards.scenes import Baseline
from dashboards.sources import mapping, text

METHODS = {
    "matrix": "MATRIX (these scenes)",
    "vanilla": "Vanilla",
    "critique_revise": "Critique and revise, fixed principles",
    "context_distillation": "Context distillation",
    "self_align": "Self-align",
    "debate": "Debate",
    "best_of_n": "Best of N",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One headline number."""

    value: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LossRow:
    """What was lost in a stage for a cause."""

    stage: str
    cause: str
    lost: int
    forfeits: int


def count(value: float) -> str:
    """Return a count with thousands marked."""
    return f"{value:,.0f}"


def plural(number: int, word: str) -> str:
    """Return a count with its noun.

    >>> plural(1, "run"), plural(2, "run")
    ('1 run', '2 runs')
    """
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def told_value(value: Any) -> str:
    """Return a value of a record in words: numbers with three digits, lists with commas, truth as yes and no.

    >>> told_value(0.65990), told_value(["a", "b"]), told_value(False), told_value(None)
    ('0.66', 'a, b', 'no', '')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return short(value)
    if isinstance(value, list | tuple):
        return ", ".join(told_value(one) for one in value)
    return text(value)


def percent(share: float) -> str:
    """Return a share in percent.

    >>> percent(0.5), percent(0.004)
    ('50 %', '0.4 %')
    """
    return f"{100 * share:.0f} %" if not 0 < share < 0.01 else f"{100 * share:.1f} %"


def clock(seconds: float | None) -> str:
    """Return a duration as "12 s", "3:05 min" or "2:03 h"; a dash for none."""
    if seconds is None:
        return "-"
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d} min" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02d} h"


def spaced(name: str) -> str:
    """Return a name as words: harmful_compliance becomes harmful compliance."""
    return name.replace("_", " ")


def arm_name(arm: str) -> str:
    """Return the name of an arm as words.

    >>> arm_name("no_ai"), arm_name("told_less"), arm_name("ai")
    ('no AI', 'told less', 'AI')
    """
    return " ".join("AI" if word == "ai" else word for word in spaced(arm).split())


def between(lo: float | None, hi: float | None) -> str:
    """Return an interval in words."""
    if lo is None or hi is None:
        return "no interval"
    return f"{short(lo)} to {short(hi)}"


def facts(found: Findings) -> list[tuple[str, str]]:
    """Return the line under the title."""
    model = mapping(found.manifest.get("model"))
    pairs = [
        ("state", found.state),
        ("society", found.society),
        ("model", text(model.get("name")) or ("none" if found.scripted or found.unasked else "")),
        ("engine", f"{found.engine}, never asked" if found.unasked and found.engine else found.engine),
        ("recipe", found.recipe if found.num_rounds else ""),
        ("seed", str(found.seed)),
        ("started", found.created.replace("T", " ").removesuffix("Z") + " UTC" if found.created else ""),
    ]
    return [(label, value) for label, value in pairs if value]


def tiles(found: Findings) -> list[Tile]:
    """Return the headline numbers, never more than six."""
    plays = [stage for stage in found.stages if stage.name.endswith(".play")]
    tokens = found.total("num_prompt_tokens") + found.total("num_output_tokens")
    trained = sum(policy.seconds or 0.0 for policy in found.policies)
    hit = found.hit_share
    return [
        Tile(value=count(found.num_scenes or sum(stage.num_done for stage in plays)), label="scenes played"
             if found.num_scenes else "scripts played"),
        Tile(value=count(sum(sample.num for sample in found.samples)), label="samples written"),
        Tile(value=count(found.total("num_requests")), label="requests"),
        Tile(value=count(tokens), label="tokens read and written"),
        Tile(value="-" if hit is None else percent(hit), label="of prompt tokens from cache"),
        Tile(value=clock(found.total("seconds") + trained), label="asking and training"),
    ]  # fmt: skip


def loss_rows(found: Findings) -> list[LossRow]:
    """Return losses and forfeits by stage and cause."""
    return [
        LossRow(stage=s.name, cause=cause, lost=s.lost.get(cause, 0), forfeits=s.forfeits.get(cause, 0))
        for s in found.stages
        for cause in sorted({*s.lost, *s.forfeits})
    ]


def replaced_line(found: Findings) -> str:
    """Return which steps of scenes went on with a substitute, and how often; empty when none did."""
    told = ", ".join(f"{step} {num}" for step, num in found.replaced.items())
    total = sum(found.replaced.values())
    return f"{total:,} steps of scenes went on with a substitute after their retries: {told}." if total else ""


def baseline_rows(found: Findings) -> tuple[list[str], list[list[str]]]:
    """Return header and rows of refusals by method: one column for each kind of instruction."""
    kinds = sorted({b.kind for b in found.baselines})
    cells = {(b.method, b.kind): b for b in found.baselines}
    rows = []
    for method in dict.fromkeys(b.method for b in found.baselines):
        row = [METHODS.get(method, spaced(method))]
        for kind in kinds:
            cell = cells.get((method, kind))
            row.append("-" if cell is None else _refusals(cell))
            row.append("-" if cell is None else _versus(cell))
        rows.append(row)
    names = [name for kind in kinds for name in (f"Refuses {kind or 'instructions'}", "MATRIX minus it, paired")]
    return ["Method", *names], rows


def _versus(cell: Baseline) -> str:
    if cell.versus is None:
        return "-"
    points = [100 * value for value in (cell.versus.point, cell.versus.lo, cell.versus.hi)]
    return f"{points[0]:+.0f} points ({points[1]:+.0f} to {points[2]:+.0f}), n = {cell.num_pairs}"


def _refusals(cell: Baseline) -> str:
    if not cell.n or cell.lo is None or cell.hi is None:
        return "-"
    share = percent(cell.num_refused / cell.n)
    return f"{share} ({percent(cell.lo)} to {percent(cell.hi)}), n = {cell.n}"


def reproduce(found: Findings) -> list[tuple[str, str]]:
    """Return what somebody needs to play the run again."""
    manifest: Mapping[str, Any] = found.manifest
    model, git = mapping(manifest.get("model")), mapping(manifest.get("git"))
    versions = ", ".join(f"{name} {version}" for name, version in sorted(mapping(manifest.get("versions")).items()))
    commit = text(git.get("commit")) + (" (with uncommitted changes)" if git.get("dirty") else "")
    engine = ", ".join(f"{key}={value}" for key, value in sorted(mapping(manifest.get("engine")).items()))
    hardware = ", ".join(f"{key} {value}" for key, value in sorted(mapping(manifest.get("hardware")).items()))
    pairs = [
        ("Command", found.command),
        ("Byte for byte, with no model", f"folkmoot replay {found.folder}"),
        ("Seed", str(found.seed)),
        ("Commit", commit or "not in a git checkout"),
        ("Model", " ".join(part for part in (text(model.get("name")), text(model.get("revision"))) if part)),
        ("Model digest", text(model.get("digest"))),
        ("Engine", engine),
        ("Python", text(manifest.get("python"))),
        ("Versions", versions),
        ("Machine", hardware),
        ("Config", f"{found.folder}/config.yaml"),
    ]
    return [(label, value) for label, value in pairs if value]
