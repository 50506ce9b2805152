"""Checkpoints of the vision-language model: a folder with config.json and model.safetensors.

model.safetensors holds what stage 1 trains, a few megabytes. The frozen parts stay where they are: config.json
names each by its folder (seen from the checkpoint's) or by its repository on the Hub with the revision, and by the
sha256 of its tensors, so that a checkpoint never runs on another language model than it was trained with. A frozen
part that lies nowhere yet is written into the checkpoint's own folder.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from pipeline.compose import best_device, in_full_precision, load_parts
from pipeline.errors import JobError, first_line, listed
from pipeline.files import atomic, sha256_file
from pipeline.params import ModelParams
from pipeline.parts import LLM, QFORMER, VISION, digest, save_pixel_format
from pipeline.references import part_folder, refer
from pipeline.vlm import VisionLanguageConfig, VisionLanguageModel

TRAINED_FILE, CONFIG_FILE = "model.safetensors", "config.json"


def save_checkpoint(vlm: VisionLanguageModel, folder: Path) -> None:
    """Write config.json and model.safetensors, whole or not at all, and frozen parts that lie nowhere yet."""
    folder.mkdir(parents=True, exist_ok=True)
    config = VisionLanguageConfig(**vlm.config.to_dict())
    for part in (VISION, QFORMER, LLM):
        module = getattr(vlm, part)
        if module is None:
            continue
        if part not in config.frozen:
            module.save_pretrained(folder / part)
            config.frozen[part] = {"folder": part}
            if part == LLM and vlm.tokenizer is not None:
                vlm.tokenizer.save_pretrained(folder / part)
            if part == VISION:
                save_pixel_format(folder / part, side=config.image_size, mean=config.image_mean, std=config.image_std)
        config.frozen[part] = refer(config.frozen[part], folder)
    tensors = {name: value.detach().contiguous().float().cpu() for name, value in vlm.trained_state().items()}
    with atomic(folder / TRAINED_FILE) as path:
        save_file(tensors, path, metadata={"format": "pt"})
    with atomic(folder / CONFIG_FILE) as path:  # last: a folder without it is no checkpoint
        path.write_text(json.dumps(config.to_diff_dict(), indent=1, sort_keys=True) + "\n", encoding="utf-8")


def read_config(folder: Path) -> VisionLanguageConfig:
    """The config of a checkpoint. Raises JobError where there is none, or it is another model's."""
    path = folder / CONFIG_FILE
    if not path.is_file():
        raise JobError(f"no checkpoint in {folder}: run `dvc repro pretrain` or `pairmill convert`")
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if values["model_type"] == VisionLanguageConfig.model_type:
            return VisionLanguageConfig(**values)
        what = f"model_type is {values['model_type']}"
    except (ValueError, TypeError, KeyError) as error:
        what = first_line(error)
    mend = "run `dvc repro pretrain` or `pairmill convert` again"
    raise JobError(f"{path} is not a checkpoint's config ({what}); {mend}")


def identity_of(folder: Path) -> tuple[str, str]:
    """The name and the revision of the model in a checkpoint: its frozen parts, and the digests of all parts."""
    frozen = read_config(folder).frozen
    parts = [frozen[part] for part in (VISION, QFORMER, LLM) if part in frozen]
    names = [part.get("repository") or Path(part["folder"]).name for part in parts]
    digests = [part.get("revision") or part.get("sha256", "unknown") for part in parts]
    return " + ".join(names), "-".join(value[:12] for value in (sha256_file(folder / TRAINED_FILE), *digests))


def load_model(
    folder: Path,
    *,
    dtype: str = "float32",
    attention: str = "sdpa",
    device: str | None = None,
    threads: int | None = None,
) -> VisionLanguageModel:
    """Open a checkpoint, in eval mode, on `device` (by default the machine's accelerator, or the CPU).

    `dtype` and `attention` are the language model's; so is the tower's dtype on an accelerator.

    Raises JobError, in one line, where the checkpoint or a frozen part is missing, damaged, of another shape, or
    not the one that the checkpoint was made with.
    """
    if threads:
        torch.set_num_threads(threads)
    device = device or best_device()
    config = read_config(folder)
    folders = {part: part_folder(folder, part, reference) for part, reference in config.frozen.items()}
    if not folders.keys() >= {VISION, LLM}:
        raise JobError(f"{folder / CONFIG_FILE} names no frozen {VISION if VISION not in folders else LLM}")
    parts = load_parts(folders, dtype, attention, device)
    for part, reference in config.frozen.items():
        if "sha256" in reference and digest(folders[part]) != reference["sha256"]:
            mend = f"bring that one, or take this one on: remove frozen.{part}.sha256 from {folder / CONFIG_FILE}"
            raise JobError(f"the {part} in {folders[part]} is not the one that {folder} was made with; {mend}")
    # In memory a part is where it was found, so that the checkpoint can be saved elsewhere.
    places = {part: {**config.frozen[part], "folder": str(found.resolve())} for part, found in folders.items()}
    config.frozen = {part: kept if "repository" in kept else places[part] for part, kept in config.frozen.items()}
    if config.train_qformer:
        in_full_precision(parts)
    vlm = VisionLanguageModel(config, parts)
    load_trained(vlm, folder)
    nn.Module.to(vlm, torch.device(device))  # PreTrainedModel's wrapper has no types that hold
    return vlm.eval()


def load_stage1(params: ModelParams) -> VisionLanguageModel:
    """The checkpoint that the params name, as they say it runs."""
    return load_model(params.checkpoint, dtype=params.dtype, attention=params.attention, threads=params.threads)


def load_trained(vlm: VisionLanguageModel, folder: Path) -> None:
    """Load the trained part of a checkpoint; a tensor missing, left over or of another shape is a JobError."""
    path = folder / TRAINED_FILE
    if not path.is_file():
        raise JobError(f"no trained part at {path}: run `dvc repro pretrain` or `pairmill convert`")
    try:
        state = load_file(path)
    except SafetensorError as error:
        raise JobError(f"{path} is damaged: {error}; make it again") from error
    fit_tensors(state, vlm.trained_state(), str(path))
    vlm.load_state_dict(state, strict=False)


def fit_tensors(found: dict[str, Tensor], wanted: dict[str, Tensor], source: str) -> None:
    """Raise JobError that lists what `source` lacks, has too much, or has in another shape."""
    lists = {
        "missing": sorted(wanted.keys() - found.keys()),
        "left over": sorted(found.keys() - wanted.keys()),
        "of another shape": [
            f"{name} {list(found[name].shape)} for {list(wanted[name].shape)}"
            for name in sorted(wanted.keys() & found.keys())
            if found[name].shape != wanted[name].shape
        ],
    }
    wrong = [f"{what}: {listed(names)}" for what, names in lists.items() if names]
    if wrong:
        raise JobError(f"{source} does not fit the model; {'; '.join(wrong)}")
