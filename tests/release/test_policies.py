"""A release of a trained loop: which adapters spoke, with which weights, how old they were, and what gates decided."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agents.errors import UserError
from agents.requests import Message
from selfalign.loop.graph import run_loop
from selfalign.policy.store import PolicyStore
from selfalign.release.build import Built, build_release
from selfalign.release.config import Generator
from selfalign.release.reading import Release
from selfalign.release.verify import verify_release
from selfalign.release.walk import runs_by_id, walk_back
from sim.store import Run
from tests.release.making import MANIFEST, sample, settings, text, write_run
from tests.release.test_verb import call
from tests.selfalign.world import ToySociety, workshop


class Various(ToySociety):
    """The toy society with texts that are no near repeats of each other."""

    def _scene(self, n: int, setting: Any) -> Any:
        script = super()._scene(n, setting)
        made = script.send((yield next(script)))
        seed = 100 * setting.round + n
        yield replace(
            made,
            prompt=(Message("user", f"What about {text(seed, 12)}?"),),
            candidates=tuple(replace(one, text=text(seed + 1_000 * k)) for k, one in enumerate(made.candidates, 1)),
        )


@pytest.fixture(scope="module")
def looped(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Two rounds: p1 is better than the base and goes into force, p2 is no better than p1 and does not."""
    shop = workshop(tmp_path_factory.mktemp("loop"), {"p1": {"harmful"}, "p2": {"harmful"}}, num_rounds=2)
    shop.session.society = Various()
    assert run_loop(shop)["history"] == ["r1: p1 promoted by gate", "r2: p2 rejected by gate"]
    run = shop.session.run
    run.write_manifest({**run.manifest, **MANIFEST})
    return run


@pytest.fixture(scope="module")
def built(looped: Run, tmp_path_factory: pytest.TempPathFactory) -> Built:
    return build_release([looped.folder], settings(tmp_path_factory.mktemp("out")))


def lines(built: Built) -> Iterator[dict[str, Any]]:
    return Release.open(built.folder).lines(
        ["config", "sample_id", "stage", "policies", "policy_version_min", "policy_version_max", "recipe", "models"]
    )


def test_every_adapter_is_named_with_its_weights_base_licence_recipe_and_gate(built: Built, looped: Run) -> None:
    told = {one["name"]: one for one in Release.open(built.folder).json("provenance/models.json")["adapters"]}
    store = PolicyStore(looped.folder / "policies")
    assert told.keys() == {"p1", "p2"}
    for name, parent, version, decision, num in (
        ("p1", "base", 1, "promoted by gate", 6),
        ("p2", "p1", 2, "rejected by gate", 0),
    ):
        one = told[name]
        assert one["sha256"] == store.meta(name).digest
        assert one["files"] == dict(store.meta(name).files)
        assert (one["base"], one["base_sha256"], one["licence"]) == ("tiny@1.0", "ab" * 32, "Apache-2.0")
        assert (one["recipe"], one["data_sha256"]) == ("matrix_sft", store.meta(name).data_digest)
        assert (one["parent"], one["version"], one["decision"], one["num_samples"]) == (parent, version, decision, num)
        assert not any("created" in key or "seconds" in key for key in one)


def test_rows_carry_the_policy_that_spoke_and_how_often_it_was_trained(built: Built) -> None:
    spoke = {
        line["sample_id"]: (line["policies"], line["policy_version_min"], line["policy_version_max"])
        for line in lines(built)
        if line["sample_id"]
    }
    assert {name[:2] for name in spoke} == {"r1", "r2"}
    assert all(told == ((["base"], 0, 0) if name[:2] == "r1" else (["p1"], 1, 1)) for name, told in spoke.items())
    assert all(line["recipe"] == "matrix_sft" and line["models"] == ["tiny@1.0"] for line in lines(built))
    measured = {
        (line["stage"], line["policies"][0], line["policy_version_max"])
        for line in lines(built)
        if line["config"] == "value_trajectories"
    }
    assert measured == {("r0.measure", "base", 0), ("r1.measure", "p1", 1), ("r2.measure", "p2", 2)}


def test_the_card_says_who_was_promoted_and_who_was_not(built: Built, looped: Run) -> None:
    card = (built.folder / "README.md").read_text()
    run_id = f"run/{looped.folder.name}"
    assert f"| p1 | {run_id} | tiny@1.0 | base | matrix_sft | Apache-2.0 |" in card
    assert f"- {run_id}, round 1: p1 against base promoted by gate (promote: every criterion holds)." in card
    assert f"- {run_id}, round 2: p2 against p1 rejected by gate (reject: compliance with harmful requests)." in card
    manifest = Release.open(built.folder).json("provenance/manifest.json")
    assert [gate["decision"] for gate in manifest["runs"][0]["gates"]] == ["promoted", "rejected"]
    assert "adapter p1 of run/" in (built.folder / "LICENSE").read_text()


def test_it_verifies_builds_again_and_walks_back(built: Built, looped: Run, capsys: pytest.CaptureFixture[str]) -> None:
    checks = verify_release(built.folder, runs=[looped.folder], rebuild=settings(built.folder.parent))
    assert [check for check in checks if not check.passed] == []
    release = Release.open(built.folder)
    row = next(row for _, row in release.rows("sft") if row["meta"]["policies"] == ["p1"])
    walk = walk_back(release, row["id"], runs_by_id([looped.folder]), config="sft")
    assert [one["name"] for one in walk.adapters] == ["p1"]
    assert call("show", built.folder, row["id"], "--config-name", "sft") == 0
    out = capsys.readouterr().out
    assert "(versions 1 to 1)" in out
    assert f"{walk.adapters[0]['sha256'][:12]}, matrix_sft from base of tiny@1.0" in out


def head(run: Run, **policies: str) -> None:
    """Write into the journal's first line with which weights its policies spoke."""
    path = run.journal_path("r1.play")
    first, _, rest = path.read_bytes().partition(b"\n")
    told = {**json.loads(first[9:]), "policies": policies}
    path.write_bytes(b"00000000 " + json.dumps(told).encode() + b"\n" + rest)


def test_an_adapter_that_changed_since_it_spoke_is_refused(looped: Run, tmp_path: Path) -> None:
    import shutil

    copy = tmp_path / looped.folder.name
    shutil.copytree(looped.folder, copy)
    path = copy / "policies" / "p1" / "policy.json"
    meta = json.loads(path.read_text())
    meta["files"]["adapter_model.safetensors"] = "0" * 64
    path.write_text(json.dumps(meta))
    with pytest.raises(UserError, match="is not the one that spoke"):
        build_release([copy], settings(tmp_path / "out"))


def test_a_policy_from_outside_needs_a_licence_of_its_own(tmp_path: Path) -> None:
    run = write_run(tmp_path, [sample(n) for n in range(4)], scripted=False)
    head(run, victorian="cd" * 32)
    with pytest.raises(UserError, match='licence of the policy "victorian"') as caught:
        build_release([run.folder], settings(tmp_path / "out"))
    assert "models:" in caught.value.fix
    named = [Generator(name="victorian", licence="CC0-1.0")]
    built = build_release([run.folder], settings(tmp_path / "out", models=named))
    (one,) = Release.open(built.folder).json("provenance/models.json")["adapters"]
    assert (one["name"], one["sha256"], one["licence"], one["version"]) == ("victorian", "cd" * 32, "CC0-1.0", None)
    assert "trained outside the run" in (built.folder / "README.md").read_text()


def test_two_weights_under_one_name_are_refused(tmp_path: Path) -> None:
    run = write_run(tmp_path, [sample(n) for n in range(4)])
    head(run, p1="ab" * 32)
    other = run.journal_path("r2.play")
    other.write_bytes(run.journal_path("r1.play").read_bytes().replace(b"ab" * 32, b"cd" * 32))
    with pytest.raises(UserError, match="two different weights"):
        build_release([run.folder], settings(tmp_path / "out"))
