"""python -m benchmarks.sampling [--rows 3300000]

How fast and in how much memory the stage corpus draws from a table of Conceptual Captions' size, beside pandas doing
the nearest thing: read_csv, drop_duplicates, sample. The table is generated once into a temporary folder, each way runs
in a process of its own, and peak memory is that process's. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import accumulate
from pathlib import Path

CC3M_ROWS = 3_318_333
SAMPLE, HELDOUT, TRIES, SEED = 5_000, 1_000, 3.0, 42
WORDS = """a the of in on with and at for from person man woman young portrait actor artist team players city street
house beach sunset mountain river forest tree flower dog cat bird horse car train boat bridge tower church garden water
snow sky night light color white black red green blue old new beautiful background illustration vector pattern design
football player during match premiere fashion model wearing dress holding walking sitting standing playing
looking""".split()


def write_table(path: Path, rows: int, seed: int = 0) -> None:
    """A TSV as Conceptual Captions': captions of 5 to 20 words, one in twenty used by many; 1 % of bad lines."""
    rng = random.Random(seed)
    weights = list(accumulate(1 / (place + 1) for place in range(len(WORDS))))
    shared = [" ".join(rng.choices(WORDS, cum_weights=weights, k=6)) for _ in range(2_000)]
    with path.open("w", encoding="utf-8") as file:
        for number in range(rows):
            draw = rng.random()
            words = rng.choices(WORDS, cum_weights=weights, k=5 + number % 16)
            caption = rng.choice(shared) if draw < 0.05 else " ".join(words)
            host = f"host{rng.randrange(100_000)}.example.com"
            url = f"https://{host}/images/{rng.getrandbits(64):016x}/{number % 977}/picture-{number}.jpg"
            file.write(f"{caption} {url}\n" if draw > 0.99 else f"{caption}\t{url}\n")


def ours(table: Path, out: Path) -> int:
    """The stage's own pass: splits, shared captions, double addresses, bad rows and all; returns the rows drawn."""
    from pipeline.draw import Drawing
    from pipeline.ledger import LEDGER
    from pipeline.params import CorpusParams, SampleParams
    from pipeline.parquet import write_table, write_tables
    from pipeline.sources import read_source
    from stages.corpus import draw

    corpus = CorpusParams(
        source="tsv",
        path=table,
        columns=None,
        revision=None,
        subset=None,
        max_shared=5,
        max_pixels=1,
        splits={"curate": 0.9, "evaluate": 0.1},
    )
    drawing = Drawing(corpus, SampleParams(pictures=SAMPLE, heldout=HELDOUT, tries=TRIES, seed=SEED))
    write_tables(draw(read_source(corpus), drawing, corpus), LEDGER, out / "bad_rows.parquet")
    rows, _ = drawing.corpus()
    write_table(rows, out / "corpus.parquet")
    return int(rows.num_rows)


def pandas(table: Path, out: Path) -> int:
    """The usual lines, which read the whole table; no splits, no shared captions, and bad rows without a word."""
    import pandas as pd

    rows = pd.read_csv(table, sep="\t", names=["caption", "url"], quoting=3).dropna().drop_duplicates("url")
    rows = rows.sample(int((SAMPLE + HELDOUT) * TRIES), random_state=SEED)
    rows.to_parquet(out / "corpus.parquet")
    return len(rows)


WAYS: dict[str, Callable[[Path, Path], int]] = {"stages.corpus": ours, "pandas": pandas}


def run(way: str, table: Path) -> None:
    """One way, in this process; prints seconds, rows drawn and peak memory as JSON."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        drawn = WAYS[way](table, Path(folder))
        seconds = time.perf_counter() - began
    used = resource.getrusage(resource.RUSAGE_SELF)
    peak = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    print(json.dumps({"seconds": seconds, "cpu": used.ru_utime + used.ru_stime, "drawn": drawn, "peak": peak}))


def main(argv: Sequence[str] | None = None) -> int:
    """Generate the table, run each way in a child process, print the comparison; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=CC3M_ROWS)
    parser.add_argument("--way", choices=[*WAYS], help="run this one alone, on --table, and print its figures")
    parser.add_argument("--table", type=Path)
    given = parser.parse_args(argv)
    if given.way:
        run(given.way, given.table)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        table = given.table or Path(folder, "captions.tsv")
        if not table.exists():
            write_table(table, given.rows)
        size = table.stat().st_size
        print(f"{given.rows:,} rows, {size / 1e6:.0f} MB\n")
        print("| | seconds | of the processor | rows/s | peak memory | rows drawn |\n|---|---|---|---|---|---|")
        for way in WAYS:
            command = [sys.executable, "-m", "benchmarks.sampling", "--way", way, "--table", str(table)]
            done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
            found = json.loads(done.stdout)
            rate, peak = given.rows / found["seconds"], found["peak"] / 1e6
            cells = [way, f"{found['seconds']:.1f}", f"{found['cpu']:.1f}", f"{rate:,.0f}", f"{peak:.0f} MB"]
            print(f"| {' | '.join(cells)} | {found['drawn']:,} |")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
