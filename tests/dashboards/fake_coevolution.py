"""Run folders of co-evolution of the three kinds, small enough for every test."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agents.instruments.frames import scores_frame
from agents.instruments.types import ScoreRow
from agents.instruments.value_vector.dims import DIMS
from agents.persona import Persona
from agents.requests import Score
from sim.engines.babbler import Babbler
from sim.engines.base import Ticket
from sim.engines.scripted import ScriptedEngine
from sim.stage import play_stage
from sim.store import Run
from sim.tables import write_frame, write_json
from societies.coevolution import CoevolutionConfig
from societies.coevolution import society as numeric
from societies.coevolution.config import BudgetConfig, HumansConfig
from societies.coevolution.live import LiveConfig
from societies.coevolution.live import society as live_values
from societies.coevolution.live.config import News
from societies.coevolution.live.follow import TABLES, FollowConfig
from societies.coevolution.live.follow import society as value_follow
from societies.seam import Setting

MANIFEST = {"created": "2026-11-23T09:00:00Z", "seed": 3, "model": {"name": "smollm2_135m"}}
ROUNDS = 2


def _run(root: Path, name: str) -> Run:
    config = {"name": name, "seed": 3, "engine": {"name": "vllm"}, "loop": {"num_rounds": 0}, "society": {"name": name}}
    return Run.create(root, name, config, MANIFEST)


def make_trials(root: Path, *, replicas: int = 3, budget: BudgetConfig | None = None) -> Run:
    """Play two challenges with all five arms among numeric people. budget: of the arms' queries."""
    run = _run(root, "coevolution")
    config = CoevolutionConfig(
        humans=HumansConfig(people=60, timesteps=6, dims=8),
        challenges=[{"name": "coevolve"}, {"name": "predict", "horizon": 2}],
        replicas=replicas,
        budget=budget or BudgetConfig(),
    )
    setting = Setting(seed=3, cast=lambda number, seed: [])
    scripts, engine = numeric.scripts(config, setting), ScriptedEngine(Babbler())
    play_stage(run, "r1.play", scripts, engine, run_seed=3, tables=numeric.tables)
    run.write_status(state="done", why="")
    return run


def lean(ticket: Ticket) -> Any:
    """Answer a belief by where a person stood, a little surer for those who heard an AI; speak in a plain sentence."""
    if not isinstance(ticket.request, Score):
        return "We should think of our neighbours first."
    shown = "\n".join(message.content for message in ticket.request.messages)
    weight = sum(map(ord, shown)) % 7
    sure = 0.2 + (0.3 if "assistant" in shown.lower() else 0.0)
    order = sorted(ticket.request.options)
    return {option: sure if place == weight % 5 else (1 - sure) / 4 for place, option in enumerate(order)}


def make_live(root: Path, *, replicas: int = 1, text: str = "", names: Sequence[str] = (), **settings: Any) -> Run:
    """Let eight people and an AI talk over three timesteps, in three arms. text: in the news. names: of the first."""
    run = _run(root, "live_values")
    given = {"personas": 8, "timesteps": 3, "claims": ("honesty", "law"), "arms": ("ai", "frozen", "no_ai")}
    news = (News(timestep=2, text=text),) if text else ()
    config = LiveConfig(**{**given, "replicas": replicas, "replacement": 0.25, "events": news, **settings})

    called = dict(enumerate(names))

    def cast(number: int, seed: int) -> list[Persona]:
        demographics = [
            {"sex": "female" if n % 2 else "male", "place": "city" if n % 3 else "village"} for n in range(99)
        ]
        return [
            Persona(
                persona_id=f"p{n:03d}",
                name=called.get(n, f"Person {n}"),
                demographics=demographics[n],
                text=f"I am number {n}.",
            )
            for n in range(number)
        ]

    scripts = live_values.scripts(config, Setting(seed=3, cast=cast))
    play_stage(run, "r1.play", scripts, ScriptedEngine(lean), run_seed=3, tables=live_values.tables)
    run.write_status(state="done", why="")
    return run


def make_follow(root: Path) -> Run:
    """Two rounds of people who vote, with scores as a loop would leave them; the first candidate was promoted."""
    run = _run(root, "value_follow")
    for number in range(1, ROUNDS + 1):
        setting = Setting(seed=3, cast=lambda number, seed: [], round=number)
        scripts = value_follow.scripts(FollowConfig(num=40), setting)
        play_stage(run, f"r{number}.play", scripts, ScriptedEngine(Babbler()), run_seed=3, tables=TABLES)
    for number, policy in enumerate(("base", "p1", "p2")):
        write_frame(run.folder / "scores" / f"r{number}.measure.parquet", scores_frame(list(rows(number, policy))))
    for number, decision in ((1, "promoted"), (2, "rejected")):
        verdict = {"promote": decision == "promoted", "summary": "", "reasons": []}
        gate = {"round": number, "before": "base", "after": f"p{number}", "promote": decision == "promoted"}
        write_json(run.folder / "gates" / f"r{number}.json", {**gate, "verdict": verdict, "comparisons": []})
        decided = {"round": number, "candidate": f"p{number}", "decision": decision, "by": "gate", "current": "p1"}
        write_json(run.folder / "gates" / f"r{number}.decision.json", decided)
    run.write_status(state="done", why="")
    return run


def rows(number: int, policy: str) -> list[ScoreRow]:
    """Return the scores of one measuring: cosines with the people of every round, and the value vector."""

    def row(scale: str, point: float, null: tuple[str, float], group: str = "") -> ScoreRow:
        return ScoreRow(instrument="value_follow", scale=scale, group=group, point=point, se=0.05, lo=point - 0.1,
                        hi=point + 0.1, n=6, n_eff=6.0, mode="derived", null=null, policy=policy, subject="policy",
                        better=1)  # fmt: skip

    found = [row(dim, 0.3 + 0.02 * number, ("uniform", 0.25), "morality") for dim in DIMS]
    for t in range(1, ROUNDS + 1):
        found.append(row(f"follow_t{t}", 0.8 + 0.05 * number - 0.02 * t, ("uniform", 0.75)))
        found.append(row(f"follow_centred_t{t}", 0.1 * number, ("unrelated", 0.0)))
    return found
