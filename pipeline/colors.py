"""The main colours of a picture, by the names that people use for them."""

from __future__ import annotations

from collections import Counter

import numpy as np
from PIL import Image

_SIDE = 64  # pixels; enough to weigh colours
_MIN_SHARE = 0.08  # of the pixels that are not background
_HUES = (  # upper end of each hue in degrees, and its name
    (15, "red"),
    (45, "orange"),
    (70, "yellow"),
    (165, "green"),
    (255, "blue"),
    (290, "purple"),
    (340, "pink"),
    (360, "red"),
)


def main_colors(picture: Image.Image) -> list[str]:
    """Up to three colours of an RGB picture, most frequent first, its white background left out.

    Pixels are named by hue where they are saturated, else by brightness; dark orange is called brown, as
    people do. White counts only where the picture has nothing else.
    """
    hsv = np.asarray(picture.resize((_SIDE, _SIDE), Image.Resampling.BILINEAR).convert("HSV"), dtype=np.int32)
    hue, saturation, value = hsv[..., 0].ravel() * 360 // 255, hsv[..., 1].ravel(), hsv[..., 2].ravel()
    names = np.select([hue < edge for edge, _ in _HUES], [name for _, name in _HUES], default="red").astype(object)
    names[(names == "orange") & (value < 170)] = "brown"
    names[(names == "red") & (value < 100) & (saturation < 170)] = "brown"
    pale = saturation < 45
    names[pale & (value >= 70)] = "gray"
    names[pale & (value >= 225)] = "white"
    names[value < 60] = "black"
    counts = Counter(names.tolist())
    white = counts.pop("white", 0)
    total = sum(counts.values())
    if total < 0.02 * (total + white):
        return ["white"]
    return [str(name) for name, count in counts.most_common(3) if count >= _MIN_SHARE * total]
