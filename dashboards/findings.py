"""What a run folder says, as plain records: the one reading that report, terminal and JSON share.

Nothing is computed here that the run did not write down, apart from sums and shares. What is missing or broken is
itself a finding (`problems`): a run that only played, was stopped, or lies half-written gets an honest account too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from dashboards.assembly import Assemblies, assemblies_of
from dashboards.assembly_utility import Utilities, utilities_of
from dashboards.coevolution_all import Coevolution, coevolution_of
from dashboards.epochs import Epoch, epochs_of
from dashboards.learning import FunnelStep, Policy, funnel_of, policies_of
from dashboards.measures import Gate, Measure, gates_of, measures_of
from dashboards.scenes import Baseline, Scene, baselines_of, num_scenes, replaced_steps, scenes_of
from dashboards.sources import Reader, mapping, number, stage_key, text, who_answered, whole
from sim.store import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stage and its counts. state: "complete", "stopped", or "unfinished" where no count was written."""

    name: str
    state: str
    why: str
    num_scripts: int
    num_done: int
    num_lost: int
    num_requests: int
    num_from_journal: int
    num_failed: int
    num_prompt_tokens: int
    num_cached_tokens: int
    num_output_tokens: int
    seconds: float
    lost: Mapping[str, int]
    forfeits: Mapping[str, int]
    events: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one purpose (a prompt with its version) cost, over all stages."""

    purpose: str
    num_requests: int
    num_prompt_tokens: int
    num_cached_tokens: int
    num_output_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleCount:
    """How many samples of a kind a stage wrote."""

    stage: str
    kind: str
    num: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """Everything. problems: what is missing or broken. replaced: steps of scenes that went on with a substitute.

    scripted: the scripted engine answered. unasked: the run ended and no engine was asked anything.
    assemblies, utilities, coevolution: what societies other than scenes found; None or empty for those not played.
    """

    folder: str
    name: str
    state: str
    why: str
    scripted: bool
    unasked: bool
    seed: int
    created: str
    command: str
    society: str
    engine: str
    recipe: str
    num_rounds: int
    manifest: Mapping[str, Any]
    degraded: tuple[str, ...]
    stages: tuple[Stage, ...]
    costs: tuple[Cost, ...]
    samples: tuple[SampleCount, ...]
    funnel: tuple[FunnelStep, ...]
    policies: tuple[Policy, ...]
    measures: tuple[Measure, ...]
    gates: tuple[Gate, ...]
    epochs: tuple[Epoch, ...]
    baselines: tuple[Baseline, ...]
    scenes: tuple[Scene, ...]
    num_scenes: int
    replaced: Mapping[str, int]
    assemblies: Assemblies | None
    utilities: tuple[Utilities, ...]
    coevolution: Coevolution | None
    problems: tuple[str, ...]

    def total(self, field: str) -> float:
        """Return the sum of a count over the stages."""
        return float(sum(getattr(stage, field) for stage in self.stages))

    def causes(self, field: str) -> dict[str, int]:
        """Return cause -> count over the stages; field is "lost" or "forfeits"."""
        counts: dict[str, int] = {}
        for stage in self.stages:
            for cause, num in getattr(stage, field).items():
                counts[cause] = counts.get(cause, 0) + num
        return dict(sorted(counts.items()))

    @property
    def hit_share(self) -> float | None:
        """Share of prompt tokens that the prefix cache served; None when there were none."""
        prompt = self.total("num_prompt_tokens")
        return self.total("num_cached_tokens") / prompt if prompt else None

    def sample_kinds(self) -> dict[str, int]:
        """Return kind -> number of samples over the stages."""
        counts: dict[str, int] = {}
        for count in self.samples:
            counts[count.kind] = counts.get(count.kind, 0) + count.num
        return counts


def find_out(run: Run, *, num_shown: int = 3) -> Findings:
    """Read a run folder. num_shown: scenes to read in full, drawn by the run's seed. Never raises for its content."""
    reader = Reader(run)
    config, manifest, status = reader.config(), reader.json("manifest.json"), reader.json("status.json")
    names = _stage_names(run)
    tallies = {name: reader.json(f"tallies/{name}.json") for name in names}
    stages = tuple(_stage(name, tallies[name], reader.event_counts(name)) for name in names)
    seed = whole(manifest.get("seed", config.get("seed")))
    loop = mapping(config.get("loop"))
    engine = text(mapping(config.get("engine")).get("name"))
    answered = who_answered(reader, engine)
    gates, assemblies = gates_of(reader), assemblies_of(reader, names, seed=seed)
    measures = measures_of(reader, gates)
    found = Findings(
        folder=str(run.folder),
        name=text(config.get("name")) or run.folder.name,
        state=text(status.get("state")) or "unknown",
        why=text(status.get("why")),
        scripted=answered == "script",
        unasked=answered == "nobody" and status.get("state") == "done",
        seed=seed,
        created=text(manifest.get("created")),
        command=_command(manifest),
        society=text(mapping(config.get("society")).get("name")),
        engine=engine,
        recipe=text(mapping(config.get("recipe")).get("name")),
        num_rounds=whole(loop.get("num_rounds")),
        manifest=manifest,
        degraded=tuple(text(note) for note in manifest.get("degraded") or ()),
        stages=stages,
        costs=_costs(tallies.values()),
        samples=_samples(reader, names),
        funnel=funnel_of(reader),
        policies=policies_of(reader),
        measures=measures,
        gates=gates,
        epochs=epochs_of(reader),
        baselines=baselines_of(reader, names),
        scenes=scenes_of(reader, names, seed=seed, num=num_shown),
        num_scenes=num_scenes(reader, names),
        replaced={} if assemblies else replaced_steps(reader, names),
        assemblies=assemblies,
        utilities=utilities_of(reader, names, seed),
        coevolution=coevolution_of(reader, measures, gates, seed=seed),
        problems=(),
    )
    return _with_problems(found, reader.problems)


def _stage_names(run: Run) -> list[str]:
    """Return all stages that left anything, in the order of playing."""
    found = {path.stem for path in (run.folder / "journal").glob("*.jsonl")}
    found |= {path.stem for path in (run.folder / "tallies").glob("*.json")}
    found |= {path.name for part in ("events", "samples") for path in (run.folder / part).glob("*") if path.is_dir()}
    return sorted(found, key=stage_key)


def _stage(name: str, tally: Mapping[str, Any], events: Mapping[str, int]) -> Stage:
    state = "complete" if tally.get("complete") else "stopped" if tally.get("stopped") else "unfinished"
    counts = ("scripts", "done", "lost", "requests", "from_journal", "failed")
    tokens = ("prompt_tokens", "cached_tokens", "output_tokens")
    return Stage(
        name=name,
        state=state,
        why=text(tally.get("stopped")),
        seconds=number(tally.get("seconds")) or 0.0,
        lost={text(k): whole(v) for k, v in mapping(tally.get("lost")).items()},
        forfeits={text(k): whole(v) for k, v in mapping(tally.get("forfeits")).items()},
        events=events,
        **{f"num_{count}": whole(tally.get(f"num_{count}")) for count in counts + tokens},
    )


def _costs(tallies: Iterable[Mapping[str, Any]]) -> tuple[Cost, ...]:
    sums: dict[str, list[int]] = {}
    for tally in tallies:
        for purpose, values in mapping(tally.get("by_purpose")).items():
            if isinstance(values, list) and len(values) == 4:
                sums[purpose] = [a + whole(b) for a, b in zip(sums.get(purpose, [0] * 4), values, strict=True)]
    costs = [
        Cost(purpose=p, num_requests=v[0], num_prompt_tokens=v[1], num_cached_tokens=v[2], num_output_tokens=v[3])
        for p, v in sums.items()
    ]
    return tuple(sorted(costs, key=lambda c: (-(c.num_prompt_tokens + c.num_output_tokens), c.purpose)))


def _samples(reader: Reader, stages: list[str]) -> tuple[SampleCount, ...]:
    counts = []
    for stage in stages:
        frame = reader.table(f"samples/{stage}/part-*.parquet", ["kind"])
        if frame.width:
            kinds = frame["kind"].value_counts().sort("kind").iter_rows()
            counts += [SampleCount(stage=stage, kind=text(kind), num=num) for kind, num in kinds]
    return tuple(counts)


def _command(manifest: Mapping[str, Any]) -> str:
    import shlex

    words = manifest.get("command")
    return shlex.join(["folkmoot", *map(str, words)]) if isinstance(words, list) and words else ""


def _with_problems(found: Findings, broken: list[str]) -> Findings:
    from dataclasses import replace

    problems = list(dict.fromkeys(broken))
    if not found.manifest:
        problems.append("manifest.json is missing or unreadable: versions, model and seed cannot be told.")
    for stage in found.stages:
        if stage.state == "stopped":
            problems.append(f"Stage {stage.name} was stopped before its end ({stage.why}).")
        elif stage.state == "unfinished":
            problems.append(f"Stage {stage.name} left no final count: it was cut off, or is still playing.")
    if found.state == "failed":
        problems.append(f"The run failed: {found.why or 'no reason was written down'}.")
    return replace(found, problems=tuple(problems))
