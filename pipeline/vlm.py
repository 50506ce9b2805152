"""The vision-language model, composed as in the paper: vision tower -> projection -> language model.

This is MiniGPT-4's variant without Q-Former (arXiv 2304.10592, ablation a): the tower's feature grid goes
straight into one linear layer. Tower and language model are frozen; the projection is what training changes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from PIL import Image
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    GenerationConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from pipeline.errors import JobError
from pipeline.params import ModelParams
from pipeline.vision import FEATURE_WIDTH, load_vision, preprocess

IGNORED = -100  # label of a position that carries no loss


@dataclass
class ModelOutput:
    """Mean loss over the labelled positions, and how many there were."""

    loss: Tensor
    labelled: int


class VisionLanguageModel(nn.Module):
    """Vision tower, linear projection and language model.

    A picture becomes one image token for each cell of a spatial pyramid (Lazebnik et al., CVPR 2006): with
    `pyramid` (1, 2) the whole picture first, then its four quarters.
    """

    def __init__(
        self, vision: nn.Module, llm: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, pyramid: Sequence[int]
    ) -> None:
        super().__init__()
        self.vision = vision
        self.projection = nn.Linear(FEATURE_WIDTH, llm.config.hidden_size)
        self.llm: Any = llm  # a PreTrainedModel; its generate() and get_decoder() have no types worth keeping
        self.tokenizer = tokenizer
        self.pyramid = tuple(pyramid)
        self.image_tokens = sum(side**2 for side in pyramid)
        self.vision.requires_grad_(False)
        self.llm.requires_grad_(False)

    def train(self, mode: bool = True) -> VisionLanguageModel:
        """Train the projection only: the frozen parts stay in eval mode, whatever the caller asks."""
        super().train(mode)
        self.vision.eval()
        self.llm.eval()
        return self

    @torch.no_grad()
    def features(self, pictures: Sequence[Image.Image]) -> Tensor:
        """B pictures -> pooled features [B, image_tokens, 1280], what the projection sees of a picture."""
        grid: Tensor = self.vision(preprocess(pictures))  # [B, 1280, 7, 7]
        pooled = [F.adaptive_avg_pool2d(grid, side).flatten(2) for side in self.pyramid]  # each [B, 1280, side * side]
        return torch.cat(pooled, dim=2).transpose(1, 2)  # [B, image_tokens, 1280]

    def project(self, features: Tensor) -> Tensor:
        """Pooled features [B, tokens, 1280] -> image embeddings [B, tokens, llm_dim] in the LLM's dtype."""
        return cast("Tensor", self.projection(features.float())).to(self.llm.dtype)

    def encode_images(self, pictures: Sequence[Image.Image]) -> Tensor:
        """B pictures -> image embeddings [B, tokens, llm_dim]."""
        return self.project(self.features(pictures))

    def embed_tokens(self, ids: Tensor) -> Tensor:
        """Token ids [B, T] -> embeddings [B, T, llm_dim]."""
        return cast("Tensor", self.llm.get_input_embeddings()(ids))

    def join(self, ids: Tensor, image_embeds: Tensor, at: int) -> Tensor:
        """Embed ids [B, T] and put image embeddings [B, tokens, llm_dim] in place of the ids from `at` on."""
        embeds = self.embed_tokens(ids)
        return torch.cat([embeds[:, :at], image_embeds, embeds[:, at + image_embeds.shape[1] :]], dim=1)

    def forward(self, inputs_embeds: Tensor, attention_mask: Tensor, labels: Tensor) -> ModelOutput:
        """Causal loss of `labels` [B, T] (IGNORED where there is none) given embeddings [B, T, llm_dim].

        Logits are built for labelled positions alone: a full [B, T, vocabulary] tensor is most of the memory
        traffic of a step, and nearly all of it would be thrown away.
        """
        losses = self.token_losses(inputs_embeds, attention_mask, labels)
        return ModelOutput(losses.mean(), losses.numel())

    def token_losses(self, inputs_embeds: Tensor, attention_mask: Tensor, labels: Tensor) -> Tensor:
        """Loss of each labelled token, in row order: [number of labels that are not IGNORED]."""
        hidden = self.llm.get_decoder()(inputs_embeds=inputs_embeds, attention_mask=attention_mask, use_cache=False)[0]
        targets = labels[:, 1:]
        wanted = targets != IGNORED
        states = hidden[:, :-1][wanted]  # [N, llm_dim], contiguous: a sliced 3-D input is far slower in bf16
        logits = self.llm.get_output_embeddings()(states)  # [N, vocabulary]
        return F.cross_entropy(logits.float(), targets[wanted], reduction="none")


def load_model(params: ModelParams, *, projection: Path | None = None) -> VisionLanguageModel:
    """Load the frozen parts named in `params` and, where given, a trained projection.

    Raises JobError naming the folder that is missing or damaged and the command that makes it.
    """
    for folder in (params.vision, params.llm):
        if not any(folder.glob("*.safetensors")):  # a large language model comes in several files
            raise JobError(f"no model in {folder}: run `make assets`, or set model.vision and model.llm")
    torch.set_num_threads(params.threads)
    llm, tokenizer = _load_llm(params)
    model = VisionLanguageModel(load_vision(params.vision), llm, tokenizer, params.pyramid)
    if projection is not None:
        load_projection(model, projection)
    return model.eval()


def _load_llm(params: ModelParams) -> tuple[Any, PreTrainedTokenizerBase]:
    try:
        llm: Any = AutoModelForCausalLM.from_pretrained(
            params.llm,
            dtype=getattr(torch, params.dtype),
            attn_implementation=params.attention,
            local_files_only=True,
            use_safetensors=True,
        )
        tokenizer = AutoTokenizer.from_pretrained(params.llm, local_files_only=True)
    except (OSError, ValueError, SafetensorError) as error:
        what = " ".join(str(error).split())[:200] or type(error).__name__
        mend = "run `make assets`, or set model.llm"
        raise JobError(f"cannot load the language model in {params.llm}: {what}; {mend}") from error
    # Replaced whole: what a model's folder says of sampling must not mix with the params.
    llm.generation_config = GenerationConfig(eos_token_id=llm.generation_config.eos_token_id)
    return llm, tokenizer


def save_projection(model: VisionLanguageModel, path: Path) -> None:
    """Write the projection (float32 weight [llm_dim, 1280] and bias [llm_dim]) and its pyramid as safetensors."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {name: value.detach().contiguous().float() for name, value in model.projection.state_dict().items()}
    save_file(tensors, path, metadata={"pairmill": json.dumps({"pyramid": model.pyramid})})


def load_projection(model: VisionLanguageModel, path: Path) -> None:
    """Load a projection that `save_projection` wrote; a wrong shape or pyramid is a JobError that says so."""
    if not path.is_file():
        raise JobError(f"no projection at {path}: run `dvc repro pretrain`, or set model.projection")
    try:
        with safe_open(path, framework="pt") as file:
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
            pyramid = tuple(json.loads((file.metadata() or {}).get("pairmill", "{}")).get("pyramid", ()))
    except SafetensorError as error:
        raise JobError(
            f"{path} is damaged: {error}; run `dvc repro pretrain` again, or set model.projection"
        ) from error
    expected = {name: tuple(value.shape) for name, value in model.projection.state_dict().items()}
    found = {name: tuple(value.shape) for name, value in state.items()}
    if found != expected or pyramid != model.pyramid:
        wanted = f"{expected} and pyramid {model.pyramid}"
        raise JobError(f"{path} does not fit the model: it holds {found} and pyramid {pyramid}; wanted {wanted}")
    model.projection.load_state_dict(state)
