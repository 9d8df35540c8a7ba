"""Where rows come from: one origin a sample, scene or table row, in the columns of `provenance/lineage.parquet`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from agents.errors import UserError
from agents.requests import ScoreMode
from selfalign.policy.store import PolicyStore
from selfalign.release.bias import Shown, shown
from selfalign.release.filters import PASSED, PASSED_AGAIN
from selfalign.release.intake import Intake, Item, events, request_records, root_of
from selfalign.release.schemas import ORIGIN
from selfalign.release.text import same_text
from selfalign.samples import topics_of

_FLUSH = 4_000
SCRIPTED = "scripted-engine"
"""Name of the generator of dry runs: texts made by rule, under Folkmoot's own licence."""
NOT_PEOPLE = frozenset({"", "gold", "base", "item", "option", "table", "agenda", "drafter"})
"""Authors of texts who are nobody: policies, banks, and what a table wrote together."""


class Origins:
    """Rows of ORIGIN columns in Arrow, each with its name "run_id|sample_id" and the keys that tie it to others."""

    def __init__(self, *, by_topic: bool) -> None:
        """by_topic: rows on one topic are tied as well."""
        self.by_topic = by_topic
        self.names: list[str] = []
        self.keys: list[list[str]] = []
        self.people: dict[str, set[str]] = {"spoke": set(), "voted": set()}
        self._waiting: list[dict[str, Any]] = []
        self._chunks: list[pa.Table] = []

    def add(self, row: dict[str, Any], keys: Sequence[str], spoke: Iterable[str] = ()) -> int:
        """Add one origin and return its number. spoke: people whose own words stand in its rows."""
        self.people["spoke"].update(spoke)
        self.people["voted"].update(one.rpartition("#")[0] for one in row["vote_ids"])
        self.names.append(f"{row['run_id']}|{row['sample_id'] or row['scene_id']}")
        self.keys.append([*keys, *(f"topic|{one}" for one in row["topics"] if self.by_topic)])
        self._waiting.append(row)
        if len(self._waiting) >= _FLUSH:
            self._flush()
        return len(self.names) - 1

    def _flush(self) -> None:
        arrays = [pa.array([row[name] for row in self._waiting], type=kind) for name, kind in ORIGIN]
        self._chunks.append(pa.Table.from_arrays(arrays, schema=pa.schema(ORIGIN)))
        self._waiting.clear()

    def table(self, groups: Sequence[str]) -> pa.Table:
        """Return all origins as a table, with the group of each."""
        if self._waiting:
            self._flush()
        whole = pa.concat_tables(self._chunks)
        self._chunks.clear()
        place = whole.schema.get_field_index("group")
        return whole.set_column(place, whole.schema.field(place), pa.array(groups, type=pa.string())).combine_chunks()


class Facts:
    """What is looked up once a run: the model, its digests, and how old its policies are."""

    def __init__(self, intake: Intake, requests: Mapping[str, str], roots: set[str]) -> None:
        """requests: those behind rows -> for what they were asked. roots: scripts of which every request is wanted."""
        manifest = intake.manifest
        self.intake = intake
        self.scope = f"population:{intake.population}" if intake.population else intake.run_id
        self.asked_for = requests
        self.digests: dict[str, str] = {}
        self.shown: dict[str, Shown] = {}
        """Request -> what the order of its options did, of those that were asked in several."""
        self.num_one_order = 0
        for record in request_records(intake, requests, roots):
            self._take(record)
        self.by_root: dict[str, list[str]] = {}
        for key in sorted(self.digests, key=_place_of) if roots else ():
            self.by_root.setdefault(root_of(key), []).append(key)
        self.models = [model_of(manifest)] if intake.asked else []
        self.judge = str(((intake.config.get("measure") or {}).get("judge_policy")) or "")
        self.recipe = intake.recipe
        self.seed = int(manifest.get("seed", intake.config.get("seed", 0)) or 0)
        self.settings = intake.settings_digest
        self._seats = seats_of(intake)
        self._policies = seat_policies(intake)
        self._topics = assembled_topics(intake)
        self._prompts: Mapping[str, str] = manifest.get("prompts") or {}
        self._store = PolicyStore(intake.run.folder / "policies")
        self._ages: dict[str, int] = {}

    def _take(self, record: Mapping[str, Any]) -> None:
        key = str(record["k"])
        self.digests[key] = str(record.get("d", ""))
        if record.get("t") != "s" or key not in self.asked_for or key in self.shown:
            return
        try:
            options, logp, _, mode = record["r"]
            found = shown(logp) if mode == ScoreMode.LETTER else None  # the other mode shows no list of options
        except (ValueError, TypeError, IndexError):
            return
        if found is not None:
            self.shown[key] = found
        elif mode == ScoreMode.LETTER and len(options) > 1:
            self.num_one_order += 1

    def prompt_digest(self, name: str) -> str:
        """Return the digest of a prompt by its short name ("scenes/draft.v1"); "" when the manifest has none."""
        own = [digest for key, digest in self._prompts.items() if key == name or key.endswith(f".{name}")]
        return own[0] if own else ""

    def age(self, policy: str) -> int:
        """Return how many trainings lie between a policy and the base; -1 when the run does not hold it."""
        if policy not in self._ages:
            try:
                self._ages[policy] = len(self._store.lineage(policy)) - 1
            except UserError:
                self._ages[policy] = -1
        return self._ages[policy]

    def citizen(self, name: str) -> str:
        """Return a person's name in the whole release: within its population, else within its run."""
        return f"{self.scope}/{name}"

    def seated(self, stage: str, assembly: str, seat: str) -> str:
        """Return a voter's name in the whole release: of the person who sat in the seat, where seats were drawn."""
        return self.citizen(self._seats.get((stage, assembly, seat), seat))

    def seat_policy(self, stage: str, assembly: str, seat: str) -> str:
        """Return the policy that speaks from a seat; "" where the run does not tell."""
        return self._policies.get((stage, assembly, seat), "")

    def topics(self, stage: str, assembly: str) -> list[str]:
        """Return what the question of an assembly is about, in the words that tie rows; nothing for other scenes."""
        return self._topics.get((stage, assembly), [])

    def row(self, stage: str, scene: str, policies: Sequence[str], **rest: Any) -> dict[str, Any]:
        """Return an origin with what is common to a run; `rest` overrides."""
        ages = [self.age(policy) for policy in policies] or [0]
        return {
            "run_id": self.intake.run_id,
            "stage": stage,
            "sample_id": "",
            "scene_id": scene,
            "topics": [],
            "tick": 0,
            "turn_ids": [],
            "citizen_ids": [],
            "vote_ids": [],
            "request_keys": [],
            "request_digests": [],
            "prompt_names": [],
            "prompt_digests": [],
            "models": self.models,
            "policies": list(policies),
            "policy_version_min": min(ages),
            "policy_version_max": max(ages),
            "run_seed": self.seed,
            "settings_digest": self.settings,
            "judge": self.judge,
            "recipe": self.recipe,
            "group": "",
            "filters_passed": list(PASSED),
            **rest,
        }


def _place_of(key: str) -> tuple[str, int]:
    """Return where a request stands among those of its run: by script, then by its number in it."""
    script, _, number = key.partition("#")
    return script, int(number) if number.isdigit() else 0


def played_by(manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a manifest says of the model; the scripted engine, which uses none, stands under its own name."""
    model = manifest.get("model") or {}
    if model or not manifest.get("scripted"):
        return model
    made_by = str((manifest.get("versions") or {}).get("folkmoot") or "unknown")
    return {"name": SCRIPTED, "revision": made_by, "licence": "Apache-2.0"}


def model_of(manifest: Mapping[str, Any]) -> str:
    """Return "name@revision" of the model that played a run."""
    model = played_by(manifest)
    revision = model.get("revision") or str(model.get("digest") or "")[:12] or "unknown"
    return f"{model.get('name') or 'unknown'}@{revision}"


LIVED, ASSEMBLED, SCENES = "live_values", "assembly", "scenes"
"""Societies whose tables are read here."""
ASKED = ("beliefs", "messages", "turns", "testimony", "ballots")
"""Event tables whose rows name the request that made them, and become rows of a release."""
SEATED = {"citizens": ("assembly", "citizen", "persona_id"), "utility_citizens": ("citizen", "persona_id")}
"""Event tables that tell which person sat in a seat: seats are named anew in each assembly, persons are not."""


def facts_of(intakes: Sequence[Intake], items: Iterable[Item]) -> list[Facts]:
    """Look up the facts of each run, its journal once for all requests behind its rows."""
    wanted: list[dict[str, str]] = [{} for _ in intakes]
    roots: list[set[str]] = [set() for _ in intakes]
    for item in items:
        for key in item.sample.lineage.requests:
            wanted[item.run].setdefault(key, item.sample.kind)
    for number, intake in enumerate(intakes):
        for stage in intake.stages:
            for table in ASKED:
                frame = events(intake, stage, table, ("identity",), by=(LIVED, ASSEMBLED))
                for key in filter(None, frame["identity"]) if frame is not None else ():
                    wanted[number].setdefault(key, table)
            frame = events(intake, stage, "scenes", ("script",), by=(SCENES,))
            roots[number].update(filter(None, frame["script"]) if frame is not None else ())
    return [Facts(*one) for one in zip(intakes, wanted, roots, strict=True)]


def seats_of(intake: Intake) -> dict[tuple[str, str, str], str]:
    """Return (stage, assembly or "", seat) -> the person who sat there."""
    out: dict[tuple[str, str, str], str] = {}
    for stage in intake.stages:
        for table, columns in SEATED.items():
            frame = events(intake, stage, table, columns, by=(ASSEMBLED, "utility_vote"))
            for row in frame.iter_rows(named=True) if frame is not None else ():
                if row["persona_id"]:
                    out[stage, row.get("assembly", ""), row["citizen"]] = row["persona_id"]
    return out


def seat_policies(intake: Intake) -> dict[tuple[str, str, str], str]:
    """Return (stage, assembly, seat) -> the policy that speaks from it, where the run tells."""
    out: dict[tuple[str, str, str], str] = {}
    for stage in intake.stages:
        frame = events(intake, stage, "citizens", ("assembly", "citizen", "policy"), by=(ASSEMBLED,))
        for assembly, seat, policy in frame.iter_rows() if frame is not None else ():
            if policy:
                out[stage, assembly, seat] = policy
    return out


def assembled_topics(intake: Intake) -> dict[tuple[str, str], list[str]]:
    """Return (stage, assembly) -> the topics of its question."""
    out: dict[tuple[str, str], list[str]] = {}
    for stage in intake.stages:
        frame = events(intake, stage, "assemblies", ("assembly", "topic", "question"), by=(ASSEMBLED,))
        for assembly, topic, question in frame.iter_rows() if frame is not None else ():
            out[stage, assembly] = topics_of(topic or "", question or "")
    return out


def people_of(item: Item) -> list[str]:
    """Return the personas in a sample: authors who are no policy, and those whom its meta names."""
    sample = item.sample
    policies = NOT_PEOPLE | set(sample.lineage.policies)
    people = {c.author for c in sample.candidates} - policies
    for key in ("persona_id", "personas", "citizens", "assembly_id"):
        value = sample.meta.get(key)
        people.update([str(value)] if isinstance(value, (str, int)) and value != "" else map(str, value or ()))
    return sorted(people)


def again_key(first: str) -> str:
    """Return the key that ties the votes on repeats of a text to the sample that holds it. first: its name."""
    return f"~again|{first}"


def authors_of(item: Item, facts: Facts) -> list[str]:
    """Return the people who wrote an answer of a sample."""
    policies = NOT_PEOPLE | set(item.sample.lineage.policies)
    assembly = str(item.sample.meta.get("assembly") or "")
    authors = {one.author for one in item.sample.candidates} - policies
    return sorted(facts.seated(item.stage, assembly, one) for one in authors)


def item_origin(
    item: Item, facts: Facts, links: Sequence[str], *, again: bool = False
) -> tuple[dict[str, Any], list[str]]:
    """Return the origin of a sample, and the keys that tie it to others. again: only votes are taken from it."""
    sample, run_id = item.sample, facts.intake.run_id
    scene = str(sample.meta.get("scene_id") or "")
    assembly = str(sample.meta.get("assembly") or "")
    people = sorted({facts.seated(item.stage, assembly, name) for name in people_of(item)})
    voters = [facts.seated(item.stage, assembly, vote.voter) for vote in sample.votes]
    keys = [f"scene|{run_id}|{scene or sample.lineage.script or sample.sample_id}"]
    if "prompt" in links:
        told = "\x1e".join(f"{m.role}\x1f{same_text(m.content)}" for m in sample.prompt)
        keys.append(f"prompt|{hashlib.blake2b(told.encode(errors='surrogatepass'), digest_size=16).hexdigest()}")
    keys += [f"person|{one}" for one in people if "persona" in links]
    keys += [f"person|{one}" for one in dict.fromkeys(voters) if "voter" in links]
    meta, lineage = sample.meta, sample.lineage
    tick = meta.get("t")
    row = facts.row(
        item.stage,
        scene,
        lineage.policies,
        sample_id=sample.sample_id,
        topics=facts.topics(item.stage, assembly),
        tick=int(tick) if isinstance(tick, (int, float)) else 0,
        turn_ids=[str(one) for one in meta.get("incidents") or ()],
        citizen_ids=people,
        vote_ids=[f"{voter}#{n}" for n, voter in enumerate(voters)],
        request_keys=list(lineage.requests),
        request_digests=[facts.digests.get(key, "") for key in lineage.requests],
        prompt_names=list(lineage.prompts),
        prompt_digests=[facts.prompt_digest(name) for name in lineage.prompts],
        filters_passed=list(PASSED_AGAIN if again else PASSED),
    )
    return row, keys
