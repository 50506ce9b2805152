"""CLIP and SigLIP of some kilobytes, with everything that a real folder has, and a CLIP that has learnt three colours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from PIL import Image
from tokenizers.processors import TemplateProcessing
from transformers import (
    CLIPConfig,
    CLIPModel,
    CLIPProcessor,
    PreTrainedTokenizerFast,
    SiglipConfig,
    SiglipModel,
    SiglipProcessor,
)
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

from tests.tiny import BOS, EOS, tiny_tokenizer

LIMIT = 24  # tokens that the text towers read
COLORS = {"red": (220, 30, 30), "green": (30, 200, 40), "blue": (30, 40, 220)}
_SMALL: dict[str, Any] = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
}
_EYES = {**_SMALL, "image_size": 16, "patch_size": 8}


def save_tiny_clip(folder: Path, steps: int = 0) -> Path:
    """Write a CLIP to `folder`, random or trained for some steps to tell COLORS apart, and return the folder."""
    torch.manual_seed(0)
    tokenizer = _tokenizer()
    text = {**_words(tokenizer), "bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    model = CLIPModel(CLIPConfig(text_config=text, vision_config=_EYES, projection_dim=8))
    square = {"height": 16, "width": 16}
    eyes = CLIPImageProcessorPil(size={"shortest_edge": 16}, crop_size=square)
    processor = CLIPProcessor(eyes, tokenizer)
    _learn_colors(model, processor, steps)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def save_tiny_siglip(folder: Path) -> Path:
    """Write a random SigLIP to `folder`, and return it."""
    torch.manual_seed(0)
    tokenizer = _tokenizer()
    marks = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id, "projection_size": 16}
    SiglipModel(SiglipConfig(text_config={**_words(tokenizer), **marks}, vision_config=_EYES)).save_pretrained(folder)
    eyes = SiglipImageProcessorPil(size={"height": 16, "width": 16})
    SiglipProcessor(eyes, tokenizer).save_pretrained(folder)
    return folder


def plain(color: tuple[int, int, int]) -> Image.Image:
    """A picture of one colour."""
    return Image.new("RGB", (24, 24), color)


def _words(tokenizer: PreTrainedTokenizerFast) -> dict[str, Any]:
    return {**_SMALL, "vocab_size": len(tokenizer), "max_position_embeddings": LIMIT, "pad_token_id": 2}


def _tokenizer() -> PreTrainedTokenizerFast:
    """With the marks around a text that CLIP's has."""
    tokenizer = tiny_tokenizer()
    marks = [(mark, tokenizer.convert_tokens_to_ids(mark)) for mark in (BOS, EOS)]
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(single=f"{BOS} $A {EOS}", special_tokens=marks)
    return tokenizer


def _learn_colors(model: CLIPModel, processor: CLIPProcessor, steps: int) -> None:
    """CLIP's own loss, on a plain picture and a sentence for each colour."""
    pictures = [plain(color) for color in COLORS.values()]
    texts = [f"It is {name}." for name in COLORS]
    inputs = processor(text=texts, images=pictures, padding=True, return_tensors="pt")
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(steps):
        optimizer.zero_grad()
        model(**inputs, return_loss=True).loss.backward()
        optimizer.step()
