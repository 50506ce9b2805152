"""The fine-tuned model: which parts stage 2 trains, how they are written and read back."""

from __future__ import annotations

from pathlib import Path

import torch
from peft import LoraConfig, inject_adapter_in_model
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from pipeline.checkpoint import load_stage1
from pipeline.errors import JobError
from pipeline.params import ModelParams, TrainParams
from pipeline.training import TrainedPart
from pipeline.vlm import VisionLanguageModel

TRAINED_FILE = "trained.safetensors"
LORA_TARGETS = ["q_proj", "v_proj", "o_proj", "down_proj"]


def prepare(vlm: VisionLanguageModel, params: TrainParams) -> VisionLanguageModel:
    """Add what stage 2 trains beside the projection: nothing (the paper's recipe), or LoRA in the language model.

    LoRA (Hu et al., arXiv 2106.09685) starts as the identity; its weights are kept in float32.
    """
    if params.parts == "projection+lora":
        torch.manual_seed(params.seed)
        config = LoraConfig(
            r=params.lora_rank, lora_alpha=2 * params.lora_rank, target_modules=LORA_TARGETS, lora_dropout=0.0
        )
        inject_adapter_in_model(config, vlm.llm)
        for name, value in vlm.llm.named_parameters():
            if "lora_" in name:
                value.data = value.data.float()
    return vlm


def save_trained(part: TrainedPart, folder: Path) -> None:
    """Write the trained parameters, and nothing else, to `folder`/trained.safetensors."""
    state = {name: value.contiguous() for name, value in part.state_dict().items()}
    save_file(state, folder / TRAINED_FILE)


def load_finetuned(model: ModelParams, params: TrainParams, folder: Path) -> VisionLanguageModel:
    """The stage-1 model with the parameters that `save_trained` wrote to `folder`.

    Raises JobError where the file is missing, damaged or was trained with other parts.
    """
    path = folder / TRAINED_FILE
    if not path.is_file():
        raise JobError(f"no fine-tuned model in {folder}: run `dvc repro train`")
    vlm = prepare(load_stage1(model), params)
    try:
        TrainedPart(vlm, 0).load_state_dict(load_file(path))
    except SafetensorError as error:
        raise JobError(f"{path} is damaged: {error}; run `dvc repro train` again") from error
    except KeyError as error:
        wanted = f"train.parts={params.parts} and train.lora_rank={params.lora_rank}"
        raise JobError(f"{path} does not fit {wanted}: {error.args[0]}; run `dvc repro train`") from None
    return vlm.eval()
