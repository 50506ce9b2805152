"""A model of frozen parts, before anything is trained: what a checkpoint begins as."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedConfig

from pipeline.params import ModelParams
from pipeline.parts import LLM, QFORMER, VISION, Parts, load_llm, load_pixel_format, load_qformer, load_vision
from pipeline.vlm import VisionLanguageConfig, VisionLanguageModel


def build_model(params: ModelParams, device: str = "cpu") -> VisionLanguageModel:
    """The frozen parts that the params name, with a projection drawn at random. Raises JobError, naming the key.

    `device` is where the caller means to run it: the parts come in the dtypes that are right there.
    """
    torch.set_num_threads(params.threads)
    folders = {VISION: params.vision, QFORMER: params.qformer, LLM: params.llm}
    frozen = {part: {"folder": str(folder.resolve())} for part, folder in folders.items() if folder}
    present = {part: folder for part, folder in folders.items() if folder}
    parts = load_parts(present, params.dtype, params.attention, device)
    if params.train_qformer:
        in_full_precision(parts)
    return compose(
        parts,
        pyramid=params.pyramid,
        projector_layers=params.projector_layers,
        train_qformer=params.train_qformer,
        template=params.template,
        frozen=frozen,
        **load_pixel_format(params.vision),
    )


def in_full_precision(parts: Parts) -> None:
    """Put a Q-Former that is trained into float32, as all that is trained."""
    if parts.qformer:
        nn.Module.float(parts.qformer)


def compose(parts: Parts, **joined: Any) -> VisionLanguageModel:
    """A model of loaded parts with a projection drawn at random; `joined` are VisionLanguageConfig's other fields."""
    side: int = joined["image_size"]
    config = VisionLanguageConfig(
        vision_config=_said(parts.vision.config),
        qformer_config=_said(parts.qformer.config) if parts.qformer else None,
        text_config=_said(parts.llm.config),
        **joined,
    )
    config.vision_tokens, config.vision_width = tower_shape(parts.vision, side)
    return VisionLanguageModel(config, parts).eval()


def tower_shape(tower: nn.Module, side: int) -> tuple[int, int]:
    """Tokens and width that a tower gives of a picture: one that is empty tells, whatever the tower."""
    first = next(tower.parameters())
    with torch.no_grad():
        seen = tower(torch.zeros(1, 3, side, side, dtype=first.dtype, device=first.device))
    states = seen if isinstance(seen, Tensor) else seen.last_hidden_state
    width = states.shape[1] if states.dim() == 4 else states.shape[2]
    return states[0].numel() // width, width


def _said(config: PreTrainedConfig) -> dict[str, Any]:
    """A part's config, without where and by which version it was read."""
    told = {"_name_or_path", "transformers_version", "architectures", "dtype", "id2label", "label2id"}
    return {key: value for key, value in config.to_dict().items() if key not in told}


def best_device() -> str:
    """The machine's accelerator, or the CPU."""
    return str(torch.accelerator.current_accelerator()) if torch.accelerator.is_available() else "cpu"


def load_parts(folders: dict[str, Path], dtype: str, attention: str, device: str = "cpu") -> Parts:
    """The tower and the Q-Former run in float32 on a CPU, where half precision costs accuracy and saves nothing."""
    kind: torch.dtype = getattr(torch, dtype)
    seeing = torch.float32 if device == "cpu" else kind
    vision = load_vision(folders[VISION], seeing)
    qformer = load_qformer(folders[QFORMER], seeing) if QFORMER in folders else None
    return Parts(vision, qformer, *load_llm(folders[LLM], kind, attention))
