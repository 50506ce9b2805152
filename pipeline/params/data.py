"""The sections that bring the pictures in: corpus, sample, download."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipeline.params.section import Positive, Section, Share

Split = Literal["pretrain", "curate", "evaluate"]


class CorpusParams(Section):
    """Where captions and addresses come from, and how they are split."""

    source: Literal["debian", "folder", "tsv"]
    path: Path
    max_shared: Positive
    max_pixels: Positive
    splits: dict[Split, Share]

    @model_validator(mode="after")
    def _whole(self) -> CorpusParams:
        if abs(sum(self.splits.values()) - 1.0) > 1e-6:
            raise ValueError("corpus.splits must add up to 1")
        return self


class SampleParams(Section):
    """How many pictures are drawn for curation and for evaluation."""

    pictures: Positive
    heldout: Positive
    seed: int


class DownloadParams(Section):
    """How img2dataset fetches, and what a picture must be to enter."""

    image_size: Positive
    jpeg_quality: Annotated[int, Field(ge=1, le=100)]
    shard_rows: Positive
    processes: Positive
    threads: Positive
    timeout: Positive
    retries: Annotated[int, Field(ge=0)]
    shard_deadline: Positive
    max_pixels: Positive
    min_side: Positive
    loopback: bool
