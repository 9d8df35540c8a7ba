"""The verbs of the loop. Each does one thing, leaves its product as a file, and does nothing when the file stands.

State is ids and small values only, so the graph can be stopped after any node, and killed inside one.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, TypedDict

from agents.errors import UserError
from agents.instruments.separation import overlap_report
from agents.sample import Sample
from selfalign.build.rows import TrainingSet
from selfalign.gate.criteria import Verdict, judge_gate
from selfalign.loop.epochs import write_epoch
from selfalign.loop.workshop import Workshop, differing, read_json, stage_of
from selfalign.measure import compare, comparison_dict, item_texts, measure, pairs_asked, score
from selfalign.policy.store import BASE, PolicyMeta
from selfalign.recipe import extrapolation, settings
from selfalign.samples import Funnel, Step, drop
from selfalign.train.job import ADAPTER, ROWS, TrainJob, write_json, write_rows
from selfalign.train.online import ENGINES as ONLINE
from selfalign.train.progress import curve_frame
from selfalign.train.reward import reward_job
from selfalign.train.runner import clean
from sim.engines.base import derive_seed
from sim.tables import write_frame


class State(TypedDict, total=False):
    """What the graph remembers: the round, the policy in force, the candidate, and what became of it.

    stopped: why the loop ends with this round although others are left; empty where it may go on.
    """

    round: int
    current: str
    candidate: str
    verdict: str
    decision: str
    stopped: str
    history: list[str]


def measure_before(shop: Workshop, state: State) -> State:
    """Measure the policy in force, once. Where nothing is trained, it is its own candidate."""
    current = state["current"]
    measure(shop.session, stage_of(current), current, shop.instruments, shop.refs(current))
    candidate = f"p{state['round']}" if shop.loop.train else current
    return {"candidate": candidate, "verdict": "", "decision": ""}


def simulate(shop: Workshop, state: State) -> State:
    """Play the society with the policy in force; the base is there beside it, for whoever does not learn."""
    current = state["current"]
    policies = tuple(shop.refs(current).values())
    shop.session.play_society(round_=state["round"], policies=policies, names={"all": current})
    return {}


def build(shop: Workshop, state: State) -> State:
    """Choose the samples that count: none whose prompt is a test item. Writes `build.json`."""
    if not shop.loop.train:
        return {}
    path = shop.work(state["candidate"]) / "build.json"
    if not path.exists():
        kept, funnel = _clean_samples(shop, state["round"])
        steps = [
            {"name": s.name, "num_in": s.num_in, "num_out": s.num_out, "reasons": dict(s.reasons)} for s in funnel.steps
        ]
        write_json(path, {"steps": steps, "sample_ids": [sample.sample_id for sample in kept]})
    return {}


def label(shop: Workshop, state: State) -> State:
    """Turn the chosen samples into rows for the loss. Writes `rows.parquet` and `label.json` with the whole funnel."""
    if not shop.loop.train:
        return {}
    folder = shop.work(state["candidate"])
    told = read_json(folder / "label.json")
    mine = {"recipe": shop.recipe.name, "config": settings(shop.recipe_config)}
    if told is not None:
        _same_recipe(shop, state, told, mine)
        return {}
    built = read_json(folder / "build.json")
    assert built is not None, "label runs after build"
    ids = set(built["sample_ids"])
    samples = [s for s in shop.session.run.read_samples(f"r{state['round']}.play") if s.sample_id in ids]
    earlier = _earlier(shop, state["round"])
    training, held = shop.recipe.rows(samples, shop.recipe_config, _seed(shop, "rows"), earlier=earlier)
    write_rows(folder / ROWS, training.rows, training.sample_ids)
    first = tuple(Step(**step) for step in built["steps"])
    funnel = Funnel(first + training.funnel.steps)
    write_json(folder / "label.json", {**mine, **_summary(training, funnel), "num_held": len(held)})
    return {}


def train(shop: Workshop, state: State) -> State:
    """Train the candidate in a child process and store it. Nothing happens when it stands, or with `loop.train` off.

    Raises Stopped after an order to stop; the next start goes on from the checkpoint.
    """
    if not shop.loop.train:
        return {}
    name, folder = state["candidate"], shop.work(state["candidate"])
    parent = BASE if shop.loop.parent == "base" else state["current"]
    told = read_json(folder / "label.json")
    assert told is not None, "train runs after label"
    if shop.store.has(name):
        stored = shop.store.verify(name)
        if stored.data_digest != told["data_digest"]:
            raise UserError(
                f"Policy {name} was trained on other rows than this run's samples give.",
                f"its data digest is {stored.data_digest[:12]}, the rows have {told['data_digest'][:12]}.",
                "start a new run; samples, recipe or code have changed since",
            )
        if stored.parent != parent:
            raise UserError(
                f"Policy {name} was trained from {stored.parent}, not from {parent}.",
                "loop.parent has changed since.",
                f"set it back, or start a new run with loop.parent={shop.loop.parent}",
            )
        return {}
    model = shop.base(shop.session)
    shop.say(f"training {name} from {parent}: {told['num_rows']} rows, recipe {shop.recipe.name}")
    job = TrainJob(
        folder=folder,
        name=name,
        recipe=shop.recipe.name,
        engine=shop.recipe.engine,
        loss=shop.recipe.loss,
        knobs=dict(shop.recipe.knobs),
        config=settings(shop.recipe_config),
        base_folder=str(model.path),
        base_digest=model.digest,
        parent=parent,
        parent_folder="" if parent == BASE else str(shop.store.ref(parent).folder),
        data_digest=told["data_digest"],
        seed=_seed(shop, f"train/{name}"),
    )
    rewarded, extra = _reward_model(shop, job) if shop.recipe.engine in ONLINE else ({}, {})
    metrics = {**shop.train(job, shop.on_progress, shop.obey), **rewarded}
    curve = folder / "curves.parquet"
    write_frame(curve, curve_frame(folder))
    meta = PolicyMeta(
        name=name,
        parent=parent,
        base_digest=job.base_digest,
        recipe=shop.recipe.name,
        data_digest=job.data_digest,
        seed=job.seed,
        metrics=metrics,
    )
    shop.store.put(meta, folder / ADAPTER, {"curves.parquet": curve, **extra})
    clean(folder)
    shutil.rmtree(folder / ADAPTER, ignore_errors=True)
    shop.session.write_metrics()
    return {}


def measure_after(shop: Workshop, state: State) -> State:
    """Measure the candidate on the same items."""
    name = state["candidate"]
    measure(shop.session, stage_of(name), name, shop.instruments, shop.refs(name))
    return {}


def gate(shop: Workshop, state: State) -> State:
    """Judge the candidate against the policy in force, and against the base. Writes `gates/r<round>.json`.

    With `loop.gate` off the file says that nobody judged. With `loop.train` off there is no candidate, and no file.
    """
    before, after = state["current"], state["candidate"]
    if not shop.loop.train:
        return {"verdict": "reject"}
    if not shop.loop.gate:
        return _ungated(shop, state)
    verdict = _judged(shop, before, after)
    against_base = verdict if before == BASE else _judged(shop, BASE, after)
    sentinels = [reason for reason in against_base.reasons if not reason.target]
    promote = verdict.promote and all(reason.passed for reason in sentinels)
    summary = verdict.summary
    if verdict.promote and not promote:
        summary = "reject, against the base: " + ", ".join(r.name for r in sentinels if not r.passed)
    comparisons = _comparisons(shop, before, after)
    write_json(
        shop.folder / "gates" / f"r{state['round']}.json",
        {
            "round": state["round"],
            "before": before,
            "after": after,
            "promote": promote,
            "summary": summary,
            "verdict": verdict.as_dict(),
            "against_base": None if before == BASE else against_base.as_dict(),
            "comparisons": [comparison_dict(one) for one in comparisons],
        },
    )
    shop.say(f"gate r{state['round']}: {summary}")
    return {"verdict": "promote" if promote else "reject"}


def promote(shop: Workshop, state: State) -> State:
    """Put the candidate in force."""
    if not shop.loop.gate and f"r{state['round']}" not in shop.approvals:
        why = f"loop.gate is off: {state['candidate']} was promoted in round {state['round']} without being judged"
        if why not in shop.session.run.manifest.get("degraded", []):
            shop.session.run.degrade(why)
    return _decided(shop, state, "promoted", state["candidate"])


def reject(shop: Workshop, state: State) -> State:
    """Leave the policy in force."""
    if not shop.loop.train:
        told = f"r{state['round']}: {state['current']} measured, nothing trained (loop.train is off)"
        return {"decision": "kept", "history": [*state.get("history", []), told]}
    return _decided(shop, state, "rejected", state["current"])


def watch(shop: Workshop, state: State) -> State:
    """Tell what the round did to those who are asked after every round, and whether a rule ends the loop for it.

    Writes `epochs/r<round>.json`; a reason to stop also goes beside the decision in `gates/`.
    """
    found = write_epoch(shop, state["round"], state["current"])
    if found is None:
        return {"stopped": ""}
    path = shop.folder / "gates" / f"r{state['round']}.decision.json"
    decided = read_json(path)
    if decided is not None:
        write_json(path, {**decided, "stop": found.reason})
    shop.say(f"the loop stops after round {state['round']}: {found.reason}")
    return {"stopped": found.reason, "history": [*state.get("history", []), f"r{state['round']}: stop, {found.reason}"]}


def next_round(shop: Workshop, state: State) -> State:
    """Count the round."""
    return {"round": state["round"] + 1}


def goes_on(shop: Workshop, state: State) -> bool:
    """Tell whether another round follows."""
    stopped = shop.loop.stop_on_reject and state["decision"] == "rejected"
    return state["round"] < shop.loop.num_rounds and not stopped and not state.get("stopped")


def _clean_samples(shop: Workshop, round_: int) -> tuple[list[Sample], Funnel]:
    """Return the round's samples without those that share wording with a test item."""
    samples = shop.session.run.read_samples(f"r{round_}.play")
    pairs = pairs_asked(shop.instruments)
    shared: dict[str, bool] = {}
    worded: list[tuple[str, str]] = []
    for sample in samples:
        text = next((m.content for m in reversed(sample.prompt) if m.role == "user"), "")
        if text in pairs:
            # One question over many pairs: the options are the item, and an option may stand in both halves.
            if frozenset(candidate.text for candidate in sample.candidates) in pairs[text]:
                shared[sample.sample_id] = True
        else:
            worded.append((sample.sample_id, text))
    overlaps = overlap_report([text for _, text in worded], item_texts(shop.instruments)).overlaps
    shared |= {worded[one.train][0]: one.exact for one in overlaps}

    def is_test(sample: Sample) -> str | None:
        if sample.sample_id not in shared:
            return None
        return "is a test item" if shared[sample.sample_id] else "shares eight words in a row with a test item"

    return drop(samples, Funnel(), "not a test item", is_test)


def _earlier(shop: Workshop, round_: int) -> list[list[Sample]]:
    """Return the samples of the rounds before that extrapolation reaches back to, oldest first."""
    ahead = extrapolation(shop.recipe_config)
    reach = 0 if ahead is None else ahead.order
    return [shop.session.run.read_samples(f"r{k}.play") for k in range(max(1, round_ - reach), round_)]


def _reward_model(shop: Workshop, job: TrainJob) -> tuple[dict[str, Any], dict[str, Path]]:
    """Train the reward model of a policy; return what the policy's record says of it, and its curve."""
    shop.say(f"training the reward model of {job.name} on the same pairs")
    first = reward_job(job)
    summary = shop.train(first, shop.on_progress, shop.obey)
    curve = first.folder / "curves.parquet"
    write_frame(curve, curve_frame(first.folder))
    clean(first.folder)
    return {"reward_model": summary}, {"reward_curves.parquet": curve}


def _same_recipe(shop: Workshop, state: State, told: dict[str, Any], mine: dict[str, Any]) -> None:
    keys = ["name"] if told["recipe"] != mine["recipe"] else differing(told["config"], mine["config"])
    if keys:
        raise UserError(
            f"Policy {state['candidate']} of this run was begun with another recipe.",
            f"these keys differ: {', '.join(f'recipe.{key}' for key in keys)}.",
            f"go on without them, or copy the run, or remove {shop.work(state['candidate'])} to begin it again",
        )


def _summary(training: TrainingSet, funnel: Funnel) -> dict[str, Any]:
    return {
        "form": training.form,
        "num_rows": len(training.rows),
        "counts": dict(training.counts),
        "notes": list(training.notes),
        "data_digest": training.digest,
        "funnel": funnel.rows(),
    }


def _seed(shop: Workshop, what: str) -> int:
    return derive_seed(shop.session.seed + shop.recipe_config.seed, what) % 2**31


def _judged(shop: Workshop, before: str, after: str) -> Verdict:
    readings = [measure(shop.session, stage_of(p), p, shop.instruments, shop.refs(p)) for p in (before, after)]
    rows = [score(shop.instruments, one) for one in readings]
    return judge_gate(rows[0], rows[1], compare(shop.instruments, *readings), shop.loop.thresholds)


def _ungated(shop: Workshop, state: State) -> State:
    """Write the file of a gate that is off: what changed stands in it, and that nobody judged it."""
    summary = "NOT JUDGED: loop.gate is off, so the candidate is promoted whatever was measured"
    reason = {"name": "the gate is off", "passed": False, "ran": False, "target": False, "text": summary}
    before, after = state["current"], state["candidate"]
    write_json(
        shop.folder / "gates" / f"r{state['round']}.json",
        {
            "round": state["round"],
            "before": before,
            "after": after,
            "promote": True,
            "gate": "off",
            "summary": summary,
            "verdict": {"promote": True, "summary": summary, "reasons": [reason], "thresholds": {}},
            "against_base": None,
            "comparisons": [comparison_dict(one) for one in _comparisons(shop, before, after)],
        },
    )
    shop.say(f"gate r{state['round']}: {summary}")
    return {"verdict": "promote"}


def _comparisons(shop: Workshop, before: str, after: str) -> Any:
    readings = [measure(shop.session, stage_of(p), p, shop.instruments, shop.refs(p)) for p in (before, after)]
    return compare(shop.instruments, *readings)


def _decided(shop: Workshop, state: State, decision: str, current: str) -> State:
    judge = "gate" if shop.loop.gate else "nobody (loop.gate is off)"
    by = "person" if f"r{state['round']}" in shop.approvals else judge
    record = {"round": state["round"], "candidate": state["candidate"], "decision": decision, "by": by}
    write_json(shop.folder / "gates" / f"r{state['round']}.decision.json", {**record, "current": current})
    return {
        "current": current,
        "decision": decision,
        "history": [*state.get("history", []), f"r{state['round']}: {state['candidate']} {decision} by {by}"],
    }
