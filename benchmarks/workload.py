"""What is generated in a benchmark: pictures, prompts, and answers of mixed length.

A stage-1 model talks to its limit, so that the limits decide how long an answer is. They are drawn uniformly from
8 to `--tokens`, one for each pass of each picture, and are the same for every way of generating.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any, Protocol, cast

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from transformers import GenerationConfig, LlamaConfig

from pipeline.convert import paper_config, qformer_config, vision_config
from pipeline.generate import TwoPasses, first_turn
from pipeline.generation.decoding import Finished, Turn
from pipeline.params import DescribeParams, load_params
from pipeline.vlm import VisionLanguageConfig, VisionLanguageModel, load_model

_SHORTEST = 8
_PROMPT, _FURTHER = (10, 30), 12  # tokens around the picture and of the next turn, where there is no tokenizer


class Workload(Protocol):
    """A model with pictures to describe."""

    vlm: VisionLanguageModel
    params: DescribeParams
    limits: list[tuple[int, int]]

    def conversations(self, rows: Sequence[int]) -> list[Tensor]:
        """Encode these pictures, and put the prompt around each."""
        ...

    def finished(self, conversations: Sequence[Tensor]) -> Finished:
        """What becomes of the answers to these conversations; a second turn for those that were short."""
        ...


def draw_limits(pictures: int, longest: int) -> list[tuple[int, int]]:
    """Token limits of both passes of each picture."""
    rng = random.Random(0)
    return [(rng.randint(_SHORTEST, longest), rng.randint(_SHORTEST, longest)) for _ in range(pictures)]


class Embedded:
    """The profile's stage-1 model, describing pictures of noise."""

    def __init__(self, device: torch.device, dtype: str, limits: list[tuple[int, int]]) -> None:
        params = load_params()
        model = params.model
        self.vlm = load_model(model.checkpoint, dtype=dtype, attention=model.attention, device=str(device))
        self.params = params.describe
        self.limits = limits

    def conversations(self, rows: Sequence[int]) -> list[Tensor]:
        """See Workload."""
        pictures = self.vlm.preprocess([_noise(row) for row in rows])
        return first_turn(self.vlm, self.vlm.encode_images(pictures), self.vlm.chat.picture_prompt(self.params.prompt))

    def finished(self, conversations: Sequence[Tensor]) -> Finished:
        """See Workload. The two passes of `describe`."""
        return TwoPasses(self.vlm, self.params, conversations).finished


def _noise(seed: int) -> Image.Image:
    """A picture of coarse noise."""
    pixels = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    return Image.fromarray(pixels).resize((224, 224))


class Random:
    """Random weights in the shapes of ViT-g/14, Q-Former and Vicuna-7B, or of a toy. It has no words: ids alone."""

    def __init__(
        self, config: VisionLanguageConfig, device: torch.device, dtype: str, limits: list[tuple[int, int]]
    ) -> None:
        former = torch.get_default_dtype()
        torch.set_default_dtype(getattr(torch, dtype))  # made in place: 7B in float32 first would be 28 GB
        try:
            with device:
                self.vlm = VisionLanguageModel(config)
        finally:
            torch.set_default_dtype(former)
        self.vlm.requires_grad_(False)
        self.vlm.projection.float()  # as everywhere
        self.vlm.eval()
        self.vlm.llm.generation_config = GenerationConfig()
        self.vlm.tokenizer = cast("Any", SimpleNamespace(eos_token_id=None, pad_token_id=0, decode=lambda _: ""))
        self.params = load_params("paper").describe.model_copy(update={"num_beams": 1})
        self.limits = limits

    def conversations(self, rows: Sequence[int]) -> list[Tensor]:
        """See Workload."""
        side, generator = self.vlm.config.image_size, torch.Generator().manual_seed(rows[0])
        images = self.vlm.encode_images(torch.randn(len(rows), 3, side, side, generator=generator))
        before, after = (self._embed(range(length)) for length in _PROMPT)
        return [torch.cat([before, image, after]) for image in images]

    def finished(self, conversations: Sequence[Tensor]) -> Finished:
        """See Workload. A further turn after each short answer, once."""
        continued: set[int] = set()

        def further(row: int, ids: list[int]) -> Turn | None:
            if row in continued or len(ids) > self.params.continue_up_to:
                return None
            continued.add(row)
            conversation = torch.cat([conversations[row], self._embed([*ids, *range(_FURTHER)])])
            return Turn(conversation, self.params.max_new_tokens, held=len(conversations[row]) + len(ids))

        return further

    def _embed(self, ids: Sequence[int]) -> Tensor:
        return self.vlm.embed_tokens(torch.tensor(ids))


def tiny() -> VisionLanguageConfig:
    """The same parts, a few kilobytes large: what proves that a device's plumbing works."""
    vision = vision_config({"image_size": 28, "hidden_size": 32, "mlp_hidden": 64, "depth": 2, "num_heads": 4})
    qformer = {"hidden_size": 32, "intermediate_size": 64, "layers": 2, "heads": 4, "num_query_tokens": 4}
    llm = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    return VisionLanguageConfig(
        vision_config=vision.to_dict(),
        qformer_config=qformer_config(qformer, vision_width=32).to_dict(),
        text_config=LlamaConfig(vocab_size=100, **llm).to_dict(),  # type: ignore[arg-type]
        vision_tokens=5,
        vision_width=32,
        image_size=28,
    )


WORKLOADS: dict[str, Callable[[torch.device, str, list[tuple[int, int]]], Workload]] = {
    "embedded": Embedded,
    "vicuna-7b": lambda *given: Random(paper_config("7B"), *given),
    "tiny": lambda *given: Random(tiny(), *given),
}
