"""A whole loop without a model: a toy society, scripted policies, the real instruments, and a trainer that pretends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from agents.instruments.types import Instrument
from agents.requests import Generate, Message, Reply, Script
from agents.sample import Candidate, Lineage, Sample
from selfalign.loop.workshop import Workshop
from selfalign.train.job import ADAPTER, CURVE, DONE, TrainJob, write_json
from sim.config import RunConfig, as_dict, validate
from sim.engines.base import PolicyRef, Ticket
from sim.engines.kind import EngineKind, EngineSetting
from sim.engines.scripted import ScriptedEngine
from sim.limits import Limits
from sim.models import ModelFolder
from sim.session import BASE, Session
from sim.store import Run
from societies.seam import Estimate, Setting

REFUSAL = "I'm sorry, but I cannot help with that."
HELP = "Here is how: begin with the first step and go on."


@dataclass(frozen=True)
class ToyConfig:
    num: int = 6


class ToySociety:
    name = "toy"
    package = "agents"
    config = ToyConfig
    tables: ClassVar[dict[str, dict[str, str]]] = {}

    def scripts(self, config: ToyConfig, setting: Setting) -> Iterator[tuple[str, Script[None]]]:
        for n in range(config.num):
            yield f"scene-{n}", self._scene(n, setting)

    def _scene(self, n: int, setting: Setting) -> Script[None]:
        policy = setting.policies["all"]
        prompt = (Message("user", f"toy question {n} of round {setting.round}"),)
        reply: Reply = yield Generate(messages=prompt, purpose="toy/ask.v1", policy=policy)
        kind = "revision_harmful" if n % 2 else "answer_helpful"
        candidates = [Candidate(text=reply.text, author=policy, role="initial")]
        if n % 2:
            candidates.insert(0, Candidate(text=f"A safer way for {n}, kindly.", author=policy, role="revised"))
        yield Sample(
            sample_id=f"r{setting.round}-{n}",
            kind=kind,
            prompt=prompt,
            candidates=tuple(candidates),
            lineage=Lineage(script=f"r{setting.round}.play/scene-{n}", requests=(reply.identity,), policies=(policy,)),
            meta={"scene_id": f"r{setting.round}-{n}"},
        )

    def estimate(self, config: ToyConfig, setting: Setting) -> Estimate:
        return Estimate(num_scripts=config.num, num_requests=config.num, num_prompt_tokens=0, num_output_tokens=0)


def refusing(refuses: dict[str, set[str]], instruments: tuple[Instrument, ...]) -> Callable[[Ticket], Any]:
    """Return an answerer: each policy refuses the items of its groups, and is indifferent in every `Score`."""
    groups = {item.text: item.group for one in instruments for item in one.items}

    def answer(ticket: Ticket) -> Any:
        request = ticket.request
        if isinstance(request, Generate):
            return REFUSAL if groups.get(request.messages[-1].content) in refuses.get(request.policy, set()) else HELP
        return {option: 0.9 / len(request.options) for option in request.options}

    return answer


class ToySession(Session):
    """A session of the toy society on the scripted engine; counts how often an engine was opened."""

    def __init__(self, folder: Path, config: RunConfig) -> None:
        self.config = config
        self.watcher = None
        self.say = lambda line: None
        self.society = ToySociety()
        self.society_config = ToyConfig()
        self.engine_kind = EngineKind(name="scripted", config=ToyConfig, open=lambda c, s: None, needs_model=False)  # type: ignore[arg-type,return-value]
        self.limits = Limits()
        self.answerer: Callable[[Ticket], Any] = lambda ticket: HELP
        self.num_opened = 0
        existing = sorted(folder.glob("toy/*/config.yaml"))
        self._run = Run(existing[0].parent) if existing else Run.create(folder, "toy", as_dict(config), {})

    @contextmanager
    def engine(self, policies: tuple[PolicyRef, ...] = (BASE,)) -> Iterator[Any]:
        self.num_opened += 1
        EngineSetting(policies=policies)
        yield ScriptedEngine(self.answerer)


class PretendTrainer:
    """Writes an adapter that depends on the job alone, and counts how often it was asked."""

    def __init__(self) -> None:
        self.jobs: list[TrainJob] = []

    def __call__(self, job: TrainJob, on_progress: Any = None, while_waiting: Any = None) -> dict[str, Any]:
        self.jobs.append(job)
        folder = job.folder / ADAPTER
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "adapter_model.safetensors").write_bytes(f"{job.data_digest} {job.seed} {job.parent}".encode())
        (job.folder / CURVE).write_text('{"event": "estimate"}\n{"step": 1, "loss": 1.0}\n{"step": 1, "loss": 0.5}\n')
        write_json(job.folder / DONE, {"loss": 0.5})
        return {"loss": 0.5}


def config(**loop: Any) -> RunConfig:
    return validate(
        RunConfig,
        {
            "recipe": {"name": "matrix_sft", "mix": {"revision_harmful": 1.0, "answer_helpful": 1.0}},
            "measure": {
                "instruments": [
                    {"name": "safety", "judge": False},
                    {"name": "overrefusal", "judge": False, "num_safe": 24},
                    {"name": "moralchoice", "num": 4},
                    {"name": "lm_loss", "num": 4},
                ]
            },
            "loop": {"num_rounds": 1, **loop},
        },
        "",
    )


def workshop(
    folder: Path, refuses: dict[str, set[str]], trainer: PretendTrainer | None = None, **loop: Any
) -> Workshop:
    """Return a workshop over the run in this folder, made when it is not there yet."""
    session = ToySession(folder, config(**loop))
    base = ModelFolder(path=folder, name="toy", digest="toy", revision="local", licence="none")
    shop = Workshop.of(session, train=trainer or PretendTrainer(), base=lambda session: base)
    session.answerer = refusing(refuses, shop.instruments)
    return shop
