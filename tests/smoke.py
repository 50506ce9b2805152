"""A copy of the repository with generated pictures and tiny models, in which the smoke profile runs."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from pipeline.parts import save_pixel_format
from pipeline.vision import EfficientNetLite0, EfficientNetLite0Config
from tests.tiny import save_tiny_llm

ROOT = Path(__file__).resolve().parent.parent
SOURCES = (
    "pipeline",
    "stages",
    "filters",
    "measures",
    "experiments",
    "profiles",
    "dvc.yaml",
    "params.yaml",
    ".dvcignore",
)
COLORS = ("red", "green", "blue", "yellow", "purple")
THINGS = ("ball", "house", "tree", "boat", "car", "dog", "flag", "lamp", "hat", "fish")


def make_checkout(folder: Path) -> Path:
    """Copy the sources to `folder`, make pictures and models there, choose the smoke profile; returns `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    (folder / "params.yaml").write_text("profile: smoke\n", encoding="utf-8")
    make_pictures(folder / ".cache/smoke/pictures")
    save_tiny_llm(folder / ".cache/smoke/llm")
    save_random_vision(folder / ".cache/smoke/vision")
    return folder


def make_pictures(folder: Path) -> None:
    """Fifty pictures of noise in one colour, captioned "a red ball", ...; one of them is no picture."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    lines = []
    for color in COLORS:
        for thing in THINGS:
            name = f"{color}-{thing}.png"
            noise = rng.integers(0, 255, (48, 64, 3), dtype=np.uint8)
            Image.fromarray(noise).save(folder / name)
            lines.append(f"{name}\ta {color} {thing}\t{thing}s, toys")
    (folder / "red-ball.png").write_bytes(b"not a picture")
    (folder / "captions.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def save_random_vision(folder: Path) -> None:
    """An EfficientNet-Lite0 that has learnt nothing."""
    torch.manual_seed(0)
    EfficientNetLite0(EfficientNetLite0Config()).save_pretrained(folder)
    save_pixel_format(folder, side=224, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
