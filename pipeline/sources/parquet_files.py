"""Parquet files of other makers, read in batches."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import JobError, first_line
from pipeline.files import explain
from pipeline.params import ColumnsParams
from pipeline.sources.columns import check_text, named_columns, rows_of
from pipeline.sources.files import find_files
from pipeline.sources.rows import BadRow, Titled

ROWS_AT_ONCE = 8_192


def read_parquet(path: Path, columns: ColumnsParams | None) -> Iterator[Titled | BadRow]:
    """The rows of a Parquet file, or of a folder of them; `columns` null: caption and url.

    Raises JobError that names file and record where one is torn, UsageError where it lacks a column.
    """
    for file in find_files(path, (".parquet",)):
        yield from _rows(file, columns)


def _rows(path: Path, columns: ColumnsParams | None) -> Iterator[Titled | BadRow]:
    try:
        with path.open("rb") as file:
            table = _opened(file, path)
            wanted = named_columns(table.schema_arrow.names, columns, str(path))
            check_text(table.schema_arrow, wanted, str(path))
            yield from rows_of(_batches(table, wanted, path), wanted, path.name, path.name)
    except OSError as error:
        raise JobError(f"cannot read {explain(error, path)}") from error


def _opened(file: object, path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(file, page_checksum_verification=True)
    except (pa.ArrowException, ValueError, OSError) as error:
        raise JobError(f"{path} is no Parquet file, or is torn ({first_line(error)}); fetch it again") from error


def _batches(table: pq.ParquetFile, columns: tuple[str, str], path: Path) -> Iterator[pa.RecordBatch]:
    done = 0
    batches = table.iter_batches(ROWS_AT_ONCE, columns=list(columns), use_threads=False)
    while True:
        try:
            batch = next(batches, None)
        except (pa.ArrowException, ValueError, OSError) as error:
            place = f"{path}: torn between records {done + 1} and {done + ROWS_AT_ONCE}"
            raise JobError(f"{place} ({first_line(error)}); fetch it again") from error
        if batch is None:
            return
        done += batch.num_rows
        yield batch
