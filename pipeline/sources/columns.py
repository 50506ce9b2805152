"""Which columns of a table hold captions and addresses, and the rows of tables that know their columns' types."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa

from pipeline.errors import UsageError, listed
from pipeline.params import ColumnsParams
from pipeline.sources.rows import BadRow, Titled, checked

CAPTION, URL = "caption", "url"
CC3M_URL = "image_url"  # what google-research-datasets/conceptual_captions calls it


def named_columns(names: Sequence[str], wanted: ColumnsParams | None, table: str) -> tuple[str, str]:
    """The names of the caption's and the address's column of `table`, which has the columns `names`.

    Raises UsageError that lists them where one is not there, or where `wanted` holds numbers.
    """
    caption, url = (wanted.caption, wanted.url) if wanted else (CAPTION, _usual_url(names))
    there = listed([name if name.isprintable() else repr(name) for name in names]) or "none"
    if not (isinstance(caption, str) and isinstance(url, str)):
        raise UsageError(f"{table} names its columns ({there}): set corpus.columns to two of them, not numbers")
    lacking = [name for name in (caption, url) if name not in names]
    if lacking:
        raise UsageError(
            f"{table} has no column {' and no column '.join(lacking)}; it has {there}:"
            " set corpus.columns to the names of the caption and of the address"
        )
    return caption, url


def _usual_url(names: Sequence[str]) -> str:
    return CC3M_URL if CC3M_URL in names and URL not in names else URL


def check_text(schema: pa.Schema, columns: Sequence[str], table: str) -> None:
    """Raise UsageError where one of these columns holds no text."""
    for name in columns:
        kind = schema.field(name).type
        held = kind.value_type if pa.types.is_dictionary(kind) else kind
        if not (pa.types.is_string(held) or pa.types.is_large_string(held) or pa.types.is_null(held)):
            raise UsageError(f"{table}: the column {name} holds {kind}, not text; set corpus.columns")


def rows_of(
    batches: Iterable[pa.RecordBatch | pa.Table], columns: tuple[str, str], file: str, source: str
) -> Iterator[Titled | BadRow]:
    """The rows of Arrow batches; records are numbered from 1."""
    number = 0
    for batch in batches:
        captions, urls = (_texts(batch.column(name)) for name in columns)
        for caption, url in zip(captions, urls, strict=True):
            number += 1
            yield checked((file, number), caption, url, source)


def _texts(column: pa.Array | pa.ChunkedArray) -> list[str | None]:
    """The cells as text; bytes that are not UTF-8 become lone surrogates, which `checked` refuses."""
    try:
        return list(column.to_pylist())
    except UnicodeDecodeError:
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        kind = pa.large_binary() if pa.types.is_large_string(column.type) else pa.binary()
        cells = column.cast(kind).to_pylist()
        return [cell if cell is None else cell.decode("utf-8", "surrogateescape") for cell in cells]
