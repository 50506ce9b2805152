"""Small shards in img2dataset's layout, some of them bad, written without it."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

Row = tuple[str, str | None, bytes | None]
"""Key, caption, encoded picture."""


def noise(seed: int, size: tuple[int, int] = (24, 16)) -> bytes:
    """A JPEG that no other seed gives."""
    pixels = np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG")
    return stream.getvalue()


def rows_of(count: int, first: int = 0) -> list[Row]:
    """Good rows with captions of their own."""
    return [(f"{n:09d}", f"picture number {n}", noise(n)) for n in range(first, first + count)]


def write_tar(path: Path, rows: Sequence[Row], successes: int | None = None) -> Path:
    """A webdataset shard, with img2dataset's count of its records beside it where `successes` is given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for key, caption, picture in rows:
            for suffix, data in (("jpg", picture), ("json", b"{}"), ("txt", (caption or "").encode())):
                if data is not None:
                    member = tarfile.TarInfo(f"{key}.{suffix}")
                    member.size = len(data)
                    tar.addfile(member, BytesIO(data))
    if successes is not None:
        path.with_name(f"{path.stem}_stats.json").write_text(json.dumps({"successes": successes}), encoding="utf-8")
    return path


def write_parquet(path: Path, rows: Sequence[Row], group: int = 4) -> Path:
    """A Parquet shard with the pictures inside, `group` rows in a row group."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.table(
        {
            name: pa.array(values)
            for name, values in zip(("key", "caption", "jpg"), zip(*rows, strict=True), strict=True)
        }
    )
    pq.write_table(table, path, row_group_size=group)
    return path


def write_source(folder: Path, shards: int, rows: int, first: int = 0) -> list[Path]:
    """A folder of webdataset shards; returns them."""
    return [write_tar(folder / f"{n:05d}.tar", rows_of(rows, first + n * rows), rows) for n in range(shards)]
