"""Settings of the society `scenes`. Each field says what it does; values are checked where the run's config is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

Baseline = Literal["vanilla", "critique_revise", "context_distillation", "self_align", "debate", "best_of_n"]
RowKind = Literal["revision_harmful", "answer_helpful", "simulation_step"]
Share = Annotated[float, Field(ge=0, le=1)]
Tokens = Annotated[int, Field(ge=1, le=8192)]


@dataclass(frozen=True, slots=True, kw_only=True)
class MaxTokens:
    """Longest replies, in tokens, by purpose."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    draft: Tokens = 1024
    """The draft answer, and every answer of a baseline."""
    revision: Tokens = 2048
    """The revised answer."""
    text: Tokens = 1024
    """The future."""
    line: Tokens = 200
    """One-line texts: situation, traits, reaction, critique, summary, consequence."""
    roles: Tokens = 512
    """The JSON list of roles."""
    plan: Tokens = 1024
    """The JSON plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenesConfig:
    """The `society` section for `name: scenes`. Defaults are those of the paper's code where it has any."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    instructions: str = ""
    """File of harmful or unlabelled instructions; empty: the built-in training bank of harmful ones."""
    ordinary: str = ""
    """File of ordinary instructions; empty: the built-in training bank of ordinary ones."""
    num_harmful: Annotated[int, Field(ge=0)] = 40
    """Instructions taken from `instructions`; fewer if the file is shorter."""
    num_ordinary: Annotated[int, Field(ge=0)] = 40
    """Instructions taken from `ordinary`; fewer if the file is shorter."""
    skip_harmful: Annotated[int, Field(ge=0)] = 0
    """Instructions at the head of `instructions` that are left out (kept for measuring)."""
    skip_ordinary: Annotated[int, Field(ge=0)] = 0
    """Instructions at the head of `ordinary` that are left out."""
    share_ordinary_played: Share = 1.0
    """Share of the ordinary instructions that get a whole scene; the others are answered without one."""
    num_roles: Annotated[int, Field(ge=1, le=10)] = 5
    """Roles beside the ego (R)."""
    num_steps: Annotated[int, Field(ge=1, le=20)] = 5
    """Most steps of the ego's plan (P)."""
    min_steps: Annotated[int, Field(ge=1, le=20)] = 1
    """Fewest steps that a plan is asked for (never more than num_steps); weak models stop after one."""
    max_interactions: Annotated[int, Field(ge=1, le=200)] = 16
    """Most acts in a scene, dropped ones counted too (I)."""
    cast: Literal["invented", "population"] = "invented"
    """Who fills the roles: persons made up by the model, or personas drawn from the run's population."""
    mode: Literal["distil", "inference"] = "distil"
    """What a scene's script returns: its whole record, or the answer after simulation. Both write the same samples."""
    score_recipients: bool = True
    """Ask who perceives an act, after facts have masked those who cannot. False: facts alone decide."""
    recipients: Literal["threshold", "draw"] = "threshold"
    """Deliver at p >= recipient_threshold, or by a seeded draw at p."""
    recipient_threshold: Share = 0.5
    """Probability of perceiving from which an act is delivered."""
    feasible_threshold: Share = 0.5
    """Probability of being possible from which an act is accepted."""
    conflict_threshold: Share = 0.5
    """Probability of harm, relative to `reference_act`, from which a critique is written (0.5: as the reference)."""
    harm_threshold: Share = 0.7
    """Relative probability of harm from which an unlabelled instruction's draft counts as harmful."""
    reference_act: str = "Somebody waters the flowers."
    """A plainly harmless act: a model's own leaning is measured on it."""
    max_tries: Annotated[int, Field(ge=1, le=5)] = 5
    """Wordings of an act before it is dropped as impossible."""
    memory_trigger: Annotated[int, Field(ge=1)] = 3
    """More incidents than this in the modulator's memory are summed up."""
    critique_trigger: Annotated[int, Field(ge=1)] = 8
    """More critiques than this are summed up."""
    inbox_block: Annotated[int, Field(ge=1, le=10)] = 10
    """Most incidents that a role reads at once."""
    ego_names: tuple[str, ...] = ()
    """Names that the ego is chosen from; empty: the model makes one up. A list steadies weak models."""
    role_names: tuple[str, ...] = ()
    """Names that the other roles are chosen from, at least num_roles; empty: the model makes them up.

    Role k chooses from names k, k + num_roles, k + 2 num_roles and so on, so that no name comes twice."""
    places: tuple[str, ...] = ("home", "work", "office", "street", "online")
    """Where acts can happen; street and online are open to everybody."""
    draft_words: Annotated[int, Field(ge=5)] = 400
    """Words of the draft that later prompts are shown."""
    condense: bool = True
    """Show the revising policy its draft in one sentence, the harmful part left out."""
    temperature: Annotated[float, Field(ge=0, le=2)] = 0.2
    """Of all texts."""
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Of all texts."""
    ordinary_temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    """Of the draft answer to an ordinary instruction; null: as `temperature`. At 1 these rows hold the policy where it
    is and teach nothing new on average; colder ones sharpen it, which costs it its English."""
    false_alarm: str = ""
    """A harm that does not follow, such as "People are harmed.". The policy revises its answer to every ordinary
    instruction in its light; a refusal that comes out becomes the worse half of a preference pair. Empty: not asked."""
    num_retries: Annotated[int, Field(ge=0, le=5)] = 2
    """Further tries after an unusable reply."""
    max_tokens: MaxTokens = field(default_factory=MaxTokens)
    """Longest replies by purpose."""
    scene_tokens: Annotated[int, Field(ge=1)] | None = None
    """Prompt and output tokens (estimated at four characters each) after which a scene's play ends. Null: no limit."""
    rows: dict[RowKind, Annotated[int, Field(ge=0)]] = field(
        default_factory=lambda: {"revision_harmful": 1, "answer_helpful": 1, "simulation_step": 1}
    )
    """Most rows of each kind that one scene writes; 0 leaves a kind out."""
    baselines: tuple[Baseline, ...] = ()
    """Methods that answer the same instructions beside the scenes."""
    baseline_rows: bool = False
    """Also write samples of the baselines, of kind baseline_<name>."""
    best_of: Annotated[int, Field(ge=2, le=64)] = 4
    """Answers drawn by best_of_n."""
    answer_temperature: Annotated[float, Field(gt=0, le=2)] = 0.7
    """Of the answers drawn by best_of_n and by the debaters."""
