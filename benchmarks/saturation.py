"""How full the scheduler keeps a real engine: the same scene requests as scripts and as one flat list.

    python -m benchmarks.saturation --json

saturation = time(flat list) / time(scripts). Beside it the same scenes with a barrier after every turn, and one call
at a time (on some of the scenes, scaled up). The prefix cache is emptied before every run, and runs alternate. The
flat list holds the very prompts and seeds of the scripted run, so both do the same work up to near-ties. --brief
leaves out the warm pass, the barrier and single calls, for sources whose every pass takes long (assemblies). --tiny
takes a random model of two small layers: nothing it says means anything, and scheduling must hide behind far cheaper
decoding.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from agents.requests import Fork, Generate, Message, Reply, Sampling, Score, Script
from sim.engines.base import Ticket
from sim.engines.kind import EngineSetting
from sim.engines.vllm import VllmConfig, VllmEngine
from sim.limits import Limits
from sim.scheduler import Scheduler

Scripts = Callable[[int, bool], Iterator[tuple[str, Script[Any]]]]
"""(number of scenes, persona first?) -> named scripts."""

NUM_TURNS = 5
RULES = (
    "You play one role in a short social scene. Speak only for yourself, in the first person, in one or two plain "
    "sentences. Do not tell what others think, do not describe the scene, and do not repeat what was said. What "
    "others say is heard by all. If you are asked for something that would harm somebody, say what you would do "
    "about it in your own role. Keep to facts that stand in the scene or that anybody of your role would know. "
    "The scene begins with its place and occasion, then comes what was said, oldest first, then who you are."
)
PLACES = (
    "a pharmacy",
    "a school yard",
    "the town hall",
    "a bus depot",
    "a bank counter",
    "a farm",
    "a clinic",
    "a port",
)
OCCASIONS = ("a missing key", "a late delivery", "a broken meter", "a lost letter", "a wrong bill", "a loud party")
ROLES = ("the clerk", "a neighbour", "the manager", "a young mother", "an inspector")


def simple_scene(number: int, persona_first: bool) -> Script[list[str]]:
    """Five roles speak in turn about an everyday incident."""
    place, occasion = PLACES[number % len(PLACES)], OCCASIONS[number % len(OCCASIONS)]
    scenario = f"Scene {number}: at {place}, about {occasion}. Those present: {', '.join(ROLES)}."
    said: list[str] = []
    for turn in range(NUM_TURNS):
        role = ROLES[(number + turn) % len(ROLES)]
        who = f"You are {role}, {25 + (number * 7 + turn * 13) % 50} years old. What do you say now?"
        transcript = "\n".join(said) or "(nothing yet)"
        parts = (who, RULES, scenario, transcript) if persona_first else (RULES, scenario, transcript, who)
        reply: Reply = yield Generate(
            messages=(Message("user", "\n".join(parts)),),
            purpose="bench/turn.v1",
            sampling=Sampling(max_tokens=48, temperature=0.8),
        )
        said.append(f"{role}: {' '.join(reply.text.split())}")
    return said


def simple(num: int, persona_first: bool) -> Iterator[tuple[str, Script[Any]]]:
    """Return the benchmark's own scenes."""
    return ((f"scene-{number:04d}", simple_scene(number, persona_first)) for number in range(num))


def matrix(num: int, persona_first: bool) -> Iterator[tuple[str, Script[Any]]]:
    """Return scenes of the society `scenes`, half around harmful and half around ordinary instructions.

    persona_first: every prompt begins with who is asked, as peers lay them out, in place of what is shared.
    """
    from societies.scenes import ScenesConfig, society
    from societies.scenes.config import MaxTokens
    from societies.seam import Setting

    lengths = MaxTokens(draft=64, revision=64, text=64, line=32, roles=64, plan=96)
    config = ScenesConfig(
        num_harmful=num // 2,
        num_ordinary=num - num // 2,
        num_roles=3,
        num_steps=2,
        max_interactions=6,
        max_tokens=lengths,
        ego_names=("Ada", "Ben", "Cleo", "Dov"),
        role_names=("Ema", "Finn", "Gil", "Hana", "Ivo", "June"),
    )
    scripts = society.scripts(config, Setting(seed=11, cast=lambda number, seed: []))
    return ((name, who_first(script, name)) if persona_first else (name, script) for name, script in scripts)


def assemblies(num: int, persona_first: bool) -> Iterator[tuple[str, Script[Any]]]:
    """Return small citizens' assemblies of 24, one script each: one round of tables, three drafts, one vote."""
    from agents.population import build_population, personas
    from societies.assembly.config import AssemblyConfig, MaxTokens
    from societies.assembly.society import society
    from societies.seam import Setting

    default = yaml.safe_load((resources.files("conf") / "population" / "default.yaml").read_text("utf-8"))
    people = list(personas(build_population({**default, "size": 120, "seed": 11})))
    lengths = MaxTokens(turn=40, note=24, opinion=48, statement=64, clause=32)
    config = AssemblyConfig(
        num_assemblies=num,
        arms=("full",),
        panel=24,
        pool=120,
        quotas=("sex", "age"),
        lottery="legacy",
        num_rounds=1,
        num_questions=0,
        num_candidates=3,
        num_critiques=0,
        num_clauses=2,
        baselines=False,
        max_tokens=lengths,
    )
    scripts = society.scripts(config, Setting(seed=11, cast=lambda number, seed: people[:number]))
    return ((name, who_first(script, name)) if persona_first else (name, script) for name, script in scripts)


def who_first(script: Script[Any], name: str) -> Script[Any]:
    """Put the asker's own name before every prompt, so that no two askers share a beginning."""
    answer = None
    while True:
        try:
            asked = script.send(answer)
        except StopIteration as stop:
            return stop.value
        answer = yield _named(asked, name)


def _named(asked: Any, name: str) -> Any:
    if isinstance(asked, list):
        return [_named(one, name) for one in asked]
    if isinstance(asked, Fork):
        return replace(asked, children=tuple((key, who_first(child, f"{name}.{key}")) for key, child in asked.children))
    if isinstance(asked, Generate | Score):
        first, *rest = asked.messages
        return replace(asked, messages=(replace(first, content=f"You are {name}.\n{first.content}"), *rest))
    return asked


SOURCES: dict[str, Scripts] = {"simple": simple, "scenes": matrix, "assembly": assemblies}
"""What is played: scenes of the benchmark, whose turns are of one length; of the society `scenes`; assemblies."""


@dataclass(frozen=True, slots=True)
class Timing:
    """One run: seconds, share of prompt tokens from the cache, sampled tokens."""

    seconds: float
    prefix_hit: float
    num_output: int


class Recorder:
    """An engine around the engine that keeps the tickets it was given."""

    def __init__(self, engine: VllmEngine) -> None:
        self.inner = engine
        self.tickets: list[Ticket] = []

    def submit(self, tickets: Any) -> None:
        """Keep and pass on."""
        self.tickets.extend(tickets)
        self.inner.submit(tickets)

    def poll(self) -> Any:
        """Pass on."""
        return self.inner.poll()

    def withdraw(self) -> int:
        """Pass on."""
        return int(self.inner.withdraw())

    def facts(self) -> dict[str, Any]:
        """Pass on."""
        return self.inner.facts()

    def close(self) -> None:
        """Leave the inner engine open."""


class Lockstep(Recorder):
    """Give answers back only when all that is out has finished: a barrier after every turn."""

    def poll(self) -> Any:
        """Wait for all."""
        waiting, out = len(self.tickets), []
        while len(out) < waiting:
            out += self.inner.poll()
        self.tickets.clear()
        return out


def play(engine: VllmEngine, wrapped: Any, scripts: Iterator[tuple[str, Script[Any]]], window: int) -> Timing:
    """Play scripts on an empty prefix cache."""
    engine.reset_prefix_cache()
    print(f"{time.perf_counter():.0f} s: {type(wrapped).__name__}", file=sys.stderr)
    scheduler = Scheduler(wrapped, run_seed=11, stage="bench", limits=Limits(window=window))
    began = time.perf_counter()
    for outcome in scheduler.play(scripts):
        assert outcome.cause is None, outcome.why
    seconds, tally = time.perf_counter() - began, scheduler.tally
    return Timing(seconds, tally.num_cached_tokens / max(1, tally.num_prompt_tokens), tally.num_output_tokens)


def flat(engine: VllmEngine, tickets: list[Ticket]) -> Timing:
    """Hand all requests over at once."""
    engine.reset_prefix_cache()
    began = time.perf_counter()
    engine.submit(tickets)
    done = []
    while len(done) < len(tickets):
        done += engine.poll()
    seconds = time.perf_counter() - began
    prompt, cached = sum(f.usage.num_prompt for f in done), sum(f.usage.num_cached for f in done)
    return Timing(seconds, cached / max(1, prompt), sum(f.usage.num_output for f in done))


def measure_briefly(engine: VllmEngine, source: Scripts, num: int, repeats: int) -> dict[str, Any]:
    """Play, then hand the same requests over as one list, as often as asked, and return the figures."""
    play(engine, engine, simple(2, False), 2)  # warms up
    scripted, flats, recorder = [], [], Recorder(engine)
    for _ in range(repeats):
        recorder = Recorder(engine)
        scripted.append(play(engine, recorder, source(num, False), num))
        flats.append(flat(engine, recorder.tickets))
    ratios = [b.seconds / a.seconds for a, b in zip(scripted, flats, strict=True)]
    return {
        "scenes": num,
        "requests": len(recorder.tickets),
        "saturation": round(statistics.median(ratios), 3),
        "saturation_range": [round(min(ratios), 3), round(max(ratios), 3)],
        "seconds_scripts": round(statistics.median(t.seconds for t in scripted), 2),
        "seconds_flat": round(statistics.median(t.seconds for t in flats), 2),
        "prefix_hit": round(scripted[-1].prefix_hit, 3),
        "prefix_hit_flat": round(flats[-1].prefix_hit, 3),
        "output_tokens": [scripted[-1].num_output, flats[-1].num_output],
        "n": repeats,
    }


def measure(engine: VllmEngine, source: Scripts, num: int, repeats: int, num_serial: int) -> dict[str, Any]:
    """Run everything and return the figures."""
    recorder = Recorder(engine)
    play(engine, recorder, source(num, False), num)  # warms up, and records the requests
    tickets = list(recorder.tickets)
    scripted, flats = [], []
    for _ in range(repeats):
        scripted.append(play(engine, engine, source(num, False), num))
        flats.append(flat(engine, tickets))
    barrier = play(engine, Lockstep(engine), source(num, False), num)
    serial = play(engine, engine, source(num_serial, False), 1)
    persona_first = play(engine, engine, source(num, True), num)
    time_scripts = statistics.median(t.seconds for t in scripted)
    time_flat = statistics.median(t.seconds for t in flats)
    ratios = [b.seconds / a.seconds for a, b in zip(scripted, flats, strict=True)]
    return {
        "scenes": num,
        "requests": len(tickets),
        "saturation": round(statistics.median(ratios), 3),
        "saturation_range": [round(min(ratios), 3), round(max(ratios), 3)],
        "seconds_scripts": round(time_scripts, 2),
        "seconds_flat": round(time_flat, 2),
        "barrier_ratio": round(barrier.seconds / time_scripts, 2),
        "serial_ratio": round(serial.seconds / num_serial * num / time_scripts, 2),
        "serial_scenes": num_serial,
        "prefix_hit": round(scripted[-1].prefix_hit, 3),
        "prefix_hit_flat": round(flats[-1].prefix_hit, 3),
        "prefix_hit_persona_first": round(persona_first.prefix_hit, 3),
        "seconds_persona_first": round(persona_first.seconds, 2),
        "output_tokens": [t.num_output for t in (scripted[-1], flats[-1], barrier, persona_first)],
        "output_tokens_per_s": round(scripted[-1].num_output / scripted[-1].seconds, 1),
        "n": repeats,
    }


def tiny_model(folder: Path) -> Path:
    """Write a random llama of two small layers with the default model's tokenizer, and return its folder."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=49152,
        hidden_size=128,
        intermediate_size=256,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=8192,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=2,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copy(default_model() / name, folder / name)
    return folder


def default_model() -> Path:
    """Return the folder of the default model in the cache."""
    from sim.models import path

    return path()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, help="model folder; default: the default model in the cache")
    parser.add_argument("--source", choices=sorted(SOURCES), default="simple")
    parser.add_argument("--scenes", type=int, default=64)
    parser.add_argument("--serial-scenes", type=int, default=3)
    parser.add_argument("--repeats", type=int, help="passes of each kind; default: 3, or 1 with --brief")
    parser.add_argument("--block-size", type=int, default=0)
    parser.add_argument("--tiny", action="store_true", help="a random model of two small layers")
    parser.add_argument("--brief", action="store_true", help="passes as scripts and as a flat list, nothing else")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    config = VllmConfig(max_model_len=4096, kv_cache_gib=3, block_size=given.block_size)
    made = tempfile.TemporaryDirectory(prefix="folkmoot-tiny-") if given.tiny else None
    model = tiny_model(Path(made.name)) if made else given.model or default_model()
    engine = VllmEngine(config, EngineSetting(model_folder=model))
    try:
        source = SOURCES[given.source]
        if given.brief:
            result = measure_briefly(engine, source, given.scenes, given.repeats or 1)
        else:
            result = measure(engine, source, given.scenes, given.repeats or 3, given.serial_scenes)
        facts = engine.facts()
        result |= {key: facts[key] for key in ("vllm", "device", "num_threads", "dtype", "block_size") if key in facts}
    finally:
        engine.close()
        if made:
            made.cleanup()
    result["tiny"] = given.tiny
    result["num_cores"] = os.cpu_count()
    print(json.dumps(result) if given.json else "\n".join(f"{key:26} {value}" for key, value in result.items()))


if __name__ == "__main__":
    main()
