"""What is known of each address: tables in the work folder, one for each batch of answers, found again after a kill.

A result belongs to an address and to the policy under which it came; the name of a batch carries the policy's
fingerprint. So a list that grows finds what was fetched already, and nothing of another policy is ever taken over.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
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
        pa.field("bytes", pa.int64()),  # of the body, as far as it was read; null where nothing was asked for
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

    def forget(self, unsettled: Callable[[str, str], bool]) -> None:
        """Drop the failures of which `unsettled(key, rule)` is true: their addresses are asked again."""
        lost = {key for key, known in self.known.items() if known.rule and unsettled(key, known.rule)}
        for path in {self.known.pop(key).batch for key in lost}:
            table = read_table(path)
            write_table(table.filter(pa.array([key not in lost for key in table["key"].to_pylist()])), path)
            self._note(path, read_table(path, _LIGHT))
        self._read.cache_clear()

    def table(self, keys: Sequence[str]) -> pa.Table:
        """The results of these keys, in their order; KeyError where one is not known."""
        places = [self.known[key] for key in keys]
        batches = list(dict.fromkeys(place.batch for place in places))
        tables = [self._read(batch) for batch in batches]
        starts = dict(zip(batches, _starts(tables), strict=True))
        rows = [starts[place.batch] + place.row for place in places]
        return pa.concat_tables(tables).take(pa.array(rows, pa.int64())) if rows else RESULT.empty_table()

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


def _starts(tables: Sequence[pa.Table]) -> list[int]:
    """The number of the first row of each table in all of them together."""
    starts = [0]
    for table in tables:
        starts.append(starts[-1] + int(table.num_rows))
    return starts[:-1]
