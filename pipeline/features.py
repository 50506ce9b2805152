"""Features of pictures, in memory: what `train` and `evaluate` feed to the projection."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

import torch
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from pipeline.vlm import VisionLanguageModel

_BATCH = 16


def picture_features(vlm: VisionLanguageModel, pictures: Iterable[Image.Image], total: int, label: str) -> Tensor:
    """`total` pictures -> features [N, tokens, width], a few pictures in memory at a time."""
    parts, left = [], iter(pictures)
    with tqdm(total=total, desc=label, unit="picture", mininterval=1.0) as bar:
        while batch := list(islice(left, _BATCH)):
            parts.append(vlm.features(vlm.preprocess(batch)).cpu())
            bar.update(len(batch))
    return torch.cat(parts)
