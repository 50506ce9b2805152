"""What the chat models of transformers have in common that run in this process, with eyes or without."""

from __future__ import annotations

import hashlib
from pathlib import Path

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from pipeline.files import sha256_file

# Weights, configuration, tokenizer and chat template: what decides the answers.
_DECIDING = {".safetensors", ".json", ".jinja", ".model", ".txt"}


def digest_folder(folder: Path) -> str:
    """12 hex digits over the files of a model folder that decide what it answers."""
    files = sorted(path for path in folder.iterdir() if path.suffix in _DECIDING)
    digest = hashlib.sha256("".join(f"{path.name} {sha256_file(path)}\n" for path in files).encode())
    return digest.hexdigest()[:12]


def end_tokens(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> set[int]:
    """Every token that ends an answer: some models have several, and name them in the generation config alone."""
    named = model.generation_config.eos_token_id
    return {tokenizer.eos_token_id, *(named if isinstance(named, list) else [named])} - {None}


def without_marks(text: str, tokenizer: PreTrainedTokenizerBase) -> str:
    """A text that cannot end its turn, speak in another role or show a picture: no special token is left in it."""
    for token in tokenizer.all_special_tokens:
        text = text.replace(token, " ")
    return text
