"""A map stage that tests start, kill and start again: `python -m tests.pipeline.slow_stage FOLDER SECONDS VERSION`.

FOLDER holds `in/` (see `make_source`) and gets `out/` and `.work/`; every start of a shard adds a line to
FOLDER/starts, so that a test can count what was done again. A run that comes to the shard whose number is in
FOLDER/hold waits until that file is gone.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa

from pipeline.command import run_command
from pipeline.parquet import write_table
from pipeline.runner import Counts, run_map_stage
from pipeline.schema import FAILED, OUTCOME, REJECTED

ROWS = 8


def make_source(folder: Path, shards: int, rows: int = ROWS) -> None:
    """Write FOLDER/in with `shards` shards, as `download` would leave them: the last row of each has failed."""
    for shard in range(shards):
        keys = [f"{shard:08x}{row:08x}" for row in range(rows)]
        dead = [None] * (rows - 1)
        columns = {
            "key": keys,
            "outcome": [*dead, FAILED],
            "stage": [*dead, "download"],
            "rule": [*dead, "status"],
            "reason": [*dead, "HTTP 404"],
            "value": [*dead, 404.0],
        }
        table = pa.table({name: pa.array(values) for name, values in columns.items()})
        write_table(table, folder / "in" / f"part-{shard:05d}.parquet")


def run(folder: Path, seconds: float = 0.0, version: str = "1") -> Counts:
    """Run the stage: a text for every living row, of which the first of each shard is rejected."""

    def transform(rows: pa.Table, advance: Callable[[int], None]) -> pa.Table:
        with (folder / "starts").open("a") as starts:
            starts.write(f"{rows['key'][0]}\n")
        hold = folder / "hold"
        held = hold.exists() and rows["key"][0].as_py().startswith(f"{int(hold.read_text()):08x}")
        for _ in range(60_000):  # ten minutes at most: a test that was killed itself never lets go
            if not held or not hold.exists():
                break
            time.sleep(0.01)
        records = rows.to_pylist()
        for record in records:
            time.sleep(seconds / len(records))
            advance(1)
            record["text"] = f"text {version} of {record['key']}" if record["outcome"] is None else None
        records[0].update(outcome=REJECTED, stage="slow", rule="first", reason="it comes first", value=1.0)
        return pa.Table.from_pylist(records, pa.schema([("key", pa.string()), ("text", pa.string()), *OUTCOME]))

    identity = {"version": version}
    work = folder / ".work" / "slow"
    return run_map_stage(
        stage="slow", source=folder / "in", out=folder / "out", work=work, identity=identity, transform=transform
    )


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder with its bytes, hidden ones too; empty if there is no such folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def body(argv: Sequence[str] | None) -> None:
    """Say that the imports are done, then run."""
    folder, seconds, version = argv or ()
    os.write(1, b"ready\n")
    run(Path(folder), float(seconds), version)


if __name__ == "__main__":
    raise SystemExit(run_command(body, sys.argv[1:]))
