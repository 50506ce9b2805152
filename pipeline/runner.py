"""The shard runner: everything that a map stage needs besides its pure function.

A finished shard is kept in the work folder under a name that carries its fingerprint (stage, identity, input
bytes), so whatever kills a run, the next one does at most the shard in hand again and never takes over work
done under other params, code or input. The folder goes once the output is published; until then DVC, which
deletes a stage's outputs before it reruns the stage, must not know it.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from tqdm import tqdm

from pipeline.checks import check_transformed
from pipeline.errors import JobError
from pipeline.files import link_or_copy, remove, replacing_folder, sha256_file
from pipeline.lock import exclusive
from pipeline.parquet import count_rows, differences, list_shards, parse_table, read_table, write_table
from pipeline.progress import Progress, row_bar
from pipeline.schema import FAILED, REJECTED

Transform = Callable[[pa.Table, Progress], pa.Table]
"""(rows of one shard, advance the progress bar by n rows) -> the same rows with the stage's columns."""


@dataclass(frozen=True)
class Counts:
    """What has become of the rows of a table by the end of a stage, whichever stage rejected or failed them."""

    rows: int = 0
    rejected: int = 0
    failed: int = 0

    @classmethod
    def of(cls, table: pa.Table) -> Counts:
        """Count a table that has the OUTCOME columns."""
        rejected, failed = (int(pc.sum(pc.equal(table["outcome"], o)).as_py() or 0) for o in (REJECTED, FAILED))
        return cls(int(table.num_rows), rejected, failed)

    @property
    def alive(self) -> int:
        """The rows that the next stage works on."""
        return self.rows - self.rejected - self.failed

    @property
    def brief(self) -> str:
        """The fates, without the total."""
        return f"{self.alive} alive, {self.rejected} rejected, {self.failed} failed"

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.rows + other.rows, self.rejected + other.rejected, self.failed + other.failed)

    def __str__(self) -> str:
        return f"{self.rows} rows, {self.brief}"


@dataclass(frozen=True)
class _Shard:
    source: Path
    digest: str  # sha256 of the input bytes, as they were when the run began
    finished: Path  # where the result lies once it is done


@dataclass(frozen=True)
class _Result:
    counts: Counts
    schema: pa.Schema


def run_map_stage(
    *, stage: str, source: Path, out: Path, work: Path, identity: Mapping[str, object], transform: Transform
) -> Counts:
    """Turn every shard of `source` into the same-named shard of `out`, resuming what an earlier run has finished.

    `identity` (JSON values) is all that decides the result besides the input: the stage's params, the backend's
    name and revision, `code_version(...)`. `work` belongs to this stage alone; its lock lies beside it.
    Raises JobError in one line when another process writes `out`, when an input shard is missing, damaged or
    changed in mid-run, when the disk is full, and when `transform` breaks what `pipeline.checks` guards.
    """
    started = time.monotonic()
    with exclusive(_lock_of(work), str(out)):
        shards = _plan(stage, list_shards(source), work, identity)
        _sweep(work, {shard.finished for shard in shards})
        results = {shard: result for shard in shards if (result := _recall(shard)) is not None}
        reused = len(results)
        total = sum(count_rows(shard.source) for shard in shards)
        with row_bar(stage, total, _sum(results).rows) as bar:
            for shard in shards:
                if shard not in results:
                    bar.set_postfix_str(_sum(results).brief, refresh=False)
                    results[shard] = _process(stage, shard, next(iter(results.values()), None), transform, bar)
            bar.set_postfix_str(_sum(results).brief, refresh=False)
        with replacing_folder(out) as fresh:
            for shard in shards:
                link_or_copy(shard.finished, fresh / shard.source.name)
        _discard(work)
    counts = _sum(results)
    print(f"{stage}: {counts} ({reused} shards reused) in {time.monotonic() - started:.0f} s", flush=True)
    return counts


@contextmanager
def whole_stage(*, out: Path, work: Path) -> Iterator[Path]:
    """Hold a whole stage's lock and yield an empty folder that becomes `out` when the block ends well.

    `work` need not exist: it names the lock beside it, and is the stage's to keep checkpoints in.
    """
    with exclusive(_lock_of(work), str(out)), replacing_folder(out) as fresh:
        yield fresh


def code_version(*paths: Path) -> str:
    """A sha256 (64 hex digits) over Python sources: the files named, and every `*.py` below the folders named.

    It depends on their names and contents, not on where the checkout lies.
    """
    digest = hashlib.sha256()
    for root in paths:
        files = sorted(root.rglob("*.py")) if root.is_dir() else [root]
        for path in files:
            digest.update(f"{path.relative_to(root.parent).as_posix()} {sha256_file(path)}\n".encode())
    return digest.hexdigest()


def _lock_of(work: Path) -> Path:
    return work.with_name(f"{work.name}.lock")


def _plan(stage: str, sources: list[Path], work: Path, identity: Mapping[str, object]) -> list[_Shard]:
    """Pin every input by its digest, and name each result by its fingerprint."""
    shards = []
    for source in sources:
        digest = sha256_file(source)
        # Arrow's version decides the bytes written: without it a run resumed after an upgrade would mix two.
        facts = {"stage": stage, "identity": identity, "input": digest, "arrow": pa.__version__}
        canonical = json.dumps(facts, sort_keys=True, separators=(",", ":"), allow_nan=False)
        fingerprint = hashlib.sha256(canonical.encode()).hexdigest()[:32]
        shards.append(_Shard(source, digest, work / f"{source.stem}.{fingerprint}.parquet"))
    return shards


def _sweep(work: Path, keep: set[Path]) -> None:
    """Remove what no shard of this run can use: stale results, and the torn files of killed writers."""
    remove(_trash_of(work))
    for path in work.iterdir() if work.is_dir() else ():
        if path not in keep:
            remove(path)


def _recall(shard: _Shard) -> _Result | None:
    """The result of an earlier run, read and verified; None when there is none or it is damaged."""
    if not shard.finished.exists():
        return None
    try:
        table = read_table(shard.finished)
    except JobError:
        print(f"{shard.finished} is damaged and is made again", file=sys.stderr)
        return None
    return _Result(Counts.of(table), table.schema)


def _process(stage: str, shard: _Shard, sibling: _Result | None, transform: Transform, bar: tqdm[None]) -> _Result:
    data = shard.source.read_bytes()
    if hashlib.sha256(data).hexdigest() != shard.digest:
        raise JobError(f"{shard.source} changed while {stage} was reading it; run the same command again")
    before = parse_table(data, shard.source)
    first_row = bar.n
    after = transform(before, Progress(bar))
    check_transformed(stage, shard.source.name, before, after)
    if sibling is not None and not after.schema.equals(sibling.schema):
        what = differences(sibling.schema, after.schema)
        raise JobError(f"{stage} broke {shard.source.name}: not the columns of the other shards: {what}")
    write_table(after, shard.finished)
    bar.update(first_row + before.num_rows - bar.n)  # rows for which the transform did not say "done"
    return _Result(Counts.of(after), after.schema)


def _sum(results: Mapping[_Shard, _Result]) -> Counts:
    return sum((result.counts for result in results.values()), Counts())


def _trash_of(work: Path) -> Path:
    return work.with_name(f".{work.name}.done")


def _discard(work: Path) -> None:
    """Remove the work folder; renamed first, so that a kill leaves all of it or nothing that counts."""
    work.rename(_trash_of(work))
    remove(_trash_of(work))
