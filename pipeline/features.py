"""Features of stored pictures, in memory: what `train` and `evaluate` feed to the projection."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from tqdm import tqdm

from pipeline.pictures import open_picture
from pipeline.vlm import VisionLanguageModel

_BATCH = 16


def picture_features(vlm: VisionLanguageModel, pictures: Sequence[bytes], label: str) -> Tensor:
    """Encoded pictures -> pooled features [N, tokens, 1280]."""
    parts = []
    with tqdm(total=len(pictures), desc=label, unit="picture", mininterval=1.0) as bar:
        for start in range(0, len(pictures), _BATCH):
            batch = [open_picture(data) for data in pictures[start : start + _BATCH]]
            parts.append(vlm.features(vlm.preprocess(batch)).cpu())
            bar.update(len(batch))
    return torch.cat(parts)
