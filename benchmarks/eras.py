"""Are the eras of a run more than noise? `python -m benchmarks.eras RUN [--json] [--seed N]`.

Reads a run of the society `eras` and prints how far each era's value vector lies from the uniform responder's, how far
eras lie apart, both beside the order gap; whether what sets eras apart in one half of the items does so in the other;
and who follows and predicts them. Intervals are 95 %, by a jackknife over the measured items within their blocks
(Efron and Tibshirani 1993, chapter 11): with few items a dimension, a bootstrap would overstate every distance.
Nulls: eras shuffled within each item (apart), and between the halves (agreement).
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from agents.instruments.value_vector import BLOCK_DIMS, BLOCKS, DIMS, uniform_additions
from agents.instruments.value_vector.people import load_halves
from dashboards.tools.leaderboard import read_run
from sim.answered import answered_in
from sim.store import Run
from societies.coevolution.protocols import Challenge
from societies.coevolution.records import ChallengeResult
from societies.coevolution.registering import challenge
from societies.coevolution.similarity import centred_cosine

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
NUM_DRAWS = 1000
NUM_SPLITS = 200


def main() -> None:
    parser = argparse.ArgumentParser(description="Hold the eras of a run against order gap, uniform vector and chance.")
    parser.add_argument("run", type=Path)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--seed", type=int, default=0, help="of resampling and shuffling")
    options = parser.parse_args()
    figures = measure(options.run, options.seed)
    if options.json:
        print(json.dumps(figures))
        return
    show(figures)


def measure(folder: Path, seed: int = 0) -> dict[str, Any]:
    run = Run.open(folder)
    vectors = run.read_events("r1.play", "era_vectors").to_dicts()
    items = run.read_events("r1.play", "era_items").to_dicts()
    names = [row["voice"] for row in vectors]
    eras = [row["voice"] for row in sorted(vectors, key=lambda row: row["timestep"]) if row["kind"] != "policy"]
    kept, rows = additions_of(items, names)
    section = run.config["society"]
    _, held = load_halves(section["folder"], section["num"], Path(run.config["paths"]["data"]))
    uniform = uniform_additions([item for item in held if item.id in set(kept)])
    blocks = uniform.blocks
    history = np.stack([rows[era] for era in eras])
    spread = np.ptp(history, axis=0).max(axis=1)
    return {
        "run": run.folder.name,
        "scripted": answered_in(run) == "script",
        "model": run.manifest.get("model", {}).get("name", ""),
        "num_items": len(kept),
        "num_items_by_block": {name: int((blocks == n).sum()) for n, name in enumerate(BLOCKS)},
        "num_pairs": run.read_events("r1.play", "era_votes").height // len(names),
        "eras": eras,
        "voices": [
            {
                **{key: row[key] for key in ("voice", "kind", "order_gap", "vote_gap", "label_mass", "invalid_rate")},
                "missing_votes": row["missing_votes"],
                "from_uniform": jackknife(distance(rows[row["voice"]], uniform.rows), blocks),
            }
            for row in vectors
        ],
        "apart": apart(history, blocks, seed),
        "agreement": agreement(history, blocks, seed),
        "item_spread": jackknife(lambda mask: float(spread[mask].mean()), blocks),
        "trials": trials(read_run(run)[0], eras, rows, uniform.rows, blocks),
        "command": f"python -m benchmarks.eras {shlex.quote(str(folder))} --seed {seed}",
    }


def additions_of(rows: Sequence[Mapping[str, Any]], voices: Sequence[str]) -> tuple[list[str], dict[str, FloatArray]]:
    """Return the items that every voice answered, and what they add by voice: [item, dim]."""
    by_voice: dict[str, dict[str, list[float]]] = {voice: {} for voice in voices}
    for row in rows:
        by_voice[row["voice"]][row["item"]] = row["adds"]
    common = set.intersection(*(set(one) for one in by_voice.values()))
    kept = [item for item in by_voice[voices[0]] if item in common]
    return kept, {voice: np.array([one[item] for item in kept]) for voice, one in by_voice.items()}


def jackknife(statistic: Callable[[BoolArray], float], blocks: IntArray) -> list[float]:
    """Return [point, low, high] of a statistic of a mask of items, each item left out in its turn."""
    whole = np.ones(blocks.size, dtype=bool)
    variance = 0.0
    for block in range(len(BLOCKS)):
        own = np.flatnonzero(blocks == block)
        left = []
        for item in own:
            mask = whole.copy()
            mask[item] = False
            left.append(statistic(mask))
        if own.size > 1:
            variance += (own.size - 1) / own.size * float(np.square(np.array(left) - np.mean(left)).sum())
    point = statistic(whole)
    return [point, point - 1.96 * math.sqrt(variance), point + 1.96 * math.sqrt(variance)]


def distance(first: FloatArray, second: FloatArray) -> Callable[[BoolArray], float]:
    """Return the distance of two vectors as a function of the items that count; their blocks stand in the zeros."""
    blocks = blocks_of(second)
    return lambda mask: float(np.linalg.norm(block_means((first - second)[mask], blocks[mask])))


def blocks_of(rows: FloatArray) -> IntArray:
    """Return the block of each item, told by the dimensions that it adds to."""
    places = [[DIMS.index(name) for name in BLOCK_DIMS[block]] for block in BLOCKS]
    weight = np.stack([np.abs(rows[:, own]).sum(axis=1) for own in places])
    return np.asarray(weight.argmax(axis=0), dtype=np.int64)


def block_means(rows: FloatArray, blocks: IntArray) -> FloatArray:
    """Return [..., dim] on the published scale for rows [..., item, dim]; a row is 0 outside its block's dimensions."""
    sizes = np.array([(blocks == block).sum() for block in range(len(BLOCKS))])
    return np.asarray((rows / (sizes[blocks] + 1)[:, None]).sum(axis=-2))


def mean_distance(vectors: FloatArray) -> float:
    """Return the mean distance over pairs of eras, [era, dim]."""
    return float(np.mean([np.linalg.norm(a - b) for a, b in itertools.combinations(vectors, 2)]))


def apart(rows: FloatArray, blocks: IntArray, seed: int) -> dict[str, Any]:
    """Return the mean distance of two eras with its interval, and where eras shuffled within each item lie."""
    found = jackknife(lambda mask: mean_distance(block_means(rows[:, mask], blocks[mask])), blocks)
    rng = np.random.default_rng([seed, 1])
    null = np.array([mean_distance(block_means(shuffled(rows, rng), blocks)) for _ in range(NUM_DRAWS)])
    return {
        "distance": found,
        "null": [float(null.mean()), *np.quantile(null, [0.025, 0.975]).tolist()],
        "p": float((1 + (null >= found[0]).sum()) / (1 + NUM_DRAWS)),
    }


def shuffled(rows: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return the rows with the eras shuffled within each item: as different, but with no era of its own."""
    order = rng.permuted(np.tile(np.arange(len(rows))[:, None], (1, rows.shape[1])), axis=0)
    return np.take_along_axis(rows, order[..., None], axis=0)


def agreement(rows: FloatArray, blocks: IntArray, seed: int) -> dict[str, Any]:
    """Return the correlation, over eras and dimensions, of what sets eras apart in two random halves of the items.

    null: the eras of one half shuffled. A dimension that no item of a half speaks of is left out there.
    """
    rng = np.random.default_rng([seed, 2])
    centred = rows - rows.mean(axis=0)
    real, null = [], []
    for _ in range(NUM_SPLITS):
        first = np.zeros(rows.shape[1], dtype=bool)
        for block in range(len(BLOCKS)):
            own = rng.permutation(np.flatnonzero(blocks == block))
            first[own[: len(own) // 2]] = True
        a, b = (block_means(centred[:, half], blocks[half]) for half in (first, ~first))
        told = (np.abs(a).sum(axis=0) > 0) & (np.abs(b).sum(axis=0) > 0)
        real.append(np.corrcoef(a[:, told].ravel(), b[:, told].ravel())[0, 1])
        order = rng.permutation(len(rows))
        null.append(np.corrcoef(a[:, told].ravel(), b[order][:, told].ravel())[0, 1])
    return {
        name: [float(np.mean(found)), *np.quantile(found, [0.025, 0.975]).tolist()]
        for name, found in (("r", real), ("null", null))
    }


def trials(
    results: Sequence[ChallengeResult],
    eras: list[str],
    rows: Mapping[str, FloatArray],
    uniform: FloatArray,
    blocks: IntArray,
) -> list[dict[str, Any]]:
    """Return the score of every arm, raw and centred, with intervals over the measured items.

    Centred on the first era, an arm and the truth share that era's noise, so that who learns nothing scores as well;
    centred on the uniform vector they share none.

    Eras and served policies are measured again without each item; policies of numbers keep their lean.
    """
    out = []
    for result in results:
        judge = challenge(result.name, result.settings)
        if judge.coupled:
            continue

        def again(mask: BoolArray, part: str, result: ChallengeResult = result, judge: Challenge = judge) -> float:
            history = np.stack([block_means(rows[era][mask], blocks[mask]) for era in eras])
            # Leaving an item out moves the uniform responder too: policies of numbers lean from there, and go along.
            track = result.tracks["examinee"] + block_means(uniform[mask], blocks[mask]) - block_means(uniform, blocks)
            names = result.examinee_settings.get("policies", ("base",))
            for timestep in range(1, judge.num_turns(len(eras)) + 1):
                if result.examinee == "served":
                    voice = f"policy-{names[min(timestep, len(names)) - 1]}"
                    track[timestep] = block_means(rows[voice][mask], blocks[mask])
                elif result.examinee == "frozen":
                    track[timestep] = history[0]
                elif result.examinee == "oracle":
                    track[timestep] = history[timestep + judge.lead]
            if part == "uniform":
                num, centre = judge.num_turns(len(eras)), block_means(uniform[mask], blocks[mask])
                ahead = history[1 + judge.lead : 1 + judge.lead + num]
                return float(centred_cosine(track[1 : 1 + num], ahead, centre).values.mean())
            verdict = judge.verdict(replace(result, tracks={"examinee": track, "history": history}))
            return float(getattr(verdict, part))

        verdict = judge.verdict(result)
        out.append(
            {
                "challenge": result.challenge,
                "algorithm": result.algorithm,
                "raw": np.clip(jackknife(partial(again, part="score"), blocks), -1, 1).tolist(),
                "centred": np.clip(jackknife(partial(again, part="centred"), blocks), -1, 1).tolist(),
                "from_uniform": np.clip(jackknife(partial(again, part="uniform"), blocks), -1, 1).tolist(),
                "lag": verdict.lag,
                "num_timesteps": verdict.num,
                "flags": list(verdict.flags),
            }
        )
    return out


def told(values: Sequence[float]) -> str:
    """Return "point [low, high]"."""
    point, lo, hi = values
    return "undefined" if np.isnan(point) else f"{point:.4f} [{lo:.4f}, {hi:.4f}]"


def show(figures: Mapping[str, Any]) -> None:
    if figures["scripted"]:
        print("SCRIPTED ENGINE: no number here is a model's.")
    print(
        f"{figures['model'] or 'no model'}: {len(figures['eras'])} eras, {figures['num_pairs']} pairs put to the vote, "
        f"{figures['num_items']} items measured; 95 % over these"
    )
    for one in figures["voices"]:
        print(
            f"  {one['voice']:<14} from uniform {told(one['from_uniform'])}  order gap {one['order_gap']:.3f}  "
            f"of votes {one['vote_gap']:.3f}  label mass {one['label_mass']:.3f}  lost {one['invalid_rate']:.2f}"
        )
    print(f"two eras lie apart by {told(figures['apart']['distance'])}; eras shuffled within items "
          f"{told(figures['apart']['null'])}, p = {figures['apart']['p']:.3f}")  # fmt: skip
    print(f"an item's answer ranges over eras by {told(figures['item_spread'])}")
    print(f"halves of the items agree on what sets eras apart: r = {told(figures['agreement']['r'])}; "
          f"eras shuffled {told(figures['agreement']['null'])}")  # fmt: skip
    for one in figures["trials"]:
        print(
            f"  {one['challenge']:<12} {one['algorithm']:<14} raw {told(one['raw'])}  centred on the first era "
            f"{told(one['centred'])}, on the uniform vector {told(one['from_uniform'])}  "
            f"lag {one['lag']:.2f}  n = {one['num_timesteps']} timesteps"
        )
    print(figures["command"])


if __name__ == "__main__":
    main()
