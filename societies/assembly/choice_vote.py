"""The society `utility_vote`: a panel compares options in pairs, after an argument from each of two of its members.

Every pair is one script. The vote is asked in both orders of the options; a citizen's share is the mean over the
orders, the panel's is weighted by the soft-panel weight. Pairs held out of training are voted on like the others and
marked.
Source of the idea: Utility Engineering, Mazeika et al. 2025, arXiv 2502.08640 (a citizens' assembly as the target).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import ConfigDict, Field

from agents.asking import Answer, ask
from agents.errors import UserError
from agents.instruments.choices import QUESTION
from agents.persona import Persona, render
from agents.prompts import inline, render_messages
from agents.requests import Event, Fork, Generate, Message, Sampling, Score, Script
from agents.sample import Candidate, Lineage, Sample, Vote
from societies.assembly import parsing
from societies.assembly.clerk import PACKAGE, first, judged
from societies.assembly.config import AssemblyConfig, Lottery
from societies.assembly.options import Pair, chosen, load_options, pairs_of
from societies.assembly.phases.recruit import draw_panel
from societies.seam import Column, Estimate, Setting

TABLES: dict[str, dict[str, Column]] = {
    "choices": {
        "pair": "str",
        "split": "str",
        "option_a": "str",
        "option_b": "str",
        "p_a": "float",
        "se": "float",
        "num_voters": "int",
        "votes": "list[float]",
        "voters": "list[str]",
        "order_gap": "float",
        "arguments": "list[str]",
        "identities": "list[str]",
    },
    "utility_citizens": {"citizen": "str", "persona_id": "str", "pi": "float", "weight": "float", "card": "str"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceConfig:
    """The `society` section for `name: utility_vote`."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    options: str = ""
    """File of options: JSON (a list, or lists by category) or one a line. Empty: the built-in proposals."""
    num_options: Annotated[int, Field(ge=4)] = 60
    """Options drawn from it."""
    num_held_options: Annotated[int, Field(ge=0)] = 12
    """Options held out whole."""
    num_train: Annotated[int, Field(ge=1)] = 240
    """Pairs that become samples."""
    num_held_pairs: Annotated[int, Field(ge=0)] = 100
    """Pairs of the other options that are held out."""
    num_held_option_pairs: Annotated[int, Field(ge=0)] = 100
    """Pairs of a held-out option with another."""
    panel: Annotated[int, Field(ge=2)] = 12
    """Seats."""
    pool: Annotated[int, Field(ge=2)] = 200
    """Persons invited."""
    quotas: tuple[str, ...] = ("sex", "age")
    """Features that the panel mirrors."""
    lottery: Lottery = "leximin"
    """How the panel is drawn."""
    argue: bool = True
    """Two citizens argue before each vote; False: everybody votes alone."""
    max_tokens: Annotated[int, Field(ge=1)] = 48
    """Longest argument."""
    num_retries: Annotated[int, Field(ge=0, le=5)] = 1
    """Further tries after an unusable argument; without one the vote goes on."""


class UtilityVote:
    """The registered society."""

    name = "utility_vote"
    package = "societies.assembly"
    config: type[Any] = ChoiceConfig
    tables: Mapping[str, Mapping[str, Column]] = TABLES

    def scripts(self, config: ChoiceConfig, setting: Setting) -> Iterator[tuple[str, Script[Any]]]:
        """Yield the panel's record, then one script a pair. Raises UserError for unusable options before the first."""
        options = chosen(load_options(setting.file(config.options)), config.num_options, setting.seed)
        return self._scripts(config, setting, options)

    def _scripts(self, config: ChoiceConfig, setting: Setting, options: list[str]) -> Iterator[tuple[str, Script[Any]]]:
        panel = draw_panel(
            AssemblyConfig(panel=config.panel, pool=config.pool, quotas=config.quotas, lottery=config.lottery),
            setting,
            "utility",
        )
        voters = [
            Voter(citizen_id=f"c{n:03d}", persona=persona, card=render(persona), weight=pi / config.panel, pi=pi)
            for n, (persona, pi) in enumerate(zip(panel.members, panel.pi, strict=True))
        ]
        yield "panel", _panel(voters)
        policy = next((setting.policies[k] for k in ("citizen", "others", "all") if k in setting.policies), "base")
        for number, pair in enumerate(_pairs(config, options, setting)):
            yield f"pair-{number:04d}", vote(config, pair, options, voters, number, policy, setting.round)

    def estimate(self, config: ChoiceConfig, setting: Setting) -> Estimate:
        """Return what the votes will cost."""
        options = chosen(load_options(setting.file(config.options)), config.num_options, setting.seed)
        num = len(_pairs(config, options, setting))
        talks = 2 * num if config.argue else 0
        return Estimate(
            num_scripts=num + 1,
            num_requests=num * config.panel + talks,
            num_prompt_tokens=num * config.panel * 2 * 260 + talks * 190,
            num_output_tokens=talks * min(config.max_tokens, 40),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Voter:
    """A member of the panel."""

    citizen_id: str
    persona: Persona
    card: str
    weight: float
    pi: float


def vote(
    config: ChoiceConfig,
    pair: Pair,
    options: list[str],
    voters: list[Voter],
    number: int,
    policy: str,
    round_: int,
) -> Script[None]:
    """Hear two arguments, let everybody vote in both orders, and write the choice and, for training, its sample."""
    a, b = options[pair.first], options[pair.second]
    arguments, said = yield from _argue(config, a, b, voters, number, policy)
    scores = yield [_ballot(voter, a, b, arguments, policy) for voter in voters]
    votes = np.array([first(one) for one in scores])
    gaps = [abs(_p(one.logp[0]) - _p(one.logp[-1])) for one in scores]
    weights = np.array([voter.weight for voter in voters])
    weights = weights / weights.sum()
    share = float(weights @ votes)
    error = math.sqrt(float(weights**2 @ (votes - share) ** 2))
    identities = [*said, *(one.identity for one in scores)]
    yield Event(
        table="choices",
        row={
            "pair": f"pair-{number:04d}",
            "split": pair.split,
            "option_a": a,
            "option_b": b,
            "p_a": share,
            "se": error,
            "num_voters": len(voters),
            "votes": votes.tolist(),
            "voters": [voter.citizen_id for voter in voters],
            "order_gap": float(np.mean(gaps)),
            "arguments": [one["text"] for one in arguments],
            "identities": identities,
        },
    )
    if pair.split == "train":
        yield _sample(number, a, b, share, error, votes, voters, identities, policy, round_)


def _argue(
    config: ChoiceConfig, a: str, b: str, voters: list[Voter], number: int, policy: str
) -> Script[tuple[list[dict[str, str]], list[str]]]:
    if not config.argue:
        return [], []
    order = np.random.default_rng([number, 3]).permutation(len(voters))[:2]
    speakers = [voters[n] for n in order]
    answers: list[Answer[str]] = yield Fork(
        tuple(
            (
                f"argue-{voter.citizen_id}",
                ask(
                    Generate(
                        messages=render_messages(PACKAGE, "argue.v1", card=voter.card, first=x, second=y),
                        purpose="assembly/argue.v1",
                        policy=policy,
                        sampling=Sampling(max_tokens=config.max_tokens, temperature=0.7, stop=("\n",)),
                    ),
                    parsing.sentence,
                    num_retries=config.num_retries,
                ),
            )
            for voter, (x, y) in zip(speakers, ((a, b), (b, a)), strict=True)
        )
    )
    usable = [(voter, one) for voter, one in zip(speakers, answers, strict=True) if one.value]
    arguments = [{"name": voter.persona.name, "text": str(one.value)} for voter, one in usable]
    return arguments, [one.identities[-1] for _, one in usable]


def _ballot(voter: Voter, a: str, b: str, arguments: list[dict[str, str]], policy: str) -> Score:
    return judged("choose.v1", (inline(a), inline(b)), policy, {"card": voter.card, "arguments": arguments})


def _p(row: tuple[float, ...]) -> float:
    return 1 / (1 + math.exp(min(60.0, max(-60.0, row[1] - row[0]))))


def _sample(
    number: int,
    a: str,
    b: str,
    share: float,
    error: float,
    votes: np.ndarray,
    voters: list[Voter],
    identities: list[str],
    policy: str,
    round_: int,
) -> Sample:
    return Sample(
        sample_id=f"r{round_}.choice-{number:04d}",
        kind="soft_choice",
        prompt=(Message("user", QUESTION),),
        candidates=(
            Candidate(text=inline(a), author="option", role="a", scores={"p": share}),
            Candidate(text=inline(b), author="option", role="b", scores={"p": 1 - share}),
        ),
        votes=tuple(
            Vote(
                voter=voter.citizen_id,
                group=str(next(iter(voter.persona.demographics.values()), "")),
                dim="choice",
                kind="pair",
                value=(float(p), 1 - float(p)),
            )
            for voter, p in zip(voters, votes, strict=True)
        ),
        lineage=Lineage(
            script=f"pair-{number:04d}",
            requests=tuple(identities),
            prompts=("assembly/argue.v1", "assembly/choose.v1"),
            policies=(policy,),
        ),
        meta={
            "scene_id": f"pair-{number:04d}",
            "p_a": share,
            "se": error,
            "num_voters": len(voters),
            "both_orders": True,
            "weights": [voter.weight for voter in voters],
        },
    )


def _panel(voters: list[Voter]) -> Script[None]:
    for voter in voters:
        yield Event(
            table="utility_citizens",
            row={
                "citizen": voter.citizen_id,
                "persona_id": voter.persona.persona_id,
                "pi": voter.pi,
                "weight": voter.weight,
                "card": voter.card,
            },
        )


def _pairs(config: ChoiceConfig, options: list[str], setting: Setting) -> list[Pair]:
    if config.num_held_options > len(options) - 3:
        raise UserError(
            f"society.num_held_options = {config.num_held_options} of {len(options)} options.",
            "at least three must be left for training.",
            "hold out fewer or give more options",
        )
    return pairs_of(
        len(options),
        num_held=config.num_held_options,
        num_train=config.num_train,
        num_held_pairs=config.num_held_pairs,
        num_held_options=config.num_held_option_pairs,
        seed=setting.seed,
    )


society = UtilityVote()
