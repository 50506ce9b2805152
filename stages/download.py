"""python -m stages.download --profile embedded

Fetch pictures with img2dataset, round by round, until sample.pictures and sample.heldout of them have passed every
check or the candidates are used up, into outputs/<profile>/download/{curate,evaluate}/: shards of the candidates
that were drawn, each with its picture or with the reason why it has none. outputs/<profile>/account/ says what was
asked, what came, what failed and why, and what it cost; --report prints that of the last run that ended well.

A dead link is a failed row, not an error. The stage fails when not one picture of a sample comes, or when the
network dies; what came is kept, and the same command asks for the rest.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from pipeline.command import run_command, stage_parser
from pipeline.duplicates import Duplicates
from pipeline.fetch.account import read_account, to_text, write_account
from pipeline.fetch.rounds import Collection
from pipeline.fetch.session import asking, fill, open_collection, write_shards
from pipeline.files import remove, replacing_folder
from pipeline.lock import exclusive
from pipeline.params import Params, load_params
from pipeline.parquet import read_table

SAMPLES = ("curate", "evaluate")


def download(
    params: Params, samples: Mapping[str, pa.Table], *, outputs: Path, work: Path, trusted: Sequence[str] = ()
) -> None:
    """Fetch the samples (name -> rows of CANDIDATE in the order in which they are tried) and write everything.

    `trusted` names the "IP:PORT" of servers that need no public address. Raises JobError when not one picture of a
    sample comes, when the network dies or img2dataset fails; UsageError for what the params do not allow. To be called
    from the main thread (see `pipeline.fetch.attempt`).
    """
    wanted = {"curate": params.sample.pictures, "evaluate": params.sample.heldout}
    size = params.download.shard_rows
    lock = exclusive(work.with_name(f"{work.name}.lock"), str(outputs / "download"))
    with lock, asking(samples.values(), params, trusted) as asker:
        collections = [open_collection(n, rows, wanted[n], work / n, params) for n, rows in samples.items()]
        seen = Duplicates(params.download.duplicate_distance)  # one for all: what is held out is not curated, too
        with replacing_folder(outputs / "account") as account, replacing_folder(outputs / "download") as fresh:
            for collection in collections:
                began = time.monotonic()
                fill(collection, asker, seen)
                seconds = time.monotonic() - began
                _say(collection, seconds)
                write_account(collection, seconds, account, size)
                write_shards(collection, fresh / collection.name, size)
        if all(collection.good == collection.wanted for collection in collections):
            remove(work)  # else the next run, with more candidates, asks for those alone


def _say(collection: Collection, seconds: float) -> None:
    """One line on stdout, and one on stderr where there are fewer pictures than were wanted."""
    asked = f"{collection.asked} of them asked for in this run, in {seconds:.0f} s"
    came = f"{collection.good} pictures from {collection.drawn} candidates"
    print(f"download {collection.name}: {came}, {asked}", flush=True)
    if collection.good < collection.wanted:
        wanted = f"{collection.wanted} were wanted, but all {collection.rows.num_rows} candidates are used up"
        print(f"download {collection.name}: {wanted}; raise sample.tries, or bring more", file=sys.stderr)


def _report(outputs: Path) -> None:
    for name in SAMPLES:
        print(to_text(name, read_account(outputs / "account" / f"{name}.json")))


def _run(argv: Sequence[str] | None) -> None:
    parser = stage_parser(__doc__)
    parser.add_argument(
        "--report", action="store_true", help="print the account of the last run that ended well, and fetch nothing"
    )
    flags = parser.parse_args(argv)
    params = load_params(flags.profile)
    outputs = Path("outputs", params.profile)
    if flags.report:
        _report(outputs)
        return
    samples = {name: read_table(outputs / "sample" / f"{name}.parquet") for name in SAMPLES}
    download(params, samples, outputs=outputs, work=Path(".work", params.profile, "download"))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the stage; returns the exit code."""
    return run_command(_run, argv)


if __name__ == "__main__":
    raise SystemExit(main())
