"""Settings of the society `assembly`. Each field says what it does; values are checked where the config is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from societies.assembly.phases.protocols import Protocol
from societies.assembly.rules.strategic import Tactic

Share = Annotated[float, Field(ge=0, le=1)]
Tokens = Annotated[int, Field(ge=1, le=8192)]
Arm = Literal[
    "full",
    "no_interaction",
    "shuffled",
    "hidden_authors",
    "no_facilitator",
    "no_evidence",
    "no_witnesses",
    "slanted",
    "misinformation",
    "stubborn",
    "homogeneous",
    "reseated",
    "other_facilitator",
    "strategic",
]
Facilitator = Literal["round_robin", "bids", "devils_advocate", "none"]
WitnessRule = Literal["phragmen", "equal_shares", "pav"]
Lottery = Literal["leximin", "maximin", "nash", "goldilocks", "legacy", "diversimax", "stratified", "random"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mind:
    """How some citizens think: a policy, a temperature and one sentence about their manner."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    policy: str = ""
    """Name of the policy; empty: the run's policy for citizens."""
    temperature: Annotated[float, Field(ge=0, le=2)] = 0.7
    """Of what they say and write."""
    manner: str = ""
    """Such as "You change your mind only for good reasons."; empty for none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MaxTokens:
    """Longest replies, in tokens, by purpose."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    turn: Tokens = 120
    """One speech at a table, one answer of a witness."""
    note: Tokens = 60
    """Private notes, questions, critiques."""
    opinion: Tokens = 160
    """A written opinion."""
    statement: Tokens = 240
    """A candidate statement."""
    clause: Tokens = 80
    """An amendment, a dissent, a written statement for all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssemblyConfig:
    """The `society` section for `name: assembly`."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    agenda: str = ""
    """File of questions: JSON list or JSON lines with question, affirming_statement, negating_statement and, where
    there is any, evidence, witnesses, quiz. Empty: the built-in agenda."""
    num_assemblies: Annotated[int, Field(ge=1)] = 1
    """Questions taken from the agenda, one assembly each; more than it holds start over with new panels."""
    skip: Annotated[int, Field(ge=0)] = 0
    """Questions at the head of the agenda that are left out."""
    each_round: Literal["same", "next"] = "same"
    """In further rounds of the loop: the same questions and panels, or the next questions with panels drawn anew."""
    held: Annotated[int, Field(ge=0)] = 0
    """Questions at the end of the agenda that teach nothing: the arm `full` settles them in the first round of the loop
    and writes no sample, so that its results can be compared with (instrument `frozen_panel`)."""
    arms: tuple[Arm, ...] = ("full", "no_interaction")
    """What is played for every question, with the same panel. `full` is the assembly itself."""

    pool: Annotated[int, Field(ge=2)] = 200
    """Persons invited from the population."""
    panel: Annotated[int, Field(ge=2, le=500)] = 24
    """Seats."""
    quotas: tuple[str, ...] = ("sex", "age", "education")
    """Features whose shares in the panel follow the population, to the nearest seat above and below."""
    lottery: Lottery = "leximin"
    """How the panel is drawn."""
    response_rate: Annotated[float, Field(gt=0, le=1)] = 0.6
    """Share of the invited who put their name forward."""
    dropout: Share = 0.0
    """Probability that somebody drawn does not come; an alternate takes the seat."""
    minds: tuple[Mind, ...] = (Mind(),)
    """Dealt to the citizens in turn. The arm `homogeneous` gives everybody the first."""
    human_seats: Annotated[int, Field(ge=0)] = 0
    """Seats of the arm `full` that people take: the policy `human` answers for them (see limits of the desk)."""

    num_rounds: Annotated[int, Field(ge=0, le=20)] = 2
    """Rounds of tables."""
    table_size: Annotated[int, Field(ge=2, le=12)] = 6
    """Most citizens at a table."""
    num_turns: Annotated[int, Field(ge=1, le=10)] = 1
    """Speeches of each citizen in a round."""
    facilitator: Facilitator = "round_robin"
    """Who speaks next: everybody in turn; whoever wants to most; in turn, with a devil's advocate; nobody leads."""
    protocol: Protocol = "round_table"
    """Form of the talk: round_table; fishbowl (half speaks, half listens, then they change); debate (sides alternate);
    nominal (everybody writes first, then they talk); delphi (without names, hearing only the rounds before);
    future_seat and empty_chair (one citizen a table speaks for those after us, or for those not here); world_cafe (a
    host stays and tells those who come what was said before); consultancy (one advises for a given side, one asks and
    judges, the others listen)."""
    num_heard: Annotated[int, Field(ge=1)] = 12
    """Most speeches of the table that a speaker reads, the latest."""
    num_questions: Annotated[int, Field(ge=0, le=10)] = 2
    """Questions put to each witness, those that most citizens want answered."""
    question_jury: Annotated[int, Field(ge=1)] = 12
    """Citizens, drawn by lot, who say which questions to a witness they want answered; each reads every question."""
    num_witnesses: Annotated[int, Field(ge=0, le=12)] = 0
    """Witnesses whom the citizens choose among all that the agenda offers; 0: those that the organisers call."""
    witness_rule: WitnessRule = "phragmen"
    """Committee rule that elects them, so that every large enough part of the panel gets a witness of its choice."""
    replace_witnesses: bool = False
    """Let every witness open with a statement, and citizens send away whom fewer than half want to hear more of."""
    cross_examination: bool = False
    """Have every answer of a witness answered by another, of the other side where there is one."""
    guardian: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    """Least share that either side must have of what is heard; below it a witness of that side is called. 0: nobody."""

    written: Annotated[int, Field(ge=0)] = 0
    """Statements collected and voted on by everybody (agree, disagree, pass); 0: no written round."""
    values: bool = False
    """Interview the citizens on what they attend to, and build the moral graph."""

    num_candidates: Annotated[int, Field(ge=2, le=26)] = 8
    """Drafts that are voted on."""
    num_critiques: Annotated[int, Field(ge=0, le=5)] = 1
    """Rounds of critique and redrafting."""
    rule: str = "schulze"
    """Voting rule that decides (see `folkmoot vote --list`)."""
    scale: Literal[5, 7] = 5
    """Levels of agreement in surveys and ballots."""
    num_clauses: Annotated[int, Field(ge=1, le=20)] = 4
    """Most clauses that the winning statement is cut into."""
    num_additions: Annotated[int, Field(ge=0, le=10)] = 1
    """Clauses that those who could sign the winning statement least may move to add."""
    num_compared: Annotated[int, Field(ge=0, le=400)] = 12
    """Most pairs of clauses that the clerk is asked about before each of the two votes, the likest by their words."""
    baselines: bool = True
    """Let the citizens of the arm `full` also say how far they could sign three texts that no assembly made: a single
    model's statement, a draft drawn by lot, and the side that the first survey favoured."""
    num_judges: Annotated[int, Field(ge=0, le=5)] = 0
    """Judges of the quality of every speech in the arm `full`; three or more tell how far judges agree."""
    num_dropped: Annotated[int, Field(ge=0, le=500)] = 0
    """Speakers of the last round, drawn by lot, without whose speeches their table-mates read it again in the arm
    `full`, when all is over: what would they think without them? 0: nobody."""
    min_quality: Share = 0.0
    """Least judged quality of a table's talk that becomes a sample; talks that nobody judged never do."""
    reward_rows: bool = False
    """Also write one sample a citizen and vote: their opinion and how far they could sign each statement."""
    stubborn: Share = 0.25
    """Share of citizens who are told not to move, in the arm `stubborn`."""
    other_facilitator: Facilitator = "devils_advocate"
    """How the arm `other_facilitator` is led."""
    other_facilitator_policy: str = ""
    """Policy that leads the arm `other_facilitator`; empty: as in the others."""
    strategic: Share = 0.25
    """Share of citizens who vote strategically in the arm `strategic`; the arm `full` is recounted with as many."""
    tactic: Tactic = "both"
    """Of strategic voters: compromise (their best placed hope first), bury (the front-runner last), or both."""
    supermajority: Annotated[float, Field(ge=0.5, le=1)] = 0.6
    """Share of yes among yes and no that adopts a clause."""
    quorum: Share = 0.5
    """Least share of citizens who vote yes or no."""
    minority: Annotated[float, Field(gt=0, le=0.5)] = 0.2
    """Least share of the citizens who carry a minority report, and who let a clause be moved to be struck."""

    temperature: Annotated[float, Field(ge=0, le=2)] = 0.7
    """Of drafts and of the facilitator."""
    num_retries: Annotated[int, Field(ge=0, le=5)] = 2
    """Further tries after an unusable reply."""
    max_tokens: MaxTokens = field(default_factory=MaxTokens)
    """Longest replies by purpose."""
    pairs: Annotated[int, Field(ge=0)] = 3
    """Most preference pairs that one vote hands to trainers (winner against the strongest losers)."""


def led(config: AssemblyConfig, arm: str) -> Facilitator:
    """Return how the talk of an arm is led."""
    if arm == "no_facilitator":
        return "none"
    return config.other_facilitator if arm == "other_facilitator" else config.facilitator
