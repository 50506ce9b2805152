"""Vision-language chat models of two architectures, some kilobytes each, with everything that a real folder has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from tokenizers.processors import TemplateProcessing
from transformers import (
    CLIPVisionConfig,
    Idefics3Config,
    Idefics3ForConditionalGeneration,
    Idefics3Processor,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
)
from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil
from transformers.models.llava.image_processing_pil_llava import LlavaImageProcessorPil

from tests.tiny import BOS, llama_config, tiny_tokenizer

IMAGE = "<image>"
IDEFICS3_MARKS = [IMAGE, "<fake_token_around_image>", "<global-img>", "<end_of_utterance>"]
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<image>{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
EYES: dict[str, Any] = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": 32,
    "patch_size": 8,
    "initializer_range": 0.5,
}


def save_tiny_llava(folder: Path) -> Path:
    """Write a random LLaVA (CLIP tower, 16 image tokens) with processor and template to `folder`, and return it."""
    torch.manual_seed(0)
    tokenizer = _tokenizer([IMAGE])
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(**EYES),
        text_config=llama_config(tokenizer),
        image_token_index=tokenizer.get_vocab()[IMAGE],
        image_seq_length=16,
        vision_feature_layer=-1,
    )
    LlavaForConditionalGeneration(config).save_pretrained(folder)
    square = {"height": 32, "width": 32}
    LlavaProcessor(
        LlavaImageProcessorPil(size={"shortest_edge": 32}, crop_size=square),
        tokenizer,
        patch_size=8,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=TEMPLATE,
    ).save_pretrained(folder)
    return folder


def save_tiny_idefics3(folder: Path) -> Path:
    """Write a random Idefics3 (4 image tokens a tile, as many tiles as a picture's shape asks for), and return it."""
    torch.manual_seed(0)
    tokenizer = _tokenizer(IDEFICS3_MARKS)
    config = Idefics3Config(
        vision_config=EYES,
        text_config=llama_config(tokenizer),
        image_token_id=tokenizer.get_vocab()[IMAGE],
        scale_factor=2,
    )
    Idefics3ForConditionalGeneration(config).save_pretrained(folder)
    tiles = Idefics3ImageProcessorPil(size={"longest_edge": 64}, max_image_size={"longest_edge": 32})
    Idefics3Processor(tiles, tokenizer, image_seq_len=4, chat_template=TEMPLATE).save_pretrained(folder)
    return folder


def _tokenizer(marks: list[str]) -> PreTrainedTokenizerFast:
    """The tiny tokenizer with marks for pictures, which writes BOS itself, as Llama's does; the template is another's."""
    tokenizer = tiny_tokenizer()
    tokenizer.add_special_tokens({"additional_special_tokens": marks})
    tokenizer.chat_template = None
    bos = (BOS, tokenizer.get_vocab()[BOS])
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(single=f"{BOS} $A", special_tokens=[bos])
    return tokenizer
