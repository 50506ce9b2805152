"""python -m stages.corpus --profile embedded

Read the source once and write outputs/<profile>/corpus.parquet: one row a picture with its caption, its stable
address and the split it belongs to, as many of each split as can ever be asked for. The split is drawn by caption, so
that pictures with one caption never stand on both sides. Rows that are none go to bad_rows.parquet, with their lines.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import pyarrow as pa

from pipeline.command import run_command, stage_params
from pipeline.draw import Drawing
from pipeline.errors import JobError
from pipeline.ledger import LEDGER
from pipeline.order import key_of
from pipeline.params import CorpusParams
from pipeline.parquet import write_table, write_tables
from pipeline.progress import row_bar
from pipeline.schema import FAILED
from pipeline.sources import BadRow, Titled, read_source

STAGE = "corpus"
ROWS_AT_ONCE = 1_000  # what a processor's cache holds; the first of them must not all be bad
WRITTEN_AT_ONCE = 10_000  # bad rows


def draw(source: Iterable[Titled | BadRow], drawing: Drawing, params: CorpusParams) -> Iterator[pa.Table]:
    """Offer a source's rows to `drawing`, and yield the bad ones as tables of LEDGER.

    Raises JobError when the first rows are all bad, or all rows of a smaller source.
    """
    rows, waiting = iter(source), list[BadRow]()
    batch = list(islice(rows, ROWS_AT_ONCE))
    if not batch:
        return
    if not any(isinstance(row, Titled) for row in batch):
        _raise_all_bad([row for row in batch if isinstance(row, BadRow)], params)
    with row_bar(STAGE, None, 0) as bar, _without_cycles():
        while batch:
            titled = [row for row in batch if isinstance(row, Titled)]
            drawing.offer(titled)
            if len(titled) < len(batch):
                waiting += [row for row in batch if isinstance(row, BadRow)]
            if len(waiting) >= WRITTEN_AT_ONCE:
                yield ledger_of_bad(waiting)
                waiting.clear()
            bar.update(len(batch))
            batch = list(islice(rows, ROWS_AT_ONCE))
    yield ledger_of_bad(waiting)


@contextmanager
def _without_cycles() -> Iterator[None]:
    """Keep Python from looking for reference cycles, of which rows have none: that is half of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def ledger_of_bad(rows: Iterable[BadRow]) -> pa.Table:
    """Bad rows as the ledger has them: the place of each is its address, and the hash of that its key."""
    records = [
        {
            "key": key_of(row.place),
            "url": row.place,
            "outcome": FAILED,
            "stage": STAGE,
            "rule": row.rule,
            "reason": row.reason,
        }
        for row in rows
    ]
    return pa.Table.from_pylist(records, schema=LEDGER)


def _raise_all_bad(rows: Sequence[BadRow], params: CorpusParams) -> None:
    rule, count = Counter(row.rule for row in rows).most_common(1)[0]
    example = next(row for row in rows if row.rule == rule)
    which = f"the first {ROWS_AT_ONCE:,} rows are" if len(rows) == ROWS_AT_ONCE else f"its {len(rows)} rows are"
    raise JobError(
        f"{params.path}: all of {which} bad, {count} of them {rule}, e.g. {example.place}: {example.reason};"
        f" see that corpus.source ({params.source}) and corpus.columns fit"
    )


def _run(argv: Sequence[str] | None) -> None:
    params = stage_params(__doc__, argv)
    outputs = Path("outputs", params.profile)
    drawing, faults = Drawing(params.corpus, params.sample), Counter[str]()

    def bad_tables() -> Iterator[pa.Table]:
        for table in draw(read_source(params.corpus), drawing, params.corpus):
            faults.update(table["rule"].to_pylist())
            yield table

    write_tables(bad_tables(), LEDGER, outputs / "bad_rows.parquet")
    table, left_out = drawing.corpus()
    if not table.num_rows:
        raise JobError(f"the corpus in {params.corpus.path} is empty: no picture has a caption that says something")
    write_table(table, outputs / "corpus.parquet")
    splits = Counter(table["split"].to_pylist())
    print(f"corpus: {table.num_rows} pictures ({', '.join(f'{n} {s}' for s, n in sorted(splits.items()))})")
    for reason, count in left_out.most_common():
        print(f"  left out: {count} ({reason})")
    for rule, count in faults.most_common():
        print(f"  bad rows: {count} ({rule}), listed in {outputs / 'bad_rows.parquet'}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the stage; returns the exit code."""
    return run_command(_run, argv)


if __name__ == "__main__":
    raise SystemExit(main())
