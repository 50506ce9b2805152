"""JSON Lines, plain or gzipped: one object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from pipeline.errors import UsageError, first_line, listed
from pipeline.params import ColumnsParams
from pipeline.sources.columns import CAPTION, CC3M_URL, URL
from pipeline.sources.files import find_files, numbered_lines
from pipeline.sources.rows import (
    BAD_JSON,
    MISSING_COLUMN,
    BadRow,
    Place,
    Titled,
    checked,
    decoded,
    shown,
)

SUFFIXES = (".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz")


def read_jsonl(path: Path, columns: ColumnsParams | None) -> Iterator[Titled | BadRow]:
    """The objects of a file, or of a folder of them; `columns` null: the fields caption and url.

    Raises JobError where a file is missing or torn.
    """
    if columns and not isinstance(columns.caption, str):
        raise UsageError("the objects of a JSONL name their fields: set corpus.columns to two names, not numbers")
    caption = str(columns.caption) if columns else CAPTION
    urls = (str(columns.url),) if columns else (URL, CC3M_URL)
    for file in find_files(path, SUFFIXES):
        for number, line in numbered_lines(file):
            if line.strip():
                yield _row((file.name, number), line, caption, urls)


def _row(place: Place, line: bytes, caption: str, urls: tuple[str, ...]) -> Titled | BadRow:
    record = _record(place, line)
    if isinstance(record, BadRow):
        return record
    url = next((name for name in urls if name in record), urls[0])
    lacking = [name for name in (caption, url) if name not in record]
    if lacking:
        there = listed([name if name.isprintable() else repr(name) for name in record]) or "nothing"
        return BadRow(*place, MISSING_COLUMN, f"no {' and no '.join(lacking)}; there is {there}"[:200])
    return checked(place, record[caption], record[url], place[0])


def _record(place: Place, line: bytes) -> dict[str, object] | BadRow:
    text = decoded(place, line)
    if isinstance(text, BadRow):
        return text
    try:
        record = json.loads(text.rstrip())
    except json.JSONDecodeError as error:
        return BadRow(*place, BAD_JSON, f"{error.msg} at character {error.pos + 1}")
    except ValueError as error:  # a number of thousands of digits
        return BadRow(*place, BAD_JSON, first_line(error))
    except RecursionError:
        return BadRow(*place, BAD_JSON, "nested too deeply")
    return record if isinstance(record, dict) else BadRow(*place, BAD_JSON, f"no object: {shown(record)}")
