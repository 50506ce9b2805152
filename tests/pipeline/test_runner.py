"""The shard runner against kills, second writers, changed inputs and stages that break their promises."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipeline.command import INTERRUPTED
from pipeline.errors import JobError
from pipeline.parquet import read_table, write_table
from pipeline.runner import Counts, Transform, code_version, run_map_stage, whole_stage
from pipeline.schema import FAILED, OUTCOME, REJECTED
from tests.pipeline.slow_stage import ROWS, contents, make_source, run

REPOSITORY = Path(__file__).parents[2]

SHARDS = 6


def start(module: str, *arguments: object) -> subprocess.Popen[str]:
    """Start a module of this folder as the leader of its own process group, with pipes for its output."""
    return subprocess.Popen(
        [sys.executable, "-B", "-m", f"tests.pipeline.{module}", *map(str, arguments)],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def start_slow(folder: Path, seconds: float = 0.0, version: str = "1") -> subprocess.Popen[str]:
    """Start the slow stage and wait until its imports are done."""
    process = start("slow_stage", folder, seconds, version)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def starts(folder: Path) -> list[str]:
    """The shards that runs have started so far, in order, by their first keys."""
    return (folder / "starts").read_text().split() if (folder / "starts").exists() else []


def start_and_hold(folder: Path, shard: int, version: str = "1") -> subprocess.Popen[str]:
    """Start the slow stage and wait until it stands still in the middle of a shard; `let_go` sends it on."""
    (folder / "hold").write_text(str(shard))
    before = len(starts(folder))
    process = start_slow(folder, version=version)
    while len(starts(folder)) == before or int(starts(folder)[-1][:8], 16) != shard:
        assert process.poll() is None, "the stage ended before it came so far"
        time.sleep(0.005)
    return process


def is_done(folder: Path) -> bool:
    """Whether a run has published its output and cleared its work."""
    return (folder / "out").exists() and not (folder / ".work" / "slow").exists()


def let_go(folder: Path) -> None:
    """Send a held stage on."""
    (folder / "hold").unlink()


def kill(process: subprocess.Popen[str], folder: Path) -> None:
    """kill -9 the process group of a held stage."""
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    let_go(folder)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder whose `in/` holds the input shards."""
    make_source(tmp_path, SHARDS)
    return tmp_path


@pytest.mark.parametrize("seed", [1, 2])
def test_kills_at_random_moments_leave_no_trace(tmp_path: Path, seed: int) -> None:
    """kill -9 of the process group, again and again: the same bytes in the end, one shard done twice per kill."""
    moments = random.Random(seed)
    for name in ("whole", "killed"):
        make_source(tmp_path / name, SHARDS)
    run(tmp_path / "whole")
    kills = 0
    while kills < 6:
        process = start_slow(tmp_path / "killed", seconds=0.1)
        try:
            process.communicate(timeout=moments.uniform(0.0, 0.4))
            break
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            kills += 1
            if is_done(tmp_path / "killed"):
                break  # it had ended, but for leaving: another run would begin anew
    assert kills > 0
    if not is_done(tmp_path / "killed"):
        run(tmp_path / "killed")
    assert contents(tmp_path / "killed" / "out") == contents(tmp_path / "whole" / "out")
    assert len(starts(tmp_path / "killed")) <= SHARDS + kills
    assert not (tmp_path / "killed" / ".work" / "slow").exists()


def test_a_kill_before_any_file_system_call_is_mended_by_the_next_run(tmp_path: Path) -> None:
    """Killed before each call in turn, over an old output: never a mix, the right bytes and no litter afterwards.

    At most one shard is done again, unless the killed run had published its output and cleared its work.
    """
    process = start("crash_everywhere", tmp_path)
    out, err = process.communicate()
    assert process.returncode == 0, err
    kills = [json.loads(line) for line in out.splitlines()]
    assert {kill["state"] for kill in kills} == {"old", "nothing", "new"}
    assert [kill["call"] for kill in kills if kill["state"] == "nothing" and not kill["call"].endswith("rename")] == []
    assert [kill for kill in kills if not kill["right"] or kill["left_over"]] == []
    shards = max(kill["starts"] for kill in kills if kill["finished"]) // 2
    assert [kill for kill in kills if not kill["finished"] and kill["starts"] > shards + 1] == []


def test_counts_and_what_they_count(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The stage's last line gives the fate of all rows; every shard keeps its name, keys and order."""
    counts = run(folder)
    assert counts == Counts(rows=SHARDS * ROWS, rejected=SHARDS, failed=SHARDS)
    assert counts.alive == SHARDS * (ROWS - 2)
    out, err = capsys.readouterr()
    assert re.fullmatch(r"slow: 48 rows, 36 alive, 6 rejected, 6 failed \(0 shards reused\) in \d+ s\n", out)
    assert "36 alive, 6 rejected, 6 failed" in err.splitlines()[-1]
    assert "\r" not in err  # stderr is no terminal here
    for name in contents(folder / "in"):
        before, after = read_table(folder / "in" / name), read_table(folder / "out" / name)
        assert after["key"].equals(before["key"])


def test_finished_shards_are_reused_and_said_to_be(folder: Path) -> None:
    """After a kill in the fourth shard the next run starts with the fourth, and counts the first three."""
    kill(start_and_hold(folder, shard=3), folder)
    again = start_slow(folder)
    out, err = again.communicate()
    assert "(3 shards reused)" in out
    assert f"{3 * ROWS}/{SHARDS * ROWS}" in err.splitlines()[0]  # the bar begins where the first run stopped
    assert len(starts(folder)) == SHARDS + 1


@pytest.mark.parametrize("change", ["identity", "input", "damage"])
def test_work_that_no_longer_fits_is_done_again(folder: Path, change: str) -> None:
    """Half-done work under other params, from another input or with a flipped bit does not reach the output."""
    kill(start_and_hold(folder, shard=3), folder)
    version, repeated = "1", 1
    work = sorted((folder / ".work" / "slow").glob("part-*.parquet"))
    assert len(work) == 3
    if change == "identity":
        version, repeated = "2", 3
    elif change == "input":
        shard = folder / "in" / "part-00001.parquet"
        table = read_table(shard)
        write_table(table.set_column(0, "key", pa.array([f"{n:016x}" for n in range(ROWS)])), shard)
    else:
        data = bytearray(work[1].read_bytes())
        data[len(data) // 3] ^= 16
        work[1].write_bytes(data)
    started = len(starts(folder))
    run(folder, version=version)
    assert len(starts(folder)) - started == SHARDS - 3 + repeated
    make_source(folder / "clean", SHARDS)
    if change == "input":
        (folder / "clean" / "in" / shard.name).write_bytes(shard.read_bytes())
    run(folder / "clean", version=version)
    assert contents(folder / "out") == contents(folder / "clean" / "out")
    assert contents(folder / ".work").keys() == {"slow.lock"}


def test_stale_work_goes_before_the_first_shard(folder: Path) -> None:
    """A run under other params removes what an earlier one left, torn files too, instead of letting it pile up."""
    kill(start_and_hold(folder, shard=3), folder)
    (folder / ".work" / "slow" / ".part-00003.abc.parquet.1.tmp").touch()
    process = start_and_hold(folder, shard=1, version="2")
    left = sorted(path.name.split(".")[0] for path in (folder / ".work" / "slow").iterdir())
    kill(process, folder)
    assert left == ["part-00000"]


def test_a_rerun_replaces_a_complete_output_whole(folder: Path) -> None:
    """A rerun by hand, even with fewer shards in, leaves nothing of the former output."""
    run(folder, version="1")
    (folder / "in" / f"part-{SHARDS - 1:05d}.parquet").unlink()
    (folder / "out" / "note.txt").touch()
    run(folder, version="2")
    assert contents(folder / "out").keys() == contents(folder / "in").keys()
    assert read_table(folder / "out" / "part-00000.parquet")["text"][1].as_py().startswith("text 2 of")
    assert {path.name for path in folder.iterdir()} == {"in", "out", ".work", "starts"}


def test_a_second_writer_is_refused_and_the_first_goes_on(folder: Path) -> None:
    """Two runs of one stage at once: the second names the first and touches nothing."""
    first = start_and_hold(folder, shard=0)
    second = start_slow(folder)
    out, err = second.communicate()
    assert (second.returncode, out) == (1, "")
    refusal = f"{folder / 'out'} is being written by another process (pid {first.pid}); wait for it or stop it"
    assert err == f"pairmill: error: {refusal}\n"
    let_go(folder)
    first.communicate()
    assert first.returncode == 0
    assert len(starts(folder)) == SHARDS


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_says_how_to_go_on(folder: Path, number: signal.Signals) -> None:
    """Ctrl-C and SIGTERM: exit code 1, the resume line last, no traceback, no output, finished shards kept."""
    process = start_and_hold(folder, shard=2)
    process.send_signal(number)
    _, err = process.communicate()
    assert process.returncode == 1
    *progress, last = err.splitlines()
    assert last == f"pairmill: {INTERRUPTED}"
    assert all(line.startswith("slow: ") for line in progress)
    assert not (folder / "out").exists()
    let_go(folder)
    run(folder)
    assert len(starts(folder)) == SHARDS + 1


def run_with(folder: Path, transform: Transform) -> Counts:
    """Run a stage "slow" of another transform, without identity."""
    return run_map_stage(
        stage="slow", source=folder / "in", out=folder / "out", work=folder / "w", identity={}, transform=transform
    )


def broken(change: Callable[[list[dict[str, Any]]], object], *more: pa.Field) -> Transform:
    """A transform that adds the OUTCOME columns and then does `change` to the rows."""

    def transform(rows: pa.Table, _advance: Callable[[int], None]) -> pa.Table:
        records = rows.to_pylist()
        change(records)
        return pa.Table.from_pylist(records, pa.schema([("key", pa.string()), *OUTCOME, *more]))

    return transform


DEATH = {"outcome": REJECTED, "stage": "slow", "rule": "r", "reason": "because"}


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda rows: rows.pop(), "8 rows came in and 7 went out; a stage keeps every row"),
        (lambda rows: rows.append(dict(rows[0])), "8 rows came in and 9 went out"),
        (lambda rows: rows.reverse(), "row 0 came in with key 0000000000000000 and went out with key 0000000000000007"),
        (lambda rows: rows[3].update(key="x"), "row 3 came in with key 0000000000000003 and went out with key x"),
        (lambda rows: rows[3].update(key=None), "row 3 came in with key 0000000000000003 and went out with key None"),
        (
            lambda rows: rows[7].update(outcome=None),
            "the dead row 0000000000000007 had outcome 'failed' and now has None",
        ),
        (lambda rows: rows[7].update(value=1.0), "the dead row 0000000000000007 had value 404.0 and now has 1.0"),
        (
            lambda rows: rows[7].update(DEATH),
            "the dead row 0000000000000007 had outcome 'failed' and now has 'rejected'",
        ),
        (lambda rows: rows[2].update(DEATH, stage="other"), "row 0000000000000002 is rejected without stage slow"),
        (lambda rows: rows[2].update(DEATH, reason=""), "row 0000000000000002 is rejected without stage slow, a rule"),
        (lambda rows: rows[2].update(DEATH, value=float("nan")), "row 0000000000000002 is rejected with the value NaN"),
        (lambda rows: rows[2].update(DEATH, outcome="kept"), "row 0000000000000002 has outcome 'kept'"),
        (lambda rows: rows[2].update(reason="?"), "row 0000000000000002 is alive but has a stage, rule, reason"),
    ],
)
def test_a_stage_that_breaks_its_promise_is_stopped(
    folder: Path, change: Callable[[list[dict[str, Any]]], object], error: str
) -> None:
    """Keys, their order and earlier outcomes are sacred, and a death needs its reason: stage, shard and row named."""
    with pytest.raises(JobError, match=rf"^slow broke part-00000.parquet: {re.escape(error)}"):
        run_with(folder, broken(change))
    assert not (folder / "out").exists()


@pytest.mark.parametrize(
    "change",
    [lambda _: None, lambda rows: rows[2].update(DEATH), lambda rows: rows[2].update(DEATH, outcome=FAILED)],
)
def test_a_stage_that_keeps_its_promise_passes(
    folder: Path, change: Callable[[list[dict[str, Any]]], object], capsys: pytest.CaptureFixture[str]
) -> None:
    """The near-misses of the table above: nothing changed, one row rejected, one row failed.

    The bar comes to its end although this stage never says how far it is.
    """
    assert run_with(folder, broken(change)).rows == SHARDS * ROWS
    assert " 48/48 " in capsys.readouterr().err.splitlines()[-1]


def test_a_missing_outcome_column_is_named(folder: Path) -> None:
    """A first stage that forgets the OUTCOME columns is told which."""
    with pytest.raises(JobError, match=r"slow broke part-00000.parquet: outcome is nothing, not string; stage is"):
        run_with(folder, lambda rows, _: rows.select(["key"]))


def test_shards_of_different_columns_are_refused(folder: Path) -> None:
    """A column that is text in one shard and null in the next would break every reader of the folder."""

    def transform(rows: pa.Table, _advance: Callable[[int], None]) -> pa.Table:
        texts = [None] * len(rows) if rows["key"][0].as_py().startswith("00000002") else ["text"] * len(rows)
        return rows.append_column("text", pa.array(texts))

    with pytest.raises(JobError, match=r"slow broke part-00002.parquet: .* text is null, not string"):
        run_with(folder, transform)


def test_an_input_that_changes_in_mid_run_is_refused(folder: Path) -> None:
    """The output never mixes two versions of the input."""

    def transform(rows: pa.Table, _advance: Callable[[int], None]) -> pa.Table:
        write_table(rows, folder / "in" / "part-00004.parquet")
        return rows

    with pytest.raises(JobError, match=r"part-00004.parquet changed while slow was reading it; run the same command"):
        run_with(folder, transform)
    assert not (folder / "out").exists()


def test_a_damaged_input_shard_costs_no_finished_shard(folder: Path) -> None:
    """A bit flip in the last shard is one line that names it; the shards before it are there for the next run."""
    shard = folder / "in" / f"part-{SHARDS - 1:05d}.parquet"
    good = shard.read_bytes()
    shard.write_bytes(good[:20] + bytes([good[20] ^ 1]) + good[21:])
    with pytest.raises(JobError, match=rf"{shard.name}: it is torn or damaged; delete it and run `dvc repro`"):
        run(folder)
    shard.write_bytes(good)
    run(folder)
    assert len(starts(folder)) == SHARDS


def test_a_whole_stage_holds_its_lock_and_publishes_at_the_end(tmp_path: Path) -> None:
    """The folder appears when the block has ended well, and a second run of the stage meanwhile is refused."""
    out, work = tmp_path / "outputs" / "train", tmp_path / ".work" / "train"
    with whole_stage(out=out, work=work) as fresh:
        (fresh / "weights.txt").touch()
        assert not out.exists()
        with pytest.raises(JobError, match=r"outputs/train is being written"), whole_stage(out=out, work=work):
            pytest.fail("two writers at once")
    assert contents(out).keys() == {"weights.txt"}


def test_code_version_follows_names_and_contents(tmp_path: Path) -> None:
    """Moving the checkout changes nothing; editing, renaming or adding a module does; other files do not count."""
    for place in ("a", "b"):
        (tmp_path / place / "filters").mkdir(parents=True)
        (tmp_path / place / "filters" / "rule.py").write_text("x = 1\n")
        (tmp_path / place / "stage.py").write_text("y = 1\n")

    def version(place: str) -> str:
        return code_version(tmp_path / place / "stage.py", tmp_path / place / "filters")

    first = version("a")
    assert version("b") == first
    (tmp_path / "b" / "filters" / "notes.txt").touch()
    assert version("b") == first
    (tmp_path / "b" / "filters" / "rule.py").write_text("x = 2\n")
    edited = version("b")
    (tmp_path / "b" / "filters" / "rule.py").rename(tmp_path / "b" / "filters" / "law.py")
    renamed = version("b")
    (tmp_path / "b" / "filters" / "more.py").touch()
    assert len({first, edited, renamed, version("b")}) == 4
    with pytest.raises(JobError, match=r"gone.py: No such file"):
        code_version(tmp_path / "gone.py")
