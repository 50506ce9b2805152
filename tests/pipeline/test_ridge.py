"""The closed-form start of the projection."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor

from pipeline.ridge import start_from_ridge
from pipeline.vision import FEATURE_WIDTH
from pipeline.vlm import VisionLanguageModel

COMMON, RARE = 7, (20, 30, 40, 50)


@pytest.fixture
def vlm(tiny_vlm: VisionLanguageModel) -> VisionLanguageModel:
    """A model of its own."""
    return copy.deepcopy(tiny_vlm)


@pytest.fixture(scope="module")
def features() -> Tensor:
    """Four pictures that differ; within each, all five places look alike."""
    torch.manual_seed(2)
    return torch.randn(4, 1, FEATURE_WIDTH).expand(4, 5, FEATURE_WIDTH)


def test_a_picture_lands_on_its_caption_s_rare_word(vlm: VisionLanguageModel, features: Tensor) -> None:
    """A word that every caption has tells nothing; what is left is the other word, twice as often or not."""
    start_from_ridge(
        vlm, features, [[COMMON, RARE[0]], [RARE[1], COMMON, RARE[1]], [COMMON, RARE[2]], [COMMON, RARE[3]]], 1e-6
    )
    words = vlm.llm.get_input_embeddings().weight
    found = vlm.project(features)[:, 0]
    expected = words[list(RARE)]
    scale = words.norm(dim=1).mean() / expected.norm(dim=1).mean()
    torch.testing.assert_close(found, expected * scale, rtol=1e-3, atol=1e-3)


def test_rarer_words_weigh_more(vlm: VisionLanguageModel, features: Tensor) -> None:
    """By log(captions / captions with the word): here log(4 / 1) against log(4 / 2)."""
    start_from_ridge(vlm, features, [[60, 61], [60], [62], [63]], 1e-6)
    words = vlm.llm.get_input_embeddings().weight
    first, second = vlm.project(features)[:2, 0]
    scale = first.norm() / ((words[60] + 2 * words[61]) / 3).norm()
    torch.testing.assert_close(first, (words[60] + 2 * words[61]) / 3 * scale, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(second, words[60] * scale, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("strength", [0.1, 1000.0])
def test_it_is_ridge_regression(vlm: VisionLanguageModel, strength: float) -> None:
    """The least-squares solution of the system with sqrt(strength) on a diagonal below it, on each picture's mean."""
    features = torch.randn(6, 5, FEATURE_WIDTH)
    captions = [[10 + i] for i in range(6)]
    start_from_ridge(vlm, features, captions, strength)
    words = vlm.llm.get_input_embeddings().weight
    x, y = features.mean(1).double(), words[range(10, 16)].detach().double()
    rows = torch.cat([x - x.mean(0), strength**0.5 * torch.eye(FEATURE_WIDTH, dtype=torch.float64)])
    targets = torch.cat([y - y.mean(0), torch.zeros(FEATURE_WIDTH, 32, dtype=torch.float64)])
    weight = torch.linalg.lstsq(rows, targets).solution.T.float()
    ratio = vlm.projection.weight.norm() / weight.norm()
    torch.testing.assert_close(vlm.projection.weight.detach(), weight * ratio, rtol=1e-3, atol=1e-5)
    torch.testing.assert_close(vlm.project(x.mean(0).float()), y.mean(0).float() * ratio, rtol=1e-3, atol=1e-3)


def test_image_embeddings_are_as_long_as_a_token_s(vlm: VisionLanguageModel) -> None:
    """On average over all places: what the language model expects to read."""
    features = torch.randn(6, 5, FEATURE_WIDTH) * 100
    start_from_ridge(vlm, features, [[10 + i, 9] for i in range(6)], 10.0)
    words = vlm.llm.get_input_embeddings().weight
    torch.testing.assert_close(vlm.project(features).norm(dim=-1).mean(), words.norm(dim=1).mean())
