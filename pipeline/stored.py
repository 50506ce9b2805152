"""The pictures that `download` stored, found by key: a stage whose rows carry none asks for them here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from pipeline.errors import JobError
from pipeline.parquet import list_shards, read_table
from pipeline.pictures import open_picture


class StoredPictures:
    """The shards of a folder of `download`. Keys are in memory, pictures are not."""

    def __init__(self, folder: Path) -> None:
        """Raises JobError where the folder is missing or a shard is damaged."""
        self.folder = folder
        shards = list_shards(folder)
        self._shard_of = {key: shard for shard in shards for key in read_table(shard, ["key"])["key"].to_pylist()}

    def find(self, keys: Sequence[str], digests: Sequence[str]) -> list[Image.Image]:
        """The pictures of these keys, in their order; `digests` are the sha256 that the rows have of them.

        Raises JobError for a key that the folder lacks, or has another picture of: the two are of different runs.
        """
        wanted = dict(zip(keys, digests, strict=True))
        for key in keys:
            if key not in self._shard_of:
                raise self._torn(key, "is not there")
        found: dict[str, Image.Image] = {}
        for shard in sorted({self._shard_of[key] for key in keys}):
            for row in read_table(shard, ["key", "sha256", "image"]).to_pylist():
                if row["key"] not in wanted:
                    continue
                if row["sha256"] != wanted[row["key"]]:
                    raise self._torn(row["key"], "is another one")
                found[row["key"]] = open_picture(row["image"]["bytes"])
        return [found[key] for key in keys]

    def _torn(self, key: str, what: str) -> JobError:
        return JobError(
            f"{self.folder}: the picture of {key} {what}: the rows are of another run; delete the outputs of the "
            f"stages after download and run `dvc repro`"
        )
