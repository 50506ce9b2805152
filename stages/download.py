"""python -m stages.download --profile embedded

Fetch the sampled pictures with img2dataset into outputs/<profile>/download/{curate,evaluate}/: shards of rows
with the picture as a JPEG, or with the reason why it could not be had. A dead link is a failed row, not an
error; only when not one picture of a sample comes does the stage fail.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipeline.command import run_command, stage_params
from pipeline.fetch.rounds import fetch
from pipeline.parquet import read_table

SAMPLES = ("curate", "evaluate")


def _run(argv: Sequence[str] | None) -> None:
    params = stage_params(__doc__, argv)
    outputs, work = Path("outputs", params.profile), Path(".work", params.profile, "download")
    samples = {name: read_table(outputs / "sample" / f"{name}.parquet") for name in SAMPLES}
    for name, rows in samples.items():
        fetch(rows, outputs / "download" / name, work=work / name, params=params.download, root=params.corpus.path)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the stage; returns the exit code."""
    return run_command(_run, argv)


if __name__ == "__main__":
    raise SystemExit(main())
