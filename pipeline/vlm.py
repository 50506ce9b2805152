"""The vision-language model, composed as in the paper: vision tower -> Q-Former -> projection -> language model.

MiniGPT-4 (arXiv 2304.10592) and the variants of its ablation, by config: base; (a) without Q-Former; (b) three
linear layers; (c) the Q-Former trained too. What is not trained is frozen: in eval mode, without gradients.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase
from transformers.modeling_outputs import CausalLMOutput

from pipeline.parts import Parts, build_parts
from pipeline.prompts import TEMPLATES, Chat
from pipeline.vision import preprocess

IGNORED = -100  # label of a position that carries no loss


class VisionLanguageConfig(PreTrainedConfig):
    """The configs of the parts, how they are joined, and where the frozen ones lie.

    vision_config, qformer_config (None: ablation a), text_config: what each part's own config.json says.
    projector_layers: linear layers between; 3 is ablation b. train_qformer: ablation c. pyramid: a tower that
    gives a grid has it pooled to these sides, None keeps every cell. vision_tokens, vision_width: what the tower
    gives of a picture before the pyramid. frozen: for each frozen part its folder (seen from this file's), or its
    repository and revision, and the sha256 of its tensors.
    """

    model_type = "pairmill"

    def __init__(  # noqa: PLR0913 - a config is its fields
        self,
        *,
        vision_config: dict[str, Any] | None = None,  # transformers makes an empty one, to write what differs
        qformer_config: dict[str, Any] | None = None,
        text_config: dict[str, Any] | None = None,
        vision_tokens: int = 0,
        vision_width: int = 0,
        image_size: int = 224,
        image_mean: Sequence[float] = (0.5, 0.5, 0.5),
        image_std: Sequence[float] = (0.5, 0.5, 0.5),
        pyramid: Sequence[int] | None = None,
        projector_layers: int = 1,
        train_qformer: bool = False,
        template: str = "vicuna-v0",
        frozen: dict[str, dict[str, str]] | None = None,
        **kwargs: Any,
    ) -> None:
        self.vision_config, self.qformer_config, self.text_config = (
            vision_config or {},
            qformer_config,
            text_config or {},
        )
        self.vision_tokens, self.vision_width = vision_tokens, vision_width
        self.image_size, self.image_mean, self.image_std = image_size, list(image_mean), list(image_std)
        self.pyramid = None if pyramid is None else list(pyramid)
        self.projector_layers = projector_layers
        self.train_qformer = train_qformer
        self.template = template
        self.frozen = frozen or {}
        super().__init__(**kwargs)

    @property
    def image_tokens(self) -> int:
        """Image tokens that the language model sees of one picture."""
        if self.qformer_config:
            return int(self.qformer_config["num_query_tokens"])
        return sum(side**2 for side in self.pyramid) if self.pyramid else self.vision_tokens


class VisionLanguageModel(PreTrainedModel):
    """Vision tower, Q-Former where there is one, projection and language model.

    `VisionLanguageModel(config)` draws every weight at random; `pipeline.checkpoint` builds it of loaded parts.
    With a pyramid of (1, 2) a picture becomes one image token for each cell of a spatial pyramid (Lazebnik et al.,
    CVPR 2006): the whole picture first, then its four quarters.
    """

    config_class = VisionLanguageConfig
    config: VisionLanguageConfig
    main_input_name = "inputs_embeds"

    def __init__(self, config: VisionLanguageConfig, parts: Parts | None = None) -> None:
        super().__init__(config)
        parts = parts or build_parts(config.vision_config, config.qformer_config, config.text_config)
        width = config.qformer_config["hidden_size"] if config.qformer_config else config.vision_width
        self.vision: nn.Module = parts.vision
        self.qformer = parts.qformer
        # Several of them in ablation b; what shapes one layer by hand is refused there by the params.
        self.projection = cast("nn.Linear", _projector(width, parts.llm.config.hidden_size, config.projector_layers))
        self.llm: Any = parts.llm
        self.tokenizer = cast("PreTrainedTokenizerBase", parts.tokenizer)
        self.requires_grad_(False)
        for part in self._trained():
            part.requires_grad_(True)

    def _trained(self) -> list[nn.Module]:
        also = [self.qformer] if self.config.train_qformer and self.qformer is not None else []
        return [self.projection, *also]

    @property
    def chat(self) -> Chat:
        """How a conversation is written for this language model."""
        return Chat(self.tokenizer, TEMPLATES[self.config.template])

    @property
    def image_tokens(self) -> int:
        """Image tokens that the language model sees of one picture."""
        return self.config.image_tokens

    def train(self, mode: bool = True) -> VisionLanguageModel:
        """Train the trained parts only: the frozen ones stay in eval mode, whatever the caller asks."""
        super().train(False)
        for part in self._trained():
            part.train(mode)
        self.training = mode
        return self

    def eval(self) -> VisionLanguageModel:
        """Switch dropout off everywhere."""
        return self.train(False)

    def preprocess(self, pictures: Sequence[Image.Image]) -> Tensor:
        """B pictures -> pixel values [B, 3, image_size, image_size]."""
        config = self.config
        return preprocess(pictures, config.image_size, config.image_mean, config.image_std)

    @torch.no_grad()
    def features(self, pixel_values: Tensor) -> Tensor:
        """Pixel values [B, 3, H, W] -> what the first trained part sees of each picture: [B, tokens, width].

        That is the frozen Q-Former's query states, or the tower's states where there is none or it is trained.
        """
        first = next(self.vision.parameters())
        seen = self.vision(pixel_values.to(first.device, first.dtype))
        states = seen if isinstance(seen, Tensor) else seen.last_hidden_state  # [B, patches, width] or a grid
        if states.dim() == 4:  # [B, width, rows, columns]
            states = _pool(states, self.config.pyramid)
        if self.qformer is None or self.config.train_qformer:
            return states
        return cast("Tensor", self.qformer(states))  # [B, queries, hidden]

    def project(self, features: Tensor) -> Tensor:
        """Features [B, tokens, width] -> image embeddings [B, image_tokens, llm_dim] in the LLM's dtype."""
        features = features.to(self.llm.device)
        if self.qformer is not None and self.config.train_qformer:
            features = self.qformer(features.float())
        return cast("Tensor", self.projection(features.float())).to(self.llm.dtype)

    def encode_images(self, pixel_values: Tensor) -> Tensor:
        """Pixel values [B, 3, H, W] -> image embeddings [B, image_tokens, llm_dim]."""
        return self.project(self.features(pixel_values))

    def embed_tokens(self, ids: Tensor) -> Tensor:
        """Token ids [B, T] -> embeddings [B, T, llm_dim]."""
        return cast("Tensor", self.llm.get_input_embeddings()(ids.to(self.llm.device)))

    def join(self, ids: Tensor, image_embeds: Tensor, at: int) -> Tensor:
        """Embed ids [B, T] and put image embeddings [B, tokens, llm_dim] in place of the ids from `at` on."""
        embeds = self.embed_tokens(ids)
        return torch.cat([embeds[:, :at], image_embeds, embeds[:, at + image_embeds.shape[1] :]], dim=1)

    def forward(
        self, inputs_embeds: Tensor, attention_mask: Tensor | None = None, labels: Tensor | None = None
    ) -> CausalLMOutput:
        """Embeddings [B, T, llm_dim] -> logits [B, T, vocabulary], and the mean causal loss where there are labels.

        labels [B, T] hold IGNORED where there is none. Training wants `token_losses`, which builds no logits that
        nobody reads.
        """
        out = self.llm(inputs_embeds=inputs_embeds, attention_mask=attention_mask, labels=labels, use_cache=False)
        return CausalLMOutput(loss=out.loss, logits=out.logits)

    def generate(self, **options: Any) -> Any:
        """What `generate` of the language model gives; `inputs_embeds` [B, T, llm_dim] is the usual start."""
        return self.llm.generate(**options)

    def token_losses(self, inputs_embeds: Tensor, attention_mask: Tensor, labels: Tensor) -> Tensor:
        """Loss of each labelled token, in row order: [number of labels that are not IGNORED].

        Logits are built for labelled positions alone: a full [B, T, vocabulary] tensor is most of the memory
        traffic of a step, and nearly all of it would be thrown away.
        """
        attention_mask, labels = attention_mask.to(inputs_embeds.device), labels.to(inputs_embeds.device)
        hidden = self.llm.get_decoder()(inputs_embeds=inputs_embeds, attention_mask=attention_mask, use_cache=False)[0]
        targets = labels[:, 1:]
        wanted = targets != IGNORED
        states = hidden[:, :-1][wanted]  # [N, llm_dim], contiguous: a sliced 3-D input is far slower in bf16
        logits = self.llm.get_output_embeddings()(states)  # [N, vocabulary]
        return F.cross_entropy(logits.float(), targets[wanted], reduction="none")

    def trained_state(self) -> dict[str, Tensor]:
        """The parameters that stage 1 trains, by name: the small part that a checkpoint holds."""
        names = [name for name, part in self.named_children() if part in self._trained()]
        return {key: value for key, value in self.state_dict().items() if key.split(".")[0] in names}

    def save_pretrained(self, save_directory: str | Path, **_: Any) -> None:  # type: ignore[override]
        """Write a checkpoint: the trained part, and references to the frozen ones. See pipeline.checkpoint."""
        from pipeline.checkpoint import save_checkpoint

        save_checkpoint(self, Path(save_directory))

    @classmethod
    def from_pretrained(cls, folder: str | Path, **runtime: Any) -> VisionLanguageModel:  # type: ignore[override]
        """Open a checkpoint. See pipeline.checkpoint.load_model, whose keywords these are."""
        return load_model(folder, **runtime)


def load_model(folder: str | Path, **runtime: Any) -> VisionLanguageModel:
    """Open a checkpoint. See pipeline.checkpoint.load_model, whose keywords these are."""
    from pipeline.checkpoint import load_model as load

    return load(Path(folder), **runtime)


def _projector(inputs: int, outputs: int, layers: int) -> nn.Module:
    """One linear layer, or several of the language model's width, with nothing between (ablation b)."""
    if layers == 1:
        return nn.Linear(inputs, outputs)
    return nn.Sequential(nn.Linear(inputs, outputs), *(nn.Linear(outputs, outputs) for _ in range(layers - 1)))


def _pool(grid: Tensor, pyramid: Sequence[int] | None) -> Tensor:
    """[B, C, H, W] -> [B, tokens, C]: the cells of each level of the pyramid, or every cell without one."""
    levels = [F.adaptive_avg_pool2d(grid, side) for side in pyramid] if pyramid else [grid]
    return torch.cat([level.flatten(2) for level in levels], dim=2).transpose(1, 2)
