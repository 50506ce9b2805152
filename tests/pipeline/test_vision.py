"""The vision tower: shapes, TensorFlow's padding, the range of its input, and that nothing trains it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from pipeline.errors import JobError
from pipeline.params import ModelParams
from pipeline.parts import load_vision
from pipeline.vision import EfficientNetLite0, InvertedResidual, SameConv2d, preprocess

HALF = (0.5, 0.5, 0.5)


@pytest.fixture(scope="module")
def tower(model_params: ModelParams) -> EfficientNetLite0:
    """A tower with random weights, from disk."""
    found = load_vision(model_params.vision)
    assert isinstance(found, EfficientNetLite0)
    return found


def test_a_picture_becomes_a_grid_of_features(tower: EfficientNetLite0) -> None:
    """[B, 3, 224, 224] -> [B, 1280, 7, 7]; what else is in the batch changes nothing."""
    pixels = torch.randn(2, 3, 224, 224)
    grid = tower(pixels)
    assert grid.shape == (2, 1280, 7, 7)
    torch.testing.assert_close(grid[1:], tower(pixels[1:]), atol=0.0, rtol=1e-3)


def test_it_has_lite0_s_layers(tower: EfficientNetLite0) -> None:
    """16 blocks in 7 stages, and the published 4.65 million parameters without the classifier's 1.28 million."""
    assert len(tower.blocks) == 16
    assert sum(p.numel() for p in tower.parameters()) + 1281 * 1000 == 4_652_008


@pytest.mark.parametrize(
    ("side", "stride", "expected"),
    [
        # 0 1 2 3 / 4 5 6 7 / 8 9 10 11 / 12 13 14 15, one column and one row of zeros, right and below alone
        pytest.param(4, 2, [[45, 39], [66, 50]], id="even side, stride 2: uneven"),
        # 0 1 2 3 4 / 5 .. 9 / 10 .. 14 / 15 .. 19 / 20 .. 24, zeros on all four sides
        pytest.param(5, 2, [[12, 27, 24], [63, 108, 81], [72, 117, 84]], id="odd side, stride 2: even"),
        # 0 1 2 / 3 4 5 / 6 7 8, zeros on all four sides
        pytest.param(3, 1, [[8, 15, 12], [21, 36, 27], [20, 33, 24]], id="stride 1: even"),
    ],
)
def test_same_padding_is_tensorflow_s(side: int, stride: int, expected: list[list[int]]) -> None:
    """Sums of 3 x 3 windows, by hand: where the total padding is odd, the larger part lies right and below."""
    conv = SameConv2d(1, 1, 3, stride, bias=False)
    torch.nn.init.ones_(conv.weight)
    found = conv(torch.arange(float(side**2)).view(1, 1, side, side))
    assert found[0, 0].tolist() == expected


def test_same_padding_knows_height_from_width() -> None:
    """A [1, 1, 2, 5] input with stride 2 gives ceil(2 / 2) rows and ceil(5 / 2) columns."""
    conv = SameConv2d(1, 1, 3, 2, bias=False)
    torch.nn.init.ones_(conv.weight)
    assert conv(torch.arange(10.0).view(1, 1, 2, 5))[0, 0].tolist() == [[12, 27, 24]]


@pytest.mark.parametrize(
    ("outputs", "stride", "skips"), [(8, 1, True), (8, 2, False), (16, 1, False)], ids=["same", "stride", "width"]
)
def test_a_block_skips_where_the_shapes_allow_it(outputs: int, stride: int, skips: bool) -> None:
    """With its last norm at zero, a block with a skip is the identity and one without gives zeros."""
    block = InvertedResidual(8, outputs, 3, stride, 6).eval()
    torch.nn.init.zeros_(block.bn2.weight)
    x = torch.randn(1, 8, 6, 6)
    found = block(x)
    assert found.shape == (1, outputs, 6 // stride, 6 // stride)
    assert torch.equal(found, x if skips else torch.zeros_like(found))


def test_a_loaded_tower_is_frozen(tower: EfficientNetLite0) -> None:
    """Eval mode, no gradients."""
    assert not any(module.training for module in tower.modules())
    assert not any(p.requires_grad for p in tower.parameters())


@pytest.mark.parametrize(
    ("mode", "color", "channels"),
    [
        ("RGB", (0, 0, 0), (-1.0, -1.0, -1.0)),
        ("RGB", (255, 255, 255), (1.0, 1.0, 1.0)),
        ("RGB", (255, 0, 51), (1.0, -1.0, -0.6)),
        ("L", 255, (1.0, 1.0, 1.0)),
    ],
    ids=["black", "white", "color", "grey"],
)
def test_pixels_lie_between_minus_one_and_one(
    mode: str, color: int | tuple[int, int, int], channels: tuple[float, float, float]
) -> None:
    """As TensorFlow scales them, red first; whatever the picture's size, it becomes 224 x 224."""
    found = preprocess([Image.new(mode, (40, 30), color), Image.new("RGB", (500, 300))], 224, HALF, HALF)
    assert found.shape == (2, 3, 224, 224)
    torch.testing.assert_close(found[0], torch.tensor(channels).view(3, 1, 1).expand(3, 224, 224))


def test_a_picture_is_squashed_not_cropped() -> None:
    """The left quarter of a wide picture stays the left quarter, and up stays up."""
    picture = Image.new("RGB", (448, 112), "white")
    picture.paste((0, 0, 0), (0, 0, 112, 56))
    found = preprocess([picture], 224, HALF, HALF)[0, 0]
    dark = found < 0
    assert dark[:112, :56].all()
    assert dark.sum() == 112 * 56


def test_each_channel_has_its_mean_and_deviation() -> None:
    """CLIP's towers want others than 0.5, and other sizes."""
    found = preprocess([Image.new("RGB", (9, 9), (255, 51, 0))], 56, (0.5, 0.1, 0.2), (0.25, 0.1, 0.4))
    assert found.shape == (1, 3, 56, 56)
    torch.testing.assert_close(found[0, :, 3, 4], torch.tensor([2.0, 1.0, -0.5]))


def _torn(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:1000])


def _one_tensor_missing(file: Path) -> None:
    save_file({name: value for name, value in load_file(file).items() if name != "bn1.bias"}, file, {"format": "pt"})


def _one_tensor_of_another_shape(file: Path) -> None:
    save_file({**load_file(file), "bn1.bias": torch.zeros(7)}, file, {"format": "pt"})


@pytest.mark.parametrize("damage", [_torn, _one_tensor_missing, _one_tensor_of_another_shape])
def test_weights_that_do_not_fit_are_one_line(
    model_params: ModelParams, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    """It names the folder and what to do."""
    folder = shutil.copytree(model_params.vision, tmp_path / "tower")
    damage(folder / "model.safetensors")
    with pytest.raises(JobError, match=r"cannot load the vision tower in .*run `make assets`") as error:
        load_vision(folder)
    assert str(folder) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("kind", ["unheard_of", None])
def test_a_tower_that_transformers_does_not_know_is_one_line(
    model_params: ModelParams, tmp_path: Path, kind: str | None
) -> None:
    """As damaged weights are: the folder, and what to do."""
    folder = shutil.copytree(model_params.vision, tmp_path / "tower")
    (folder / "config.json").write_text(json.dumps({"model_type": kind} if kind else {}))
    with pytest.raises(JobError, match=r"cannot load the vision tower in .*run `make assets`") as error:
        load_vision(folder)
    assert "\n" not in str(error.value)
