"""The sections that bring the pictures in: corpus, sample, download."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipeline.params.section import Positive, Section, Share

Split = Literal["pretrain", "curate", "evaluate"]


class ColumnsParams(Section):
    """Where a table keeps what a candidate needs: names of columns, or numbers (from 0) where it has no header."""

    caption: str | int
    url: str | int

    @model_validator(mode="after")
    def _alike(self) -> ColumnsParams:
        if isinstance(self.caption, str) != isinstance(self.url, str):
            raise ValueError("corpus.columns must be two names (the table has a header) or two numbers (it has none)")
        return self


class CorpusParams(Section):
    """Where captions and addresses come from, and how they are split."""

    source: Literal["debian", "folder", "tsv", "csv", "parquet", "jsonl", "datasets", "webdataset"]
    path: Path
    columns: ColumnsParams | None
    revision: str | None
    subset: str | None
    max_shared: Positive
    max_pixels: Positive
    splits: dict[Split, Share]

    @model_validator(mode="after")
    def _whole(self) -> CorpusParams:
        if abs(sum(self.splits.values()) - 1.0) > 1e-6:
            raise ValueError("corpus.splits must add up to 1")
        return self

    @model_validator(mode="after")
    def _read(self) -> CorpusParams:
        """What the source would leave unread must be null."""
        tables = ("tsv", "csv", "parquet", "jsonl", "datasets")
        read = {"columns": tables, "revision": ("datasets",), "subset": ("datasets",)}
        for name, sources in read.items():
            if getattr(self, name) is not None and self.source not in sources:
                raise ValueError(f"corpus.{name} is not read with source {self.source}: set it to null")
        return self


class SampleParams(Section):
    """How many pictures are drawn for curation and for evaluation."""

    pictures: Positive
    heldout: Positive
    tries: Annotated[float, Field(ge=1.0)]
    seed: int


class DownloadParams(Section):
    """How img2dataset fetches, and what a picture must be to enter."""

    image_size: Positive
    jpeg_quality: Annotated[int, Field(ge=1, le=100)]
    shard_rows: Positive
    distributor: Literal["multiprocessing", "pyspark", "ray"]
    processes: Positive
    threads: Positive
    user_agent: Annotated[str, Field(min_length=1)]
    timeout: Positive
    total_timeout: Positive
    retries: Annotated[int, Field(ge=0)]
    max_redirects: Annotated[int, Field(ge=0)]
    max_bytes: Positive
    per_host: Positive
    max_pause: Positive
    cliff: Annotated[float, Field(gt=0.0, le=1.0)] | None
    shard_deadline: Positive
    max_pixels: Positive
    min_side: Positive
    max_aspect: Annotated[float, Field(ge=1.0)]
    duplicate_distance: Annotated[int, Field(ge=0, le=64)] | None
    loopback: bool

    @model_validator(mode="after")
    def _patient(self) -> DownloadParams:
        if self.shard_deadline < 2 * (self.total_timeout + self.max_pause):
            raise ValueError(
                "download.shard_deadline must be twice total_timeout and max_pause, or good shards are stopped"
            )
        return self
