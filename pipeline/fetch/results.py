"""What is known of each address: tables in the work folder, one for each batch of answers, found again after a kill.

A result belongs to an address and to the policy under which it came; the name of a batch carries the policy's
fingerprint. So a list that grows finds what was fetched already, and nothing of another policy is ever taken over.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pyarrow as pa

from pipeline.errors import JobError
from pipeline.files import remove
from pipeline.parquet import read_table, write_table
from pipeline.schema import CANDIDATE, OUTCOME, PICTURE

FETCH = pa.schema(
    [
        pa.field("bytes", pa.int64()),  # of a body that came in full; null where nothing was asked for
        pa.field("seconds", pa.float64()),
        pa.field("tries", pa.int32()),
    ]
)
OUTCOME_OF_RESULT = ("rule", "reason", "value")  # null where the picture is there
LAYOUT = pa.field("layout", pa.string())  # the picture's colours; copies are told by it and by phash
RESULT = pa.schema([CANDIDATE.field("key"), *PICTURE, LAYOUT, *map(OUTCOME.field, OUTCOME_OF_RESULT), *FETCH])
_LIGHT = ("key", "rule", "sha256", "source_sha256", "phash", "layout")
_OPEN = 4  # batches in memory while shards are put together: neighbours in the list lie in one


@dataclass(frozen=True)
class Known:
    """The part of a result that is held in memory."""

    rule: str | None  # None: the picture is there
    sha256: str | None
    source_sha256: str | None
    phash: str | None
    layout: str | None
    batch: Path
    row: int


class Results:
    """The results in a folder. Made from what the folder holds; all else in it is removed."""

    def __init__(self, folder: Path, fingerprint: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.known: dict[str, Known] = {}  # by key
        self._ending = f".{fingerprint}.parquet"
        self._next = 0
        self._read = lru_cache(_OPEN)(read_table)
        for path in sorted(folder.iterdir()):
            if path.name.startswith("batch-") and path.name.endswith(self._ending):
                self._recall(path)
            else:
                remove(path)  # another policy's, a torn file, the attempt of a killed run

    def add(self, table: pa.Table) -> None:
        """Keep a table of RESULT."""
        path = self.folder / f"batch-{self._next:06d}{self._ending}"
        write_table(table, path)
        self._note(path, table)

    def forget(self, keys: AbstractSet[str]) -> None:
        """Drop what is known of these keys: their addresses are asked again."""
        for path in {self.known.pop(key).batch for key in keys}:
            table = read_table(path)
            write_table(table.filter(pa.array([key not in keys for key in table["key"].to_pylist()])), path)
            self._note(path, read_table(path, _LIGHT))
        self._read.cache_clear()

    def table(self, keys: Sequence[str], columns: Sequence[str] | None = None) -> pa.Table:
        """The results of these keys, in their order, with these columns or all; KeyError where one is not known."""
        names = tuple(columns or RESULT.names)
        places: dict[Path, list[tuple[int, int]]] = defaultdict(list)  # batch -> rows there, and their places here
        for place, key in enumerate(keys):
            places[self.known[key].batch].append((self.known[key].row, place))
        tables = [RESULT.empty_table().select(names)]
        order: list[int] = []
        for batch, found in places.items():  # one whole batch in memory at a time, besides the last few
            rows = pa.array([row for row, _ in found], pa.int64())
            tables.append(self._read(batch, names).take(rows))
            order += [place for _, place in found]
        back = sorted(range(len(order)), key=order.__getitem__)
        return pa.concat_tables(tables).take(pa.array(back, pa.int64()))

    def _recall(self, path: Path) -> None:
        try:
            self._note(path, read_table(path, _LIGHT))
        except JobError:
            print(f"{path} is damaged; its addresses are asked again", file=sys.stderr)
            remove(path)

    def _note(self, path: Path, table: pa.Table) -> None:
        self._next = max(self._next, int(path.name.split(".")[0].removeprefix("batch-")) + 1)
        keys, light = table["key"].to_pylist(), table.select(_LIGHT[1:]).to_pylist()
        self.known |= {
            key: Known(**row, batch=path, row=n) for n, (key, row) in enumerate(zip(keys, light, strict=True))
        }
