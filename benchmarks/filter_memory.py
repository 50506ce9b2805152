"""python -m benchmarks.filter_memory FOLDER

The stage `filter`, its shard runner included, over the shards in FOLDER/describe. Prints the rows, the seconds of the
processor and the peak memory of this process as JSON. `benchmarks.filters --memory` starts it for two sizes.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from benchmarks.captions import write_captions
from filters import default_limits
from pipeline.params import FilterParams
from pipeline.parquet import write_table
from pipeline.runner import run_map_stage
from pipeline.schema import OUTCOME
from stages.filter import filter_rows

SHARD_ROWS = 1_000
_WORDS = 9  # of a caption, so that a million take minutes
_SYLLABLES = "ba do fe gi ku la mo ne ri su".split()


def write_shards(folder: Path, rows: int) -> None:
    """Tables as `describe` writes them, as far as `filter` reads them.

    Every text holds a name that no other has: what remembers words fills up, as it does on a million real rows.
    """
    for number, start in enumerate(range(0, rows, SHARD_ROWS)):
        captions = write_captions(min(SHARD_ROWS, rows - start), _WORDS, seed=number)
        texts = [
            f"{' '.join(caption.split()[:_WORDS])} of {_name(start + row)}." for row, caption in enumerate(captions)
        ]
        columns = {
            "key": pa.array([f"{start + row:016x}" for row in range(len(texts))]),
            "raw_text": pa.array(texts),
            **{field.name: pa.nulls(len(texts), field.type) for field in OUTCOME},
        }
        write_table(pa.table(columns), folder / f"part-{number:05d}.parquet")


def _name(number: int) -> str:
    """A name of seven syllables, another for each number below ten million."""
    return "".join(_SYLLABLES[int(digit)] for digit in f"{number:07d}"[::-1]).capitalize()


def run(folder: Path) -> dict[str, float]:
    """Filter the shards in `folder`/describe in this process; all rules but the language, which needs no memory."""
    params = FilterParams(limits={**default_limits(), "language": None})
    counts = run_map_stage(
        stage="filter",
        source=folder / "describe",
        out=folder / "filter",
        work=folder / "work",
        identity={},
        transform=lambda rows, advance: filter_rows(rows, params, advance),
    )
    used = resource.getrusage(resource.RUSAGE_SELF)
    peak = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return {"rows": counts.rows, "seconds": used.ru_utime + used.ru_stime, "peak": peak}


def compare(sizes: Sequence[int]) -> None:
    """Print rate and peak memory of a process for each number of rows, and the ratio of the last peak to the first."""
    print("| rows | captions/s | peak memory | of the first |\n|---|---|---|---|")
    first = None
    for rows in sizes:
        with tempfile.TemporaryDirectory() as folder:
            write_shards(Path(folder, "describe"), rows)
            command = [sys.executable, "-m", "benchmarks.filter_memory", folder]
            done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
        found = json.loads(done.stdout.splitlines()[-1])
        first = first or found["peak"]
        rate, ratio = rows / found["seconds"], found["peak"] / first
        print(f"| {rows:,} | {rate:,.0f} | {found['peak'] / 1e6:.0f} MB | {ratio:.2f} |", flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Filter one folder and print its figures; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    print(json.dumps(run(parser.parse_args(argv).folder)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
