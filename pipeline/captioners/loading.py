"""Image-text-to-text models and their processors, from a folder or the Hub: no pickle, no code that comes along."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForImageTextToText
from transformers.utils.hub import cached_file

from pipeline.chat_model import digest_folder
from pipeline.compose import best_device
from pipeline.errors import JobError, UsageError, first_line
from pipeline.params import ModelParams
from pipeline.pretrained import load_with_processor
from pipeline.references import hub_reference

MEND = "set describe.model to an image-text-to-text chat model in safetensors"


@dataclass(frozen=True)
class EyedModel:
    """A model that reads pictures, and its processor; the classes of transformers have no types worth keeping."""

    name: str  # the folder's, or the Hub's
    revision: str  # a digest of the folder, or the commit
    model: Any
    processor: Any


def load_eyed_model(source: str | None, run: ModelParams) -> EyedModel:
    """Load `describe.model`, to run as `run` says.

    Raises UsageError for a source that is neither folder nor revision, JobError for one that holds no such model.
    """
    forms = "a folder, or a Hub id with its revision (org/name@revision)"
    if source is None:
        raise UsageError(f"describe.model is null: backend transformers needs {forms}")
    if Path(source).is_dir():
        model, processor = _load_parts(source, run, local_files_only=True)
        return EyedModel(Path(source).resolve().name, digest_folder(Path(source)), model, processor)
    named = hub_reference(source)
    if named is None:
        raise UsageError(f"describe.model: there is no folder {source}, and backend transformers needs {forms}")
    commit = _commit(named["repository"], named["revision"])
    model, processor = _load_parts(named["repository"], run, revision=commit)
    return EyedModel(named["repository"], commit, model, processor)


def _commit(repo: str, revision: str) -> str:
    """The commit that a revision of the Hub stands for now: a branch or tag moves."""
    try:
        config = cached_file(repo, "config.json", revision=revision)
    except OSError as error:
        raise JobError(f"cannot fetch the captioner {repo}@{revision}: {first_line(error)}; {MEND}") from error
    return Path(str(config)).parent.name  # the Hub's cache keeps a folder for each commit


def _load_parts(source: str, run: ModelParams, **where: Any) -> tuple[Any, Any]:
    how = {"dtype": getattr(torch, run.dtype), "attn_implementation": run.attention}
    model, processor = load_with_processor(AutoModelForImageTextToText, source, "captioner", MEND, where=where, how=how)
    if model.config.is_encoder_decoder:
        raise JobError(f"the model of {source} is an encoder and a decoder, which holds no conversation; {MEND}")
    if not hasattr(processor, "image_processor"):
        raise JobError(f"the model of {source} has no processor for pictures; {MEND}")
    if processor.chat_template is None:
        raise JobError(f"the processor of {source} has no chat template; {MEND}")
    if processor.tokenizer.pad_token_id is None:
        processor.tokenizer.pad_token = processor.tokenizer.eos_token
    return model.to(best_device()).eval(), processor
