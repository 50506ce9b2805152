"""TSV and CSV, with or without a header, plain or gzipped.

A TSV is what Conceptual Captions is: cells between tabs, quotes are characters like any other. A CSV follows
RFC 4180: a quoted cell may hold commas, quotes and line ends. Both are UTF-8.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import UsageError
from pipeline.params import ColumnsParams
from pipeline.sources.columns import named_columns
from pipeline.sources.files import find_files, numbered_lines
from pipeline.sources.rows import (
    EXTRA_COLUMN,
    MISSING_COLUMN,
    MISSING_TAB,
    BadRow,
    Place,
    Titled,
    checked,
    decoded,
    shown,
)

BAD_CSV = "bad_csv"
TSV, CSV = (".tsv", ".tsv.gz"), (".csv", ".csv.gz")


@dataclass(frozen=True)
class Layout:
    """Where a row keeps what is wanted."""

    caption: int
    url: int
    fewest: int  # cells of a row
    most: int

    def fault(self, place: Place, cells: list[str], short: str) -> BadRow:
        """What is wrong with a row of so many cells; `short` is the rule of one that has too few."""
        if len(cells) < self.fewest:
            reason = f"{_cells(len(cells))} where {_cells(self.fewest)} should be: {shown(cells[0])}"
            return BadRow(*place, short, reason)
        return BadRow(*place, EXTRA_COLUMN, f"{_cells(len(cells))} where {_cells(self.most)} should be")


def _cells(number: int) -> str:
    return "1 cell" if number == 1 else f"{number} cells"


CC3M = Layout(0, 1, 2, 2)  # caption<TAB>url, no header


def _numbered(columns: ColumnsParams) -> Layout | None:
    """The layout of a table without a header; None where the columns are names."""
    caption, url = columns.caption, columns.url
    if isinstance(caption, str) or isinstance(url, str):
        return None
    if min(caption, url) < 0 or caption == url:
        raise UsageError(f"corpus.columns: {caption} and {url} are no two columns; they count from 0")
    return Layout(caption, url, max(caption, url) + 1, sys.maxsize)


def _named(header: list[str], columns: ColumnsParams | None, path: Path) -> Layout:
    names = [name.strip() for name in header]
    caption, url = named_columns(names, columns, str(path))
    return Layout(names.index(caption), names.index(url), len(names), len(names))


def read_tsv(path: Path, columns: ColumnsParams | None) -> Iterator[Titled | BadRow]:
    """The rows of a TSV, or of a folder of them; `columns` null: caption<TAB>url without a header.

    Raises JobError where a file is missing or torn, UsageError where its header lacks a column.
    """
    for file in find_files(path, TSV):
        yield from _tsv(file, columns)


def _tsv(path: Path, columns: ColumnsParams | None) -> Iterator[Titled | BadRow]:
    layout = _numbered(columns) if columns else CC3M
    name = path.name
    for number, line in numbered_lines(path):
        place = name, number
        text = decoded(place, line)
        if isinstance(text, BadRow):
            yield text
            continue
        cells = text.rstrip("\r\n").split("\t")
        if layout is None:
            layout = _named(cells, columns, path)
        elif layout.fewest <= len(cells) <= layout.most:
            yield checked(place, cells[layout.caption], cells[layout.url], name)
        elif text.strip():  # an empty line is no row
            yield layout.fault(place, cells, MISSING_TAB)


def read_csv(path: Path, columns: ColumnsParams | None) -> Iterator[Titled | BadRow]:
    """The rows of a CSV, or of a folder of them; `columns` null: the header names caption and url.

    A row that spans lines has the number of its first. Raises JobError where a file is missing or torn, UsageError
    where its header lacks a column.
    """
    for file in find_files(path, CSV):
        yield from _csv(file, columns)


def _csv(path: Path, columns: ColumnsParams | None) -> Iterator[Titled | BadRow]:
    layout = _numbered(columns) if columns else None
    name = path.name
    for number, cells in _records(path):
        place = name, number
        if isinstance(cells, str):
            yield BadRow(*place, BAD_CSV, cells)
        elif layout is None:
            layout = _named(cells, columns, path)
        elif layout.fewest <= len(cells) <= layout.most:
            yield checked(place, cells[layout.caption], cells[layout.url], name)
        else:
            yield layout.fault(place, cells, MISSING_COLUMN)


def _records(path: Path) -> Iterator[tuple[int, list[str] | str]]:
    """The records of a CSV with the lines they begin on; for one that cannot be parsed what the parser says."""
    # Bytes that are not UTF-8 become lone surrogates, which `checked` refuses.
    reader = csv.reader(line.decode("utf-8", "surrogateescape") for _, line in numbered_lines(path))
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield number, f"{error}; is a quotation mark left open?"
            continue
        if cells:
            yield number, cells
