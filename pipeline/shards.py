"""Image-text shards as img2dataset writes them, one record at a time: webdataset tars, or Parquet with the pictures.

Every record of a shard comes out once, in the file's order, as a `Record` or as the reason why it is none; nothing
is dropped without a word, and a place in a shard is the number of records before it. Feature shards
(`pipeline.feature_shards`) are a third format of the same records.
"""

from __future__ import annotations

import json
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import JobError
from pipeline.files import explain

PICTURES = ("jpg", "png", "webp", "jpeg")  # a tar member's suffix, or the column's name; the last is others'
ROWS_AT_ONCE = 32  # rows of a Parquet shard in memory

# Why a record is none.
NO_PICTURE = "no_picture"  # a failed download, which Parquet shards keep a row for
EMPTY_CAPTION = "empty_caption"
TORN_SHARD = "torn_shard"  # the shard ends early: counted once, and nothing behind the tear is read
LOST_RECORD = "lost_record"  # behind the tear, by img2dataset's own count


@dataclass(frozen=True)
class Record:
    """One pair of a shard."""

    key: str
    caption: str  # as `blip_caption` leaves it, never empty
    picture: bytes  # an encoded picture, or float16 features
    shape: tuple[int, ...] | None = None  # of the features; None: `picture` is an encoded picture


def blip_caption(text: str) -> str:
    """A caption as LAVIS's BlipCaptionProcessor leaves it, with which MiniGPT-4's stage 1 reads its captions."""
    return " ".join(re.sub(r"[.!\"()*#:;~]", " ", text.lower()).split())


def find_shards(folder: Path) -> list[Path]:
    """The shards of a folder that img2dataset wrote, by name. Raises JobError where there are none."""
    if not folder.is_dir():
        raise JobError(f"{folder} is no folder of shards; set pretrain.shards.sources, or run img2dataset into it")
    # Beside a tar lies a Parquet of the same name, without the pictures.
    shards = sorted(folder.glob("*.tar")) or sorted(folder.glob("*.parquet"))
    if not shards:
        raise JobError(
            f"{folder} holds no shard (*.tar or *.parquet); run img2dataset into it with --output_format webdataset"
            " or parquet, or set pretrain.shards.sources"
        )
    return shards


def read_shard(path: Path, start: int = 0) -> Iterator[Record | str]:
    """The records of one shard from number `start` on, each as a Record or as the reason why it is none.

    Raises JobError where the file cannot be opened at all, or is no shard of pictures and captions.
    """
    try:
        with path.open("rb") as file:
            yield from (_read_tar if path.suffix == ".tar" else _read_parquet)(file, path, start)
    except OSError as error:
        raise JobError(f"cannot read {explain(error, path)}") from error


def _read_tar(file: BinaryIO, path: Path, start: int) -> Iterator[Record | str]:
    found, torn = 0, False
    try:
        with tarfile.open(fileobj=file, mode="r:") as tar:
            for group in tar_groups(tar, file):
                if found >= start:
                    yield _tar_record(tar, group)
                found += 1
    except tarfile.TarError:
        torn = True
    lost = _successes(path) - found
    if torn or lost > 0:
        yield from [TORN_SHARD, *[LOST_RECORD] * lost][max(0, start - found) :]


def tar_groups(tar: tarfile.TarFile, file: BinaryIO) -> Iterator[dict[str, tarfile.TarInfo]]:
    """The members of each record by suffix: members of one record stand together and share all before the first dot.

    Raises TarError at a tear; the record in hand may lack members, so it does not come out.
    """
    key, group = "", dict[str, tarfile.TarInfo]()
    while member := tar.next():
        # else the headers of the whole tar stay in memory
        tar.members.clear()  # type: ignore[attr-defined]
        folder, _, name = member.name.rpartition("/")
        stem, _, suffix = name.partition(".")
        if f"{folder}/{stem}" != key and group:
            yield group
            group = {}
        key = f"{folder}/{stem}"
        group[suffix.lower()] = member
    file.seek(tar.offset)
    if file.read(tarfile.BLOCKSIZE) != tarfile.NUL * tarfile.BLOCKSIZE:  # tarfile takes a broken header for the end
        raise tarfile.ReadError("no end of archive")
    if group:
        yield group


def _tar_record(tar: tarfile.TarFile, group: dict[str, tarfile.TarInfo]) -> Record | str:
    data = {suffix: tar_content(tar, member) for suffix, member in group.items() if suffix in (*PICTURES, "txt")}
    picture = next((data[suffix] for suffix in PICTURES if suffix in data), None)
    caption = data.get("txt", b"").decode("utf-8", errors="replace")
    key = next(iter(group.values())).name.rpartition("/")[2].partition(".")[0]
    return _record(key, caption, picture)


def tar_content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    """The bytes of a member; none of what is no file."""
    file = tar.extractfile(member)
    return file.read() if file else b""


def _successes(path: Path) -> int:
    """How many records img2dataset says it wrote to a tar; 0 where it says nothing."""
    try:
        return int(json.loads(path.with_name(f"{path.stem}_stats.json").read_bytes())["successes"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return 0


def _record(key: str, caption: str | None, picture: bytes | None) -> Record | str:
    if not picture:
        return NO_PICTURE
    text = blip_caption(caption or "")
    return Record(key, text, picture) if text else EMPTY_CAPTION


def _read_parquet(file: BinaryIO, path: Path, start: int) -> Iterator[Record | str]:
    found = 0
    try:
        shard = pq.ParquetFile(file, page_checksum_verification=True)
        columns = _columns(shard.schema_arrow.names, path)
        groups = [shard.metadata.row_group(n).num_rows for n in range(shard.num_row_groups)]
        first = next((n for n in range(len(groups)) if sum(groups[: n + 1]) > start), len(groups))
        found = sum(groups[:first])
        batches = shard.iter_batches(ROWS_AT_ONCE, range(first, len(groups)), columns, use_threads=False)
        for batch in batches:
            for row in batch.to_pylist():
                if found >= start:
                    yield _parquet_record(row, columns[-1])
                found += 1
    except (pa.ArrowException, ValueError, OSError, MemoryError) as error:
        if isinstance(error, OSError) and error.errno:  # the disk's, not the file's
            raise
        yield from [TORN_SHARD][max(0, start - found) :]


def _columns(names: list[str], path: Path) -> list[str]:
    """The columns to read, that of the pictures last."""
    if {"key", "caption", "features", "shape", "reason"} <= set(names):
        return ["key", "caption", "shape", "reason", "features"]
    picture = next((name for name in PICTURES if name in names), None)
    if picture is None or not {"key", "caption"} <= set(names):
        raise JobError(
            f"{path} has no pictures with captions (columns key, caption and one of {', '.join(PICTURES)}):"
            " run img2dataset with --output_format webdataset or parquet, and with --caption_col"
        )
    return ["key", "caption", picture]


def _parquet_record(row: dict[str, Any], picture: str) -> Record | str:
    if row.get("reason"):
        return str(row["reason"])
    if picture == "features":
        return Record(row["key"], row["caption"], row["features"], tuple(row["shape"]))
    return _record(row["key"], row["caption"], row[picture])
