"""A language model of a few kilobytes with everything a real folder has, and a plain way to ask it for losses."""

from __future__ import annotations

from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from pipeline.prompts import Prompt
from pipeline.vlm import IGNORED, VisionLanguageModel

BOS, EOS, PAD = "<|im_start|>", "<|im_end|>", "<|pad|>"
CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SENTENCES = (
    "The image shows a red bus on a street.",
    "The image shows a dog that sits on a mat near a tree.",
    "It is about animals and transport.",
    "Describe this image in detail. Fix the error in the given paragraph.",
)


def save_tiny_llm(folder: Path, seed: int = 0) -> Path:
    """Write a random Llama (2 layers, width 32, 320 tokens, ChatML) to `folder`, and return it."""
    torch.manual_seed(seed)
    tokenizer = tiny_tokenizer()
    LlamaForCausalLM(llama_config(tokenizer)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def llama_config(tokenizer: PreTrainedTokenizerFast) -> LlamaConfig:
    """Two layers of width 32; weights wide apart, so that no rounding decides between two tokens."""
    return LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=1024,
        initializer_range=0.5,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )


def losses_alone(vlm: VisionLanguageModel, image: Tensor, prompt: Prompt, caption: list[int]) -> Tensor:
    """Loss of each token of one caption after image embeddings [1, tokens, llm_dim]: one row, no cache, no padding."""
    head = [*prompt.before_image, *[0] * image.shape[1], *prompt.after_image]
    ids = torch.tensor([[*head, *caption]])
    labels = torch.tensor([[*[IGNORED] * len(head), *caption]])
    embeds = vlm.join(ids, image, len(prompt.before_image))
    return vlm.token_losses(embeds, torch.ones_like(ids), labels)


def tiny_tokenizer() -> PreTrainedTokenizerFast:
    """A byte-level BPE: any text has tokens, and they give it back."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=320, special_tokens=[BOS, EOS, PAD], initial_alphabet=alphabet)
    bpe.train_from_iterator(SENTENCES, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe, bos_token=BOS, eos_token=EOS, pad_token=PAD, chat_template=CHAT_TEMPLATE
    )
