"""One process plays a run: a lock on its folder that the system takes back when the process ends, however it ends."""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agents.errors import UserError

log = logging.getLogger(__name__)
FILE = "run.lock"


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold a run folder while inside. Raises UserError when another process holds it.

    Two players would append the same answers to one journal, pay for both, and write over each other's files.
    """
    with (folder / FILE).open("a+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            pid = file.read(32).decode("ascii", "replace").strip()
            raise UserError(
                f"The run {folder} is being played by another process{f' ({pid})' if pid else ''}.",
                "two processes would write over each other's files.",
                "wait until it ends, or end it with Ctrl-C there; what it journalled is kept",
            ) from None
        except OSError as error:
            log.warning("%s cannot be locked (%s): see to it that no second process plays this run", folder, error)
        file.truncate(0)
        file.write(f"{os.getpid()}\n".encode())
        file.flush()
        yield
