"""The rows of a stage side by side with the pictures of `download`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from pipeline.errors import JobError
from pipeline.parquet import list_shards, read_table
from pipeline.schema import PICTURE


@dataclass(frozen=True)
class Shard:
    """The two files that hold one shard's rows."""

    pictures: Path  # from download
    texts: Path  # from a later stage


def pair_shards(download: Path, texts: Path) -> list[Shard]:
    """The shards of both folders side by side. Raises JobError when a folder has one that the other lacks."""
    pictures, written = list_shards(download), list_shards(texts)
    if len(pictures) != len(written):
        raise JobError(
            f"{download} holds {len(pictures)} shards and {texts} {len(written)}: they are of different runs; "
            f"delete both and run `dvc repro`"
        )
    return [Shard(*pair) for pair in zip(pictures, written, strict=True)]


def join(shard: Shard) -> pa.Table:
    """The rows with their pictures. Raises JobError when the two files do not hold the same keys."""
    rows, pictures = read_table(shard.texts), read_table(shard.pictures, ["key", "image"])
    if not rows["key"].equals(pictures["key"]):
        raise JobError(
            f"{shard.texts} and {shard.pictures} do not hold the same keys in the same order: they are of different "
            f"runs; delete both folders and run `dvc repro`"
        )
    return rows.append_column(PICTURE.field("image"), pictures["image"])
