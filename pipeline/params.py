"""Params: `params.yaml` names a profile, `profiles/NAME.yaml` holds one section per stage.

Everything is validated once, here. An unknown key is an error that names it and the nearest right one.
"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from pipeline.errors import UsageError

Positive = Annotated[int, Field(gt=0)]
Split = Literal["pretrain", "curate", "evaluate"]
Share = Annotated[float, Field(ge=0.0, le=1.0)]


class Section(BaseModel):
    """One stage's params: immutable, no unknown key, no default (the profile is the only source of truth)."""

    model_config = ConfigDict(extra="forbid", frozen=True)


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


class ServerParams(Section):
    """A server that speaks OpenAI's chat completions, and how it is asked."""

    base_url: str
    api_key_env: str
    concurrency: Positive
    deadline: Positive
    retries: Annotated[int, Field(ge=0)]


SPEED_ONLY = {"server": {"concurrency", "api_key_env"}}  # params that change no result


class DecodingParams(Section):
    """How text is generated."""

    max_new_tokens: Positive
    num_beams: Positive
    do_sample: bool
    temperature: Annotated[float, Field(gt=0.0)]
    top_p: Annotated[float, Field(gt=0.0, le=1.0)]
    repetition_penalty: Annotated[float, Field(gt=0.0)]
    batch_size: Positive


class DescribeParams(DecodingParams):
    """The captioner, the prompt, the continue pass and the decoding."""

    backend: Literal["minigpt4", "transformers", "openai"]
    model: str | None
    server: ServerParams | None
    prompt: str
    continue_prompt: str
    continue_up_to: Annotated[int, Field(ge=0)]
    seed: int


class FilterParams(Section):
    """One limit per rule; null switches a rule off."""

    limits: dict[str, float | None]


class VerifyParams(Section):
    """The limits that the final text must meet."""

    limits: dict[str, float | None]


class RewriteParams(Section):
    """The language model that mends texts, and the guard on what it answers."""

    backend: Literal["none", "local", "openai"]
    model: str
    server: ServerParams | None
    prompt: str
    when: Literal["always", "flagged"]
    max_new_tokens: Positive
    temperature: Annotated[float, Field(ge=0.0)]
    seed: int
    batch_size: Positive
    min_kept: Share


class EmitParams(Section):
    """What the fine-tuning set looks like."""

    instructions: Annotated[list[str], Field(min_length=1)]
    seed: int
    align_layout: bool


class TrainParams(Section):
    """Stage 2: fine-tune on the curated pairs."""

    parts: Literal["projection", "projection+lora"]
    steps: Positive
    batch_size: Positive
    lr: float
    min_lr: float
    warmup_steps: Annotated[int, Field(ge=0)]
    warmup_lr: float
    weight_decay: float
    checkpoint_every: Positive
    max_answer_tokens: Positive
    lora_rank: Positive
    seed: int


class EvaluateParams(DecodingParams):
    """The held-out comparison of the stage-1 and the fine-tuned model."""

    prompt: str
    limits: dict[str, float | None]
    bootstrap: Positive
    gallery: Positive
    seed: int


class Params(Section):
    """One profile, whole."""

    profile: str
    corpus: CorpusParams
    sample: SampleParams
    download: DownloadParams
    model: ModelParams
    pretrain: PretrainParams
    describe: DescribeParams
    filter: FilterParams
    rewrite: RewriteParams
    verify: VerifyParams
    emit: EmitParams
    train: TrainParams
    evaluate: EvaluateParams

    @model_validator(mode="after")
    def _one_layer(self) -> Params:
        several = self.model.projector_layers > 1 or self.model.train_qformer
        if several and (self.pretrain.ridge is not None or self.pretrain.contrast):
            raise ValueError("pretrain.ridge and pretrain.contrast shape one linear layer: with more to train, null")
        return self


def load_params(profile: str | None = None, root: Path = Path()) -> Params:
    """Read and validate one profile (by default the one that `params.yaml` names).

    Raises UsageError with one line that names the file and every wrong key.
    """
    if profile is None:
        profile = str(_read_yaml(root / "params.yaml").get("profile", "embedded"))
    path = root / "profiles" / f"{profile}.yaml"
    if not path.is_file():
        known = sorted(p.stem for p in (root / "profiles").glob("*.yaml"))
        raise UsageError(f"no profile {profile!r}: {path} does not exist; there are {', '.join(known) or 'none'}")
    try:
        return Params.model_validate({"profile": profile, **_read_yaml(path)})
    except ValidationError as error:
        raise UsageError(f"{path}: {'; '.join(_explain(e) for e in error.errors())}") from None


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"{path} does not exist: run from the repository's root") from None
    except yaml.YAMLError as error:
        raise UsageError(f"{path} is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(loaded, dict):
        raise UsageError(f"{path} must hold a mapping of sections")
    return loaded


def _explain(error: Any) -> str:
    place = [str(part) for part in error["loc"]]
    name = ".".join(place)
    if error["type"] == "extra_forbidden":
        near = difflib.get_close_matches(place[-1], _keys_beside(place), n=1, cutoff=0.0)
        return f"unknown key {name}" + (f"; did you mean {'.'.join([*place[:-1], near[0]])}?" if near else "")
    if error["type"] == "missing":
        return f"key {name} is missing"
    if error["type"] == "value_error":  # of a check above, which names the keys itself
        return str(error["ctx"]["error"])
    return f"{name}: {error['msg']} (got {error['input']!r})"


def _keys_beside(place: list[str]) -> list[str]:
    """The keys that are right at the place of a wrong one."""
    model: Any = Params
    for part in place[:-1]:
        field = model.model_fields.get(part)
        model = field.annotation if field else None
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            return []
    return [key for key in model.model_fields if key != "profile"]
