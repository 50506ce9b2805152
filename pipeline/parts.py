"""The frozen parts of the model: how each is built from its config, loaded from its folder and told apart.

A part is a folder of transformers (config.json and safetensors). Vision towers: BLIP-2's ViT, the embedded
EfficientNet-Lite0, or any vision model that `AutoModel` knows. Q-Former: BLIP-2's. Language model: any causal one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForCausalLM,
    AutoTokenizer,
    Blip2QFormerConfig,
    Blip2QFormerModel,
    Blip2VisionConfig,
    Blip2VisionModel,
    GenerationConfig,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from pipeline.errors import JobError, first_line
from pipeline.vision import EfficientNetLite0, EfficientNetLite0Config

VISION, QFORMER, LLM = "vision", "qformer", "llm"
_WHAT = {VISION: "vision tower", QFORMER: "Q-Former", LLM: "language model"}
# MiniGPT-4 keeps torch's default in the tower's last norm, and 1e-6 in its blocks; transformers knows one for both.
POST_NORM_EPS = 1e-5
_PIECE = 1 << 24  # bytes read at a time
_PIXELS = "preprocessor_config.json"


class QFormer(PreTrainedModel):
    """BLIP-2's querying transformer (arXiv 2301.12597): learned queries that read the tower's states."""

    config_class = Blip2QFormerConfig
    base_model_prefix = "qformer"

    def __init__(self, config: Blip2QFormerConfig) -> None:
        super().__init__(config)
        self.bert = Blip2QFormerModel(config)
        self.query_tokens = nn.Parameter(torch.zeros(1, config.num_query_tokens, config.hidden_size))
        self.post_init()  # type: ignore[no-untyped-call]

    def forward(self, states: Tensor) -> Tensor:
        """Tower states [B, patches, vision_dim] -> query states [B, queries, hidden]."""
        queries = self.query_tokens.expand(len(states), -1, -1)
        return cast("Tensor", self.bert(query_embeds=queries, encoder_hidden_states=states)[0])


@dataclass(frozen=True)
class Parts:
    """What a model is composed of; without Q-Former, the tower's states go straight into the projection."""

    vision: PreTrainedModel
    qformer: QFormer | None
    llm: Any  # a causal PreTrainedModel; its generate() and get_decoder() have no types worth keeping
    tokenizer: PreTrainedTokenizerBase | None


def build_vision(config: PreTrainedConfig) -> PreTrainedModel:
    """A tower with random weights."""
    if isinstance(config, EfficientNetLite0Config):
        return EfficientNetLite0(config)
    if isinstance(config, Blip2VisionConfig):
        return _with_own_eps(Blip2VisionModel(config))
    return cast("PreTrainedModel", AutoModel.from_config(config))


def build_parts(vision: dict[str, Any], qformer: dict[str, Any] | None, llm: dict[str, Any]) -> Parts:
    """Parts with random weights from what each config's `to_dict` gave, without a tokenizer."""
    queries = QFormer(cast("Blip2QFormerConfig", config_of(qformer))) if qformer else None
    return Parts(build_vision(config_of(vision)), queries, AutoModelForCausalLM.from_config(config_of(llm)), None)


def _with_own_eps(tower: Blip2VisionModel) -> Blip2VisionModel:
    tower.post_layernorm.eps = getattr(tower.config, "post_layer_norm_eps", tower.config.layer_norm_eps)
    return tower


def config_of(values: dict[str, Any]) -> PreTrainedConfig:
    """The config object of a part, from what its `to_dict` gave."""
    known = {**values}
    kind = known.pop("model_type")
    if kind == EfficientNetLite0Config.model_type:
        return EfficientNetLite0Config(**known)
    return AutoConfig.for_model(kind, **known)


def load_vision(folder: Path, dtype: torch.dtype = torch.float32) -> PreTrainedModel:
    """The frozen tower in `folder`. Raises JobError, in one line, where it is missing, damaged or another model."""
    values = _read_config(folder, VISION)
    if values.get("model_type") == EfficientNetLite0Config.model_type:
        return cast("PreTrainedModel", _load(EfficientNetLite0, folder, VISION, dtype))
    if values.get("model_type") == Blip2VisionConfig.model_type:
        return _with_own_eps(_load(Blip2VisionModel, folder, VISION, dtype))
    config = _guarded(folder, VISION, lambda: AutoConfig.from_pretrained(folder, local_files_only=True))
    # CLIP's and SigLIP's folders hold a text tower too.
    return cast(
        "PreTrainedModel", _load(AutoModel, folder, VISION, dtype, config=getattr(config, "vision_config", config))
    )


def load_qformer(folder: Path, dtype: torch.dtype = torch.float32) -> QFormer:
    """The Q-Former in `folder`, with its queries. Raises JobError as load_vision does."""
    _read_config(folder, QFORMER)
    return cast("QFormer", _load(QFormer, folder, QFORMER, dtype))


def load_llm(folder: Path, dtype: torch.dtype, attention: str) -> tuple[Any, PreTrainedTokenizerBase | None]:
    """The language model in `folder`, and its tokenizer where there is one. Raises JobError as load_vision does."""
    _read_config(folder, LLM)
    tokenizer = load_tokenizer(folder)
    llm = _load(AutoModelForCausalLM, folder, LLM, dtype, attn_implementation=attention)
    # Replaced whole: what a model's folder says of sampling must not mix with the params.
    llm.generation_config = GenerationConfig(eos_token_id=llm.generation_config.eos_token_id)
    return llm, tokenizer


def outline_llm(folder: Path) -> tuple[Any, PreTrainedTokenizerBase | None]:
    """As load_llm, but without the weights: what is to be said of a model needs none of its gigabytes."""
    _read_config(folder, LLM)

    def outline() -> Any:
        with torch.device("meta"):
            return AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(folder, local_files_only=True))

    return _guarded(folder, LLM, outline), load_tokenizer(folder)


def load_tokenizer(folder: Path) -> PreTrainedTokenizerBase | None:
    """The tokenizer in a language model's folder, where there is one."""
    if not any(folder.glob("tokenizer*")):
        return None
    load = partial(AutoTokenizer.from_pretrained, folder, local_files_only=True)
    return cast("PreTrainedTokenizerBase", _guarded(folder, LLM, load))


def _read_config(folder: Path, part: str) -> dict[str, Any]:
    if not (folder / "config.json").is_file() or not any(folder.glob("*.safetensors")):
        raise JobError(f"no {_WHAT[part]} in {folder}: run `make assets` or `pairmill convert`, or set model.{part}")
    return cast("dict[str, Any]", _guarded(folder, part, lambda: json.loads((folder / "config.json").read_text())))


def _load(kind: Any, folder: Path, part: str, dtype: torch.dtype, **options: Any) -> Any:
    """`kind.from_pretrained`, strictly: a tensor that is missing would otherwise be drawn at random."""

    def load() -> Any:
        model, found = kind.from_pretrained(
            folder, dtype=dtype, local_files_only=True, use_safetensors=True, output_loading_info=True, **options
        )
        missing = sorted(key for key in found["missing_keys"] if not key.startswith("pooler."))  # nobody asks it
        if missing:
            raise ValueError(f"{len(missing)} tensors are missing, {missing[0]} first")
        return model.eval().requires_grad_(False)

    return _guarded(folder, part, load)


def _guarded(folder: Path, part: str, load: Callable[[], Any]) -> Any:
    try:
        return load()
    except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
        mend = f"run `make assets` or `pairmill convert`, or set model.{part}"
        raise JobError(f"cannot load the {_WHAT[part]} in {folder}: {first_line(error)}; {mend}") from error


def save_pixel_format(folder: Path, *, side: int, mean: Sequence[float], std: Sequence[float]) -> None:
    """Write preprocessor_config.json, as transformers' image processors do: what pictures the tower wants."""
    found = {"size": {"height": side, "width": side}, "image_mean": list(mean), "image_std": list(std)}
    (folder / _PIXELS).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def load_pixel_format(folder: Path) -> dict[str, Any]:
    """image_size, image_mean and image_std of a tower's folder. Raises JobError where they are not said."""
    path = folder / _PIXELS
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        size = found["size"]
        side = size if isinstance(size, int) else size.get("height", size.get("shortest_edge"))
        return {"image_size": int(side), "image_mean": found["image_mean"], "image_std": found["image_std"]}
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
        raise JobError(f"{path} does not say size, image_mean and image_std: the tower's pictures need them") from None


def digest(folder: Path) -> str:
    """sha256 of the tensors in a folder's safetensors files, by name; what else a header says does not count."""
    found: dict[str, tuple[Path, int, int, str]] = {}
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
            if size > path.stat().st_size:
                raise JobError(f"{path} is damaged: its header is longer than the file; fetch it again")
            header = json.loads(file.read(size))
        for name, entry in header.items():
            if name != "__metadata__":
                begin, end = (8 + size + offset for offset in entry["data_offsets"])
                found[name] = (path, begin, end, f"{name} {entry['dtype']} {entry['shape']}")
    whole = hashlib.sha256()
    for _, (path, begin, end, what) in sorted(found.items()):
        whole.update(what.encode())
        with path.open("rb") as file:
            file.seek(begin)
            for start in range(begin, end, _PIECE):
                whole.update(file.read(min(_PIECE, end - start)))
    return whole.hexdigest()
