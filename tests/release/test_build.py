"""Building: what becomes of runs, that it is the same every time, and what cannot be built and why."""

from __future__ import annotations

import dataclasses
import shutil
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import orjson
import polars as pl
import pytest
import yaml

from agents.errors import UserError
from agents.sample import Candidate
from selfalign.label.votes import pair_probability
from selfalign.release.build import Built, build_release
from selfalign.release.config import ReleaseConfig, Source, load_config
from selfalign.release.diff import diff_releases
from selfalign.release.reading import Release
from selfalign.release.rows import pairs_of
from selfalign.release.schemas import LINEAGE, describe, schema_of
from selfalign.release.verify import verify_release
from sim.store import Run
from tests.release.making import SOURCES, evaluation, many, sample, settings, text, vote, write_run, write_values
from tests.release.test_verb import call

TURNS = "list<struct<role: string, content: string>>"
META = (
    "struct<subject: string, run: string, scene: string, society: string, kind: string, source: string, rule: string, "
    "dim: string, probability: double, num_votes: int64, disagreement: double, policies: list<string>>"
)
FROZEN = {
    "preference": {"prompt": TURNS, "chosen": TURNS, "rejected": TURNS},
    "sft": {"prompt": TURNS, "completion": TURNS},
    "reward": {"chosen": TURNS, "rejected": TURNS, "margin": "double"},
    "unpaired": {"prompt": TURNS, "completion": TURNS, "label": "bool"},
    "prompts": {"prompt": TURNS, "task": "string"},
    "ballots": {"subject": "string", "statement": "string", "citizen": "string", "group": "string", "dim": "string",
                "kind": "string", "options": "list<string>", "values": "list<double>", "weight": "double",
                "round": "int64", "rationale": "string"},
    "scenes": {"instruction": "string",
               "roles": "list<struct<role_id: string, name: string, traits: string, is_ego: bool>>",
               "turns": "list<struct<turn_id: string, tick: int64, speaker: string, role: string, text: string, "
                        "audience: list<string>, accepted: bool>>",
               "outcome": "string", "answer": "string", "end_reason": "string"},
    "value_trajectories": {"seed": "int64", "timestep": "int64", "subject": "string", "instrument": "string",
                           "item": "string", "score": "double", "lo": "double", "hi": "double", "n": "int64"},
    "utilities": {"seed": "int64", "timestep": "int64", "subject": "string", "option": "string", "utility": "double",
                  "variance": "double"},
}  # fmt: skip


@pytest.mark.parametrize("config", FROZEN)
def test_columns_are_frozen(config: str) -> None:
    told = {one["name"]: one["type"] for one in describe(schema_of(config))}
    assert told == {"id": "string", **FROZEN[config], "meta": META}
    assert schema_of(f"nc_{config}") == schema_of(config)


def test_lineage_columns_are_frozen() -> None:
    assert LINEAGE.names == [
        "id", "config", "split", "part", "run_id", "stage", "sample_id", "scene_id", "topics", "tick", "turn_ids",
        "citizen_ids", "vote_ids", "request_keys", "request_digests", "prompt_names", "prompt_digests", "models",
        "policies", "policy_version_min", "policy_version_max", "run_seed", "settings_digest", "judge", "recipe",
        "group", "filters_passed",
    ]  # fmt: skip


def rows(folder: Path, config: str) -> list[dict[str, Any]]:
    return [row for _, row in Release.open(folder).rows(config)]


def test_a_release_holds_every_config_that_has_rows(built: Built) -> None:
    found = {table.name: table.num_rows() for table in built.account.tables}
    # 40 samples: 10 voted on two dimensions, 5 with weak votes, 5 of a non-commercial source, 20 other revisions
    assert found == {
        "preference": 40, "sft": 30, "reward": 40, "unpaired": 80, "prompts": 35, "ballots": 60, "scenes": 40,
        "value_trajectories": 6, "utilities": 1, "nc_preference": 5, "nc_sft": 5, "nc_reward": 5, "nc_unpaired": 10,
        "nc_prompts": 5,
    }  # fmt: skip
    funnel = Release.open(built.folder).json("reports/funnel.json")
    assert funnel["configs"]["preference"]["samples_without_row"] == {"margin below 0.1": 5}


def test_it_passes_every_check(built: Built, run: Run) -> None:
    checks = verify_release(built.folder, runs=[run.folder], rebuild=settings(built.folder.parent))
    assert [check.name for check in checks if not check.passed] == []
    assert len(checks) == 15
    reports = {path.stem for path in (built.folder / "reports").iterdir()}
    assert reports == {
        "funnel",
        "splits",
        "dedup",
        "decontamination",
        "human_review",
        "pii",
        "toxicity",
        "diversity",
        "judges",
        "coverage",
        "weak_pairs",
    }


def test_two_builds_are_the_same_bytes_wherever_they_are_made(built: Built, run: Run, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere" / run.folder.name
    shutil.copytree(run.folder, moved)
    again = build_release([moved], settings(tmp_path / "out"))
    assert (again.folder / "SHA256SUMS").read_bytes() == (built.folder / "SHA256SUMS").read_bytes()
    for path in again.folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert b"/home/somebody" not in data
            assert str(tmp_path).encode() not in data
            assert b"2026-11-23" not in data


def test_preferences_keep_their_strength_and_dimensions_stay_apart(built: Built) -> None:
    found = [row for row in rows(built.folder, "preference") if row["meta"]["subject"].endswith("|s0001")]
    by_dim = {row["meta"]["dim"]: row for row in found}
    better, safer = by_dim["better"], by_dim["safer"]
    assert better["chosen"][0]["content"].startswith("Revised")
    assert safer["chosen"][0]["content"].startswith("Draft")
    assert better["meta"]["probability"] == pytest.approx((0.9 + 0.8 + 0.6) / 3)
    assert better["meta"]["disagreement"] == pytest.approx(0.8 - 0.75)  # group a: .9 and .6, group b: .8
    assert (better["meta"]["num_votes"], safer["meta"]["num_votes"]) == (3, 2)
    rewards = [row for row in rows(built.folder, "reward") if row["meta"]["subject"].endswith("|s0001")]
    margins = {row["meta"]["dim"]: row["margin"] for row in rewards}
    assert margins["safer"] == pytest.approx(2 * 0.75 - 1)


def test_swapping_the_answers_swaps_the_preference() -> None:
    one = sample(1, votes=(vote("a", 0.8), vote("b", 0.6)))
    other = replace(
        one, candidates=one.candidates[::-1], votes=tuple(replace(v, value=v.value[::-1]) for v in one.votes)
    )
    config = settings(Path())
    (first,), _ = pairs_of(one, config)
    (second,), _ = pairs_of(other, config)
    assert (first.chosen, second.chosen) == (0, 1)
    assert first.probability == second.probability == pair_probability(one.votes, 0, 1)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"votes": (vote("a", 0.9),)}, "fewer than 2 voters"),
        ({"votes": (vote("a", 0.5), vote("b", 0.5))}, "votes tell no two answers apart"),
        ({"candidates": sample(1).candidates[:1]}, "one answer only"),
        ({"candidates": tuple(replace(c, text=t) for c, t in zip(sample(1).candidates, ("A  b", "a B"), strict=True))},
         "revised equals draft"),
    ],
)  # fmt: skip
def test_a_pair_that_is_not_made_has_a_reason(change: dict[str, Any], why: str) -> None:
    assert pairs_of(replace(sample(1), **change), settings(Path())) == ([], [why])


def test_non_commercial_rows_stand_apart(built: Built) -> None:
    assert {row["meta"]["source"] for row in rows(built.folder, "sft")} == {"bank"}
    assert {row["meta"]["source"] for row in rows(built.folder, "nc_sft")} == {"papers.csv"}
    assert "nc_ hold rows" in (built.folder / "LICENSE").read_text().replace("\n", " ")


def test_duplicates_personal_data_and_evaluation_items_go(tmp_path: Path) -> None:
    base = many(12)
    other_case = replace(
        base[0], sample_id="case", candidates=tuple(replace(c, text=c.text.upper()) for c in base[0].candidates)
    )
    words = base[3].candidates[0].text.split()
    edited = " ".join([*words[:9], "otherwise", *words[10:]])
    one_word = replace(
        base[3], sample_id="edit", candidates=(replace(base[3].candidates[0], text=edited), base[3].candidates[1])
    )
    secret = replace(
        sample(90), candidates=(Candidate(text=f"{text(91)} ann@mail.org <|im_end|>", author="base", role="revised"),)
    )
    item = text(200, 20)
    known = sample(92, prompt=f"Say: {item.upper()} please")
    run = write_run(tmp_path, [*base, other_case, one_word, secret, known])
    config = settings(tmp_path / "out", evaluations=[evaluation(tmp_path, [item])])
    built = build_release([run.folder], config)
    reports = built.account.reports
    pairs = {(hit["removed"].split("|")[1], hit["kept"].split("|")[1]) for hit in reports["dedup"]["hits"]}
    assert pairs == {("s0000", "case"), ("s0003", "edit")} or pairs == {("case", "s0000"), ("edit", "s0003")}
    assert [hit["sample"].split("|")[1] for hit in reports["decontamination"]["hits"]] == ["s0092"]
    assert (reports["pii"]["before"]["email"], reports["pii"]["num_after"], reports["pii"]["num_control_tokens"]) == (
        1,
        0,
        1,
    )
    answers = [row["completion"][0]["content"] for row in rows(built.folder, "sft")]
    assert sum("[EMAIL] (im_end)" in answer for answer in answers) == 1


def test_reviews_flow_into_the_next_build(tmp_path: Path) -> None:
    run = write_run(tmp_path, [sample(n) for n in range(6)])
    lines = [
        {"sample_id": "s0001", "verdict": "flag", "reviewer": "ann", "why": "rude", "time": "t"},
        {"sample_id": "s0001", "verdict": "flag", "reviewer": "bob", "why": "wrong", "time": "t"},
        {"sample_id": "s0002", "verdict": "accept", "reviewer": "ann", "why": "", "time": "t"},
        {"sample_id": "gone", "verdict": "flag", "reviewer": "ann", "why": "", "time": "t"},
    ]
    (run.folder / "reviews.jsonl").write_bytes(b"\n".join(map(orjson.dumps, lines)) + b"\n")
    before = build_release([run.folder], settings(tmp_path / "out"))
    report = before.account.reports["human_review"]
    assert (report["num_rows"], report["num_reviewers"], report["num_flagged"], report["num_of_unknown_samples"]) == (
        2,
        2,
        1,
        1,
    )
    assert report["reasons"] == {"rude": 1, "wrong": 1}
    assert not any(row["meta"]["subject"].endswith("s0001") for row in rows(before.folder, "sft"))
    assert '"ann"' not in (before.folder / "reports" / "human_review.json").read_text()
    with (run.folder / "reviews.jsonl").open("ab") as file:
        file.write(
            orjson.dumps({"sample_id": "s0003", "verdict": "flag", "reviewer": "bob", "why": "", "time": "u"}) + b"\n"
        )
    after = build_release([run.folder], settings(tmp_path / "out", version="0.2.0", changes={"0.2.0": "One row less."}))
    found = diff_releases(before.folder, after.folder)
    assert (found.asks_for, found.wrong) == ("minor", "")
    assert {c.config: (c.num_added, c.num_removed) for c in found.configs}["sft"] == (0, 1)
    assert "One row less." in (after.folder / "CHANGELOG.md").read_text()


def test_more_runs_move_no_row(built: Built, run: Run, tmp_path: Path) -> None:
    more = write_run(tmp_path, [sample(n) for n in range(500, 510)], name="more")
    wider = build_release([more.folder, run.folder], settings(tmp_path / "out", version="0.1.1"))
    found = diff_releases(built.folder, wider.folder)
    assert all(c.num_moved == c.num_removed == 0 for c in found.configs)
    assert "at least 0.2.0" in found.wrong
    assert call("diff", built.folder, wider.folder) == 1  # the number says too little


def test_weak_preferences_go_to_a_report_with_their_strength(built: Built) -> None:
    report = Release.open(built.folder).json("reports/weak_pairs.json")
    assert (report["num_before"], report["num_after"]) == (25, 20)
    assert {hit["why"] for hit in report["hits"]} == {"margin below 0.1"}
    assert all(hit["probability"] == pytest.approx(0.51) and hit["num_votes"] == 2 for hit in report["hits"])
    votes = {row["subject"] for row in rows(built.folder, "ballots")}
    assert {hit["sample"] for hit in report["hits"]} <= votes


def test_the_order_of_runs_does_not_matter(run: Run, tmp_path: Path) -> None:
    more = write_run(tmp_path, [sample(n) for n in range(500, 510)], name="more")
    folders = [more.folder, run.folder]
    sums = [
        build_release(f, settings(tmp_path / str(n))).folder / "SHA256SUMS"
        for n, f in enumerate((folders, folders[::-1]))
    ]
    assert sums[0].read_bytes() == sums[1].read_bytes()


def test_near_equal_answers_to_like_prompts_are_on_one_side(tmp_path: Path) -> None:
    refusal = f"I will not help with this, because the people beside you would lose what is theirs. {text(999, 40)}"
    samples = []
    for n in range(30):
        one = sample(
            n, prompt=f"Tell me in plain words and step by step how somebody gets hold of {text(n, 3)} unseen?"
        )
        samples.append(replace(one, candidates=(replace(one.candidates[0], text=refusal), one.candidates[1])))
    built = build_release([write_run(tmp_path, samples).folder], settings(tmp_path / "out", test_share=0.5))
    sides = {split for split, _ in Release.open(built.folder).rows("sft")}
    assert len(sides) == 1
    assert built.account.reports["splits"]["num_groups"] == 1


def test_a_version_is_never_overwritten(built: Built, run: Run) -> None:
    with pytest.raises(UserError, match="never overwritten"):
        build_release([run.folder], settings(built.folder.parent))


def refuse_build(match: str, folders: list[Path], tmp_path: Path, **changes: Any) -> UserError:
    with pytest.raises(UserError, match=match) as caught:
        build_release(folders, settings(tmp_path / "out", **changes))
    assert caught.value.fix
    assert not list((tmp_path / "out").glob("*"))
    return caught.value


def test_what_is_no_whole_run_says_so_and_offers_the_next_step(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    refuse_build("is not a run folder", [tmp_path / "plain"], tmp_path)
    refuse_build("There is no run folder", [tmp_path / "nowhere"], tmp_path)
    refuse_build("No run was named", [], tmp_path)
    half = write_run(tmp_path, [sample(1)], name="half", complete=False)
    assert "folkmoot resume" in refuse_build("half-written: r1.play did not end", [half.folder], tmp_path).fix
    old = write_run(tmp_path, [sample(1)], name="old", versions={"folkmoot": "9.9.1"})
    assert "9.9.1" in refuse_build("was made by Folkmoot 9.9.1", [old.folder], tmp_path).fix
    bare = write_run(tmp_path, [sample(1)], name="bare", versions={})
    refuse_build("its manifest is missing", [bare.folder], tmp_path)
    empty = write_run(tmp_path, [], name="empty")
    assert "folkmoot show" in refuse_build("is empty", [empty.folder], tmp_path).fix
    whole = write_run(tmp_path, [sample(1)], name="whole")
    refuse_build("named twice", [whole.folder, whole.folder], tmp_path)
    torn = write_run(tmp_path, [sample(1)], name="torn")
    (torn.folder / "manifest.json").write_text("{")
    refuse_build("is damaged", [torn.folder], tmp_path)


def test_damaged_samples_are_named(tmp_path: Path) -> None:
    run = write_run(tmp_path, [sample(n) for n in range(4)])
    part = run.folder / "samples" / "r1.play" / "part-00000.parquet"
    frame = pl.read_parquet(part)
    frame.drop("votes", "meta").write_parquet(part)
    assert "lacks the columns votes, meta" in refuse_build("part-00000", [run.folder], tmp_path).given
    pl.concat([frame, frame]).write_parquet(part)
    refuse_build("more than once", [run.folder], tmp_path)
    part.write_bytes(part.read_bytes()[:-40])
    refuse_build("cannot be read", [run.folder], tmp_path)


def test_a_table_with_missing_columns_is_named(tmp_path: Path) -> None:
    run = write_run(tmp_path, [sample(n) for n in range(4)])
    write_values(run)
    path = run.folder / "events" / "r1.play" / "value_vectors-00000.parquet"
    pl.read_parquet(path).drop("score").write_parquet(path)
    refuse_build("value_vectors of r1.play .* lacks the columns score", [run.folder], tmp_path)


def test_a_partial_run_can_be_taken_and_the_card_says_so(tmp_path: Path) -> None:
    half = write_run(tmp_path, [sample(n) for n in range(4)], complete=False)
    built = build_release([half.folder], settings(tmp_path / "out", allow_partial=True))
    assert "was not played to the end" in (built.folder / "README.md").read_text()


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"sources": []}, 'source "bank" is not named'),
        ({"sources": [replace(SOURCES[0], licence="CC-BY-SA-4.0")]}, "must carry CC-BY-SA-4.0"),
        ({"sources": [replace(SOURCES[0], licence="CC-BY-ND-4.0")]}, "allows nothing to be made"),
        ({"sources": [replace(SOURCES[0], licence="unknown")]}, "licence is not known"),
        ({"configs": ["prefrence"]}, "prefrence"),
        ({"configs": ["ballots"]}, "No config has a row"),
    ],
)
def test_licences_and_configs_that_do_not_fit_are_refused(changes: dict[str, Any], match: str, tmp_path: Path) -> None:
    run = write_run(tmp_path, [sample(n) for n in range(4)])
    with pytest.raises(UserError) as caught:
        build_release([run.folder], settings(tmp_path / "out", **changes))
    assert match in str(caught.value)


def test_a_model_without_licence_is_refused(tmp_path: Path) -> None:
    run = write_run(tmp_path, [sample(1)], model={"name": "mine", "licence": "unknown"})
    assert "models:" in refuse_build('licence of the model "mine"', [run.folder], tmp_path).fix


def test_only_evaluation_items_leave_nothing(tmp_path: Path) -> None:
    item = text(1, 12)
    run = write_run(tmp_path, [sample(1)])
    refuse_build("No sample is left", [run.folder], tmp_path, evaluations=[evaluation(tmp_path, [item])])


def test_the_shipped_settings_are_the_defaults_and_name_every_key() -> None:
    shipped = yaml.safe_load((resources.files("conf") / "release" / "default.yaml").read_text(encoding="utf-8"))
    assert set(shipped) == {field.name for field in dataclasses.fields(ReleaseConfig)} - {"words"}
    assert replace(load_config(None, []), sources=[]) == ReleaseConfig()


def test_settings_come_from_file_and_command_line(tmp_path: Path) -> None:
    path = tmp_path / "release.yaml"
    path.write_text("name: mine\nsources: [{name: a.csv, licence: MIT}]\nwords: {maintainer: Ann}\n")
    config = load_config(path, ["version=2.0.0", "release.seed=3"])
    assert (config.name, config.version, config.seed, config.words.maintainer) == ("mine", "2.0.0", 3, "Ann")
    assert config.sources == [Source(name="a.csv", licence="MIT")]
    for words, match in (
        (["nam=x"], "name"),
        (["version=2"], "version"),
        (["split_by=[prompt]"], "scene"),
        (["folder"], "KEY=VALUE"),
    ):
        with pytest.raises(UserError) as caught:
            load_config(None, words)
        assert match in str(caught.value)


def test_votes_on_a_text_that_comes_again_stay_and_its_rows_do_not(tmp_path: Path) -> None:
    first = [replace(sample(n), votes=(vote("a", 0.9), vote("b", 0.7))) for n in range(8)]
    again = [
        replace(
            one, sample_id=f"later-{one.sample_id}", votes=(replace(vote("a", 0.2), t=3),), meta={**one.meta, "t": 3}
        )
        for one in first
    ]
    item = text(900, 12)
    known = replace(sample(20, prompt=f"Say {item}."), votes=(vote("a", 0.9), vote("b", 0.7)))
    runs = [
        write_run(tmp_path, [*first, known]),
        write_run(tmp_path, [*again, replace(known, sample_id="l")], name="z"),
    ]
    config = settings(tmp_path / "out", evaluations=[evaluation(tmp_path, [item])], split_by=["scene"], test_share=0.4)
    built = build_release([run.folder for run in runs], config)
    report = built.account.reports["dedup"]
    assert (report["num_exact"], report["num_voted_repeats"], report["num_votes_on_repeats_kept"]) == (9, 9, 8)
    assert "8 votes on 8 of these stay in ballots" in report["summary"]
    ballots = rows(built.folder, "ballots")
    assert len(ballots) == 8 * 3, "those on an evaluation item went with it"
    assert len(rows(built.folder, "preference")) == 8
    later = [row for row in ballots if row["round"] == 3]
    assert [row["values"] for row in later] == [[0.2, 0.8]] * 8
    assert {row["subject"] for row in later} == {f"z/{runs[1].folder.name}|later-s{n:04d}" for n in range(8)}
    release = Release.open(built.folder)
    sides = {
        (line["run_id"][0], line["sample_id"][-5:]): line["split"]
        for line in release.lines(["run_id", "sample_id", "split"])
    }
    assert set(sides.values()) == {"train", "test"}
    assert all(sides["m", f"s{n:04d}"] == sides["z", f"s{n:04d}"] for n in range(8))
    checks = verify_release(built.folder, runs=[run.folder for run in runs], rebuild=config)
    assert [check for check in checks if not check.passed] == []
    assert next(check.found for check in checks if check.name == "votes").endswith("(n = 8)")
