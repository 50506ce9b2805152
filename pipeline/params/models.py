"""The sections of the models and of what trains them: model, pretrain, train."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipeline.params.section import Positive, Section


class ModelParams(Section):
    """The frozen parts, what joins them, where stage 1 keeps its checkpoint, and how all that runs."""

    vision: Path
    qformer: Path | None
    llm: Path
    checkpoint: Path
    pyramid: Annotated[list[Annotated[int, Field(ge=1, le=7)]], Field(min_length=1)] | None
    projector_layers: Annotated[int, Field(ge=1, le=3)]
    train_qformer: bool
    template: str
    dtype: Literal["float32", "bfloat16", "float16"]
    attention: Literal["eager", "sdpa"]
    threads: Positive


class ContrastParams(Section):
    """The contrastive end of stage 1."""

    kept: Annotated[float, Field(ge=0.0)]
    added: Annotated[float, Field(ge=0.0)]
    epochs: Positive
    batch_size: Positive
    lr: float
    weight_decay: float
    dropout: Annotated[float, Field(ge=0.0, lt=1.0)]
    shrinkage: Annotated[float, Field(gt=0.0)]


class SourceParams(Section):
    """A folder of image-text shards and its weight in the mixture."""

    name: Annotated[str, Field(pattern=r"^[\w-]+$")]  # also a folder's, of its features
    path: Path
    weight: Annotated[float, Field(gt=0.0)]


class ShardsParams(Section):
    """Stage 1 on image-text shards that img2dataset wrote."""

    sources: Annotated[list[SourceParams], Field(min_length=1)]
    shuffle_buffer: Positive
    features: Path | None
    accumulation: Positive
    mixed_precision: Literal["bfloat16", "float16"] | None
    samples: Positive
    samples_every: Positive

    @model_validator(mode="after")
    def _named_once(self) -> ShardsParams:
        if len({source.name for source in self.sources}) < len(self.sources):
            raise ValueError("pretrain.shards.sources must have different names")
        return self


class PretrainParams(Section):
    """Stage 1: the projection alone learns to speak of pictures."""

    published: Path | None
    seed: int
    bare_steps: Positive
    prompt_steps: Annotated[int, Field(ge=0)]
    batch_size: Positive
    lr: float
    min_lr: float
    warmup_steps: Annotated[int, Field(ge=0)]
    warmup_lr: float
    weight_decay: float
    checkpoint_every: Positive
    max_caption_tokens: Positive
    end_mark: bool
    ridge: float | None
    feature_dropout: Annotated[float, Field(ge=0.0, lt=1.0)]
    contrast: ContrastParams | None
    judged_pictures: Positive
    distractors: Positive
    shards: ShardsParams | None

    @model_validator(mode="after")
    def _bare(self) -> PretrainParams:
        """What is made for a few thousand pictures, and would go unread with shards, must be off there."""
        extras = ("prompt_steps", "end_mark", "ridge", "feature_dropout", "contrast")
        if self.shards and (on := [f"pretrain.{name}" for name in extras if getattr(self, name)]):
            raise ValueError(f"pretrain.shards goes without {', '.join(on)}: set them to 0, false or null")
        return self


class TrainParams(Section):
    """Stage 2: fine-tune on the curated pairs, or on a set that is brought along."""

    data: str | None
    parts: Literal["projection", "projection+lora"]
    steps: Positive
    batch_size: Positive
    accumulation: Positive
    mixed_precision: Literal["bfloat16", "float16"] | None
    lr: float
    min_lr: float
    warmup_steps: Annotated[int, Field(ge=0)]
    warmup_lr: float
    weight_decay: float
    checkpoint_every: Positive
    max_answer_tokens: Positive
    lora_rank: Positive
    seed: int
