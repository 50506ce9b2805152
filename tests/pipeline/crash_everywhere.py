"""Kill the slow stage before each of its file system calls in turn: `python -m tests.pipeline.crash_everywhere FOLDER`.

An audit hook counts the calls of Python that change files or open them to write, and sends SIGKILL at the n-th,
for n = 1, 2, ... until a run comes through. Prints one JSON line for every kill: the call, what then lay in
`out` ("old", "new", "nothing" or "mix"), whether the stage had cleared its work folder (had finished), and after
a second run whether `out` is right, how many shards the two runs started, and the files that are left over.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pyarrow as pa

from tests.pipeline.slow_stage import contents, make_source, run

SHARDS = 2
CALLS = {"os.rename", "os.link", "os.remove", "os.mkdir", "os.rmdir"}
TO_WRITE = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def in_child(work: Callable[[], object]) -> int:
    """Run `work` in a forked child; its wait status. The parent never uses Arrow's threads, so forking is safe."""
    pid = os.fork()
    if pid == 0:
        with Path(os.devnull).open("w") as null:
            os.dup2(null.fileno(), 1)
            os.dup2(null.fileno(), 2)
        work()
        os._exit(0)
    return os.waitpid(pid, 0)[1]


def die_at(number: int, folder: Path) -> None:
    """Arrange that this process dies before its `number`-th file system call, whose name goes into a file."""
    seen = 0

    def hook(event: str, args: tuple[object, ...]) -> None:
        nonlocal seen
        if event in CALLS or (event == "open" and isinstance(args[2], int) and args[2] & TO_WRITE):
            seen += 1
            if seen == number:
                (folder / "call").symlink_to(event)
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def run_and_die(number: int, folder: Path) -> None:
    """Run the stage in its new version, but only up to its `number`-th file system call."""
    die_at(number, folder)
    run(folder / "stage", version="new")


def prepare(folder: Path) -> None:
    """A stage whose output is there in an old version, as a rerun by hand under new params finds it."""
    (folder / "call").unlink(missing_ok=True)
    shutil.rmtree(folder / "stage", ignore_errors=True)
    shutil.copytree(folder / "old", folder / "stage")


def main(folder: Path) -> None:
    """Kill, look, run again, look; until nothing is left to kill."""
    stage = folder / "stage"
    pa.array([""])  # makes pyarrow import pandas here, once, and not in every child
    in_child(lambda: make_source(folder / "old", SHARDS))
    in_child(lambda: run(folder / "old", version="old"))
    (folder / "old" / "starts").unlink()
    prepare(folder)
    in_child(lambda: run(stage, version="new"))
    old, new = contents(folder / "old" / "out"), contents(stage / "out")
    whole = contents(stage)
    for number in range(1, 10_000):
        prepare(folder)
        status = in_child(partial(run_and_die, number, folder))
        if not os.WIFSIGNALED(status):
            break
        found = contents(stage / "out")
        state = "old" if found == old else "new" if found == new else "mix" if found else "nothing"
        finished = not (stage / ".work" / "slow").exists() and state == "new"
        again = in_child(lambda: run(stage, version="new"))
        starts = (stage / "starts").read_text().split()
        (stage / "starts").write_bytes(whole["starts"])
        print(
            json.dumps(
                {
                    "call": f"{number} {(folder / 'call').readlink()}",
                    "state": state,
                    "finished": finished,
                    "right": again == 0 and contents(stage / "out") == new,
                    "starts": len(starts),
                    "left_over": sorted(contents(stage).keys() ^ whole.keys()),
                }
            )
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
