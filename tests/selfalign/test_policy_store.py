"""Policies are whole, hash-checked and never pickled."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agents.errors import UserError
from selfalign.policy.store import PolicyMeta, PolicyStore


def adapter(folder: Path, content: bytes = b"weights") -> Path:
    folder.mkdir(parents=True)
    (folder / "adapter_model.safetensors").write_bytes(content)
    (folder / "adapter_config.json").write_text("{}")
    return folder


@pytest.fixture
def store(tmp_path: Path) -> PolicyStore:
    store = PolicyStore(tmp_path / "policies")
    store.put(PolicyMeta(name="p1", parent="base", recipe="raft", data_digest="d", seed=3), adapter(tmp_path / "a"))
    store.put(PolicyMeta(name="p2", parent="p1"), adapter(tmp_path / "b", b"other"))
    return store


def test_a_stored_policy_comes_back_with_hashes_and_lineage(store: PolicyStore) -> None:
    assert store.names() == ["p1", "p2"]
    assert store.lineage("p2") == ["p2", "p1", "base"]
    meta = store.verify("p1")
    assert set(meta.files) == {"adapter_config.json", "adapter_model.safetensors"}
    assert meta.created.endswith("Z")
    ref = store.ref("p1")
    assert (ref.kind, ref.digest) == ("adapter", meta.digest)
    assert ref.folder == store.path("p1").resolve()
    assert store.ref("base").kind == "base"


def test_corrupted_weights_are_named(store: PolicyStore) -> None:
    weights = store.path("p1") / "adapter_model.safetensors"
    weights.write_bytes(b"Weights")
    with pytest.raises(UserError, match=r"adapter_model\.safetensors is corrupted") as error:
        store.ref("p1")
    assert "sha256" in error.value.why


def test_a_missing_and_a_stray_file_are_named(store: PolicyStore) -> None:
    (store.path("p1") / "extra.json").write_text("{}")
    with pytest.raises(UserError, match=r"extra\.json is corrupted"):
        store.verify("p1")
    (store.path("p2") / "adapter_config.json").unlink()
    with pytest.raises(UserError, match=r"adapter_config\.json is corrupted") as error:
        store.verify("p2")
    assert "missing" in error.value.why


@pytest.mark.parametrize("name", ["adapter_model.bin", "optimizer.pt", "x.pkl"])
def test_pickled_weights_are_refused_on_the_way_in_and_on_the_way_out(
    store: PolicyStore, tmp_path: Path, name: str
) -> None:
    folder = adapter(tmp_path / "c")
    (folder / name).write_bytes(b"\x80\x04")
    with pytest.raises(UserError, match=f"holds {name}") as error:
        store.put(PolicyMeta(name="p3", parent="base"), folder)
    assert "run code" in error.value.why
    assert not store.has("p3")
    (store.path("p1") / name).write_bytes(b"\x80\x04")
    with pytest.raises(UserError, match=f"holds {name}"):
        store.verify("p1")


def test_the_same_content_again_is_harmless_and_another_is_refused(store: PolicyStore, tmp_path: Path) -> None:
    first = store.meta("p1")
    assert store.put(PolicyMeta(name="p1", parent="base"), adapter(tmp_path / "d")) == first
    with pytest.raises(UserError, match="stored already"):
        store.put(PolicyMeta(name="p1", parent="base"), adapter(tmp_path / "e", b"new"))


def test_nothing_half_made_is_left_when_weights_are_missing(store: PolicyStore, tmp_path: Path) -> None:
    empty = tmp_path / "f"
    empty.mkdir()
    with pytest.raises(UserError, match="no safetensors"):
        store.put(PolicyMeta(name="p4", parent="base"), empty)
    assert [path.name for path in store.folder.iterdir()] == ["p1", "p2"] or sorted(
        path.name for path in store.folder.iterdir()
    ) == ["p1", "p2"]


def test_an_unknown_policy_gets_a_suggestion(store: PolicyStore) -> None:
    with pytest.raises(UserError, match="There is no policy q1"):
        store.ref("q1")


def test_damaged_meta_and_a_circle_of_parents_are_errors(store: PolicyStore) -> None:
    path = store.path("p1") / "policy.json"
    raw = json.loads(path.read_text())
    path.write_text(json.dumps({**raw, "parent": "p2"}))
    with pytest.raises(UserError, match="descends from it"):
        store.lineage("p2")
    path.write_text("{")
    with pytest.raises(UserError, match=r"policy\.json is corrupted"):
        store.meta("p1")
