"""Parquet that can be trusted: written whole or not at all, verified on every read, the same bytes every time.

Arrow checks its page checksums only when asked, and nothing guards the footer: of all one-bit flips of a
footer about one in forty renames a column, changes a type or shortens a row group without an error. So a read
also holds the two copies of the schema in the footer, and its two row counts, against each other.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import JobError
from pipeline.files import atomic, explain, sha256_file

__all__ = [
    "count_rows",
    "differences",
    "list_shards",
    "parse_table",
    "read_table",
    "sha256_file",
    "write_table",
    "write_tables",
]

SHARD_NAME = re.compile(r"part-\d{5}\.parquet")
MEND = "it is torn or damaged; delete it and run `dvc repro` to make it again"


def write_table(table: pa.Table, path: Path, row_group_size: int | None = None) -> None:
    """Write `table` to `path` atomically: zstd, a checksum in every page, no time stamps.

    Equal tables give equal bytes however they are chunked in memory. Raises JobError that names `path` when
    the disk is full or the folder cannot be written.
    """
    with atomic(path) as temporary, _writer(table.schema, temporary) as writer:
        writer.write_table(table.combine_chunks(), row_group_size)


def write_tables(tables: Iterable[pa.Table], schema: pa.Schema, path: Path) -> int:
    """Write tables of one schema to one file, a row group each, holding one at a time; returns the rows written.

    For tables that do not fit into memory together; otherwise as `write_table`. A table of another schema
    raises JobError.
    """
    rows = 0
    with atomic(path) as temporary, _writer(schema, temporary) as writer:
        for table in tables:
            if not table.schema.equals(schema):
                what = differences(schema, table.schema)
                raise JobError(f"{path}: after {rows} rows comes a table of another schema: {what}")
            if table.num_rows:
                writer.write_table(table.combine_chunks())
            rows += int(table.num_rows)
    return rows


def differences(expected: pa.Schema, found: pa.Schema) -> str:
    """The fields that differ between two schemas, in words."""
    names = list(dict.fromkeys([*expected.names, *found.names]))
    words = []
    for name in names:
        old, new = (str(s.field(name).type) if name in s.names else "nothing" for s in (expected, found))
        if old != new:
            words.append(f"{name} is {new}, not {old}")
    return "; ".join(words) or "the order or the nullability of the columns"


def _writer(schema: pa.Schema, path: Path) -> pq.ParquetWriter:
    return pq.ParquetWriter(path, schema, compression="zstd", write_page_checksum=True)


def read_table(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """Read a table that `write_table` wrote, verified; `columns` in the order asked for, or all.

    Raises JobError that names `path` when it is missing, torn, damaged or lacks a column.
    """
    try:
        with path.open("rb") as file:
            return _read(file, path, columns)
    except OSError as error:
        raise JobError(f"cannot read {explain(error, path)}") from error


def parse_table(data: bytes, path: Path) -> pa.Table:
    """`read_table` for bytes that were already read from `path`."""
    return _read(pa.BufferReader(data), path, None)


def count_rows(path: Path) -> int:
    """The rows of a Parquet file, from its footer alone."""
    try:
        with path.open("rb") as file:
            return int(_open(file, path).metadata.num_rows)
    except OSError as error:
        raise JobError(f"cannot read {explain(error, path)}") from error


def list_shards(folder: Path) -> list[Path]:
    """The shards `part-00000.parquet`, `part-00001.parquet`, ... of a folder, in order.

    Raises JobError that names the folder when it is missing, holds no shard, or holds a gap in the numbers.
    """
    if not folder.is_dir():
        raise JobError(f"{folder}: there is no such folder; run the stage that makes it (`dvc repro`)")
    shards = sorted(path for path in folder.iterdir() if SHARD_NAME.fullmatch(path.name))
    if not shards:
        raise JobError(f"{folder} holds no part-*.parquet; run the stage that makes it again (`dvc repro`)")
    for number, path in enumerate(shards):
        if path.name != f"part-{number:05d}.parquet":
            raise JobError(f"{folder} lacks part-{number:05d}.parquet; delete the folder and run `dvc repro`")
    return shards


def _open(source: object, path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(source, page_checksum_verification=True, pre_buffer=False)
    except (pa.ArrowException, ValueError, OSError, MemoryError) as error:
        raise _damaged(path, error) from error


def _read(source: object, path: Path, columns: Sequence[str] | None) -> pa.Table:
    file = _open(source, path)
    try:
        lacking = [name for name in columns or () if name not in file.schema_arrow.names]
        if lacking:
            raise JobError(f"{path} lacks the column {', '.join(lacking)}; delete it and run `dvc repro`")
        table = file.read(list(columns) if columns is not None else None, use_threads=False)
        stored = (file.metadata.metadata or {}).get(b"ARROW:schema")
        if stored and not pa.ipc.read_schema(pa.py_buffer(base64.b64decode(stored))).equals(file.schema_arrow):
            raise JobError(f"{path}: {MEND} (its two schemas differ)")
    except (pa.ArrowException, ValueError, OSError, MemoryError) as error:
        raise _damaged(path, error) from error
    if table.num_rows != file.metadata.num_rows:
        raise JobError(f"{path}: {MEND} (it has {table.num_rows} of {file.metadata.num_rows} rows)")
    return table if columns is None else table.select(list(columns))


def _damaged(path: Path, error: Exception) -> JobError:
    what = " ".join(str(error).split()) or type(error).__name__
    return JobError(f"{path}: {MEND} ({what[:160]})")
