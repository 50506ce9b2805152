"""Webdataset shards that img2dataset has written: captions and addresses first, the pictures when they are wanted.

A picture's address is `shard:TAR#RECORD`, the tar relative to corpus.path: that is where it can be had for certain.
The address that it was downloaded from, which img2dataset keeps in a record's .json, becomes the row's `source`.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from pipeline.errors import JobError, first_line
from pipeline.files import explain
from pipeline.shards import NO_PICTURE, PICTURES, tar_content, tar_groups
from pipeline.sources.files import find_files
from pipeline.sources.rows import (
    BAD_ENCODING,
    BAD_JSON,
    MISSING_CAPTION,
    BadRow,
    Titled,
    checked_caption,
    is_text,
    shown,
)

SCHEME = "shard:"
SUFFIX = ".tar"
LONGEST_NOTE = 1 << 20  # bytes of a .txt or .json

T = TypeVar("T")
Members = dict[str, tarfile.TarInfo]
"""The members of a record by suffix."""


def read_webdataset(path: Path) -> Iterator[Titled | BadRow]:
    """The records of a tar, or of a folder of them, without their pictures.

    Raises JobError that names the tar and the record where one is torn.
    """
    if path.is_file() and path.suffix != SUFFIX:
        raise JobError(f"{path} is no *{SUFFIX}: set corpus.path to one, or to a folder of them")
    for file in find_files(path, (SUFFIX,)):
        yield from _records(file, partial(_row, file.name))


def read_pictures(path: Path, urls: Sequence[str]) -> Iterator[tuple[str, bytes | None]]:
    """Each of the addresses once, with its picture's bytes as they are stored, or None where there is no picture.

    `path` is corpus.path. Tars are opened one after another by name and read to the last record that is wanted;
    pictures come in the tar's order, one in memory at a time, and what a tar does not hold comes behind it. Raises
    JobError that names the tar and the record where one is torn.
    """
    wanted: dict[str, dict[str, str]] = {}
    for url in urls:
        tar, _, key = url.removeprefix(SCHEME).partition(f"{SUFFIX}#")
        wanted.setdefault(f"{tar}{SUFFIX}", {})[key] = url
    for name, keys in sorted(wanted.items()):
        yield from _pictures(path if path.is_file() else path / name, keys)


def _pictures(path: Path, urls: dict[str, str]) -> Iterator[tuple[str, bytes | None]]:
    missing = dict(urls)

    def picture(_: int, tar: tarfile.TarFile, members: Members) -> tuple[str, bytes | None] | None:
        url = missing.pop(_key(members), None)
        stored = next((members[suffix] for suffix in PICTURES if suffix in members), None)
        return (url, tar_content(tar, stored) or None if stored else None) if url else None

    if path.is_file():
        for found in _records(path, picture):
            if found:
                yield found
            if not missing:
                return
    yield from dict.fromkeys(missing.values()).items()


def _records(path: Path, read: Callable[[int, tarfile.TarFile, Members], T]) -> Iterator[T]:
    """What `read` makes of each record, whose number counts from 1, while the tar stands open at it."""
    number = 0
    try:
        with path.open("rb") as file, tarfile.open(fileobj=file, mode="r:") as tar:
            for number, members in enumerate(tar_groups(tar, file), 1):
                yield read(number, tar, members)
    except tarfile.TarError as error:
        raise JobError(f"{path}: torn behind record {number} ({first_line(error)}); fetch it again") from error
    except OSError as error:
        raise JobError(f"cannot read {explain(error, path)}") from error


def _key(members: Members) -> str:
    """The name that the members of a record share: all before the first dot of the last part."""
    folder, slash, name = next(iter(members.values())).name.rpartition("/")
    return f"{folder}{slash}{name.partition('.')[0]}"


def _row(name: str, number: int, tar: tarfile.TarFile, members: Members) -> Titled | BadRow:
    place, key = (name, number), _key(members)
    if not is_text(key):
        return BadRow(*place, BAD_ENCODING, f"a record's name that cannot be written: {shown(key)}")
    if not any(suffix in members for suffix in PICTURES):
        return BadRow(*place, NO_PICTURE, f"record {key} has no {', '.join(PICTURES)}")
    if "txt" not in members:
        return BadRow(*place, MISSING_CAPTION, f"record {key} has no .txt")
    caption = checked_caption(place, _note(tar, members["txt"]).decode("utf-8", "surrogateescape"))
    if isinstance(caption, BadRow):
        return caption
    try:
        note = json.loads(_note(tar, members["json"])) if "json" in members else None
    except (ValueError, RecursionError) as error:
        return BadRow(*place, BAD_JSON, f"the .json of record {key}: {first_line(error)}")
    origin = note.get("url") if isinstance(note, dict) else None
    source = origin if isinstance(origin, str) and is_text(origin) else name
    return Titled(f"{SCHEME}{name}#{key}", caption, [], source)


def _note(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member)
    return file.read(LONGEST_NOTE) if file else b""
