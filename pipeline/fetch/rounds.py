"""Fetch the pictures behind a table of addresses: img2dataset downloads, every picture is checked, each row ends.

A finished shard is kept in the work folder under a name that carries its fingerprint, so that a run which was
killed is taken up where it was; the folder goes when the output is published.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import pyarrow as pa

from pipeline import pictures
from pipeline.errors import JobError, UsageError
from pipeline.fetch.attempt import Answers, fetch_shards
from pipeline.fetch.failures import Failure
from pipeline.fetch.loopback import Loopback, is_local, serving
from pipeline.files import link_or_copy, remove, replacing_folder
from pipeline.lock import exclusive
from pipeline.params import DownloadParams
from pipeline.parquet import read_table, write_table
from pipeline.pictures import Picture, to_picture, untrusted_pictures
from pipeline.progress import row_bar
from pipeline.runner import Counts, code_version
from pipeline.schema import CANDIDATE, FAILED, OUTCOME, PICTURE

STAGE = "download"
DOWNLOADED = pa.schema([*CANDIDATE, *PICTURE, *OUTCOME])
SPEED_ONLY = {"processes", "threads"}  # params that change no result
SOURCES = (Path(__file__).parent, Path(pictures.__file__))  # what decides a result


@dataclass(frozen=True)
class _Shard:
    name: str
    rows: pa.Table  # CANDIDATE
    finished: Path  # where the result lies once it is done


def fetch(
    rows: pa.Table,
    out: Path,
    *,
    work: Path,
    params: DownloadParams,
    root: Path | None = None,
    trusted: Collection[str] = (),
) -> Counts:
    """Fetch the picture of every row into the folder `out`: shards of `shard_rows` rows of DOWNLOADED, in order.

    `rows` has the CANDIDATE columns and unique keys. `root` is the folder that local addresses (debian:, folder:)
    are relative to; `trusted` names the "IP:PORT" of servers that need no public address. `work` belongs to this
    table alone; its lock lies beside it. To be called from the main thread (see `fetch_shards`).

    A row whose picture cannot be had is a failed row with rule and reason. Raises JobError when that is all of
    them, when img2dataset itself fails, or when another process writes `out`; UsageError for local addresses
    without a corpus folder.
    """
    began = time.monotonic()
    _check_keys(rows, out)
    with exclusive(work.with_name(f"{work.name}.lock"), str(out)), _local_server(rows, params, root) as loopback:
        shards = _plan(rows.select(CANDIDATE.names).cast(CANDIDATE), work, params)
        _sweep(work, {shard.finished for shard in shards})
        counts = {shard.name: Counts.of(done) for shard in shards if (done := _recall(shard)) is not None}
        reused = len(counts)
        with row_bar(f"{STAGE} {out.name}", rows.num_rows, _sum(counts).rows) as bar, untrusted_pictures():
            missing = [shard for shard in shards if shard.name not in counts]
            for shard, answers in _fetched(missing, work, params, loopback, trusted):
                table = _checked(shard.rows, answers, params)
                write_table(table, shard.finished)
                counts[shard.name] = Counts.of(table)
                bar.set_postfix_str(_sum(counts).brief, refresh=False)
                bar.update(shard.rows.num_rows)
        total = _sum(counts)
        if total.rows != rows.num_rows:
            raise JobError(f"{out}: {rows.num_rows} rows came in and {total.rows} would go out; please report this")
        if not total.alive:
            _raise_nothing_came(shards, work, out)
        with replacing_folder(out) as fresh:
            for shard in shards:
                link_or_copy(shard.finished, fresh / shard.name)
        remove(work)
    print(f"{STAGE} {out.name}: {total} ({reused} shards reused) in {time.monotonic() - began:.0f} s", flush=True)
    return total


def _check_keys(rows: pa.Table, out: Path) -> None:
    if not rows.num_rows:
        raise JobError(f"there is nothing to fetch for {out}: its sample is empty; run the stage sample again")
    twice = [key for key, times in Counter(rows["key"].to_pylist()).items() if times > 1]
    if twice:
        raise JobError(f"the sample for {out} holds {len(twice)} keys more than once, first {twice[0]}; sample again")


@contextmanager
def _local_server(rows: pa.Table, params: DownloadParams, root: Path | None) -> Iterator[Loopback]:
    """The server of the local addresses among the rows; none where no address is local."""
    local = [url for url in rows["url"].to_pylist() if is_local(url)]
    if not local:
        yield Loopback()
        return
    if root is None or not params.loopback:
        raise UsageError(f"{local[0]} is a file here: set download.loopback to true, and corpus.path to its folder")
    with serving(root, local) as loopback:
        yield loopback


def _plan(rows: pa.Table, work: Path, params: DownloadParams) -> list[_Shard]:
    """Cut the rows into shards and name each result by the fingerprint of all that decides it."""
    facts = {
        "params": params.model_dump(mode="json", exclude=SPEED_ONLY),
        "code": code_version(*SOURCES),
        "versions": {package: version(package) for package in ("img2dataset", "pillow", "pyarrow")},
    }
    shards = []
    for number, first in enumerate(range(0, rows.num_rows, params.shard_rows)):
        part = rows.slice(first, params.shard_rows)
        canonical = json.dumps({**facts, "rows": part.to_pylist()}, sort_keys=True)
        fingerprint = hashlib.sha256(canonical.encode()).hexdigest()[:32]
        name = f"part-{number:05d}"
        shards.append(_Shard(f"{name}.parquet", part, work / f"{name}.{fingerprint}.parquet"))
    return shards


def _sweep(work: Path, keep: set[Path]) -> None:
    """Remove what no shard of this run can use: stale results, torn files and the attempts of killed runs."""
    work.mkdir(parents=True, exist_ok=True)
    for path in work.iterdir():
        if path not in keep:
            remove(path)


def _recall(shard: _Shard) -> pa.Table | None:
    """The outcomes of an earlier run, read and verified; None when there are none or they are damaged."""
    if not shard.finished.exists():
        return None
    try:
        return read_table(shard.finished)
    except JobError:
        print(f"{shard.finished} is damaged and is made again", file=sys.stderr)
        return None


def _fetched(
    shards: Sequence[_Shard], work: Path, params: DownloadParams, loopback: Loopback, trusted: Collection[str]
) -> Iterator[tuple[_Shard, Answers]]:
    addresses = [
        {row["key"]: loopback.urls.get(row["url"], row["url"]) for row in shard.rows.to_pylist()} for shard in shards
    ]
    allowed = [*trusted, *([loopback.address] if loopback.address else [])]
    for index, answers in fetch_shards(addresses, work, params, allowed):
        yield shards[index], answers


def _checked(rows: pa.Table, answers: Answers, params: DownloadParams) -> pa.Table:
    """The rows of a shard with their pictures, or with the reason why they have none; a table of DOWNLOADED."""

    def check(key: str) -> Picture | Failure:
        answer = answers[key]
        return answer if isinstance(answer, Failure) else to_picture(answer.read_bytes(), params)

    with ThreadPoolExecutor(os.cpu_count()) as pool:  # Pillow decodes and resizes outside the GIL
        results = list(pool.map(check, rows["key"].to_pylist()))
    records = [row | _record(row["key"], result) for row, result in zip(rows.to_pylist(), results, strict=True)]
    return pa.Table.from_pylist(records, schema=DOWNLOADED)


def _record(key: str, result: Picture | Failure) -> dict[str, object]:
    if isinstance(result, Failure):
        reason = {"rule": result.rule, "reason": result.reason, "value": result.value}
        return {"outcome": FAILED, "stage": STAGE, **reason}
    image = {"bytes": result.data, "path": f"{key}.jpg"}
    return {"image": image, "width": result.width, "height": result.height, "sha256": result.sha256}


def _sum(counts: dict[str, Counts]) -> Counts:
    return sum(counts.values(), Counts())


def _raise_nothing_came(shards: Sequence[_Shard], work: Path, out: Path) -> None:
    """Forget the shards, so that the next run asks again, and say what they died of."""
    rules: Counter[str] = Counter()
    for shard in shards:
        rules.update(read_table(shard.finished, ["rule"])["rule"].to_pylist())
    sample = read_table(shards[0].finished, ["url", "reason"]).slice(0, 1).to_pylist()[0]
    remove(work)
    causes = ", ".join(f"{count} {rule}" for rule, count in rules.most_common(3))
    raise JobError(
        f"{out}: not one of {sum(rules.values())} pictures could be fetched ({causes}), e.g. {sample['url']}: "
        f"{sample['reason']}; see that the network and the addresses are right and run the same command again"
    )
