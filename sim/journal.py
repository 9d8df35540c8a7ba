"""The journal is the run: every finished request, appended under its identity and the digest of its content.

One line a record: eight hexadecimal digits of CRC-32, a blank, JSON, a line feed. A torn last line is cut off when the
journal is opened again (that request is simply owed once more); damage anywhere else is an error that names the line.
Prompts are not stored: replaying the scripts renders them again, and the digests prove that they are the same.

A request that the engine could not answer is no record: it stays owed, and resuming asks it again. That it failed is
written beside the journal, in `<stage>.failed`, which only replay reads: without it the script would ask anew.
"""

from __future__ import annotations

import errno
import mmap
import os
import time
import zlib
from array import array
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from agents.errors import UserError
from agents.requests import Reply, Result, Scores
from sim.engines.base import Finished, Usage

FORMAT = 1
SYNC_EVERY_S = 5.0


class JournalMismatch(UserError):
    """A journalled step no longer matches what the scripts ask: prompts, config or code have changed."""


class Journal:
    """Append records, and answer from those that were there when it was opened."""

    def __init__(self, path: Path, *, header: dict[str, Any], readonly: bool = False) -> None:
        """Open or create. header: what must be equal for the records to count (run seed, stage, policies).

        Raises UserError when the file belongs to other settings, or is damaged before its last line.
        """
        self.path = path
        self.num_loaded = 0
        self._synced = time.monotonic()
        self._fd = self._failed_fd = -1
        self._map: mmap.mmap | None = None
        self._keys = np.empty(0, dtype=np.uint64)
        self._offsets = np.empty(0, dtype=np.int64)
        wanted = orjson.loads(orjson.dumps({"folkmoot_journal": FORMAT, **header}))
        if path.exists() and path.stat().st_size:
            self._load(wanted, readonly)
        if readonly:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        if not os.fstat(self._fd).st_size:
            self._write(_line(orjson.dumps(wanted)))

    def _load(self, wanted: dict[str, Any], readonly: bool) -> None:
        keys, offsets = array("Q"), array("q")
        end = 0
        for number, (start, payload, stop) in enumerate(_lines(self.path)):
            if number == 0:
                _check_header(self.path, orjson.loads(payload), wanted)
            else:
                keys.append(_key_hash(orjson.loads(payload)["k"]))
                offsets.append(start)
            end = stop
        if end < self.path.stat().st_size and not readonly:
            os.truncate(self.path, end)
        self.num_loaded = len(keys)
        if not end:
            return
        order = np.argsort(np.frombuffer(keys, dtype=np.uint64), kind="stable")
        self._keys = np.frombuffer(keys, dtype=np.uint64)[order]
        self._offsets = np.frombuffer(offsets, dtype=np.int64)[order]
        with self.path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), end, access=mmap.ACCESS_READ)

    def lookup(self, key: str, digest: str) -> tuple[Result, Usage] | None:
        """Return the recorded answer for this identity, or None when it is still owed.

        Raises JournalMismatch when the identity is there with another content.
        """
        if self._map is None:
            return None
        wanted = np.uint64(_key_hash(key))
        at = int(np.searchsorted(self._keys, wanted))
        while at < len(self._keys) and self._keys[at] == wanted:
            start = int(self._offsets[at])
            record = orjson.loads(self._map[start + 9 : self._map.find(b"\n", start)])
            if record["k"] == key:
                if record["d"] != digest:
                    raise JournalMismatch(
                        f'The journal {self.path.name} differs at step "{key}".',
                        f"there it has digest {record['d'][:12]}, the run now asks {digest[:12]}: "
                        "a prompt, the config, the model or the code has changed since.",
                        "start a new run, or go back to the version that the manifest names",
                    )
                return _result(record), Usage(*record["u"])
            at += 1
        return None

    def append(self, finished: Iterable[Finished]) -> None:
        """Write finished requests in one go, before any script sees them. Failed requests are still owed, see above.

        Raises UserError when the disk is full; the journal then ends with the last whole batch.
        """
        done = list(finished)
        lines = [_line(_record(f)) for f in done if f.result is not None]
        if lines:
            self._write(b"".join(lines))
        failures = [_line(_failure(f)) for f in done if f.result is None]
        if failures:
            if self._failed_fd < 0:
                self._failed_fd = os.open(failed_path(self.path), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
            self._write(b"".join(failures), self._failed_fd)

    def _write(self, data: bytes, fd: int = -1) -> None:
        fd = fd if fd >= 0 else self._fd
        size = os.fstat(fd).st_size
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(fd, view) :]
            if time.monotonic() - self._synced > SYNC_EVERY_S:
                os.fsync(fd)
                self._synced = time.monotonic()
        except OSError as error:
            os.ftruncate(fd, size)
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise UserError(
                f"The disk is full: {self.path} could not grow by {len(data)} bytes.",
                "every answer must be journalled before it is used.",
                "free some space, then resume; nothing that was journalled is lost",
            ) from error

    def close(self) -> None:
        """Flush to the disk and close; harmless when done twice."""
        if self._fd >= 0:
            os.fsync(self._fd)
            os.close(self._fd)
            self._fd = -1
        if self._failed_fd >= 0:
            os.close(self._failed_fd)
            self._failed_fd = -1
        if self._map is not None:
            self._map.close()
            self._map = None


def read_records(path: Path) -> Iterator[dict[str, Any]]:
    """Yield all records (k, d, t, r, u) of a journal in the order of completion; a torn tail is left out."""
    for number, (_, payload, _) in enumerate(_lines(path)):
        if number:
            yield orjson.loads(payload)


def failed_path(path: Path) -> Path:
    """Return where the failures beside a journal are."""
    return path.with_suffix(".failed")


def read_failures(path: Path) -> dict[str, tuple[str, str, Usage]]:
    """Return identity -> (digest, error, usage) of a journal's failed requests, the last one of each.

    Lines that a crash tore are left out.
    """
    found: dict[str, tuple[str, str, Usage]] = {}
    beside = failed_path(path)
    for line in beside.read_bytes().splitlines() if beside.exists() else ():
        if line[:8] == b"%08x" % zlib.crc32(line[9:]):
            record = orjson.loads(line[9:])
            found[record["k"]] = (record["d"], record["e"], Usage(*record["u"]))
    return found


def _line(payload: bytes) -> bytes:
    return b"%08x %s\n" % (zlib.crc32(payload), payload)


def _lines(path: Path) -> Iterator[tuple[int, bytes, int]]:
    """Yield (start, payload, stop) of every whole line; stop silently at a torn last one."""
    size = path.stat().st_size
    start = 0
    with path.open("rb") as file:
        for number, line in enumerate(file):
            stop = start + len(line)
            payload = line[9:-1]
            whole = line.endswith(b"\n") and len(line) > 10 and line[:8] == b"%08x" % zlib.crc32(payload)
            if not whole:
                if stop >= size:
                    return
                raise UserError(
                    f"{path} is damaged at line {number + 1}.",
                    "its checksum does not match, and it is not the last line, so it was not torn by a crash.",
                    "restore the file from a copy, or delete the run and start again",
                )
            yield start, payload, stop
            start = stop


def _check_header(path: Path, found: dict[str, Any], wanted: dict[str, Any]) -> None:
    differing = [key for key in sorted(found.keys() | wanted.keys()) if found.get(key) != wanted.get(key)]
    if differing:
        listed = "; ".join(f"{key}: {found.get(key)!r} there, {wanted.get(key)!r} now" for key in differing)
        raise UserError(
            f"The journal {path} was written with other settings.",
            listed + ".",
            "resume with the same settings, or start a new run",
        )


def _key_hash(key: str) -> int:
    return int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "big")


def _failure(finished: Finished) -> bytes:
    ticket = finished.ticket
    return orjson.dumps({"k": ticket.key, "d": ticket.digest, "e": finished.error, "u": _costs(finished.usage)})


def _costs(usage: Usage) -> tuple[int, int, int, float]:
    return usage.num_prompt, usage.num_cached, usage.num_output, round(usage.seconds, 4)


def _record(finished: Finished) -> bytes:
    ticket, result = finished.ticket, finished.result
    if type(result) is Reply:
        body: Any = (result.text, result.finish, result.num_tokens, result.logps)
        kind = "g"
    else:
        assert isinstance(result, Scores)
        body = (result.options, result.logp, result.num_tokens, result.mode)
        kind = "s"
    return orjson.dumps(
        {
            "k": ticket.key,
            "d": ticket.digest,
            "t": kind,
            "r": body,
            "u": _costs(finished.usage),
        }
    )


def _result(record: dict[str, Any]) -> Result:
    body = record["r"]
    if record["t"] == "g":
        return Reply(text=body[0], identity=record["k"], finish=body[1], num_tokens=body[2], logps=tuple(body[3]))
    logp = tuple(tuple(row) for row in body[1])
    return Scores(options=tuple(body[0]), logp=logp, identity=record["k"], num_tokens=tuple(body[2]), mode=body[3])
