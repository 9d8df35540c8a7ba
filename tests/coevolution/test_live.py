"""A live co-evolution on the scripted engine: who perceives what, what arms share, and what is written down.

People here believe what the assistant says: their stance follows how many of the messages in view side with the first
view. Every text carries the key of the request that wrote it, so that it can be traced to whoever read it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml

from agents.errors import UserError
from agents.persona import Persona
from agents.requests import Event, Generate, Request
from sim.config import compose, plugin_section, validate
from sim.engines.scripted import ScriptedEngine
from sim.limits import Limits
from sim.scheduler import Scheduler
from sim.stage import Stopped, play_stage
from sim.store import Run
from sim.task import Outcome
from societies.coevolution.live import LiveConfig, arm_differences, arm_slopes, society
from societies.coevolution.live.comparing import NUM_SWAPS, _swapped
from societies.coevolution.live.config import News
from societies.coevolution.live.live_values import speakers
from societies.coevolution.live.records import ASSISTANT, NEWS, STANCES, level, load_claims, load_evidence, stance
from societies.coevolution.live.state import spoken
from societies.seam import Setting

CONF = Path(__file__).parents[2] / "conf"
MARK = re.compile(r"key[0-9a-f]{12}")
SMALL = {"personas": 8, "timesteps": 3, "claims": ("honesty", "law"), "arms": ("ai", "frozen", "no_ai")}


def folk(num: int) -> list[Persona]:
    return [Persona(persona_id=f"p{n:03d}", name=f"Person {n}", text=f"I am number {n}.") for n in range(num)]


def setting(seed: int = 0, population: int = 60, **policies: str) -> Setting:
    given = {"policies": policies} if policies else {}
    return Setting(seed=seed, cast=lambda number, _: folk(population)[:number], **given)


def text_of(request: Request) -> str:
    return "\n".join(message.content for message in request.messages)


def mark(key: str) -> str:
    return f"key{hashlib.blake2b(key.encode(), digest_size=6).hexdigest()}"


@dataclass
class Actors:
    """Answer by purpose. asked: every request with its key. changed: purpose -> answer or callable."""

    changed: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, Request]] = field(default_factory=list)

    def __call__(self, ticket: Any) -> Any:
        request = ticket.request
        self.asked.append((ticket.key, request))
        answer = self.changed.get(request.purpose.removeprefix("live/"))
        if answer is not None:
            return answer(ticket) if callable(answer) else answer
        if isinstance(request, Generate):
            side = "pro" if request.purpose.endswith("answer.v1") else "own"
            return f"I say {side} in {mark(ticket.key)} to all of you."
        sided = min(4, 2 + text_of(request).count("I say pro"))
        return {one: float(place == 4 - sided) for place, one in enumerate(STANCES)}

    def by_purpose(self, purpose: str, arm: str = "") -> list[tuple[str, Request]]:
        return [(k, r) for k, r in self.asked if r.purpose == f"live/{purpose}" and k.startswith(f"t/{arm}")]


@dataclass
class Played:
    outcomes: list[Outcome]
    actors: Actors

    def rows(self, table: str, **wanted: Any) -> list[dict[str, Any]]:
        events = [note for one in self.outcomes for _, _, note in one.notes if isinstance(note, Event)]
        rows = [dict(event.row) for event in events if event.table == table]
        return [row for row in rows if all(row[key] == value for key, value in wanted.items())]

    @property
    def beliefs(self) -> pl.DataFrame:
        return pl.DataFrame(self.rows("beliefs"), infer_schema_length=None)

    def transcript(self) -> str:
        return repr([(one.path, one.notes) for one in self.outcomes])


def play(
    changed: dict[str, Any] | None = None, *, seed: int = 0, engine: Callable[[Any], Any] | None = None, **changes: Any
) -> Played:
    actors = Actors(changed or {})
    config = validate(LiveConfig, {**SMALL, **changes}, "society")
    made = engine(actors) if engine else ScriptedEngine(actors)
    scheduler = Scheduler(made, run_seed=seed, stage="t")
    outcomes = sorted(scheduler.play(society.scripts(config, setting(seed))), key=lambda one: one.index)
    assert [one.why for one in outcomes if one.cause] == []
    return Played(outcomes, actors)


@pytest.fixture(scope="module")
def whole() -> Played:
    return play(replacement=0.25, events=(News(timestep=2, text="The bridge key000000000000 is closed."),))


# --- cost


@pytest.mark.parametrize("changes", [{}, {"replicas": 2, "ask_share": 0.0}, {"replacement": 0.25, "told": 0}])
def test_the_estimate_counts_every_request(changes: dict[str, Any]) -> None:
    found = play(**changes)
    estimate = society.estimate(LiveConfig(**{**SMALL, **changes}), setting())
    assert estimate.num_requests == len(found.actors.asked)
    assert estimate.num_scripts == len(found.outcomes)


def test_the_shipped_experiment_stays_far_below_four_thousand_requests_and_fifteen_minutes() -> None:
    config = compose(["experiment=coevolve_live"])
    name, section = plugin_section(config.society, "society")
    checked = validate(LiveConfig, section, "society")
    estimate = society.estimate(checked, setting())
    assert (name, checked.personas, checked.timesteps, checked.arms) == ("live_values", 24, 4, ("ai", "no_ai"))
    assert estimate.num_requests == 2 * 5 * 24 * 4 + 4 * 24 * (3 + 1) == 1344
    assert estimate.num_prompt_tokens / 1000 + estimate.num_output_tokens / 700 < 15 * 60
    given = yaml.safe_load((CONF / "society" / "live_values.yaml").read_text())
    assert set(given) - {"name"} == {one.name for one in dataclasses.fields(LiveConfig)}


def test_estimated_prompt_tokens_are_near_what_prompts_of_a_full_memory_hold() -> None:
    def wordy(ticket: Any) -> str:
        return " ".join(["somebody"] * 24) + " says so."

    said = dict.fromkeys(("ask.v1", "tell.v1", "answer.v1"), wordy)
    found = play(said, personas=24, timesteps=4, arms=("ai", "no_ai"), claims=("honesty", "fairness", "law", "duty"))
    estimate = society.estimate(LiveConfig(arms=("ai", "no_ai")), setting())
    passes = [(1 if isinstance(r, Generate) else 2, r) for _, r in found.actors.asked]
    listed = [sum(map(len, getattr(r, "options", ()))) for _, r in passes]
    # Four characters a token of English, and about twelve tokens of a chat template.
    tokens = sum(n * (len(text_of(r)) + more + 48) / 4 for (n, r), more in zip(passes, listed, strict=True))
    assert 0.7 < estimate.num_prompt_tokens / tokens < 1.5


# --- what arms share


def test_arms_share_people_ties_chance_and_the_first_beliefs(whole: Played) -> None:
    arms = SMALL["arms"]
    people = [[{**row, "arm": ""} for row in whole.rows("people", arm=arm)] for arm in arms]
    assert people[0] == people[1] == people[2]
    first = [
        [(row["agent"], row["claim"], row["level"]) for row in whole.rows("beliefs", arm=arm, timestep=0)]
        for arm in arms
    ]
    assert first[0] == first[1] == first[2] and len(first[0]) == 16
    heard = [
        Counter((row["timestep"], row["claim"], row["speaker"], row["listener"]) for row in rows)
        for rows in (whole.rows("messages", arm=arm, kind="statement") for arm in arms)
    ]
    assert heard[0] == heard[1] == heard[2]


def test_neighbours_are_heard_and_nobody_else(whole: Played) -> None:
    seats: dict[str, int] = {}
    ties: dict[int, list[int]] = {}
    for row in whole.rows("people", arm="ai"):
        seats[row["agent"]], ties[row["seat"]] = row["seat"], row["neighbours"]
    statements = [row for row in whole.rows("messages", arm="ai", kind="statement") if row["listener"]]
    assert statements
    assert all(seats[row["speaker"]] in ties[seats[row["listener"]]] for row in statements)
    listeners = Counter((row["timestep"], row["listener"]) for row in statements)
    assert set(listeners.values()) == {1}, "everybody hears one neighbour a timestep"


def test_another_replica_has_other_chance_and_another_seed_another_world() -> None:
    found = play(replicas=2, arms=("no_ai",))
    ties = [[row["neighbours"] for row in found.rows("people", replica=replica)] for replica in (0, 1)]
    assert ties[0] != ties[1]
    other = play(seed=1, arms=("no_ai",))
    assert [row["neighbours"] for row in other.rows("people")] != ties[0]


# --- what is perceived


def test_a_person_reads_only_what_reached_them(whole: Played) -> None:
    """Every mark in a person's prompt belongs to a message that they heard, in this arm and no later than that."""
    told: dict[tuple[str, str, str], tuple[int, str]] = {}
    for row in whole.rows("messages"):
        readers = [row["listener"]] if row["listener"] else [f"p{n:03d}" for n in range(60)]
        for reader in readers:
            if row["kind"] in ("answer", "statement", "news"):
                for found in MARK.findall(row["text"]):
                    told[row["arm"], reader, found] = (row["timestep"], row["kind"])
    checked = 0
    for purpose in ("belief.v1", "ask.v1", "tell.v1"):
        for key, request in whole.actors.by_purpose(purpose):
            arm, (number,) = key.removeprefix("t/").split("-")[0], re.findall(r"I am number (\d+)", text_of(request))
            at = int(key.rsplit("#", 1)[1]) // 16 if purpose == "belief.v1" else int(re.findall(r"\.t(\d+)-c", key)[0])
            for found in MARK.findall(text_of(request)):
                timestep, kind = told[arm, f"p{int(number):03d}", found]
                early = kind == "statement" and purpose != "belief.v1"
                assert timestep < at if early else timestep <= at, key
                checked += 1
    assert checked > 50


def test_memory_holds_the_last_messages_with_their_sources(whole: Played) -> None:
    prompts = [text_of(request) for _, request in whole.actors.by_purpose("belief.v1")]
    assert max(len(MARK.findall(prompt)) for prompt in prompts) == LiveConfig().heard
    attributed = [line for prompt in prompts for line in prompt.splitlines() if MARK.search(line)]
    assert all(line.startswith((f"{ASSISTANT}: ", f"{NEWS}: ", "Person ")) for line in attributed)
    forgetful = play(heard=0)
    assert not any(MARK.search(text_of(r)) for _, r in forgetful.actors.by_purpose("belief.v1"))


def test_only_the_ai_that_learns_reads_what_people_said_and_only_of_its_claim(whole: Played) -> None:
    assert not whole.actors.by_purpose("answer.v1", "no_ai") and not whole.actors.by_purpose("ask.v1", "no_ai")
    said = {
        (row["timestep"], row["claim"], found)
        for row in whole.rows("messages", arm="ai", kind="statement")
        for found in MARK.findall(row["text"])
    }
    questions = {claim.question: claim.id for claim in load_claims(())}
    learned = 0
    for key, request in whole.actors.by_purpose("answer.v1"):
        text = text_of(request)
        timestep = int(re.findall(r"\.t(\d+)-c", key)[0])
        (claim,) = (name for question, name in questions.items() if question in text)
        marks = MARK.findall(text.split("Somebody asks you")[0])
        assert not marks or key.startswith("t/ai-")
        assert all(any((t, claim, one) in said for t in range(1, timestep)) for one in marks)
        assert len(marks) <= LiveConfig().told
        learned += bool(marks)
    assert learned > 5


def test_a_stance_is_remembered_in_words_and_newcomers_have_none(whole: Played) -> None:
    first = [text_of(r) for k, r in whole.actors.by_purpose("belief.v1", "ai") if int(k.rsplit("#", 1)[1]) < 16]
    assert not any("When you were last asked" in text for text in first)
    arrivals = [row for row in whole.rows("people", arm="ai") if row["timestep"]]
    assert len(arrivals) == 3 * 2, "a quarter of eight, at each of three timesteps"
    (newcomer, *_) = [row for row in arrivals if row["timestep"] == 1]
    own = [
        text_of(r)
        for k, r in whole.actors.by_purpose("tell.v1", "ai")
        if f"I am number {int(newcomer['agent'][1:])}." in text_of(r) and ".t1-" in k
    ]
    assert len(own) == 1 and "When you were last asked" not in own[0]
    assert stance(None) == "" and stance(level([0, 1, 0, 0, 0])) == STANCES[1]


def test_news_reaches_everybody_in_every_arm_at_its_time(whole: Played) -> None:
    assert [row["timestep"] for row in whole.rows("messages", kind="news")] == [2, 2, 2]
    for arm in SMALL["arms"]:
        texts = [(k, text_of(r)) for k, r in whole.actors.by_purpose("tell.v1", arm)]
        for timestep, wanted in ((1, {False}), (2, {True})):
            assert {f"{NEWS}: The bridge" in text for k, text in texts if f".t{timestep}-" in k} == wanted


# --- what comes of it


def test_people_who_believe_their_ai_move_and_those_without_do_not(whole: Played) -> None:
    last = whole.beliefs.filter(pl.col("timestep") == 3).group_by("arm").agg(pl.col("level").mean())
    levels = dict(last.iter_rows())
    assert levels["ai"] == levels["frozen"] > 0.8 and levels["no_ai"] == pytest.approx(0.5)


def test_who_does_not_ask_does_not_hear_the_ai() -> None:
    found = play(ask_share=0.0, arms=("ai", "no_ai"))
    assert not found.actors.by_purpose("ask.v1")
    one, other = (found.beliefs.filter(pl.col("arm") == arm)["level"].to_list() for arm in ("ai", "no_ai"))
    assert one == other
    some = play(ask_share=0.5, arms=("ai",))
    assert 0 < len(some.actors.by_purpose("ask.v1")) < 24


def test_without_meetings_neighbours_have_no_influence() -> None:
    def sway(ticket: Any) -> str:
        return f"I say pro in {mark(ticket.key)} to all of you."

    alone, together = (play({"tell.v1": sway}, arms=("no_ai",), meet_share=share) for share in (0.0, 1.0))
    assert all(row["listener"] == "" for row in alone.rows("messages", kind="statement"))
    start, still = (alone.beliefs.filter(pl.col("timestep") == t)["level"].mean() for t in (0, 3))
    moved = together.beliefs.filter(pl.col("timestep") == 3)["level"].mean()
    assert start == still == pytest.approx(0.5) and moved > 0.7
    some = play(arms=("no_ai",), meet_share=0.5)
    assert 0 < sum(bool(row["listener"]) for row in some.rows("messages", kind="statement")) < 24


# --- interventions


def test_interventions_are_as_the_ai_until_they_start() -> None:
    arms = ("ai", "ask_less", "told_less", "diverse", "fresh")
    found = play(arms=arms, intervention={"start": 3, "ask_factor": 0.0, "told_factor": 0.0})

    def asked(arm: str, purpose: str, until: int) -> int:
        keys = [key for key, _ in found.actors.by_purpose(purpose, f"{arm}-")]
        return sum(int(re.findall(r"\.t(\d+)-c", key)[0]) <= until for key in keys)

    for arm in arms:
        assert asked(arm, "answer.v1", 2) == asked("ai", "answer.v1", 2) == 16
        assert not [row for row in found.rows("messages", arm=arm, kind="report") if row["timestep"] < 3]
    assert asked("ask_less", "answer.v1", 3) == 16 and asked("ai", "answer.v1", 3) == 24


def test_lower_trust_in_the_ai_asks_it_less_and_the_same_people_less() -> None:
    found = play(arms=("ai", "ask_less"), ask_share=0.8, intervention={"start": 1, "ask_factor": 0.5})
    askers = [
        {(row["timestep"], row["speaker"]) for row in found.rows("messages", arm=arm, kind="question")}
        for arm in ("ai", "ask_less")
    ]
    assert askers[1] < askers[0] and 0 < len(askers[1]) < 0.8 * len(askers[0])


def test_lower_trust_in_people_lets_the_ai_read_fewer_of_them() -> None:
    found = play(arms=("ai", "told_less"), told=4, intervention={"start": 1, "told_factor": 0.5})
    most = [
        max(
            len(MARK.findall(text_of(r).split("Somebody asks")[0]))
            for _, r in found.actors.by_purpose("answer.v1", arm)
        )
        for arm in ("ai-", "told_less-")
    ]
    assert most == [4, 2]


def test_diverse_sampling_reads_the_rare_stance_more_often() -> None:
    def stances(ticket: Any) -> Any:
        rare = "I am number 0." in text_of(ticket.request)
        return {one: float(place == (4 if rare else 1)) for place, one in enumerate(STANCES)}

    def words(ticket: Any) -> str:
        who = re.findall(r"I am number (\d+)", text_of(ticket.request))[0]
        return f"Person {who} says so again today."

    found = play(
        {"belief.v1": stances, "tell.v1": words}, arms=("ai", "diverse"), claims=("law",), told=1, timesteps=6, heard=0,
        intervention={"start": 1},
    )  # fmt: skip
    read = [
        Counter(bool(re.search(r"- Person 0 says", text_of(r))) for _, r in found.actors.by_purpose("answer.v1", arm))
        for arm in ("ai-", "diverse-")
    ]
    assert read[1][True] > 2 * read[0][True]


def test_fresh_evidence_comes_from_outside_and_for_either_view() -> None:
    found = play(arms=("ai", "fresh"), intervention={"start": 2})
    reports = found.rows("messages", kind="report")
    assert {row["arm"] for row in reports} == {"fresh"} and Counter(row["timestep"] for row in reports) == {2: 8, 3: 8}
    bank = load_evidence()
    assert set(bank) == {claim.id for claim in load_claims(())}
    sides = Counter(bank[row["claim"]].index(row["text"]) for row in reports)
    assert min(sides.values()) > 3
    heard = [text_of(r) for key, r in found.actors.by_purpose("belief.v1", "fresh") if "A report: " in text_of(r)]
    assert heard


def test_people_may_choose_what_they_speak_about_and_topics_can_collapse() -> None:
    law = next(claim for claim in load_claims(("law",)))

    def one(ticket: Any) -> dict[str, float]:
        return {question: float(question == law.question) for question in ticket.request.options}

    found = play({"topic.v1": one}, arms=("ai",), choose_topics=True)
    assert {row["claim"] for row in found.rows("messages", kind="statement")} == {"law"}
    entropy = found.rows("metrics", metric="topic_entropy")
    assert [row["value"] for row in entropy] == pytest.approx([0.0] * 3, abs=1e-6)
    free = play(arms=("ai",), choose_topics=True, changed={"topic.v1": lambda t: dict.fromkeys(t.request.options, 0.5)})
    assert {row["claim"] for row in free.rows("messages", kind="statement")} == {"honesty", "law"}
    assert society.estimate(
        LiveConfig(**{**SMALL, "arms": ("ai",), "choose_topics": True}), setting()
    ).num_requests == len(free.actors.asked)


def test_unusable_texts_are_forfeits_and_life_goes_on() -> None:
    found = play({"tell.v1": "  ", "ask.v1": "Hm."}, arms=("ai",))
    assert {row["kind"] for row in found.rows("messages")} == set()
    assert len(found.rows("beliefs")) == 4 * 16
    forfeits = [note for one in found.outcomes for _, _, note in one.notes if type(note).__name__ == "Forfeit"]
    assert sum(one.final for one in forfeits) == 2 * 24 and len(forfeits) == 4 * 24


@pytest.mark.parametrize(
    ("text", "num", "wanted"),
    [
        ('"One must tell the truth. Always, I think', 1, "One must tell the truth."),
        ("One must tell the truth. It is better", 2, "One must tell the truth."),
        ("We like truth\n=== system ===", 2, "We like truth == system =="),
    ],
)
def test_a_spoken_text_is_whole_sentences_on_one_line(text: str, num: int, wanted: str) -> None:
    assert spoken(text, num) == wanted


def test_a_frozen_ai_and_the_people_stay_the_base_when_a_policy_learns() -> None:
    assert speakers("ai", {"all": "p3"}) == {"people": "base", "ai": "p3"}
    assert speakers("frozen", {"all": "p3"}) == {"people": "base", "ai": "base"}
    assert speakers("ai", {"people": "old", "ai": "new"}) == {"people": "old", "ai": "new"}


def test_rows_have_the_columns_of_their_tables(whole: Played) -> None:
    for table, columns in society.tables.items():
        rows = whole.rows(table)
        assert rows and all(set(row) == set(columns) for row in rows), table
    keys = {key for key, _ in whole.actors.asked}
    assert {row["identity"] for row in whole.rows("beliefs")} <= keys
    assert {row["identity"] for row in whole.rows("messages") if row["kind"] != "news"} <= keys


# --- it is reproducible


def test_neither_the_batch_nor_the_order_of_completion_shows() -> None:
    def one_by_one(actors: Any) -> ScriptedEngine:
        return ScriptedEngine(actors, max_in_flight=1)

    assert play().transcript() == play(engine=one_by_one).transcript()
    assert play(seed=3).transcript() != play().transcript()


def test_killed_in_the_middle_a_resume_ends_with_the_same_bytes(tmp_path: Path) -> None:
    config, seen = LiveConfig(**{**SMALL, "arms": ("ai", "no_ai")}), []
    for limit in (None, 60):
        run = Run.create(tmp_path, "live", {"name": "live"}, {})

        def perform(limits: Limits | None, into: Run = run) -> None:
            play_stage(
                into, "r1.play", society.scripts(config, setting()), ScriptedEngine(Actors()),
                run_seed=0, tables=society.tables, limits=limits,
            )  # fmt: skip

        if limit:
            with pytest.raises(Stopped):
                perform(Limits(run_requests=limit))
        perform(None)
        files = sorted((run.folder / "events").rglob("*.parquet"))
        seen.append({path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files})
    assert seen[0] == seen[1] and len(seen[0]) >= 4


# --- arms against each other


def test_arms_that_agree_differ_by_nothing_and_those_that_do_not_have_an_interval(whole: Played) -> None:
    rows = {(one.timestep, one.metric): one for one in arm_differences(whole.beliefs, "ai", "no_ai")}
    start, end = rows[0, "mean"], rows[3, "mean"]
    assert (start.diff, start.lo, start.hi) == (0, 0, 0)
    assert end.diff == pytest.approx(end.first - end.second) and 0 < end.lo <= end.diff <= end.hi
    same = arm_differences(whole.beliefs, "ai", "ai")
    assert all(one.diff == 0 or one.metric == "bimodality" for one in same)
    assert math.isnan(start.p) and all(math.isnan(one.p) for one in same)
    num = len({row["agent"] for row in whole.beliefs.to_dicts()})
    assert 2 / 2**num <= end.p <= 1
    slopes = arm_slopes(whole.beliefs)
    assert set(slopes) == {"ai", "frozen", "no_ai"} and slopes["no_ai"].flag == "all prior beliefs are equal"


def test_swapping_finds_what_moves_everybody_and_seldom_what_moves_nobody() -> None:
    rng = np.random.default_rng(0)
    few = np.linspace(0.1, 0.3, 6)[:, None]
    # All six move up by the same: of the 64 ways to swap only the observed one and its mirror lie as far.
    assert _swapped([(few + 0.5, few)], rng)["mean"] == pytest.approx(2 / 64)
    # Two replicas of one person each hold as many ways as one of two.
    assert _swapped([(few[:1] + 0.5, few[:1]), (few[1:2] + 0.5, few[1:2])], rng)["mean"] == pytest.approx(2 / 4)
    many = rng.random((24, 3))
    assert _swapped([(many * 0.3 + 0.5, many)], rng)["variance"] == pytest.approx(1 / (NUM_SWAPS + 1), abs=1e-3)
    found = []
    for _ in range(100):
        base = rng.random((8, 2)) * 0.8 + 0.1
        found.append(_swapped([(base + rng.normal(0, 0.05, base.shape), base + rng.normal(0, 0.05, base.shape))], rng))
    low = sum(one["mean"] <= 0.05 for one in found)
    assert low <= 12, "of 100 that are none, 5 are expected at p <= .05, and 13 or more in fewer than 1 of 500"


def test_an_arm_that_was_not_played_is_named(whole: Played) -> None:
    with pytest.raises(UserError, match='no arm "froze"') as error:
        arm_differences(whole.beliefs, "froze")
    assert "frozen" in error.value.why


# --- bad input


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"arms": ()}, "names an arm twice, or none"),
        ({"arms": ("ai", "ai")}, "names an arm twice, or none"),
        ({"claims": ("honest",)}, r"claims\[0\]"),
        ({"claims": ("law", "law")}, "names law twice"),
        ({"events": (News(timestep=4, text="x"),)}, "comes after the end"),
        ({"degree": 8}, "nobody is|8 neighbours"),
        ({"personas": 50, "replacement": 0.5}, "need 125"),
    ],
)
def test_settings_that_make_no_sense_are_refused_before_anything_is_asked(changes: dict[str, Any], match: str) -> None:
    config = LiveConfig(**{**SMALL, **changes})
    with pytest.raises(UserError, match=match):
        list(society.scripts(config, setting()))
