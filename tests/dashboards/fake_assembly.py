"""Run folders of an assembly and of a utility vote, played by scripted citizens with planted ideal points."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agents.persona import Persona
from sim.engines.base import Ticket
from sim.engines.scripted import ScriptedEngine
from sim.stage import play_stage
from sim.store import Run
from societies.assembly.choice_vote import TABLES as CHOICE_TABLES
from societies.assembly.choice_vote import ChoiceConfig
from societies.assembly.choice_vote import society as utility_vote
from societies.assembly.event_tables import TABLES
from societies.assembly.society import society
from societies.seam import Setting
from tests.assembly.acting import Town, small, town

PLACES = (0.3, -0.2, 0.1)
SETTINGS: dict[str, Any] = {
    "panel": 9,
    "table_size": 5,
    "num_candidates": 3,
    "num_rounds": 1,
    "num_questions": 1,
    "values": True,
    "written": 6,
    "arms": ("full", "no_interaction"),
    "lottery": "legacy",
    "minority": 0.1,
    "num_judges": 3,
    "num_dropped": 3,
}
RUN = {"name": "town hall", "seed": 7, "engine": {"name": "vllm"}, "loop": {"num_rounds": 0}}
MANIFEST = {"created": "2026-11-23T09:00:00Z", "seed": 7, "model": {"name": "smollm2_135m"}}


def two_camps(n: int) -> float:
    return -0.6 if n % 3 == 0 else 0.4


def people() -> list[Persona]:
    return town(40, two_camps)


def redraft(ticket: Ticket) -> str:
    """New drafts that are not those of the first round, one of them better than all of them."""
    number = int(re.findall(r"draft-\d-(\d\d)", ticket.key)[0])
    place = PLACES[number % len(PLACES)]
    return f"We stand at {place:.2f} on rivers, and say why. We ask the town to act on rivers at {place:.2f}, and soon."


def survey(ticket: Ticket) -> Mapping[str, float]:
    """Opinions that drift a little, and come together at the tables."""
    told = Town()._weigh(ticket.request, "survey.v1")
    talked = ".full" in ticket.key and int(ticket.key.rpartition("#")[2]) > 100
    noise = random.Random(ticket.seed)
    return {level: p * (0.4 if talked else 1.0) + 0.3 * noise.random() for level, p in told.items()}


def wiser(ticket: Ticket) -> Mapping[str, float]:
    """Who came from order to freedom is wiser; the other way nobody is."""
    shown = "\n".join(message.content for message in ticket.request.messages)
    up = shown.rfind("FREEDOM") > shown.rfind("ORDER")
    return {"wiser": 0.8 if up else 0.1, "not wiser": 0.1 if up else 0.8, "unsure": 0.1}


def reading(ticket: Ticket) -> Mapping[str, float]:
    """Agreement that hangs on every word that was read, and on nothing else."""
    request = ticket.request
    noise = random.Random("\n".join(message.content for message in request.messages))
    return {level: noise.random() for level in request.options}  # type: ignore[union-attr]


def actors(said: str = "", **changed: Any) -> Town:
    """Return the actors. said: what citizens say at the tables, write and report, in place of where they stand."""
    own: dict[str, Any] = {"redraft.v1": redraft, "survey.v1": survey, "wiser.v1": wiser, "heard.v1": reading}
    own["same_value.v1"] = {"yes": 0.1, "no": 0.9}
    if said:
        own |= dict.fromkeys(("speak.v1", "opinion.v1", "dissent.v1", "statement.v1", "critique.v1"), said)
    return Town(drafts=(-0.9, 0.8, -0.5), changed={**own, **changed})


def make_assembly(root: Path, *, said: str = "", changed: Mapping[str, Any] | None = None, **settings: Any) -> Run:
    """Play assemblies into a fresh run folder."""
    config = {**RUN, "society": {"name": "assembly", "supermajority": 0.6, "minority": 0.1}}
    run = Run.create(root, "hall", config, MANIFEST)
    cast = people()
    scripts = society.scripts(small(**{**SETTINGS, **settings}), Setting(seed=0, cast=lambda number, _: cast[:number]))
    engine = ScriptedEngine(actors(said, **(changed or {})))
    play_stage(run, "r1.play", scripts, engine, run_seed=0, tables=TABLES)
    run.write_status(state="done", why="")
    return run


def prefers(ticket: Ticket) -> Mapping[str, float]:
    """Everybody likes longer proposals better, and the first shown a little."""
    options = ticket.request.options  # type: ignore[union-attr]
    lengths = [len(option) for option in options]
    p = 0.9 if lengths[0] > lengths[1] else 0.1
    p = p * 0.9 + 0.1 * random.Random(ticket.seed).random()
    return dict(zip(options, (p, 1 - p), strict=True))


def make_utility_vote(root: Path) -> Run:
    """Play a small utility vote into a fresh run folder."""
    run = Run.create(root, "vote", {**RUN, "society": {"name": "utility_vote"}}, MANIFEST)
    cast = people()
    config = ChoiceConfig(
        num_options=8, num_held_options=2, num_train=12, num_held_pairs=3, num_held_option_pairs=3, panel=6, pool=40,
        quotas=("sex",), lottery="legacy", argue=False,
    )  # fmt: skip
    scripts = utility_vote.scripts(config, Setting(seed=0, cast=lambda number, _: cast[:number]))
    engine = ScriptedEngine(Town(changed={"choose.v1": prefers}))
    play_stage(run, "r1.play", scripts, engine, run_seed=0, tables=CHOICE_TABLES)
    run.write_status(state="done", why="")
    return run
