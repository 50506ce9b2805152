"""The stage as a process: pictures of a folder through real img2dataset, killed in the middle, and run again."""

from __future__ import annotations

import os
import shutil
import signal
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
from tests.pipeline.picture_server import picture

PICTURES, SHARD_ROWS = 12, 2  # six shards: img2dataset changes its process after five, so it is not done at once
BOUNDS = {"total_timeout": 4, "max_pause": 1, "shard_deadline": 10}  # seconds
GONE = 5  # the row of which there is no file


@pytest.fixture
def place(root: Path, tmp_path: Path) -> Path:
    """A profile `tiny` over a folder of pictures, with both samples drawn; one file is gone since."""
    return prepare(root, tmp_path)


def prepare(root: Path, folder: Path) -> Path:
    """What `place` says."""
    shutil.copytree(root / "profiles", folder / "profiles")
    shutil.copy(root / "params.yaml", folder)
    profile = yaml.safe_load((folder / "profiles/embedded.yaml").read_text())
    profile["corpus"] |= {"source": "folder", "path": "pictures"}
    profile["sample"] |= {"pictures": PICTURES, "heldout": 2}
    profile["download"] |= {"shard_rows": SHARD_ROWS, "retries": 0, **BOUNDS}
    (folder / "profiles/tiny.yaml").write_text(yaml.safe_dump(profile))
    (folder / "pictures").mkdir()
    for number in range(PICTURES + 2):
        if number != GONE:
            (folder / f"pictures/{number}.png").write_bytes(picture(number, "PNG"))
    write_table(sample(range(PICTURES)), folder / "outputs/tiny/sample/curate.parquet")
    write_table(sample(range(PICTURES, PICTURES + 2)), folder / "outputs/tiny/sample/evaluate.parquet")
    return folder


def sample(numbers: range) -> pa.Table:
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


def kept(place: Path) -> list[str]:
    """The batches of the curate sample that a run has kept."""
    return sorted(path.name for path in (place / ".work/tiny/download/curate").glob("batch-*.parquet"))


@pytest.mark.skipif(sys.platform != "linux", reason="looks at processes through /proc")
def test_a_killed_run_leaves_no_process_and_is_taken_up_where_it_was(place: Path) -> None:
    """SIGKILL in the middle: img2dataset dies too, what came is not fetched again, and the table is whole."""
    stage = start(place)
    wait_for(lambda: len(kept(place)) >= 2)
    img2dataset = child_of(stage.pid)
    assert len(processes_in(img2dataset)) >= 2  # itself, and what it spawns
    stage.kill()
    stage.communicate()
    wait_for(lambda: not processes_in(img2dataset))
    rows = SHARD_ROWS * len(kept(place))
    assert 2 * SHARD_ROWS <= rows < PICTURES

    again = start(place)
    printed, errors = again.communicate()
    assert again.returncode == 0, errors
    lines = [line for line in printed.splitlines() if "candidates, " in line]
    curate = f"download curate: 11 pictures from 12 candidates, {12 - rows} of them asked for in this run, in "
    assert lines[0].startswith(curate)
    assert lines[1].startswith("download evaluate: 2 pictures from 2 candidates, 2 of them asked for in this run, in ")
    check_outputs(place / "outputs/tiny/download")
    assert kept(place)  # one picture is wanting: with more candidates, the next run asks for those alone


@pytest.mark.skipif(sys.platform != "linux", reason="looks at processes through /proc")
@pytest.mark.parametrize("victim", ["the stage", "a worker", "the group"])
def test_whatever_is_killed_a_rerun_ends_in_the_same_table(place: Path, victim: str, whole: dict[str, bytes]) -> None:
    """The rerun starts at once, beside whatever is still dying."""
    stage = start(place)
    wait_for(lambda: len(kept(place)) >= 1)
    img2dataset = child_of(stage.pid)
    workers = sorted(processes_in(img2dataset) - {img2dataset})
    pid = {"the stage": stage.pid, "img2dataset": img2dataset, "a worker": workers[-1], "the group": -img2dataset}[
        victim
    ]
    os.kill(pid, signal.SIGKILL)
    if victim == "the stage":
        stage.wait()
    _, errors = stage.communicate()
    if victim == "the group":
        assert stage.returncode == 1
        assert "img2dataset ended with code -9" in errors
    elif victim == "a worker":  # noticed by its silence
        assert stage.returncode == 0, errors
    if stage.returncode != 0:
        again = start(place)
        _, errors = again.communicate()
        assert again.returncode == 0, errors
    assert tables(place) == whole


def tables(place: Path) -> dict[str, bytes]:
    """The bytes of every shard."""
    folder = place / "outputs/tiny/download"
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.parquet"))}


@pytest.fixture(scope="module")
def whole(root: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What a run that nobody disturbs writes."""
    folder = prepare(root, tmp_path_factory.mktemp("whole"))
    stage = start(folder)
    _, errors = stage.communicate()
    assert stage.returncode == 0, errors
    return tables(folder)


def check_outputs(download: Path) -> None:
    """Every sampled row stands there once, in order; no port and no machine path is in any text."""
    shards = list_shards(download / "curate")
    assert len(shards) == PICTURES // SHARD_ROWS
    rows = [row for path in shards for row in read_table(path).to_pylist()]
    assert [row["url"] for row in rows] == [f"folder:{number}.png" for number in range(PICTURES)]
    assert [row["rule"] for row in rows] == [None] * GONE + ["http_404"] + [None] * (PICTURES - GONE - 1)
    assert [row["width"] for row in rows] == [None if n == GONE else 64 for n in range(PICTURES)]
    assert b"127.0.0.1" not in b"".join(path.read_bytes() for path in shards)
    assert [path.name for path in list_shards(download / "evaluate")] == ["part-00000.parquet"]


def test_a_sample_of_which_nothing_comes_is_an_error(place: Path) -> None:
    """One line that says how many, why, and what to do; no output is written."""
    for path in (place / "pictures").iterdir():
        path.unlink()
    stage = start(place)
    _, errors = stage.communicate()
    assert stage.returncode == 1
    assert errors.splitlines()[-1] == (
        "pairmill: error: curate: not one of 12 pictures could be had (12 http_404), e.g. folder:0.png: HTTP 404 Not Found; "
        "see that the network and the addresses are right and run the same command again"
    )
    assert not (place / "outputs/tiny/download").exists()
