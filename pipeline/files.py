"""Files and folders that are either whole or absent, whatever kills the process.

Write beside, fsync, rename, fsync the folder: after a kill or a power cut a reader finds the old file or
the new one, never a torn one.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pipeline.errors import JobError

NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
NO_LINKS = {errno.EXDEV, errno.EPERM, errno.EACCES, errno.EMLINK, errno.ENOTSUP, errno.ENOSYS}


def explain(error: OSError, path: Path | None = None) -> str:
    """One line for `error`: the file it is about, what went wrong and, where one is known, the mend."""
    place = path or error.filename or "an output stream"
    what = os.strerror(error.errno) if error.errno else str(error)  # Arrow wraps the system's words in its own
    if error.errno in NO_ROOM:
        return f"{place}: {what}; free some room there and run the same command again"
    if isinstance(error, PermissionError):
        return f"{place}: {what}; let the current user write there and run the same command again"
    return f"{place}: {what}"


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield the name of a temporary file that becomes `path` when the block ends well.

    Errors of the file system inside the block become a `JobError` that names `path`; on any error the
    temporary file goes and an older `path` stays as it was. What a killed writer left is swept here.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with _named(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(path)
        try:
            yield temporary
            _fsync(temporary)
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _fsync(path.parent)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise JobError(f"cannot write {explain(error, path)}") from error


def write_text(text: str, path: Path) -> None:
    """Write `text` to `path` atomically, as UTF-8."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def sha256_file(path: Path) -> str:
    """The sha256 of a file's bytes, as 64 hex digits; a `JobError` that names the file if it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise JobError(f"cannot read {explain(error, path)}") from error


def link_or_copy(source: Path, target: Path) -> None:
    """Give the finished file `source` a second name: a hard link, or a copy where the file system has none."""
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        shutil.copyfile(source, target)
        _fsync(target)


@contextmanager
def replacing_folder(out: Path) -> Iterator[Path]:
    """Yield an empty folder that takes the place of `out`, as a whole, when the block ends well.

    On any error `out` stays as it was; an error of the caller's own block passes through, except that a full disk
    becomes a `JobError` that names `out`. A kill between the two renames leaves no `out` at all (never a mix of
    old and new), which the next stage reports; running the same command again mends it.
    One process at a time: the caller holds a lock (`pipeline.lock.exclusive`).
    """
    fresh = out.with_name(f".{out.name}.new")
    with _named(out):
        remove(fresh)
        fresh.mkdir(parents=True)
    try:
        yield fresh
        with _named(out):
            _publish(fresh, out)
    except BaseException as error:
        with suppress(OSError):
            remove(fresh)
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            raise JobError(f"cannot write {explain(error, out)}") from error
        raise


def _publish(fresh: Path, out: Path) -> None:
    for folder, _, names in os.walk(fresh):
        for path in (*(Path(folder, name) for name in names), Path(folder)):
            _fsync(path)
    old = out.with_name(f".{out.name}.old")
    remove(old)
    with suppress(FileNotFoundError):
        out.rename(old)
    fresh.rename(out)
    _fsync(out.parent)
    remove(old)


def remove(path: Path) -> None:
    """Remove a file or a folder with all that is in it; nothing if there is nothing there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _sweep(path: Path) -> None:
    """Remove the temporary files of `path` whose writers are dead."""
    for leftover in path.parent.glob(f".{path.name}.*.tmp"):
        pid = leftover.name.split(".")[-2]
        if not pid.isdigit() or not is_running(int(pid)):
            leftover.unlink(missing_ok=True)


def is_running(pid: int) -> bool:
    """Whether a process with this id exists on this machine."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
