"""The vision-language model: where the picture goes, what its loss is, what trains, how a projection is kept."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from pipeline.errors import JobError
from pipeline.params import ModelParams
from pipeline.vision import FEATURE_WIDTH
from pipeline.vlm import IGNORED, VisionLanguageModel, load_model, load_projection, save_projection


class Grid(nn.Module):
    """A tower that sees the same feature grid in every picture: its cell (row, column) is 7 * row + column."""

    def forward(self, pixels: Tensor) -> Tensor:
        """[B, 3, 224, 224] -> [B, 1280, 7, 7]."""
        return torch.arange(49.0).view(1, 1, 7, 7).expand(len(pixels), FEATURE_WIDTH, 7, 7)


def test_a_pyramid_is_the_whole_picture_then_its_quarters(tiny_vlm: VisionLanguageModel) -> None:
    """Means over rows and columns 0-6; then 0-3 and 3-6 (7 cells do not halve): left before right, upper before lower."""
    from PIL import Image

    vlm = VisionLanguageModel(Grid(), tiny_vlm.llm, tiny_vlm.tokenizer, (1, 2))
    found = vlm.features([Image.new("RGB", (8, 8))] * 2)
    assert found.shape == (2, vlm.image_tokens, FEATURE_WIDTH) == (2, 5, FEATURE_WIDTH)
    assert found[1, :, 0].tolist() == [24.0, 12.0, 15.0, 33.0, 36.0]
    assert torch.equal(found, found[:1, :, :1].expand_as(found))


def test_image_embeddings_take_exactly_their_place(tiny_vlm: VisionLanguageModel) -> None:
    """Every other position keeps the embedding of its token."""
    ids = torch.randint(3, 200, (2, 9))
    images = torch.randn(2, 5, 32)
    found = tiny_vlm.join(ids, images, 3)
    words = tiny_vlm.llm.get_input_embeddings().weight[ids]
    assert torch.equal(found[:, :3], words[:, :3])
    assert torch.equal(found[:, 3:8], images)
    assert torch.equal(found[:, 8:], words[:, 8:])


def test_token_losses_are_the_full_cross_entropy_s(tiny_vlm: VisionLanguageModel) -> None:
    """Each label's loss as the language model's own logits give it, in row order; forward() is their mean."""
    embeds, mask = torch.randn(3, 8, 32), torch.ones(3, 8, dtype=torch.long)
    mask[1, 6:] = 0
    labels = torch.full((3, 8), IGNORED)
    labels[0, 3:6] = torch.tensor([5, 6, 7])
    labels[1, 5] = 300
    labels[2, 0] = 9  # nothing stands before it, so nothing can predict it
    labels[2, 7] = 2
    logits = tiny_vlm.llm(inputs_embeds=embeds, attention_mask=mask).logits
    expected = torch.stack(
        [F.cross_entropy(logits[row, at - 1], labels[row, at]) for row, at in ((0, 3), (0, 4), (0, 5), (1, 5), (2, 7))]
    )
    torch.testing.assert_close(tiny_vlm.token_losses(embeds, mask, labels), expected)
    out = tiny_vlm(embeds, mask, labels)
    assert out.labelled == 5
    torch.testing.assert_close(out.loss, expected.mean())
    whole = tiny_vlm.llm(inputs_embeds=embeds, attention_mask=mask, labels=labels).loss
    torch.testing.assert_close(out.loss, whole)


def test_only_the_projection_learns(tiny_vlm: VisionLanguageModel) -> None:
    """train() leaves the frozen parts in eval mode, and a backward pass reaches the projection alone."""
    vlm = copy.deepcopy(tiny_vlm).train()
    assert vlm.projection.training
    assert not any(m.training for part in (vlm.vision, vlm.llm) for m in part.modules())
    assert [n for n, p in vlm.named_parameters() if p.requires_grad] == ["projection.weight", "projection.bias"]
    ids = torch.randint(3, 200, (1, 9))
    embeds = vlm.join(ids, vlm.project(torch.randn(1, 5, FEATURE_WIDTH)), 1)
    vlm(embeds, torch.ones_like(ids), ids).loss.backward()
    touched = [n for n, p in vlm.named_parameters() if p.grad is not None and bool(p.grad.any())]
    assert touched == ["projection.weight", "projection.bias"]
    vlm.eval()
    assert not vlm.projection.training


def test_a_projection_comes_back_as_it_was_saved(
    tiny_vlm: VisionLanguageModel, model_params: ModelParams, tmp_path: Path
) -> None:
    """Bit by bit, into a model that had another; the folder need not exist."""
    path = tmp_path / "new/projection.safetensors"
    save_projection(tiny_vlm, path)
    torch.manual_seed(1)
    assert not torch.equal(load_model(model_params).projection.weight, tiny_vlm.projection.weight)
    loaded = load_model(model_params, projection=path)
    assert torch.equal(loaded.projection.weight, tiny_vlm.projection.weight)
    assert torch.equal(loaded.projection.bias, tiny_vlm.projection.bias)


def _missing(path: Path) -> None:
    path.unlink()


def _torn(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:100])


def _of_another_model(path: Path) -> None:
    tensors = {"weight": torch.zeros(16, FEATURE_WIDTH), "bias": torch.zeros(16)}
    save_file(tensors, path, metadata={"pairmill": '{"pyramid": [1, 2]}'})


def _without_bias(path: Path) -> None:
    save_file({"weight": load_file(path)["weight"]}, path, metadata={"pairmill": '{"pyramid": [1, 2]}'})


def _of_another_pyramid(path: Path) -> None:
    save_file(load_file(path), path, metadata={"pairmill": '{"pyramid": [1, 3]}'})


def _of_nobody(path: Path) -> None:
    save_file(load_file(path), path)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_missing, "no projection at PATH: run `dvc repro pretrain`, or set model.projection"),
        (_torn, "PATH is damaged: "),
        (_of_another_model, "PATH does not fit the model: it holds {'bias': (16,), 'weight': (16, 1280)} and pyramid (1, 2); wanted "),
        (_without_bias, "PATH does not fit the model: it holds {'weight': (32, 1280)} and "),
        (_of_another_pyramid, "PATH does not fit the model: it holds {'bias': (32,), 'weight': (32, 1280)} and pyramid (1, 3); wanted "),
        (_of_nobody, "PATH does not fit the model: it holds {'bias': (32,), 'weight': (32, 1280)} and pyramid (); wanted "),
    ],
)  # fmt: skip
def test_a_projection_that_does_not_fit_is_one_line(
    tiny_vlm: VisionLanguageModel, tmp_path: Path, damage: Callable[[Path], None], said: str
) -> None:
    """It names the file and what it holds; the model keeps the projection that it had."""
    path = tmp_path / "projection.safetensors"
    save_projection(tiny_vlm, path)
    damage(path)
    before = tiny_vlm.projection.weight.clone()
    with pytest.raises(JobError) as error:
        load_projection(tiny_vlm, path)
    assert str(error.value).startswith(said.replace("PATH", str(path)))
    assert "\n" not in str(error.value)
    assert torch.equal(tiny_vlm.projection.weight, before)


@pytest.mark.parametrize("key", ["vision", "llm"])
@pytest.mark.parametrize("file", ["", "model.safetensors"], ids=["no_folder", "no_weights"])
def test_a_missing_part_is_named(model_params: ModelParams, tmp_path: Path, key: str, file: str) -> None:
    """The folder, the command that makes it and the key that names it."""
    folder = shutil.copytree(getattr(model_params, key), tmp_path / "part")
    shutil.rmtree(folder) if not file else (folder / file).unlink()
    with pytest.raises(JobError) as error:
        load_model(model_params.model_copy(update={key: folder}))
    assert str(error.value) == f"no model in {folder}: run `make assets`, or set model.vision and model.llm"


@pytest.mark.parametrize("file", ["model.safetensors", "config.json", "tokenizer.json"])
def test_a_torn_language_model_is_named(model_params: ModelParams, tmp_path: Path, file: str) -> None:
    """One line with the folder and the mend."""
    folder = shutil.copytree(model_params.llm, tmp_path / "part")
    (folder / file).write_bytes((folder / file).read_bytes()[:50])
    with pytest.raises(JobError, match=r"run `make assets`, or set model\.llm") as error:
        load_model(model_params.model_copy(update={"llm": folder}))
    assert str(error.value).startswith(f"cannot load the language model in {folder}: ")
    assert "\n" not in str(error.value)


def test_a_sharded_language_model_is_a_language_model(
    tiny_vlm: VisionLanguageModel, model_params: ModelParams, tmp_path: Path
) -> None:
    """Large models come as model-00001-of-00002.safetensors and so on."""
    folder = shutil.copytree(model_params.llm, tmp_path / "sharded")
    (folder / "model.safetensors").unlink()
    tiny_vlm.llm.save_pretrained(folder, max_shard_size="50KB")
    assert len(list(folder.glob("model-*.safetensors"))) > 1
    loaded = load_model(model_params.model_copy(update={"llm": folder}))
    assert torch.equal(loaded.llm.lm_head.weight, tiny_vlm.llm.lm_head.weight)
