"""Caption files, a row at a time: lines, JSON Lines, CSV, TSV or Parquet, or standard input.

Whatever is no row ends the reading with a UsageError that names its place; the rows before it have come out.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import UsageError, first_line, listed
from pipeline.files import explain
from tools.lines import json_object, numbered_lines, shown

STDIN = "-"
FORMATS = ("txt", "jsonl", "csv", "tsv", "parquet")
_SUFFIXES = {".ndjson": "jsonl", ".text": "txt"} | {f".{name}": name for name in FORMATS}
_TEXT, _ID = "text", "id"
_BATCH = 1_024  # rows of a Parquet file in memory


class Row(NamedTuple):
    """A description and what to call it: its own id, or its line (txt, jsonl) or row (csv, tsv, parquet) from 1."""

    id: str | int
    text: str


@dataclass(frozen=True)
class Source:
    """A caption file, and where in a row its text and its id stand."""

    name: str  # a path, or STDIN
    format: str
    field: str = _TEXT
    id_field: str | None = None  # None: `id` where a row has one, else its number

    def row(self, place: str, number: int, fields: Mapping[str, object]) -> Row:
        """The row of these fields. Raises UsageError that begins with `place`."""
        if self.field not in fields:
            raise UsageError(f"{place}: {_lacking(self.field, list(fields), '--field')}")
        text = fields[self.field]
        if not isinstance(text, str):
            what = "is null" if text is None else f"is no text: {shown(text)}"
            raise UsageError(f"{place}: the field {self.field!r} {what}; give every row a text, or leave it out")
        return Row(self._id(place, number, fields), _whole(text))

    def _id(self, place: str, number: int, fields: Mapping[str, object]) -> str | int:
        name = self.id_field or _ID
        found = fields.get(name)
        if isinstance(found, str):
            return _whole(found)
        if isinstance(found, int) and not isinstance(found, bool):
            return found
        if self.id_field is not None:
            what = f"is neither text nor a whole number: {shown(found)}" if name in fields else "is not there"
            raise UsageError(f"{place}: the id {name!r} {what}")
        return number


def add_source_flags(parser: argparse.ArgumentParser) -> None:
    """The flags that `source_of` reads, beside FILE."""
    parser.add_argument("--field", metavar="NAME", help=f"the field or column of the text (default: {_TEXT})")
    parser.add_argument("--id-field", metavar="NAME", help=f"that of the id (default: {_ID} if there, else the number)")
    parser.add_argument("--format", choices=FORMATS, help="default: by the suffix; lines on standard input")


def source_of(args: argparse.Namespace) -> Source:
    """What the command line says of the file `args.file`. Raises UsageError for a format that nobody knows."""
    kind = args.format or ("txt" if args.file == STDIN else _SUFFIXES.get(Path(args.file).suffix.lower()))
    if kind is None:
        raise UsageError(f"{args.file}: what does it hold? Say it with --format ({', '.join(FORMATS)})")
    if kind == "txt" and (args.field or args.id_field):
        raise UsageError(
            f"{args.file}: lines of text have no fields; leave out --field and --id-field, or set --format"
        )
    if kind == "parquet" and args.file == STDIN:
        raise UsageError("Parquet cannot be read from standard input; name the file")
    return Source(args.file, kind, args.field or _TEXT, args.id_field)


def read_rows(source: Source) -> Iterator[Row]:
    """The rows in order, in flat memory. An empty file has none; a blank line is an empty text in txt alone.

    Raises UsageError that names file and line (or row) where a row is broken, not UTF-8, or has no text.
    """
    if source.format == "parquet":
        yield from _parquet_rows(source)
        return
    read = {"txt": _line_rows, "jsonl": _json_rows, "csv": _delimited_rows, "tsv": _delimited_rows}[source.format]
    with _opened(source.name) as file:
        yield from read(source, numbered_lines(file, source.name))


@contextmanager
def _opened(name: str) -> Iterator[BinaryIO]:
    try:
        if name == STDIN:
            yield sys.stdin.buffer
        else:
            with Path(name).open("rb") as file:
                yield file
    except OSError as error:
        raise UsageError(f"cannot read {explain(error, Path(name))}") from error


def _line_rows(_source: Source, lines: Iterator[tuple[int, str]]) -> Iterator[Row]:
    for number, line in lines:
        yield Row(number, line.rstrip("\r\n"))


def _json_rows(source: Source, lines: Iterator[tuple[int, str]]) -> Iterator[Row]:
    for number, line in lines:
        if line.strip():
            place = f"{source.name}:{number}"
            yield source.row(place, number, json_object(line, place))


def _delimited_rows(source: Source, lines: Iterator[tuple[int, str]]) -> Iterator[Row]:
    """The rows under a header; a TSV has no quoting (as Conceptual Captions), a CSV that of RFC 4180."""
    texts = (line for _, line in lines)
    reader = (
        csv.reader(texts, delimiter="\t", quoting=csv.QUOTE_NONE)
        if source.format == "tsv"
        else csv.reader(texts, strict=True)
    )
    header: list[str] | None = None
    number = 0
    while True:
        place = f"{source.name}:{reader.line_num + 1}"
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise UsageError(f"{place}: {error}; is a quotation mark left open?") from None
        if header is None and cells:
            header = cells
            _check_fields(source, header)
        elif header is not None and cells:
            number += 1
            if len(cells) != len(header):
                raise UsageError(f"{place}: {len(cells)} cells under a header of {len(header)}")
            yield source.row(place, number, dict(zip(header, cells, strict=True)))


def _parquet_rows(source: Source) -> Iterator[Row]:
    number = 0
    with _opened(source.name) as raw:
        try:
            # buffer_size: else a column's part of a row group is read whole
            file = pq.ParquetFile(raw, page_checksum_verification=True, buffer_size=1 << 20)
            _check_fields(source, file.schema_arrow.names)
            columns = [name for name in (source.field, source.id_field or _ID) if name in file.schema_arrow.names]
            for batch in file.iter_batches(_BATCH, columns=columns, use_threads=False):
                for fields in _cells(batch):
                    number += 1
                    yield source.row(f"{source.name}: row {number}", number, fields)
        except (pa.ArrowException, UnicodeDecodeError) as error:
            place = f"{source.name}: behind row {number}"
            raise UsageError(f"{place} it is torn, no Parquet or not UTF-8 ({first_line(error)})") from None


def _cells(batch: pa.RecordBatch) -> Iterator[Mapping[str, object]]:
    try:
        rows = batch.to_pylist()
    except UnicodeDecodeError:  # those before the one that is not UTF-8 come out
        rows = (row for start in range(batch.num_rows) for row in batch.slice(start, 1).to_pylist())
    yield from rows


def _check_fields(source: Source, names: Sequence[str]) -> None:
    for flag, name in (("--field", source.field), ("--id-field", source.id_field)):
        if name is not None and name not in names:
            raise UsageError(f"{source.name}: {_lacking(name, names, flag)}")


def _lacking(name: str, names: Sequence[str], flag: str) -> str:
    return f"there is no field {name!r}, but {listed([repr(each) for each in names]) or 'nothing'}; set {flag}"


def _whole(text: str) -> str:
    """Half of a surrogate pair, which JSON can hold and UTF-8 cannot, as a replacement character."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
