"""python -m stages.sample --profile embedded

Draw the pictures to be curated and the held-out ones to be judged on, into outputs/<profile>/sample/. Rows are
ranked by a hash of the seed and their key, so a sample depends on neither the order nor the number of other
rows, and a larger sample holds the smaller one. The pre-training split is ranked alike and kept whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.command import run_command, stage_params
from pipeline.errors import JobError, UsageError
from pipeline.params import SampleParams
from pipeline.parquet import read_table, write_table
from pipeline.runner import whole_stage


def rank(key: str, seed: int) -> bytes:
    """The place of a row in the order of a seed: as random as sha256, the same on every machine."""
    return sha256(f"{seed} {key}".encode()).digest()


def draw_samples(corpus: pa.Table, params: SampleParams) -> dict[str, pa.Table]:
    """The sample of each split, in the order of the seed; `corpus` has the CANDIDATE columns and `split`.

    Raises UsageError when a sample is larger than its split, JobError when a key stands twice.
    """
    _check_keys(corpus["key"].to_pylist())
    ranked = {split: _ranked(corpus, split, params.seed) for split in ("curate", "evaluate", "pretrain")}
    return {
        "curate": _first(ranked["curate"], "curate", params.pictures, "sample.pictures"),
        "evaluate": _first(ranked["evaluate"], "evaluate", params.heldout, "sample.heldout"),
        "pretrain": ranked["pretrain"],
    }


def _check_keys(keys: list[str]) -> None:
    twice = [key for key, times in Counter(keys).items() if times > 1]
    if twice:
        raise JobError(
            f"the corpus holds {len(twice)} keys more than once, first {twice[0]}; run the stage corpus again"
        )


def _ranked(corpus: pa.Table, split: str, seed: int) -> pa.Table:
    rows = corpus.filter(pc.equal(corpus["split"], split))
    keys = rows["key"].to_pylist()
    order = sorted(range(len(keys)), key=lambda row: rank(keys[row], seed))
    return rows.take(pa.array(order, pa.int64()))


def _first(rows: pa.Table, split: str, wanted: int, name: str) -> pa.Table:
    if wanted > rows.num_rows:
        raise UsageError(f"{name} asks for {wanted} rows, but the {split} split holds {rows.num_rows}: lower {name}")
    return rows.slice(0, wanted)


def _run(argv: Sequence[str] | None) -> None:
    params = stage_params(__doc__, argv)
    outputs = Path("outputs", params.profile)
    samples = draw_samples(read_table(outputs / "corpus.parquet"), params.sample)
    with whole_stage(out=outputs / "sample", work=Path(".work", params.profile, "sample")) as fresh:
        for split, rows in samples.items():
            write_table(rows, fresh / f"{split}.parquet")
    print(f"sample: {', '.join(f'{rows.num_rows} {split}' for split, rows in samples.items())} rows")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the stage; returns the exit code."""
    return run_command(_run, argv)


if __name__ == "__main__":
    raise SystemExit(main())
