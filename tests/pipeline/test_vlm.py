"""The vision-language model: where the picture goes, what its loss is, what trains."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pipeline.vision import FEATURE_WIDTH
from pipeline.vlm import IGNORED, VisionLanguageModel


class Grid(nn.Module):
    """A tower that sees the same feature grid in every picture: its cell (row, column) is 7 * row + column."""

    def __init__(self) -> None:
        super().__init__()
        self.unused = nn.Parameter(torch.zeros(1))

    def forward(self, pixels: Tensor) -> Tensor:
        """[B, 3, 224, 224] -> [B, 1280, 7, 7]."""
        return torch.arange(49.0).view(1, 1, 7, 7).expand(len(pixels), FEATURE_WIDTH, 7, 7)


def test_a_pyramid_is_the_whole_picture_then_its_quarters(tiny_vlm: VisionLanguageModel) -> None:
    """Means over rows and columns 0-6; then 0-3 and 3-6 (7 cells do not halve): left before right, upper before lower."""
    from PIL import Image

    vlm = copy.deepcopy(tiny_vlm)
    vlm.vision = Grid()
    found = vlm.features(vlm.preprocess([Image.new("RGB", (8, 8))] * 2))
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
    """Each label's loss as the language model's own logits give it, in row order; forward() gives their mean."""
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
    torch.testing.assert_close(out.loss, expected.mean())
    torch.testing.assert_close(out.logits, logits)


def test_only_the_projection_learns(tiny_vlm: VisionLanguageModel) -> None:
    """train() leaves the frozen parts in eval mode, and a backward pass reaches the projection alone."""
    vlm = copy.deepcopy(tiny_vlm).train()
    assert vlm.projection.training
    assert not any(m.training for part in (vlm.vision, vlm.llm) for m in part.modules())
    assert [n for n, p in vlm.named_parameters() if p.requires_grad] == ["projection.weight", "projection.bias"]
    ids = torch.randint(3, 200, (1, 9))
    embeds = vlm.join(ids, vlm.project(torch.randn(1, 5, FEATURE_WIDTH)), 1)
    vlm.token_losses(embeds, torch.ones_like(ids), ids).mean().backward()
    touched = [n for n, p in vlm.named_parameters() if p.grad is not None and bool(p.grad.any())]
    assert touched == ["projection.weight", "projection.bias"]
    vlm.eval()
    assert not vlm.projection.training
