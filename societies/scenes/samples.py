"""The rows that a scene leaves for trainers: revisions, ordinary answers, and steps of the simulation itself.

Chosen comes first. A revision row keeps the draft beside it, so preference recipes can use it too.
"""

from __future__ import annotations

from collections.abc import Sequence

from agents.refusals import is_refusal
from agents.requests import Message
from agents.sample import Candidate, Lineage, Sample
from societies.scenes.records import Scene
from societies.scenes.rules import seeded_unit
from societies.scenes.teller import Heard, Teller, Told, user_turn

REVISE = "revise.v2"
"""The prompt of the revised answer."""


def scene_samples(
    teller: Teller, scene: Scene, revision_identity: str, round_: int, alarm: Heard[str] | None = None
) -> list[Sample]:
    """Return the rows of one scene, at most `rows` of each kind. alarm: a refusal to set beside an ordinary answer."""
    rows = teller.config.rows
    samples: list[Sample] = []
    if scene.revision and rows.get("revision_harmful", 0):
        samples.append(_revision(teller, scene, revision_identity, round_))
    if _is_helpful(scene) and rows.get("answer_helpful", 0):
        samples.append(_helpful(teller, scene, round_, alarm))
    chosen = pick(teller.told, rows.get("simulation_step", 0), teller.seed, scene.scene_id)
    samples.extend(_step(teller, scene, told, number, round_) for number, told in chosen)
    return samples


def pick(told: Sequence[Told], num: int, seed: int, scene_id: str) -> list[tuple[int, Told]]:
    """Return at most `num` steps with their numbers, drawn by a stable hash, in the order of the play."""
    ranked = sorted(range(len(told)), key=lambda number: seeded_unit(seed, scene_id, told[number].identity))
    return [(number, told[number]) for number in sorted(ranked[:num])]


def answer_sample(
    *,
    sample_id: str,
    kind: str,
    instruction: str,
    candidates: tuple[Candidate, ...],
    requests: Sequence[str],
    prompts: tuple[str, ...],
    policies: tuple[str, ...],
    meta: dict[str, object],
) -> Sample:
    """Return a row whose prompt is the user's own words."""
    return Sample(
        sample_id=sample_id,
        kind=kind,
        prompt=user_turn(instruction),
        candidates=candidates,
        lineage=Lineage(
            script=requests[0].partition("#")[0] if requests else "",
            requests=tuple(requests),
            prompts=prompts,
            policies=policies,
        ),
        meta=meta,
    )


def _is_helpful(scene: Scene) -> bool:
    """Return whether the draft is an ordinary answer to an ordinary instruction: there, and no refusal."""
    return scene.kind == "ordinary" and not scene.is_harmful and bool(scene.draft) and not is_refusal(scene.draft)


def _revision(teller: Teller, scene: Scene, identity: str, round_: int) -> Sample:
    policy = teller.policy("ego")
    # The draft first, the revision's own reply last; between them the incidents that caused it.
    caused = [one for one in teller.identities if one not in (teller.identities[0], identity)]
    return answer_sample(
        sample_id=f"{scene.scene_id}.revision",
        kind="revision_harmful",
        instruction=scene.instruction,
        candidates=(
            Candidate(text=scene.revision, author=policy, role="revised"),
            Candidate(text=scene.draft, author=policy, role="initial"),
        ),
        requests=(teller.identities[0], *caused, identity),
        prompts=("scenes/draft", *dict.fromkeys(told.purpose for told in teller.told), f"scenes/{REVISE}"),
        policies=tuple(dict.fromkeys((policy, teller.policy("modulator"), *(told.policy for told in teller.told)))),
        meta=_meta(scene, round_)
        | {
            "consequence": scene.consequence,
            "refuses": is_refusal(scene.revision),
            "draft_refuses": is_refusal(scene.draft),
            "incidents": [incident.incident_id for incident in scene.incidents if incident.accepted],
        },
    )


def _helpful(teller: Teller, scene: Scene, round_: int, alarm: Heard[str] | None) -> Sample:
    policy = teller.policy("ego")
    worse = (Candidate(text=alarm.value or "", author=policy, role="bad"),) if alarm else ()
    return answer_sample(
        sample_id=f"{scene.scene_id}.answer",
        kind="answer_helpful",
        instruction=scene.instruction,
        candidates=(Candidate(text=scene.draft, author=policy, role="initial"), *worse),
        requests=(*teller.identities[:1], *((alarm.told.identity,) if alarm else ())),
        prompts=("scenes/draft", *((f"scenes/{REVISE}",) if alarm else ())),
        policies=(policy,),
        meta=_meta(scene, round_),
    )


def _step(teller: Teller, scene: Scene, told: Told, number: int, round_: int) -> Sample:
    prompt: tuple[Message, ...] = told.messages
    return Sample(
        sample_id=f"{scene.scene_id}.step-{number:03d}",
        kind="simulation_step",
        prompt=prompt,
        candidates=(Candidate(text=told.text, author=told.policy, role="initial"),),
        lineage=Lineage(
            script=teller.identities[0].partition("#")[0],
            requests=(told.identity,),
            prompts=(told.purpose,),
            policies=(told.policy,),
        ),
        meta=_meta(scene, round_) | {"purpose": told.purpose},
    )


def _meta(scene: Scene, round_: int) -> dict[str, object]:
    return {
        "scene_id": scene.scene_id,
        "instruction_id": scene.instruction_id,
        "instruction_kind": scene.kind,
        "t": round_,
        "harmful_p": scene.harmful_p,
        "end_reason": scene.end_reason,
    }
