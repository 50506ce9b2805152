"""One writer at a time, between processes and within one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.errors import JobError
from pipeline.lock import exclusive

REPOSITORY = Path(__file__).parents[2]
HOLD = """
import sys
from pathlib import Path
from pipeline.lock import exclusive
with exclusive(Path(sys.argv[1]), "outputs/describe"):
    print("held", flush=True)
    input()
"""


def holder(path: Path) -> subprocess.Popen[str]:
    """Start a process that holds the lock until it gets a line or dies."""
    process = subprocess.Popen(
        [sys.executable, "-B", "-c", HOLD, str(path)],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_process_is_told_who_writes(tmp_path: Path) -> None:
    """The second writer fails at once, with the first one's id; after kill -9 of the first the lock is free."""
    path = tmp_path / "work" / "describe.lock"
    with holder(path) as first:
        line = rf"outputs/describe is being written by another process \(pid {first.pid}\); wait for it or stop it$"
        with pytest.raises(JobError, match=line), exclusive(path, "outputs/describe"):
            pytest.fail("two writers at once")
        first.kill()
    with exclusive(path, "outputs/describe"):
        pass


def test_it_is_exclusive_within_a_process_and_free_after_an_error(tmp_path: Path) -> None:
    """A block inside a block is refused, locks of other files are not in the way, and an error frees the lock."""
    path, other = tmp_path / "a.lock", tmp_path / "b.lock"
    with pytest.raises(JobError, match="being written"), exclusive(path, "a"), exclusive(path, "a"):
        pytest.fail("two blocks at once")
    with exclusive(path, "a"), exclusive(other, "b"):
        pass


def test_a_lock_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    """A lock below something that is no folder names the lock file."""
    (tmp_path / "work").touch()
    with pytest.raises(JobError, match=r"^cannot lock .*/work/a.lock: "), exclusive(tmp_path / "work" / "a.lock", "a"):
        pytest.fail("no lock, and yet inside")
