"""Lines of UTF-8 and the JSON objects on them; one that is neither is a UsageError that names file and line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import BinaryIO

from pipeline.errors import UsageError, first_line

_LONGEST_LINE = 1 << 16  # bytes; no caption is longer, and judging a book would take minutes
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"  # which editors on Windows write in front of UTF-8


def numbered_lines(file: BinaryIO, name: str) -> Iterator[tuple[int, str]]:
    """The lines of a file with their numbers from 1, and with their ends. Raises UsageError for one that is no text."""
    for number, line in enumerate(iter(partial(file.readline, _LONGEST_LINE), b""), 1):
        if len(line) == _LONGEST_LINE:
            raise UsageError(f"{name}:{number}: a line of {_LONGEST_LINE} bytes or more; is it a caption file?")
        try:
            yield number, (line.removeprefix(_BYTE_ORDER_MARK) if number == 1 else line).decode()
        except UnicodeDecodeError as error:
            raise UsageError(f"{name}:{number}: byte {error.start + 1} is not UTF-8; save the file as UTF-8") from None


def json_object(line: str, place: str) -> dict[str, object]:
    """The object on a line of JSON. Raises UsageError that begins with `place`."""
    try:
        found = json.loads(line)
    except json.JSONDecodeError as error:
        raise UsageError(f"{place}: broken JSON: {error.msg} at character {error.pos + 1}") from None
    except (ValueError, RecursionError) as error:  # a number of thousands of digits; brackets in brackets in ...
        raise UsageError(f"{place}: broken JSON: {first_line(error)}") from None
    if not isinstance(found, dict):
        raise UsageError(f"{place}: not a JSON object but {shown(found)}")
    return found


def shown(value: object) -> str:
    """A value from outside for a message: not too long."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}..."
