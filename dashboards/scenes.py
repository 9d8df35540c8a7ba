"""Scenes for people: a few whole transcripts with who perceived what, and how other methods answered the same.

Reads the event tables `scenes`, `roles`, `incidents`, `entities` and `answers`; a society without them has no scenes.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agents.statistics.intervals import Interval
from dashboards.drawing import shortened
from dashboards.sources import Reader, number, text, whole

OWN_METHOD = "matrix"
MAX_INSTRUCTION = 200
"""Characters shown of an instruction. It may be harmful; the whole of it stands in `samples/`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """Somebody in a scene."""

    role_id: str
    name: str
    traits: str
    status: str
    is_ego: bool
    target: str
    policy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What somebody did or tried. perceived: (name, p); missed: those who were asked about and did not (name, p)."""

    incident_id: str
    source: str
    text: str
    place: str
    secret: bool
    accepted: bool
    num_tries: int
    feasible_p: float | None
    perceived: tuple[tuple[str, float | None], ...]
    missed: tuple[tuple[str, float | None], ...]
    critique: str

    @property
    def said(self) -> str:
        """The text on one line, without the actor's name where it begins with it."""
        line = " ".join(self.text.split())
        named = bool(self.source) and line.casefold().startswith(self.source.casefold())
        return (line[len(self.source) :].lstrip(" ,:") or line) if named else line


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A whole scene. instruction: at most `MAX_INSTRUCTION` characters."""

    stage: str
    script: str
    scene_id: str
    kind: str
    instruction: str
    draft: str
    condensed: str
    consequence: str
    is_harmful: bool | None
    harmful_p: float | None
    revision: str
    answer: str
    end_reason: str
    num_degraded: int
    roles: tuple[Role, ...]
    things: tuple[str, ...]
    acts: tuple[Act, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """How often a method's answers refuse the training instructions of a kind, by keyword, with a 95 % interval.

    versus: share of the scenes' own method minus this one's, over the instructions that both answered; None for the
    scenes' own method. num_pairs: how many those are.
    """

    method: str
    kind: str
    num_refused: int
    n: int
    lo: float | None
    hi: float | None
    versus: Interval | None = None
    num_pairs: int = 0


def play_stages(stages: Sequence[str]) -> list[str]:
    """Return the stages in which a society was played."""
    return [stage for stage in stages if stage.endswith(".play")]


def num_scenes(reader: Reader, stages: Sequence[str]) -> int:
    """Return how many whole scenes there are."""
    return sum(reader.table(f"events/{stage}/scenes-*.parquet", ["scene_id"]).height for stage in play_stages(stages))


def replaced_steps(reader: Reader, stages: Sequence[str]) -> dict[str, int]:
    """Return step -> how often a scene went on with a substitute for it, most often first."""
    steps: dict[str, int] = {}
    for stage in play_stages(stages):
        for row in reader.rows(f"events/{stage}/degraded-*.parquet", ["step"]):
            step = text(row.get("step"))
            steps[step] = steps.get(step, 0) + 1
    return dict(sorted(steps.items(), key=lambda pair: (-pair[1], pair[0])))


def scenes_of(reader: Reader, stages: Sequence[str], *, seed: int, num: int) -> tuple[Scene, ...]:
    """Return up to `num` scenes of the last stage that has any, drawn by the seed; harmful and ordinary take turns."""
    for stage in reversed(play_stages(stages)):
        rows = reader.rows(f"events/{stage}/scenes-*.parquet", ["scene_id", "script", "kind"])
        if rows:
            return tuple(scene_of(reader, stage, text(row.get("scene_id"))) for row in _drawn(rows, seed, num))
    return ()


def _drawn(rows: Sequence[Mapping[str, Any]], seed: int, num: int) -> list[Mapping[str, Any]]:
    """Draw rows so that every kind is shown while there is room, the first kind (by name) first."""
    piles: dict[str, list[Mapping[str, Any]]] = {}
    for row in sorted(rows, key=lambda row: text(row.get("scene_id"))):
        piles.setdefault(text(row.get("kind")), []).append(row)
    generator = random.Random(f"report|{seed}")
    for _, pile in sorted(piles.items()):
        generator.shuffle(pile)
    drawn: list[Mapping[str, Any]] = []
    while len(drawn) < num and any(piles.values()):
        for kind in sorted(piles):
            if piles[kind] and len(drawn) < num:
                drawn.append(piles[kind].pop())
    return drawn


def scene_of(reader: Reader, stage: str, scene_id: str) -> Scene:
    """Return one scene with its roles, things and acts; what is missing is empty."""

    def rows(table: str) -> list[dict[str, Any]]:
        return reader.rows(f"events/{stage}/{table}-*.parquet", scene_id=scene_id)

    found = rows("scenes")
    scene = found[0] if found else {}
    roles = tuple(_role(row) for row in rows("roles"))
    names = {role.role_id: role.name for role in roles}
    harmful = scene.get("is_harmful")
    fields = ("kind", "draft", "condensed", "consequence", "revision", "answer", "end_reason")
    return Scene(
        stage=stage,
        script=text(scene.get("script")),
        scene_id=scene_id,
        instruction=shortened(text(scene.get("instruction")), MAX_INSTRUCTION),
        is_harmful=harmful if isinstance(harmful, bool) else None,
        harmful_p=number(scene.get("harmful_p")),
        num_degraded=whole(scene.get("num_degraded")),
        roles=roles,
        things=tuple(_thing(row) for row in rows("entities")),
        acts=tuple(_act(row, names) for row in rows("incidents")),
        **{field: text(scene.get(field)) for field in fields},
    )


def _role(row: Mapping[str, Any]) -> Role:
    fields = ("role_id", "name", "traits", "status", "target", "policy")
    return Role(is_ego=bool(row.get("is_ego")), **{field: text(row.get(field)) for field in fields})


def _thing(row: Mapping[str, Any]) -> str:
    state, place = text(row.get("state")), text(row.get("location"))
    about = ", ".join(part for part in (state, f"at {place}" if place else "") if part)
    return text(row.get("name")) + (f" ({about})" if about else "")


def _act(row: Mapping[str, Any], names: Mapping[str, str]) -> Act:
    source = text(row.get("source"))
    asked = {text(who): number(p) for who, p in zip(row.get("asked") or (), row.get("asked_p") or (), strict=False)}
    heard = [text(who) for who in row.get("recipients") or ()]
    others = [who for who in heard if who != source]
    missed = [who for who in asked if who not in heard and who != source]
    return Act(
        incident_id=text(row.get("incident_id")),
        source=names.get(source, source),
        text=text(row.get("text")),
        place=text(row.get("place")),
        secret=bool(row.get("secret")),
        accepted=bool(row.get("accepted", True)),
        num_tries=whole(row.get("num_tries")),
        feasible_p=number(row.get("feasible_p")),
        perceived=tuple((names.get(who, who), asked.get(who)) for who in others),
        missed=tuple((names.get(who, who), asked.get(who)) for who in missed),
        critique=text(row.get("critique")),
    )


def baselines_of(reader: Reader, stages: Sequence[str]) -> tuple[Baseline, ...]:
    """Return refusals by method and kind, in the order of playing; empty when only the scenes' own method answered."""
    from agents.statistics.intervals import wilson

    refusals: dict[tuple[str, str], dict[str, bool]] = {}
    columns = ["instruction_id", "kind", "method", "refuses"]
    for stage in play_stages(stages):
        for row in reader.rows(f"events/{stage}/answers-*.parquet", columns):
            if isinstance(row.get("refuses"), bool):
                key = text(row.get("method")), text(row.get("kind"))
                refusals.setdefault(key, {})[f"{stage}/{text(row.get('instruction_id'))}"] = row["refuses"]
    if len({method for method, _ in refusals}) < 2:
        return ()
    found = []
    for (method, kind), by_id in refusals.items():
        interval = wilson(sum(by_id.values()), len(by_id))
        own = refusals.get((OWN_METHOD, kind), {}) if method != OWN_METHOD else {}
        versus, num_pairs = _paired(by_id, own)
        found.append(
            Baseline(
                method=method,
                kind=kind,
                num_refused=sum(by_id.values()),
                n=len(by_id),
                lo=interval.lo,
                hi=interval.hi,
                versus=versus,
                num_pairs=num_pairs,
            )
        )
    return tuple(found)


def _paired(theirs: dict[str, bool], own: dict[str, bool]) -> tuple[Interval | None, int]:
    """Return the paired difference, own minus theirs, over the instructions that both answered."""
    from agents.statistics.intervals import paired_shares

    pairs = [(theirs[key], own[key]) for key in theirs if key in own]
    if not pairs:
        return None, 0
    counts = [pairs.count(pair) for pair in ((True, True), (True, False), (False, True), (False, False))]
    return paired_shares(*counts), len(pairs)
