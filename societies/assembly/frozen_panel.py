"""The frozen panel: the same people, who never sit in any society, asked the same after each round of the loop.

Its citizens are the population's reserve (`population.reserve`), its items both sides of the agenda's held questions
(`society.held`), on which assemblies may sit but from which nothing is learned. Each citizen answers each item in all
orders of the levels and in two wordings; how far the two wordings lie apart under one policy is the null of drift.
Source: ours; distances as in OpinionQA, Santurkar et al. 2023, section 3.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from agents.errors import UserError
from agents.instruments.arrays import probabilities, to_response
from agents.instruments.banks import script_name, version_of
from agents.instruments.replies import of_scores, reading
from agents.instruments.summary import flatten, with_flags
from agents.instruments.types import Comparison, Item, Mode, Readings, Scale, ScoreRow, Subject, Told, Watched
from agents.persona import Persona, render
from agents.population import divided as divided_people
from agents.prompts import prompt_digest, render_messages
from agents.requests import Cause, Forfeit, Orders, Score, Scores, Script
from agents.statistics.intervals import Interval
from agents.statistics.paired import holm, minimum_detectable_effect
from societies.assembly.agenda import divided, load_agenda
from societies.assembly.metrics import repolled
from societies.assembly.metrics.measured import FloatArray
from societies.assembly.metrics.repolled import Statistic
from societies.assembly.panel_watch import (
    DRIFT,
    EVENNESS,
    LEVEL,
    OWN_DRIFT,
    REWORDED,
    SETTLED,
    SPREAD,
    STATISTICS,
    TEXTS,
    moved,
    num_answering,
    own_moved,
    results_of,
    watched,
)
from societies.assembly.phases.survey import LEVELS
from societies.assembly.records import Question

NAME = "frozen_panel"
PACKAGE = "societies.assembly"
WORDINGS = ("survey.v1", "survey_again.v1")
"""The survey's own words, and the same in others."""
MIN_N = 30
MASS_FLOOR = 0.05
SIDES = ("affirming", "negating")
SCALES = (LEVEL, SPREAD, EVENNESS, SETTLED, REWORDED)


def _first(statistic: Statistic) -> Statistic:
    return lambda a, b, c, d, weights: statistic(a, b, weights)


def _second(statistic: Statistic) -> Statistic:
    return lambda a, b, c, d, weights: statistic(c, d, weights)


_CHANGES: Mapping[str, tuple[Statistic, Statistic]] = {
    **{name: (_first(STATISTICS[name]), _second(STATISTICS[name])) for name in SCALES},
    DRIFT: (_first(repolled.panel_distance), moved),
    OWN_DRIFT: (_first(repolled.own_distance), own_moved),
}
"""Scale -> what stands before and after, of two polls: a scale under either policy, or the null of drift and drift."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenPanelConfig:
    """Settings of `frozen_panel`; population, seed, agenda, skip and held as those of the run and its society."""

    population: dict[str, Any] = field(default_factory=dict)
    """The run's population; whoever is in its reserve is asked."""
    seed: int = 0
    """The run's seed, for populations without one."""
    agenda: str = ""
    """The society's agenda; empty is the built-in one."""
    skip: Annotated[int, Field(ge=0)] = 0
    """Questions at its head that the society leaves out."""
    held: Annotated[int, Field(ge=0)] = 0
    """Questions at its end that teach nothing: both sides of each are the items."""
    scale: Literal[5, 7] = 5
    """Levels of agreement."""
    orders: Literal["cyclic", "reversed"] = "cyclic"
    """Of the levels: each once in each place, or as given and reversed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenPanelInstrument:
    """people: who is asked. questions: held ones."""

    people: tuple[Persona, ...]
    questions: tuple[Question, ...]
    scale: Literal[5, 7] = 5
    orders: Orders = Orders.CYCLIC
    name: str = NAME
    min_n: int = MIN_N
    items: tuple[Item, ...] = field(init=False)
    scales: tuple[Scale, ...] = field(init=False)
    version: str = field(init=False)

    def __post_init__(self) -> None:
        levels = LEVELS[self.scale]
        items = tuple(
            Item(
                id=f"{question.question_id}/{side}",
                instrument=self.name,
                text=getattr(question, side),
                options=levels,
                ordinal=tuple(np.linspace(0, 1, len(levels)).tolist()),
                group="held",
            )
            for question in self.questions
            for side in SIDES
        )
        digest = hashlib.blake2b(f"{version_of(items)}{self.orders}".encode(), digest_size=8)
        for prompt in WORDINGS:
            digest.update(prompt_digest(PACKAGE, prompt).encode())
        for person in self.people:
            digest.update(f"{person.persona_id}\x1f{render(person)}\x1e".encode())
        object.__setattr__(self, "items", items)
        object.__setattr__(self, "version", digest.hexdigest())
        scales = tuple(Scale(name=name, text=TEXTS[name], mode=Mode.LETTER) for name in SCALES)
        object.__setattr__(self, "scales", scales)

    def scripts(self, subject: Subject) -> Iterator[tuple[str, Script[Readings]]]:
        """Yield one script an item: everybody on the panel, in both wordings."""
        for place, item in enumerate(self.items):
            yield script_name(self.name, subject.name, place, item), self._ask(subject, item)

    def _ask(self, subject: Subject, item: Item) -> Script[Readings]:
        question = next(one for one in self.questions if item.id.rpartition("/")[0] == one.question_id)
        asked = [(person, wording) for person in self.people for wording in WORDINGS]
        requests = [self._request(subject, item, question, person, wording) for person, wording in asked]
        found: list[Scores] = yield list(requests)
        out = []
        for (person, wording), request, scores in zip(asked, requests, found, strict=True):
            forfeit = "" if scores.mass >= MASS_FLOOR else "refusal"
            if forfeit:
                yield Forfeit(cause=Cause.REFUSAL, request=request, reply="", why=f"mass {scores.mass:.3f}", final=True)
            out.append(
                reading(
                    item,
                    Subject(policy=subject.policy, name=person.persona_id, weight=person.weight),
                    instrument=self.name,
                    version=self.version,
                    form=wording,
                    mode=Mode.LETTER,
                    orders=self.orders.value,
                    forfeit=forfeit,
                    **of_scores(scores),
                )
            )
        return out

    def _request(self, subject: Subject, item: Item, question: Question, person: Persona, wording: str) -> Score:
        view = {
            "question": question.text,
            "affirming": question.affirming,
            "negating": question.negating,
            "briefing": [],
            "card": render(person),
            "manner": "",
            "notes": [],
            "statement": item.text,
        }
        return Score(
            messages=(*subject.prefix, *render_messages(PACKAGE, wording, **view)),
            options=item.options,
            purpose=f"instruments/{NAME}",
            policy=subject.policy,
            orders=self.orders,
        )

    def answers(self, outcomes: Sequence[Readings | None]) -> tuple[FloatArray, FloatArray]:
        """Return what the panel answered in the first and the second wording, [citizen, item, level] each."""
        readings = flatten(outcomes)
        names = {"subjects": [one.persona_id for one in self.people], "items": [item.id for item in self.items]}
        shape = (len(self.people), len(self.items), self.scale)
        found = []
        for wording in WORDINGS:
            own = probabilities(to_response(readings, form=wording, **names))
            found.append(own if own.shape == shape else np.full(shape, np.nan))
        return found[0], found[1]

    def score(self, outcomes: Sequence[Readings | None]) -> list[ScoreRow]:
        """Return every scale of every policy, with an interval over citizens."""
        rows = []
        readings = flatten(outcomes)
        for policy in sorted({one.policy for one in readings}) or [""]:
            own = [one for one in readings if one.policy == policy]
            polls = self.answers([own])
            rows += [self._row(name, policy, own, repolled.by_citizen(STATISTICS[name], *polls)) for name in SCALES]
        return rows

    def _row(self, name: str, policy: str, readings: Readings, found: Interval) -> ScoreRow:
        masses = [one.mass for one in readings if math.isfinite(one.mass)]
        lost = sum(1 for one in readings if one.forfeit)
        answered = {one.subject for one in readings if not one.forfeit}
        row = ScoreRow(
            instrument=self.name,
            scale=name,
            group="",
            point=found.point,
            se=found.se,
            lo=found.lo,
            hi=found.hi,
            n=len(answered),
            n_eff=float(len(answered)),
            mode=Mode.LETTER.value,
            orders=self.orders.value,
            label_mass=math.fsum(masses) / len(masses) if masses else math.nan,
            forfeits=len(self.people) - len(answered),
            version=self.version,
            subject=f"{len(self.people)} citizens",
            policy=policy,
            flags=(f"{lost} of {len(readings)} answers forfeited",) if lost else (),
        )
        return with_flags(row, self.min_n)

    def per_item(self, outcomes: Sequence[Readings | None]) -> dict[str, dict[str, float]]:
        """Return item -> its mean level and the variance between citizens, over both wordings."""
        levels = np.stack([repolled.levels_of(one) for one in self.answers(outcomes)]).mean(axis=0)
        known = {item.id: levels[np.isfinite(levels[:, k]), k] for k, item in enumerate(self.items)}
        return {name: {LEVEL: float(x.mean()), SPREAD: float(x.var())} for name, x in known.items() if x.size}

    def compare(self, before: Sequence[Readings | None], after: Sequence[Readings | None]) -> list[Comparison]:
        """Return the change of every scale, paired by citizen, and how far answers moved beyond a mere rewording.

        Of drift and own_drift, `before` is the null (the same policy in other words) and `after` the distance.
        Raises UserError for polls of different panels, items or prompts.
        """
        versions = {one.version for one in (*flatten(before), *flatten(after))}
        if len(versions) > 1:
            raise UserError(
                f"{self.name} was measured with different panels, items or prompts: {', '.join(sorted(versions))}.",
                "a panel that changes is not frozen.",
                "measure both again with the same config",
            )
        polls = (*self.answers(before), *self.answers(after))
        drafts = [self._comparison(name, *pair, polls) for name, pair in _CHANGES.items()]
        corrected = holm([draft["p"] for draft in drafts])
        return [Comparison(**draft, p_holm=p) for draft, p in zip(drafts, corrected, strict=True)]

    def _comparison(
        self, name: str, before: Statistic, after: Statistic, polls: tuple[FloatArray, ...]
    ) -> dict[str, Any]:
        def difference(a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray, weights: FloatArray) -> FloatArray:
            return after(a, b, c, d, weights) - before(a, b, c, d, weights)

        found, draws = repolled.by_citizen(difference, *polls), repolled.resampled(difference, *polls)
        n = num_answering(polls)
        rare = min(int((draws <= 0).sum()), int((draws >= 0).sum()))
        return {
            "instrument": self.name,
            "scale": name,
            "group": "",
            "before": repolled.value(before, *polls),
            "after": repolled.value(after, *polls),
            "diff": found.point,
            "lo": found.lo,
            "hi": found.hi,
            # Source: Efron and Tibshirani 1993, chapter 15: twice the share of draws on the rarer side of 0.
            "p": min(1.0, 2 * (rare + 1) / (draws.size + 1)) if math.isfinite(found.lo) else math.nan,
            "test": "bootstrap by citizen",
            "n": n,
            "mde": minimum_detectable_effect(found.se * math.sqrt(n), n) if math.isfinite(found.se) else math.nan,
            "flags": () if n >= self.min_n else (f"n below {self.min_n}: not a finding",),
        }

    def watch(
        self,
        first: Sequence[Readings | None],
        before: Sequence[Readings | None],
        now: Sequence[Readings | None],
        told: Told,
    ) -> list[Watched]:
        """Return what a round did to the panel; agreement is with the assemblies that sat on the held questions."""
        results, num = results_of(told, [item.id for item in self.items], self.scale)
        return watched(self.answers(first), self.answers(before), self.answers(now), results, num)


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenPanel:
    """The registered instrument `frozen_panel`."""

    name: str = NAME
    config: type[FrozenPanelConfig] = FrozenPanelConfig

    def load(
        self, config: FrozenPanelConfig, data_folder: Path = Path(), *, judge_policy: str = "base"
    ) -> FrozenPanelInstrument:
        """Draw the panel from the population's reserve and read the held questions. Raises UserError without either."""
        if not config.held:
            raise UserError(
                "frozen_panel.held = 0 leaves nothing to ask.",
                "the panel is asked about questions from which nothing is learned.",
                "set society.held to 1 or more",
            )
        people = divided_people({"seed": config.seed, **config.population})[1]
        if not people:
            raise UserError(
                "population.reserve = 0 leaves nobody to ask.",
                "the frozen panel are people who never sit in a society.",
                "set population.reserve, such as 24",
            )
        beside = data_folder / config.agenda
        path = None if not config.agenda else beside if beside.exists() else Path(config.agenda)
        _, questions = divided(load_agenda(path, skip=config.skip), config.held)
        return FrozenPanelInstrument(
            people=tuple(people), questions=tuple(questions), scale=config.scale, orders=Orders(config.orders)
        )


instrument = FrozenPanel()
