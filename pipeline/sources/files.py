"""The files of a source: one, or a folder of them; lines of bytes with their numbers, gzipped or not."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from pipeline.errors import JobError, first_line
from pipeline.files import explain

LONGEST_LINE = 1 << 20  # bytes; what a broken file may put into memory at once
_GZIP = b"\x1f\x8b"
MARK = b"\xef\xbb\xbf"  # the byte order mark of UTF-8, which editors on Windows write
_BUFFER = 1 << 20  # bytes


def find_files(path: Path, suffixes: Sequence[str]) -> list[Path]:
    """`path` itself, or the files of this folder with one of the suffixes, by name; hidden ones are none.

    Raises JobError where there is none.
    """
    kinds = " or ".join(f"*{suffix}" for suffix in suffixes)
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise JobError(f"{path} does not exist: fetch it (a file, or a folder of {kinds}), or set corpus.path")
    files = sorted(each for each in path.iterdir() if each.name.endswith(tuple(suffixes)) and each.is_file())
    files = [each for each in files if not each.name.startswith(".")]
    if not files:
        raise JobError(f"{path} holds no {kinds}: set corpus.path, or corpus.source")
    return files


def numbered_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines of a file with their numbers from 1 and their ends; unpacked where it is gzipped, by its first bytes.

    Of a line of LONGEST_LINE bytes or more only so many come. Raises JobError that names file and line where the
    file ends early, is damaged or cannot be read.
    """
    number = 0
    try:
        with path.open("rb", buffering=0) as raw, _unpacked(raw) as file:
            read = partial(file.readline, LONGEST_LINE)
            for number, line in enumerate(iter(read, b""), 1):
                if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
                    while (rest := read()) and not rest.endswith(b"\n"):
                        pass
                yield number, line.removeprefix(MARK) if number == 1 else line
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        place = f"{path}:{number + 1}"
        raise JobError(f"{place}: the file is cut short or damaged ({first_line(error)}); fetch it again") from error
    except OSError as error:
        raise JobError(f"cannot read {explain(error, path)}") from error


def _unpacked(raw: io.FileIO) -> io.BufferedReader:
    start = raw.read(len(_GZIP))
    raw.seek(0)
    if start == _GZIP:
        return io.BufferedReader(gzip.GzipFile(fileobj=raw), _BUFFER)
    return io.BufferedReader(raw, _BUFFER)
