"""Further policies of a run: named in its config, checked before an engine reads them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from agents.errors import UserError
from sim.config import compose
from sim.models.folder import sha256_of
from sim.policies import named_policies
from sim.session import Session


def stored(folder: Path, **changes: Any) -> Path:
    folder.mkdir()
    (folder / "adapter_model.safetensors").write_bytes(b"weights")
    files = {"adapter_model.safetensors": sha256_of(folder / "adapter_model.safetensors")}
    (folder / "policy.json").write_text(json.dumps({"kind": "adapter", "files": files, **changes}))
    return folder


def test_an_adapter_is_found_under_the_name_that_the_config_gives_it(tmp_path: Path) -> None:
    (ref,) = named_policies({"old": str(stored(tmp_path / "p1"))}, served_elsewhere=False)
    assert (ref.name, ref.kind, ref.folder) == ("old", "adapter", (tmp_path / "p1").resolve())
    assert len(ref.digest) == 64


def test_an_endpoint_needs_no_folder(tmp_path: Path) -> None:
    (ref,) = named_policies({"gpt": ""}, served_elsewhere=True)
    assert ref.folder is None


@pytest.mark.parametrize("name", ["base", "human", "a/b", ""])
def test_names_that_mean_something_else_are_refused(name: str) -> None:
    with pytest.raises(UserError, match="cannot be used as a name"):
        named_policies({name: ""}, served_elsewhere=True)


def test_what_is_missing_changed_or_a_whole_model_is_refused(tmp_path: Path) -> None:
    changed, whole = stored(tmp_path / "p1"), stored(tmp_path / "p2", kind="merged")
    (changed / "adapter_model.safetensors").write_bytes(b"other weights")
    for folder, told in (
        ("", "has no folder"),
        (str(tmp_path), "holds no policy"),
        (str(changed), "is corrupted"),
        (str(whole), "is a whole model"),
    ):
        with pytest.raises(UserError, match=re.escape(told)):
            named_policies({"it": folder}, served_elsewhere=False)


def test_a_society_hears_of_the_policies_beside_the_one_that_learns(tmp_path: Path) -> None:
    session = Session(compose(["engine=scripted", "+policies.old=", f"paths.runs={tmp_path}"]))
    assert session.setting().policies == {"all": "base", "old": "old"}
    assert session.setting(policies={"all": "p3"}).policies == {"all": "p3", "old": "old"}


def test_an_adapter_of_another_model_is_refused(tmp_path: Path) -> None:
    folder = str(stored(tmp_path / "p1", base_digest="a" * 64))
    (ref,) = named_policies({"old": folder}, served_elsewhere=False, base_digest="a" * 64)
    assert ref.name == "old"
    with pytest.raises(UserError, match="was trained on another model"):
        named_policies({"old": folder}, served_elsewhere=False, base_digest="b" * 64)


def test_weights_that_the_record_does_not_name_are_refused(tmp_path: Path) -> None:
    folder, bare = stored(tmp_path / "p1"), stored(tmp_path / "p2", files={})
    (folder / "adapter_model.bin").write_bytes(b"pickled")
    with pytest.raises(UserError, match=r"adapter_model\.bin is not to be trusted"):
        named_policies({"old": str(folder)}, served_elsewhere=False)
    with pytest.raises(UserError, match="is not to be trusted"):
        named_policies({"old": str(bare)}, served_elsewhere=False)


def test_a_run_that_trains_keeps_the_names_of_its_own_policies(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="in a run that trains"):
        _ = Session(compose(["engine=scripted", "+policies.p1=", "loop.num_rounds=1"])).named
    assert Session(compose(["engine=scripted", "+policies.p1=", "loop.num_rounds=0"])).named[0].name == "p1"
