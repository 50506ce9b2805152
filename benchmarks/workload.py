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
from transformers import AutoModelForImageTextToText, Blip2Config, GenerationConfig, LlamaConfig

from pipeline.generate import TwoPasses, first_turn
from pipeline.generation.decoding import Finished, Turn
from pipeline.params import DescribeParams, load_params
from pipeline.prompts import picture_prompt
from pipeline.vlm import VisionLanguageModel, load_model

_SHORTEST = 8
_PROMPT, _FURTHER = (10, 30), 12  # tokens around the picture and of the next turn, where there is no tokenizer
_TINY = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}


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
        model = params.model.model_copy(update={"dtype": dtype})
        self.vlm = load_model(model, projection=model.projection).to(device)
        self.params = params.describe
        self.limits = limits

    def conversations(self, rows: Sequence[int]) -> list[Tensor]:
        """See Workload."""
        pictures = [_noise(row) for row in rows]
        return first_turn(
            self.vlm, self.vlm.encode_images(pictures), picture_prompt(self.vlm.tokenizer, self.params.prompt)
        )

    def finished(self, conversations: Sequence[Tensor]) -> Finished:
        """See Workload. The two passes of `describe`."""
        return TwoPasses(self.vlm, self.params, conversations).finished


def _noise(seed: int) -> Image.Image:
    """A picture of coarse noise."""
    pixels = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    return Image.fromarray(pixels).resize((224, 224))


class Random:
    """Random weights in the shapes of ViT-g/14, Q-Former and Vicuna-7B, or of a toy. It has no words: ids alone."""

    def __init__(self, config: Blip2Config, device: torch.device, dtype: str, limits: list[tuple[int, int]]) -> None:
        config.dtype = getattr(torch, dtype)
        with device:
            model = AutoModelForImageTextToText.from_config(config, dtype=config.dtype).eval()
        model.requires_grad_(False)
        model.language_model.generation_config = GenerationConfig()
        self.model = model
        self.vlm = cast("VisionLanguageModel", _Wordless(model.language_model))
        self.params = load_params("paper").describe.model_copy(update={"num_beams": 1})
        self.limits = limits

    def conversations(self, rows: Sequence[int]) -> list[Tensor]:
        """See Workload."""
        side = self.model.config.vision_config.image_size
        generator = torch.Generator().manual_seed(rows[0])
        pixels = torch.randn(len(rows), 3, side, side, generator=generator).to(self.model.device, self.model.dtype)
        images = self.model.get_image_features(pixels).pooler_output
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
        return self.vlm.embed_tokens(torch.tensor(ids, device=self.model.device))


class _Wordless:
    """A language model as the decode loop knows it, with a tokenizer that has neither words nor ends."""

    def __init__(self, llm: Any) -> None:
        self.llm = llm
        self.tokenizer = SimpleNamespace(eos_token_id=None, pad_token_id=0, decode=lambda _: "")
        self.embed_tokens = llm.get_input_embeddings()


def vicuna_7b() -> Blip2Config:
    """MiniGPT-4's shapes: transformers' defaults are ViT-g/14, BERT-base with 32 queries, and Llama 7B."""
    return Blip2Config(text_config=LlamaConfig().to_dict())


def tiny() -> Blip2Config:
    """The same parts, a few kilobytes large: what proves that a device's plumbing works."""
    vision = {"image_size": 28, **_TINY}
    return Blip2Config(
        vision_config=vision,
        qformer_config={"encoder_hidden_size": 32, **_TINY},
        text_config={"model_type": "llama", "vocab_size": 100, **_TINY},
    )


WORKLOADS: dict[str, Callable[[torch.device, str, list[tuple[int, int]]], Workload]] = {
    "embedded": Embedded,
    "vicuna-7b": lambda *given: Random(vicuna_7b(), *given),
    "tiny": lambda *given: Random(tiny(), *given),
}
