"""The stage as a process: pictures of a folder through real img2dataset, killed in the middle, and run again."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
import pytest
import yaml

from pipeline.parquet import list_shards, read_table, write_table
from pipeline.schema import CANDIDATE
from tests.pipeline.misbehaving import drawing, encoded

PICTURES, SHARD_ROWS = 28, 2  # fourteen shards: img2dataset changes its process after five, so it is not done at once
GONE = 5  # the row of which there is no file


@pytest.fixture
def place(workplace: Path) -> Path:
    """A profile `tiny` over a folder of pictures, with both samples drawn; one file is gone since."""
    profile = yaml.safe_load((workplace / "profiles/embedded.yaml").read_text())
    profile["corpus"] |= {"source": "folder", "path": "pictures"}
    profile["download"] |= {"shard_rows": SHARD_ROWS, "retries": 0}
    (workplace / "profiles/tiny.yaml").write_text(yaml.safe_dump(profile))
    (workplace / "pictures").mkdir()
    for number in range(PICTURES):
        if number != GONE:
            (workplace / f"pictures/{number}.png").write_bytes(encoded(drawing((40 + number, 50), "LA")))
    write_table(sample(range(PICTURES)), workplace / "outputs/tiny/sample/curate.parquet")
    write_table(sample([0, 1]), workplace / "outputs/tiny/sample/evaluate.parquet")
    return workplace


def sample(numbers: range | list[int]) -> pa.Table:
    """A sample, with the split column that the stage leaves behind."""
    urls = [f"folder:{number}.png" for number in numbers]
    rows = [
        {"key": sha256(url.encode()).hexdigest()[:16], "url": url, "caption": "a", "split": "curate"} for url in urls
    ]
    return pa.Table.from_pylist(rows, schema=CANDIDATE.append(pa.field("split", pa.string())))


def start(place: Path) -> subprocess.Popen[str]:
    """The stage, as a user starts it."""
    command = [sys.executable, "-m", "stages.download", "--profile", "tiny"]
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.Popen(command, cwd=place, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def wait_for(what: Callable[[], bool], seconds: float = 120.0) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.01)


def processes_in(session: int) -> set[int]:
    """The living processes of a session."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state, _, _, sid = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(sid) == session and state != "Z":
                found.add(int(entry.name))
    return found


def child_of(pid: int) -> int:
    """The one process that another has started."""
    (child,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(child)


def finished(place: Path) -> list[str]:
    """The shards of the curate sample that a run has kept."""
    return sorted(path.name for path in (place / ".work/tiny/download/curate").glob("part-*.parquet"))


@pytest.mark.skipif(sys.platform != "linux", reason="looks at processes through /proc")
def test_a_killed_run_leaves_no_process_and_is_taken_up_where_it_was(place: Path) -> None:
    """SIGKILL in the middle: img2dataset dies too, finished shards are not fetched again, and the table is whole."""
    stage = start(place)
    wait_for(lambda: len(finished(place)) >= 2)
    img2dataset = child_of(stage.pid)
    assert len(processes_in(img2dataset)) >= 2  # itself, and what it spawns
    stage.kill()
    stage.communicate()
    wait_for(lambda: not processes_in(img2dataset))
    kept = finished(place)
    assert 2 <= len(kept) < PICTURES // SHARD_ROWS

    again = start(place)
    printed, errors = again.communicate()
    assert again.returncode == 0, errors
    curate, evaluate = printed.splitlines()
    assert re.fullmatch(
        rf"download curate: 28 rows, 27 alive, 0 rejected, 1 failed \({len(kept)} shards reused\) in \d+ s", curate
    )
    assert evaluate.startswith("download evaluate: 2 rows, 2 alive, 0 rejected, 0 failed (0 shards reused)")
    check_outputs(place / "outputs/tiny/download")
    assert not any((place / ".work/tiny/download").glob("*/*"))


def check_outputs(download: Path) -> None:
    """Every sampled row stands there once, in order; no port and no machine path is in any text."""
    shards = list_shards(download / "curate")
    assert len(shards) == PICTURES // SHARD_ROWS
    rows = [row for path in shards for row in read_table(path).to_pylist()]
    assert [row["url"] for row in rows] == [f"folder:{number}.png" for number in range(PICTURES)]
    assert [row["rule"] for row in rows] == [None] * GONE + ["http_404"] + [None] * (PICTURES - GONE - 1)
    assert [row["width"] for row in rows if row["image"]] == [40 + n for n in range(PICTURES) if n != GONE]
    assert b"127.0.0.1" not in b"".join(path.read_bytes() for path in shards)
    assert [path.name for path in list_shards(download / "evaluate")] == ["part-00000.parquet"]


def test_a_sample_of_which_nothing_comes_is_an_error(place: Path) -> None:
    """One line that says how many, why, and what to do; no output is written."""
    for picture in (place / "pictures").iterdir():
        picture.unlink()
    stage = start(place)
    _, errors = stage.communicate()
    assert stage.returncode == 1
    assert errors.splitlines()[-1] == (
        "pairmill: error: outputs/tiny/download/curate: not one of 28 pictures could be fetched (28 http_404), "
        "e.g. folder:0.png: HTTP Error 404: Not Found; see that the network and the addresses are right and run "
        "the same command again"
    )
    assert not (place / "outputs/tiny/download").exists()
