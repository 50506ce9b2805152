"""python -m stages.sample --profile embedded

Draw the candidates for curation and the held-out ones to be judged on, into outputs/<profile>/sample/: as many as
may be tried for the pictures that are wanted, in the order of the seed. A sample depends on neither the order nor the
number of other rows, and a larger one begins with the smaller. The pre-training split is ranked alike and kept whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.command import run_command, stage_params
from pipeline.errors import JobError, UsageError
from pipeline.order import candidates, ranks
from pipeline.params import SampleParams
from pipeline.parquet import read_table, write_table
from pipeline.runner import whole_stage


def draw_samples(corpus: pa.Table, params: SampleParams) -> dict[str, pa.Table]:
    """The candidates of each split, in the order of the seed; `corpus` has the CANDIDATE columns and `split`.

    They are up to `tries` times as many as the pictures that are wanted. Raises UsageError when a split holds fewer
    rows than are wanted, JobError when a key stands twice.
    """
    _check_keys(corpus["key"].to_pylist())
    ranked = {split: _ranked(corpus, split, params.seed) for split in ("curate", "evaluate", "pretrain")}
    _check_enough(ranked["curate"], "curate", params.pictures, "sample.pictures")
    _check_enough(ranked["evaluate"], "evaluate", params.heldout, "sample.heldout")
    return {
        "curate": ranked["curate"].slice(0, candidates(params.pictures, params.tries)),
        "evaluate": ranked["evaluate"].slice(0, candidates(params.heldout, params.tries)),
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
    places = ranks(keys, seed)
    order = sorted(range(len(keys)), key=places.__getitem__)
    return rows.take(pa.array(order, pa.int64()))


def _check_enough(rows: pa.Table, split: str, wanted: int, name: str) -> None:
    if wanted > rows.num_rows:
        raise UsageError(f"{name} asks for {wanted} rows, but the {split} split holds {rows.num_rows}: lower {name}")


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
