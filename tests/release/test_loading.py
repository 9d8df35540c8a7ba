"""What others do with a release: load it, concatenate it, read it through Croissant, train on it, publish it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from agents.errors import UserError
from dashboards.releases import examples_of, runs_behind
from selfalign.release.build import Built
from selfalign.release.push import push_release
from selfalign.release.reading import Release
from selfalign.release.walk import runs_by_id, walk_back
from sim.store import Run
from tests.release.test_verify import flip


def loaded(folder: Path, config: str | None, cache: Path) -> Any:
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    return datasets.load_dataset(str(folder), config, cache_dir=str(cache))


def test_every_config_loads_with_its_counts_and_the_default_is_preference(built: Built, tmp_path: Path) -> None:
    for table in built.account.tables:
        found = loaded(built.folder, table.name, tmp_path)
        assert {split: len(rows) for split, rows in found.items()} == {s: table.num_rows(s) for s in table.splits}
    assert loaded(built.folder, None, tmp_path)["train"].column_names == ["id", "prompt", "chosen", "rejected", "meta"]


def test_rows_concatenate_with_an_ordinary_dataset(built: Built, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    ours = loaded(built.folder, "sft", tmp_path)["train"].select_columns(["prompt", "completion"])
    turns = [{"role": "user", "content": "Hi"}], [{"role": "assistant", "content": "Hello"}]
    other = datasets.Dataset.from_list([{"prompt": turns[0], "completion": turns[1]}])
    both = datasets.concatenate_datasets([ours, other])
    assert len(both) == len(ours) + 1
    assert both[-1]["completion"] == turns[1]


def test_croissant_is_valid_and_gives_the_rows_back(built: Built) -> None:
    croissant = pytest.importorskip("mlcroissant")
    dataset = croissant.Dataset(jsonld=str(built.folder / "croissant.json"))
    assert not dataset.metadata.issues.errors
    for config in ("preference", "ballots", "scenes"):
        wanted = next(row for split, row in Release.open(built.folder).rows(config) if split == "train")
        found = {key.split("/")[2]: value for key, value in next(iter(dataset.records(f"{config}/train"))).items()}
        assert found["id"].decode() == wanted["id"]
        assert found["meta"][f"{config}/train/meta/run"].decode() == wanted["meta"]["run"]
        if config == "preference":
            turns = [{k.rpartition("/")[2]: v.decode() for k, v in turn.items()} for turn in found["chosen"]]
            assert turns == wanted["chosen"]
        elif config == "ballots":
            assert list(found["values"]) == wanted["values"]


def test_a_row_walks_back_to_its_votes_prompts_and_replies(built: Built, run: Run) -> None:
    release = Release.open(built.folder)
    row = next(row for _, row in release.rows("preference") if row["meta"]["rule"] == "votes")
    walk = walk_back(release, row["id"], runs_by_id([run.folder]), config="preference")
    line = walk.lineage
    assert row["meta"]["subject"] == f"{line['run_id']}|{line['sample_id']}"
    assert (line["models"], line["run_seed"], line["policy_version_max"]) == (["tiny@1.0"], 7, 0)
    assert [one.reply for one in walk.requests] == [f"reply to {key}" for key in line["request_keys"]]
    assert [one.digest for one in walk.requests] == [f"{n:032x}" for n in range(2)]
    assert {ballot["dim"] for ballot in walk.ballots} == {"better", "safer"}
    assert walk.prompts == (("agents/persona.v1", "0" * 16, "not at hand: this installation has another version"),)
    assert walk.turns == ("act-0: ego: Robin waits.",)
    assert walk.missing == ()


def test_without_its_run_a_row_says_where_the_journal_is(built: Built) -> None:
    release = Release.open(built.folder)
    name = next(row["id"] for _, row in release.rows("sft"))
    walk = walk_back(release, name[:12], {})
    assert (walk.config, walk.requests[0].reply) == ("sft", "")
    assert "journal/ of the run folder made/20260101-000000_ab12" in walk.journal
    with pytest.raises(UserError, match="No row"):
        walk_back(release, "zzz", {})
    with pytest.raises(UserError, match="More than one"):
        walk_back(release, "", {})


def test_the_page_of_releases_walks_a_row_back(built: Built, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    testing = pytest.importorskip("streamlit.testing.v1")
    root = run.folder.parents[1]
    assert runs_behind(built.folder, root) == ([run.folder], [])
    assert runs_behind(built.folder, root / "elsewhere") == ([], ["made/20260101-000000_ab12"])
    rows = examples_of(built.folder, "preference")
    assert rows[0][0] == next(
        row["id"] for split, row in Release.open(built.folder).rows("preference") if split == "train"
    )
    assert examples_of(built.folder, "none") == []
    shutil.copytree(built.folder, root / "releases" / built.folder.name)
    monkeypatch.setenv("FOLKMOOT_RUNS", str(root))
    page = testing.AppTest.from_file(str(Path(__file__).parents[2] / "dashboards" / "app.py"), default_timeout=120)
    page.run()
    page.switch_page("views/releases.py").run()
    next(button for button in page.button if button.label == "Walk back").click().run()
    assert not page.exception
    told = " ".join(str(frame.value) for frame in page.dataframe)
    assert "reply to r1.play/" in told
    assert "tiny@1.0" in told


class Hub:
    """Stands where the hub's client would be, and remembers what it was told."""

    told: list[tuple[str, dict[str, Any]]]

    def __init__(self) -> None:
        Hub.told = []

    def __getattr__(self, name: str) -> Any:
        return lambda *words, **options: Hub.told.append((name, {"words": words, **options}))


def test_push_is_dry_by_default_private_first_and_tagged(built: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = pytest.importorskip("huggingface_hub")
    monkeypatch.setattr(hub, "HfApi", Hub)
    Hub.told = []
    plan = push_release(built.folder, "me/tiny")
    assert (plan.done, plan.private, plan.tag, Hub.told) == (False, True, "v0.1.0", [])
    assert {name for name, _ in plan.files} >= {"README.md", "SHA256SUMS", "croissant.json"}
    push_release(built.folder, "me/tiny", really=True)
    assert [name for name, _ in Hub.told] == ["create_repo", "upload_folder", "create_tag"]
    assert Hub.told[0][1]["private"] is True
    assert Hub.told[2][1]["tag"] == "v0.1.0"


def test_push_refuses_what_fails_verification(copy: Path) -> None:
    flip(copy)
    with pytest.raises(UserError, match="fails verification"):
        push_release(copy, "me/tiny")
    with pytest.raises(UserError, match="no repository"):
        push_release(copy, "tiny")


@pytest.fixture(scope="session")
def tiny_model(small_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random two-layer model with the small model's tokenizer."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    folder = tmp_path_factory.mktemp("tiny")
    tokenizer = AutoTokenizer.from_pretrained(small_model)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=2, max_position_embeddings=1024, tie_word_embeddings=True, bos_token_id=1, eos_token_id=2,
        pad_token_id=2,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


TRAINERS = {
    "sft": ("trl", "SFT"),
    "preference": ("trl", "DPO"),
    "unpaired": ("trl.experimental.kto", "KTO"),
    "reward": ("trl", "Reward"),
}


@pytest.mark.model
@pytest.mark.parametrize("config", TRAINERS)
def test_a_release_trains_unchanged(config: str, built: Built, tiny_model: Path, tmp_path: Path) -> None:
    import importlib

    from transformers import AutoTokenizer

    place, name = TRAINERS[config]
    if importlib.util.find_spec(place) is None:
        place = "trl"
    module = importlib.import_module(place)
    rows = loaded(built.folder, config, tmp_path / "cache")["train"]
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    arguments = getattr(module, f"{name}Config")(
        output_dir=str(tmp_path / "out"), max_steps=1, per_device_train_batch_size=2, report_to=[], use_cpu=True,
        save_strategy="no", max_length=256, disable_tqdm=True,
    )  # fmt: skip
    trainer = getattr(module, f"{name}Trainer")(
        model=str(tiny_model), args=arguments, train_dataset=rows, processing_class=tokenizer
    )
    result = trainer.train()
    assert result.global_step == 1
    assert result.training_loss > 0
