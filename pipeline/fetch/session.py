"""What a run of fetching needs around its rounds: the server of local files, the results so far, shards at the end."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import pyarrow as pa

from pipeline.duplicates import Duplicates
from pipeline.errors import JobError, UsageError
from pipeline.fetch.asking import Asker
from pipeline.fetch.downloader import check_distributor
from pipeline.fetch.loopback import Loopback, is_local, serving
from pipeline.fetch.results import Results
from pipeline.fetch.rounds import DOWNLOADED, Collection
from pipeline.files import remove
from pipeline.params import Params
from pipeline.parquet import write_table
from pipeline.pictures import untrusted_pictures
from pipeline.runner import code_version
from pipeline.schema import CANDIDATE

HERE = Path(__file__).parent
# Params that change no result, and one that only decides which results are kept.
NO_RESULT = {"distributor", "processes", "threads", "shard_rows", "per_host", "cliff", "duplicate_distance", "loopback"}


@contextmanager
def asking(tables: Iterable[pa.Table], params: Params, trusted: Sequence[str] = ()) -> Iterator[Asker]:
    """An asker for the addresses in these tables, with a server of this machine's files where they name any.

    `trusted` are the "IP:PORT" of servers that need no public address. Raises UsageError for local addresses that the
    profile does not allow, and for a distributor that is not installed. To be entered in the main thread.
    """
    check_distributor(params.download.distributor)
    local = [url for rows in tables for url in rows["url"].to_pylist() if is_local(url)]
    if local and not params.download.loopback:
        raise UsageError(f"{local[0]} is a file here: set download.loopback to true, and corpus.path to its folder")
    with untrusted_pictures():
        if local:
            with serving(params.corpus.path, local) as loopback:
                yield Asker(params.download, loopback, trusted, params.corpus.path)
        else:
            yield Asker(params.download, Loopback(), trusted, params.corpus.path)


def open_collection(name: str, rows: pa.Table, wanted: int, work: Path, params: Params) -> Collection:
    """A collection over rows of CANDIDATE, with the results that an earlier run has left in `work`.

    Raises JobError where the rows are none, or a key stands twice.
    """
    keys = rows["key"].to_pylist()
    if not keys:
        raise JobError(f"the sample {name} is empty; run the stage sample again")
    twice = [key for key, times in Counter(keys).items() if times > 1]
    if twice:
        raise JobError(f"the sample {name} holds {len(twice)} keys more than once, first {twice[0]}; sample again")
    return Collection(name, rows.select(CANDIDATE.names).cast(CANDIDATE), wanted, Results(work, _fingerprint(params)))


def fill(collection: Collection, asker: Asker, seen: Duplicates | None) -> None:
    """`Collection.fill`; a list of which nothing comes is a JobError, and is asked again by the next run."""
    collection.fill(asker, seen)
    if collection.good:
        return
    if collection.rejected:
        raise JobError(
            f"{collection.name}: {len(collection.rejected)} pictures came, and each is one of another sample"
        )
    known = collection.results.known.values()
    causes = ", ".join(f"{rows} {rule}" for rule, rows in Counter(each.rule for each in known).most_common(3))
    row = collection.rows.slice(0, 1).to_pylist()[0]
    reason = collection.results.table([row["key"]])["reason"][0].as_py()
    remove(collection.results.folder)
    raise JobError(
        f"{collection.name}: not one of {collection.drawn} pictures could be had ({causes}), e.g. {row['url']}: "
        f"{reason}; see that the network and the addresses are right and run the same command again"
    )


def write_shards(collection: Collection, folder: Path, size: int) -> None:
    """The drawn candidates as part-00000.parquet, ... of `size` rows each."""
    for number, shard in enumerate(collection.tables(DOWNLOADED, size)):
        write_table(shard, folder / f"part-{number:05d}.parquet")


def _fingerprint(params: Params) -> str:
    """What a result depends on besides its address (32 hex digits)."""
    facts = {
        "params": params.download.model_dump(mode="json", exclude=NO_RESULT),
        "corpus": str(params.corpus.path.resolve()),  # local addresses are relative to it
        "code": code_version(HERE, *(HERE.parent / name for name in ("likeness.py", "pictures.py", "sources"))),
        "versions": {package: version(package) for package in ("img2dataset", "imagehash", "pillow", "pyarrow")},
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]
