"""Tensors from files and folders that other people wrote, without running any code of theirs."""

from __future__ import annotations

import json
import pickle
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from pipeline.errors import JobError, first_line

BLIP2_PREFIXES = ("vision_model.", "qformer.", "query_tokens")


def read_tensors(path: Path, prefixes: Sequence[str] = ("",)) -> dict[str, Tensor]:
    """The tensors of a safetensors file or of a .pth (its "model" where it has one), those with a prefix alone.

    Raises JobError where the file is missing, damaged, or holds more than tensors.
    """
    try:
        if path.suffix == ".safetensors":
            with safe_open(path, framework="pt") as file:
                names = [name for name in file.keys() if name.startswith(tuple(prefixes))]  # noqa: SIM118 - not a dict
                return {name: file.get_tensor(name) for name in names}
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise JobError(f"{path} does not exist") from None
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        raise JobError(f"cannot read tensors from {path}: {first_line(error)}; fetch it again") from None
    found = loaded.get("model", loaded) if isinstance(loaded, dict) else loaded
    if not isinstance(found, dict) or not all(isinstance(value, Tensor) for value in found.values()):
        raise JobError(f"{path} holds no table of tensors: a MiniGPT-4 .pth has one under 'model'")
    return {name: value for name, value in found.items() if name.startswith(tuple(prefixes))}


def read_blip2(folder: Path) -> dict[str, Tensor]:
    """The tower and the Q-Former of a BLIP-2 folder, shard by shard; its language model, 40 GB, is never read."""
    indexes = sorted(folder.glob("*.index.json"), key=lambda path: "safetensors" not in path.name)
    if indexes:
        files = json.loads(indexes[0].read_text(encoding="utf-8"))["weight_map"]
        paths = sorted({folder / file for name, file in files.items() if name.startswith(BLIP2_PREFIXES)})
    else:
        paths = sorted(folder.glob("*.safetensors")) or sorted(folder.glob("*.bin"))
    if not paths:
        raise JobError(f"no weights in {folder}: a BLIP-2 folder holds .safetensors or .bin files")
    found: dict[str, Tensor] = {}
    for path in paths:
        found |= read_tensors(path, BLIP2_PREFIXES)
    return found
