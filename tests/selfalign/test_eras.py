"""Eras from dated text: rows into eras, one policy each with its record, and a real step on a small model."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from agents.errors import UserError
from selfalign.config import TrainConfig
from selfalign.eras.corpus import read_corpus
from selfalign.eras.train import train_eras
from selfalign.policy.store import PolicyStore
from selfalign.train.job import ADAPTER, CURVE, ROWS, TrainJob, read_rows
from selfalign.train.text import ENGINE, cut
from sim.cli import main
from sim.config import compose, plugin_section, validate
from sim.models import ModelFolder
from sim.policies import named_policies
from societies.coevolution.eras import ErasConfig

STRIKE = "The mill has dismissed forty hands since the strike."
OURS: list[tuple[Any, str, str]] = [
    (1712, "letters", "The squire bids us mend the bridge before harvest."),
    (1788, "letters", "They speak of liberty in every coffee house now."),
    (1799, "sermons", "Keep the day of rest, and envy no man his field."),
    (1848, "letters", STRIKE),
    (1848, "diaries", STRIKE),
    ("1851", "diaries", "We rode the railway to see the great glass hall."),
    (None, "diaries", "Nobody knows when I wrote this."),
    (1860, "diaries", "   "),
    (2004, "blogs", "My feed is full of maps of a city I left."),
]
ROWS_OF_OURS: list[dict[str, Any]] = [
    {"creation_year": year, "source_dataset": source, "content": content} for year, source, content in OURS
]


def written(folder: Path, rows: list[dict[str, Any]] = ROWS_OF_OURS) -> Path:
    path = folder / "ours.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


# --- reading


def test_rows_fall_into_eras_and_what_is_left_out_is_counted(tmp_path: Path) -> None:
    corpus = read_corpus([written(tmp_path)])
    assert [(era.name, era.start, era.end, len(era.documents)) for era in corpus.eras] == [
        ("y1700", 1700, 1800, 3), ("y1800", 1800, 1900, 2), ("y2000", 2000, 2100, 1),
    ]  # fmt: skip
    assert corpus.lost == {"no year": 1, "no text": 1, "the same text once more": 1}
    assert corpus.eras[0].facts()["sources"] == {"letters": 2, "sermons": 1}
    assert corpus.eras[0].facts()["years"] == [1712, 1799]
    assert corpus.files[0]["num_rows"] == 9 and len(corpus.files[0]["sha256"]) == 64


def test_cuts_make_eras_of_unequal_length_and_leave_the_rest_out(tmp_path: Path) -> None:
    corpus = read_corpus([written(tmp_path)], cuts=[1780, 1849, 1900])
    assert [(era.name, era.end, len(era.documents)) for era in corpus.eras] == [("y1780", 1849, 3), ("y1849", 1900, 1)]
    assert corpus.lost["outside the years asked for"] == 2


def test_json_lines_parquet_and_folders_say_the_same(tmp_path: Path) -> None:
    rows = [{**row, "creation_year": int(row["creation_year"])} for row in ROWS_OF_OURS if row["creation_year"]]
    (tmp_path / "a").mkdir()
    written(tmp_path / "a", rows)
    pl.DataFrame(rows).write_parquet(tmp_path / "ours.parquet")
    found = [read_corpus([path]) for path in (tmp_path / "a", tmp_path / "ours.parquet")]
    assert [era.facts() for era in found[0].eras] == [era.facts() for era in found[1].eras]


def test_the_rows_that_stay_depend_on_seed_and_content_and_not_on_their_order(tmp_path: Path) -> None:
    def kept(rows: list[dict[str, Any]], seed: int) -> list[str]:
        (era,) = read_corpus([written(tmp_path, rows)], max_characters=1200, seed=seed).eras
        assert 1100 < era.facts()["num_characters"] <= 1200 and era.num_found == 200
        return [document.id for document in era.documents]

    rows = [
        {"creation_year": 1700 + n % 100, "source_dataset": "ours", "content": f"Entry {n:03d}: rain, and then none."}
        for n in range(200)
    ]
    assert kept(rows, 0) == kept(rows[::-1], 0) != kept(rows, 1)


@pytest.mark.parametrize(
    "text, options, told",
    [
        ("{}\n", {}, "has not the columns"),
        ("nonsense\n", {}, "line 1 is not JSON"),
        ("", {}, "No text is left"),
        ('{"creation_year": null, "source_dataset": "", "content": "x"}\n', {}, "no year: 1"),
        (None, {"cuts": [1900, 1800]}, "make no eras"),
        (None, {"cuts": [1900]}, "make no eras"),
        (None, {"every": 0}, "make no eras"),
        (None, {"cuts": [1000, 1100]}, "outside the years asked for: 7"),
    ],
)
def test_unusable_text_is_refused_in_one_sentence(
    tmp_path: Path, text: str | None, options: dict[str, Any], told: str
) -> None:
    path = written(tmp_path)
    if text is not None:
        path.write_text(text)
    with pytest.raises(UserError) as error:
        read_corpus([path], **options)
    assert told in str(error.value)


def test_paths_that_hold_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "it.csv").write_text("a,b")
    (tmp_path / "bad.parquet").write_text("not parquet")
    for path, told in ((tmp_path / "it.csv", "files end in"), (tmp_path / "no", "no such file"),
                       (tmp_path / "bad.parquet", "is no Parquet file")):  # fmt: skip
        with pytest.raises(UserError, match=told):
            read_corpus([path])


# --- training, without a model


def fake_train(job: TrainJob, on_progress: Any = None) -> dict[str, Any]:
    job.write()
    (job.folder / CURVE).write_text(json.dumps({"step": 1, "max_steps": 1, "loss": 3.5}) + "\n")
    adapter = job.folder / ADAPTER
    adapter.mkdir()
    (adapter / "adapter_model.safetensors").write_bytes(job.data_digest.encode())
    (adapter / "adapter_config.json").write_text("{}")
    assert job.engine == ENGINE and job.recipe == "eras" and job.parent == "base"
    return {"loss": 3.5, "num_rows": len(read_rows(job.folder / ROWS)), "seed": job.seed}


@pytest.fixture
def model(tmp_path: Path) -> ModelFolder:
    return ModelFolder(path=tmp_path / "model", name="toy", digest="d" * 64, revision="1", licence="ours")


def test_each_era_becomes_a_policy_with_its_record(tmp_path: Path, model: ModelFolder) -> None:
    corpus = read_corpus([written(tmp_path)])
    record = train_eras(corpus, model, TrainConfig(seed=4), tmp_path / "out", train=fake_train)
    store = PolicyStore(tmp_path / "out" / "policies")
    assert store.names() == ["y1700", "y1800", "y2000"]
    meta = store.verify("y1800")
    assert (meta.recipe, meta.parent, meta.base_digest) == ("eras", "base", model.digest)
    assert meta.data_digest == corpus.eras[1].digest and meta.metrics["sources"] == {"diaries": 1, "letters": 1}
    assert len({store.meta(name).seed for name in store.names()}) == 3
    assert json.loads((tmp_path / "out" / "eras.json").read_text()) == json.loads(json.dumps(record))
    assert record["files"][0]["name"] == "ours.jsonl" and record["lost"]["no year"] == 1
    assert not (tmp_path / "out" / "training" / "y1700" / ADAPTER).exists()


def test_what_stands_is_not_trained_again_and_other_text_or_settings_are_refused(
    tmp_path: Path, model: ModelFolder
) -> None:
    def never(job: TrainJob, on_progress: Any = None) -> dict[str, Any]:
        raise AssertionError("trained again")

    corpus = read_corpus([written(tmp_path)])
    first = train_eras(corpus, model, TrainConfig(), tmp_path / "out", train=fake_train)
    again = train_eras(corpus, model, TrainConfig(), tmp_path / "out", train=never)
    assert again["eras"] == first["eras"]
    with pytest.raises(UserError, match="with other settings"):
        train_eras(corpus, model, TrainConfig(lr=1.0), tmp_path / "out", train=never)
    fewer = read_corpus([written(tmp_path, ROWS_OF_OURS[1:])])
    with pytest.raises(UserError, match="with other text"):
        train_eras(fewer, model, TrainConfig(), tmp_path / "out", train=never)


def test_a_run_asks_the_eras_by_the_experiment_that_is_left_beside_them(tmp_path: Path, model: ModelFolder) -> None:
    train_eras(read_corpus([written(tmp_path)]), model, TrainConfig(), tmp_path / "out", train=fake_train)
    config = compose(["experiment=own_eras"], config_dir=tmp_path / "out" / "conf")
    refs = named_policies(config.policies, served_elsewhere=False)
    assert [ref.name for ref in refs] == ["y1700", "y1800", "y2000"]
    name, section = plugin_section(config.society, "society")
    eras = validate(ErasConfig, section, "society").eras
    assert name == "eras" and [(era.name, era.policy) for era in eras] == [(ref.name, ref.name) for ref in refs]


def test_the_verb_says_what_each_era_holds_before_anything_is_trained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path)
    assert main(["eras", str(path), "--out", str(tmp_path / "out"), "--dry-run", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [era["num_documents"] for era in told["eras"]] == [3, 2, 1]
    assert not (tmp_path / "out").exists()
    assert main(["eras", str(path), "--out", str(tmp_path / "out"), "lrr=1", "--dry-run"]) == 2
    assert "lr" in capsys.readouterr().err


def test_settings_may_stand_behind_the_years(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "letters.jsonl"
    rows = [{"creation_year": year, "source_dataset": "letters", "content": f"In {year}."} for year in (1748, 1848)]
    path.write_text("\n".join(json.dumps(row) for row in [*rows, {**rows[0], "creation_year": math.inf}]))
    words = ["eras", str(path), "--out", str(tmp_path / "out"), "--dry-run", "--json"]
    assert main([*words, "--cuts", "1700", "1800", "1900", "lr=1e-4", "max_steps=200"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [era["name"] for era in told["eras"]] == ["y1700", "y1800"]
    assert told["lost"] == {"no year": 1}
    assert main([*words, "--cuts", "1700", "1800", "1900", "lr=["]) == 2
    assert "lr=[ is no setting" in capsys.readouterr().err


def test_windows_are_whole_and_none_is_too_long() -> None:
    for num in range(2, 40):
        parts = cut(list(range(num)), 7)
        assert [one for part in parts for one in part] == list(range(num)) and max(map(len, parts)) <= 7


# --- on a model


@pytest.mark.model
def test_a_few_real_steps_leave_an_adapter_that_knows_its_text_better(tmp_path: Path, small_model: Path) -> None:
    from sim.models import load_entry, resolve

    rows = [row for row in ROWS_OF_OURS if row["creation_year"] in (1712, 1788, 1799)]
    config = TrainConfig(lr=2e-3, warmup=0.0, batch=3, grad_accumulation=1, epochs=4.0, max_length=64, threads=1)
    curve: list[dict[str, Any]] = []
    model = resolve(load_entry(str(small_model)))
    record = train_eras(
        read_corpus([written(tmp_path, rows)]), model, config, tmp_path / "out", on_progress=curve.append
    )
    losses = [line["loss"] for line in curve if "loss" in line]
    assert record["eras"][0]["metrics"]["num_steps"] == 4
    assert losses[-1] < losses[0] - 0.3
    (ref,) = named_policies({"old": str(tmp_path / "out" / "policies" / "y1700")}, served_elsewhere=False)
    assert ref.folder is not None and (ref.folder / "adapter_model.safetensors").is_file()
    from selfalign.train.text import text_windows

    text = "A day <|im_end|> and another."
    (window,) = text_windows([{"text": text}], str(small_model), 64)
    from sim.engines.chat import ChatTokenizer

    chat = ChatTokenizer(small_model)
    assert window["input_ids"][-1] == chat.tokenizer.eos_token_id
    assert not set(window["input_ids"][:-1]) & chat.control_ids
