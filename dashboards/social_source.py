"""The networks that a run holds, read from its events: towns of people and their AI, assemblies, and scenes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dashboards.frames_parts import part_of, stages_of
from dashboards.rows import arm_name, spaced
from dashboards.social import Network, Node, Tie, traits_of
from dashboards.sources import Reader, number, text, whole

KNOWS, HEARD, ASKED, ANSWERED = "knows", "heard", "asked the AI", "was answered by the AI"
SAT, REPLIED, MOVED = "sat with", "replied to", "moved"
PERCEIVED, MISSED = "was perceived by", "was missed by"
AI_NODE = "The AI assistant"
TIMES = {"before": 0, "after": 1_000}
"""Probe of an assembly -> step; those between are "round-1", "round-2" and so on."""
MOST_SCENES = 200


def network_names(reader: Reader) -> list[str]:
    """Return the names of the networks of a run, such as "town r1.play ai-000"; scenes come last."""
    names: list[str] = []
    for stage in stages_of(reader.run, "events"):
        for table, make in (("people", _towns), ("citizens", _rooms), ("incidents", _scenes)):
            if any(reader.run.folder.glob(f"events/{stage}/{table}-*.parquet")):
                names += make(reader, stage)
    return names


def _towns(reader: Reader, stage: str) -> list[str]:
    rows = reader.rows(f"events/{stage}/people-*.parquet", ["arm", "replica"])
    return [
        f"town {stage} {a}-{r:03d}"
        for a, r in dict.fromkeys((text(o.get("arm")), whole(o.get("replica"))) for o in rows)
    ]


def _rooms(reader: Reader, stage: str) -> list[str]:
    rows = reader.rows(f"events/{stage}/citizens-*.parquet", ["assembly", "arm"])
    pairs = dict.fromkeys((text(one.get("assembly")), text(one.get("arm"))) for one in rows)
    return [f"assembly {stage} {name} {arm}" for name, arm in pairs]


def _scenes(reader: Reader, stage: str) -> list[str]:
    """Return the first scenes of a stage; parts are read only until there are enough of them."""
    found: dict[str, None] = {}
    for path in sorted(reader.run.folder.glob(f"events/{stage}/incidents-*.parquet")):
        rows = reader.rows(str(path.relative_to(reader.run.folder)), ["scene_id"])
        found |= dict.fromkeys(text(one.get("scene_id")) for one in rows)
        if len(found) >= MOST_SCENES:
            break
    return [f"scene {stage} {name}" for name in list(found)[:MOST_SCENES]]


def network_title(name: str) -> str:
    """Return the name of a network in words.

    >>> network_title("town r1.play no_ai-001"), network_title("scene r1.play scene-4")
    ('town of r1.play: no AI, replica 1', 'scene of r1.play: scene-4')
    """
    kind, stage, what = name.split(" ", 2)
    if kind == "town":
        arm, _, replica = what.rpartition("-")
        what = f"{arm_name(arm)}, replica {int(replica)}"
    if kind == "assembly":
        assembly, _, arm = what.rpartition(" ")
        what = f"{assembly}, {spaced(arm)}"
    return f"{kind} of {stage}: {what}"


def network_of(reader: Reader, name: str) -> Network:
    """Return a network by its name. Raises ValueError for a name that is none."""
    kind, _, rest = name.partition(" ")
    stage, _, what = rest.partition(" ")
    if kind == "town":
        arm, _, replica = what.rpartition("-")
        return town(reader, stage, arm, int(replica))
    if kind == "assembly":
        assembly, _, arm = what.rpartition(" ")
        return room(reader, stage, assembly, arm)
    if kind == "scene":
        return scene(reader, stage, what)
    raise ValueError(f"no network is called {name!r}")


def town(reader: Reader, stage: str, arm: str, replica: int) -> Network:
    """Return a town: who knows whom, who heard whom at which timestep, and who turned to the AI."""

    def rows(table: str) -> list[dict[str, Any]]:
        found = reader.rows(f"events/{stage}/{table}-*.parquet", (), arm=arm)
        return [row for row in found if whole(row.get("replica")) == replica]

    people, beliefs = rows("people"), rows("beliefs")
    levels: dict[str, dict[str, dict[int, float]]] = {}
    for row in beliefs:
        value = number(row.get("level"))
        if value is not None:
            own = levels.setdefault(text(row.get("agent")), {}).setdefault(text(row.get("claim")), {})
            own[whole(row.get("timestep"))] = value
    last = max((whole(row.get("timestep")) for row in (*people, *beliefs)), default=0)
    messages = rows("messages")
    nodes = [
        Node(
            id=text(row.get("agent")),
            name=_named(row),
            traits={**traits_of(text(row.get("card"))), "came": "at the start" if not row.get("timestep") else "later"},
            stances={f"belief: {claim}": read for claim, read in levels.get(text(row.get("agent")), {}).items()},
        )
        for row in people
    ]
    ties = [*_knowing(people, last), *_spoken(messages, levels)]
    hub = AI_NODE if any(AI_NODE in (tie.source, tie.target) for tie in ties) else ""
    if hub:
        nodes.append(Node(id=AI_NODE, name=AI_NODE, traits={"came": "the AI"}))
    return Network(
        key=f"{stage}-town-{replica:03d}",
        nodes=tuple(nodes),
        ties=tuple(ties),
        steps={t: f"timestep {t}" for t in range(last + 1)},
        directed=frozenset({HEARD, ASKED, ANSWERED}),
        hub=hub,
        base=KNOWS,
    )


def _named(row: Mapping[str, Any]) -> str:
    first = text(row.get("card")).partition("\n")[0].removeprefix("Name: ").strip()
    return first[:40] or text(row.get("agent"))


def _knowing(people: Sequence[Mapping[str, Any]], last: int) -> list[Tie]:
    """Return who knows whom at each timestep: newcomers take a seat with its neighbours."""
    ties = []
    seated: dict[int, str] = {}
    neighbours = {whole(row.get("seat")): [whole(n) for n in row.get("neighbours") or ()] for row in people}
    for timestep in range(last + 1):
        seated |= {whole(r.get("seat")): text(r.get("agent")) for r in people if whole(r.get("timestep")) == timestep}
        for seat, others in neighbours.items():
            for other in others:
                if seat < other and seat in seated and other in seated:
                    ties.append(Tie(source=seated[seat], target=seated[other], kind=KNOWS, step=timestep))
    return ties


def _spoken(rows: Sequence[Mapping[str, Any]], levels: Mapping[str, Mapping[str, Mapping[int, float]]]) -> list[Tie]:
    kinds = {"statement": HEARD, "question": ASKED, "answer": ANSWERED}
    ties = []
    for row in rows:
        kind, listener, speaker = kinds.get(text(row.get("kind"))), text(row.get("listener")), text(row.get("speaker"))
        if kind is None or not listener:
            continue
        step, claim = whole(row.get("timestep")), text(row.get("claim"))
        moved = _towards(levels, speaker, listener, claim, step) if kind == HEARD else None
        ties.append(Tie(source=speaker, target=listener, kind=kind, step=step, moved=moved))
    return ties


def _towards(
    levels: Mapping[str, Mapping[str, Mapping[int, float]]], speaker: str, listener: str, claim: str, step: int
) -> float | None:
    """Return how far a listener's belief went towards that of the speaker before; it may have had other causes."""
    theirs = levels.get(speaker, {}).get(claim, {}).get(step - 1)
    own = levels.get(listener, {}).get(claim, {})
    before, after = own.get(step - 1), own.get(step)
    if theirs is None or before is None or after is None:
        return None
    return (after - before) * (1 if theirs > before else -1 if theirs < before else 0)


def room(reader: Reader, stage: str, assembly: str, arm: str) -> Network:
    """Return an assembly: who sat with whom in a round, who replied to whom, and whose words moved whom."""

    def rows(table: str) -> list[dict[str, Any]]:
        return reader.rows(f"events/{stage}/{table}-*.parquet", (), assembly=assembly, arm=arm)

    stances: dict[str, dict[str, dict[int, float]]] = {}
    for row in rows("probes"):
        value = number(row.get("level"))
        if value is not None:
            own = stances.setdefault(text(row.get("citizen")), {}).setdefault(
                f"agrees with: {text(row.get('item'))}", {}
            )
            own[probe_step(text(row.get("t")))] = value
    nodes = [
        Node(
            id=text(row.get("citizen")),
            name=text(row.get("name")) or text(row.get("citizen")),
            traits={
                **traits_of(text(row.get("card"))),
                "policy": text(row.get("policy")),
                "group": text(row.get("group")),
            },
            stances=stances.get(text(row.get("citizen")), {}),
        )
        for row in rows("citizens")
    ]
    here = {node.id for node in nodes}
    seats, turns = rows("seats"), rows("turns")
    ties = [*_tables(seats), *_replies(turns)]
    ties += [
        Tie(source=text(r.get("speaker")), target=text(r.get("citizen")), kind=MOVED, step=whole(r.get("round")),
            moved=number(r.get("change")))
        for r in rows("influences")
    ]  # fmt: skip
    kept = tuple(tie for tie in ties if tie.source in here and tie.target in here)
    rounds = sorted({tie.step for tie in kept})
    return Network(
        key=f"{stage}-assembly-{assembly}-{arm}",
        nodes=tuple(nodes),
        ties=kept,
        steps={number_: f"round {number_}" for number_ in rounds},
        directed=frozenset({REPLIED, MOVED}),
    )


def probe_step(t: str) -> int:
    """Return the step of a probe: 0 before, the round between, and one beyond all rounds after.

    >>> probe_step("before"), probe_step("round-2"), probe_step("after")
    (0, 2, 1000)
    """
    digits = t.rpartition("-")[2]
    return TIMES.get(t, int(digits) if digits.isdigit() else 0)


def _tables(seats: Sequence[Mapping[str, Any]]) -> list[Tie]:
    tables: dict[tuple[int, int], list[str]] = {}
    for row in seats:
        tables.setdefault((whole(row.get("round")), whole(row.get("table"))), []).append(text(row.get("citizen")))
    return [
        Tie(source=a, target=b, kind=SAT, step=round_)
        for (round_, _), own in sorted(tables.items())
        for place, a in enumerate(sorted(own))
        for b in sorted(own)[place + 1 :]
    ]


def _replies(turns: Sequence[Mapping[str, Any]]) -> list[Tie]:
    speakers = {text(row.get("turn")): text(row.get("speaker")) for row in turns}
    return [
        Tie(source=text(row.get("speaker")), target=speakers[turn], kind=REPLIED, step=whole(row.get("round")))
        for row in turns
        for turn in map(text, row.get("replies_to") or ())
        if turn in speakers and speakers[turn] != text(row.get("speaker"))
    ]


def scene(reader: Reader, stage: str, scene_id: str) -> Network:
    """Return a scene: whose acts reached whom, act by act."""
    part = part_of(reader.run, f"events/{stage}/incidents-*.parquet", "scene_id", scene_id)

    def rows(table: str) -> list[dict[str, Any]]:
        return reader.rows(f"events/{stage}/{table}-{part or '*'}.parquet", (), scene_id=scene_id)

    roles = rows("roles")
    nodes = [
        Node(
            id=text(row.get("role_id")),
            name=text(row.get("name")) or text(row.get("role_id")),
            traits={
                "role": "ego" if row.get("is_ego") else "others",
                "came from": text(row.get("origin")) or "unknown",
                "policy": text(row.get("policy")) or "unknown",
            },
        )
        for row in roles
    ]
    here = {node.id for node in nodes}
    acts = sorted(rows("incidents"), key=lambda row: whole(row.get("step")))
    ties, steps = [], {}
    for place, row in enumerate(acts, start=1):
        steps[place] = f"act {place}"
        source, heard = text(row.get("source")), {text(one) for one in row.get("recipients") or ()}
        asked = [text(one) for one in row.get("asked") or ()]
        for target in dict.fromkeys((*sorted(heard), *asked)):
            if source in here and target in here and source != target:
                kind = PERCEIVED if target in heard else MISSED
                ties.append(Tie(source=source, target=target, kind=kind, step=place))
    return Network(
        key=f"{stage}-scene-{scene_id}",
        nodes=tuple(nodes),
        ties=tuple(ties),
        steps=steps,
        directed=frozenset({PERCEIVED, MISSED}),
    )
