"""The registered society `eras`: the challenges of co-evolution with people whose values are a model's.

Everybody is asked everything once, side by side, before the first timestep; what a voice said holds for all
challenges and arms. An examinee still meets the people at its desk alone, timestep by timestep.
Source: ProgressGym, NeurIPS 2024, arXiv 2406.20087; eras told by a prompt, and pulls as mixing weights, are ours.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agents.errors import UserError, did_you_mean
from agents.instruments.types import Subject
from agents.instruments.value_vector import ValueVectorInstrument
from agents.instruments.value_vector.forms import LETTERS, ask, forms_of, prompt_of
from agents.instruments.value_vector.forms import PACKAGE as ITEMS
from agents.instruments.value_vector.people import load_halves
from agents.prompts import prompt_digest
from agents.requests import Fork, Script
from agents.scoring import permutations
from societies.coevolution.arms import Arm
from societies.coevolution.choosing import chosen_arms, chosen_challenges
from societies.coevolution.desk import Budget
from societies.coevolution.eras.answers import Answered, Ballots
from societies.coevolution.eras.config import ErasConfig
from societies.coevolution.eras.humans import EraGauge, EraHumans
from societies.coevolution.eras.records import TABLES, answer_rows, recorded
from societies.coevolution.eras.voices import PACKAGE, Voice, asked, num_personas, policy_voice, voices
from societies.coevolution.play import Trial, trial
from societies.coevolution.protocols import Challenge, Pulls
from societies.coevolution.served import Served
from societies.seam import Column, Estimate, Setting

ERA_TOKENS, ITEM_TOKENS, CARD_TOKENS = 150, 90, 90


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What one play consists of. taken: era -> answers that were recorded before."""

    config: ErasConfig
    ballots: Ballots
    instrument: ValueVectorInstrument
    version: str
    challenges: Sequence[tuple[Challenge, Mapping[str, Any]]]
    arms: Sequence[Arm]
    voices: Sequence[Voice]
    taken: Mapping[str, Answered]
    seed: int


class Eras:
    """The registered society."""

    name = "eras"
    package = PACKAGE
    config: type[Any] = ErasConfig
    tables: Mapping[str, Mapping[str, Column]] = TABLES

    def scripts(self, config: ErasConfig, setting: Setting) -> Iterator[tuple[str, Script[Any]]]:
        """Yield the one script. Raises UserError for settings that cannot be played."""
        return iter([("eras", play(make_world(config, setting)))])

    def estimate(self, config: ErasConfig, setting: Setting) -> Estimate:
        """Return what asking everybody everything costs."""
        ballots, instrument = _questions(config, setting)
        arms = chosen_arms(config.arms) if config.challenges else []
        num_policies = len(_policies(arms))
        live = [era for era in config.eras if not era.recorded]
        num_voices = len(live) * max(1, config.cohort.personas)
        scores = [
            one.request
            for item in ballots.held
            for form in forms_of(item, instrument.forms)
            if form != "no_choice"
            for one in ask(item, Subject(), form, instrument.orders)
        ]
        passes = sum(len(permutations(len(one.options), one.orders)) for one in scores) + 2 * ballots.num_pairs
        told = sum(1 for era in live if era.tell or era.text) * max(1, config.cohort.personas)
        per_card = CARD_TOKENS * passes if config.cohort.personas else 0
        return Estimate(
            num_scripts=1,
            num_requests=(num_voices + num_policies) * (len(scores) + ballots.num_pairs),
            num_prompt_tokens=(num_voices + num_policies) * passes * ITEM_TOKENS
            + told * passes * ERA_TOKENS
            + num_voices * per_card,
            num_output_tokens=0,
        )


def make_world(config: ErasConfig, setting: Setting) -> World:
    """Check everything and read what was recorded. Raises UserError."""
    ballots, instrument = _questions(config, setting)
    version = version_of(ballots, instrument)
    challenges = chosen_challenges(config.challenges, len(config.eras)) if config.challenges else []
    for challenge, _ in challenges:
        if challenge.twins or challenge.minority:
            raise UserError(
                f"society.challenges: {challenge.label} cannot be played with eras.",
                "a shock and a minority need people of numbers.",
                "use follow, predict and coevolve here, and society=coevolution for the others",
            )
    arms = chosen_arms(config.arms) if challenges else []
    served = {"base", *setting.policies.values()}
    for policy in [*(era.policy for era in config.eras), *_policies(arms)]:
        if policy not in served:
            raise UserError(
                f'The policy "{policy}" is not served in this run.',
                "eras and arms may name base and the policies of the config.",
                f"{did_you_mean(policy, served)}, or add policies.{policy}=FOLDER",
            )
    needed = num_personas(config)
    cast = setting.cast(needed, setting.seed) if needed and config.cohort.personas else []
    if config.cohort.personas and len(cast) < needed:
        raise UserError(
            f"The population has {len(cast)} persons within reach; the cohorts need {needed}.",
            f"{config.cohort.personas} at first, and newcomers in {len(config.eras) - 1} timesteps.",
            "raise population.size, or lower society.cohort.personas or replacement",
        )
    taken = {}
    for number, era in enumerate(config.eras):
        if era.recorded:
            folder = setting.file(era.recorded)
            assert folder is not None
            taken[era.name] = recorded(folder, era.name, ballots, version, f"society.eras[{number}].recorded")
    return World(
        config=config,
        ballots=ballots,
        instrument=instrument,
        version=version,
        challenges=challenges,
        arms=arms,
        voices=voices(config, cast, setting.seed),
        taken=taken,
        seed=setting.seed,
    )


def play(world: World) -> Script[None]:
    """Ask everybody, write down what they said, then play the challenges."""
    config, ballots = world.config, world.ballots
    examined = [policy_voice(name) for name in _policies(world.arms)]
    asking = [voice for voice in (*world.voices, *examined) if voice.subjects]
    found = yield Fork(tuple((voice.name, asked(voice, ballots, world.instrument)) for voice in asking))
    said: dict[str, Answered] = dict(world.taken)
    said |= {voice.name: answers for voice, answers in zip(asking, found, strict=True)}
    for number, era in enumerate(config.eras):
        kind = "recorded" if era.recorded else "era"
        yield from _rows(world, era.name, said[era.name], kind, number, era.policy if kind == "era" else "")
    for voice in examined:
        yield from _rows(world, voice.name, said[voice.name], "policy", -1, voice.subjects[0].policy)

    def again(policy: str) -> Script[Answered]:
        """Return what a policy said; ask it when nobody has."""
        voice = policy_voice(policy)
        if voice.name not in said:
            said[voice.name] = yield from asked(voice, ballots, world.instrument)
            yield from _rows(world, voice.name, said[voice.name], "policy", -1, policy)
        return said[voice.name]

    eras = [said[era.name] for era in config.eras]
    for challenge, settings in world.challenges:
        yield from trial(
            Trial(
                challenge=challenge,
                settings=settings,
                arms=world.arms,
                humans=lambda names: EraHumans(eras, ballots, again, config.forms, names),
                bank=ballots,
                gauge=lambda humans: EraGauge(ballots, again, config.forms),
                pulls=Pulls(history=config.pulls.history, ai=config.pulls.ai, spread=config.pulls.spread),
                budget=Budget(
                    per_timestep=config.budget.per_timestep,
                    queries=config.budget.queries,
                    tokens=config.budget.tokens,
                ),
                num_timesteps=len(eras),
                replica=0,
                seed=world.seed,
                world=world_of(config, world.version, eras),
            )
        )


def version_of(ballots: Ballots, instrument: ValueVectorInstrument) -> str:
    """Return the digest of all questions: held items and prompts, pairs, and the prompt of the vote."""
    digest = hashlib.blake2b(f"{instrument.version}{prompt_digest(ITEMS, prompt_of(LETTERS))}".encode(), digest_size=8)
    for pair in ballots.pairs:
        actions = (pair.item.options[pair.first], pair.item.options[pair.second])
        digest.update("\x1f".join((pair.id, pair.item.text, *actions, "\x1e")).encode())
    return digest.hexdigest()


def world_of(config: ErasConfig, version: str, eras: Sequence[Answered]) -> dict[str, Any]:
    """Return what results must share to be compared: the questions, and what every era said to them."""
    said = hashlib.blake2b(digest_size=8)
    for answers in eras:
        said.update(answers.votes.tobytes() + answers.rows.tobytes())
    return {
        "humans": {"eras": [era.name for era in config.eras], "questions": version, "said": said.hexdigest()},
        "ballot": {"kind": config.ballot, "tokens_per_query": config.tokens_per_query},
        "pulls": dataclasses.asdict(config.pulls),
        "budget": dataclasses.asdict(config.budget),
    }


def _questions(config: ErasConfig, setting: Setting) -> tuple[Ballots, ValueVectorInstrument]:
    taught, held = load_halves(config.folder, config.num, setting.data_folder)
    ballots = Ballots(taught=taught, held=held, kind=config.ballot, tokens_per_query=config.tokens_per_query)
    return ballots, ValueVectorInstrument(items=held, forms=config.forms, orders=config.orders)


def _policies(arms: Sequence[Arm]) -> list[str]:
    """Return the policies under examination, each once."""
    named = [name for arm in arms if isinstance(arm.examinee, Served) for name in arm.examinee.policies]
    return list(dict.fromkeys(named))


def _rows(world: World, name: str, answers: Answered, kind: str, timestep: int, policy: str) -> Script[None]:
    yield from answer_rows(
        answers,
        world.ballots,
        world.version,
        voice=name,
        kind=kind,
        timestep=timestep,
        policy=policy,
        forms=world.config.forms,
    )


society = Eras()
