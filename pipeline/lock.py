"""One writer at a time: a lock that the kernel drops when its holder dies, however it dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.errors import JobError
from pipeline.files import explain


@contextmanager
def exclusive(path: Path, what: str) -> Iterator[None]:
    """Hold the lock file `path` while the block runs; `what` names in the error what it protects.

    Raises JobError at once, with the holder's process id, when another process (or another block of this one)
    holds it. The file itself stays: removing it would let two processes lock two files of one name.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise JobError(f"cannot lock {explain(error, path)}") from error
    try:
        _lock(descriptor, path, what)
        yield
    finally:
        os.close(descriptor)  # drops the lock


def _lock(descriptor: int, path: Path, what: str) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    except BlockingIOError:
        holder = os.pread(descriptor, 20, 0).decode(errors="replace") or "unknown"
        raise JobError(f"{what} is being written by another process (pid {holder}); wait for it or stop it") from None
    except OSError as error:
        raise JobError(f"cannot lock {explain(error, path)}") from error
