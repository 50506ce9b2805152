"""The contrastive end of stage 1: gradients of captions, the map learnt from them, what it does to the projection."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from pipeline.contrast import add_contrast, caption_gradients, learn_contrast
from pipeline.params import ContrastParams
from pipeline.vision import FEATURE_WIDTH
from pipeline.vlm import VisionLanguageModel
from tests.tiny import losses_alone

PARAMS = ContrastParams(
    kept=0.5, added=3.0, epochs=15, batch_size=64, lr=0.003, weight_decay=0.1, dropout=0.2, shrinkage=0.1
)
TOKENS, WIDTH, LATENT, TEXT = 3, 40, 6, 16


def test_a_gradient_says_what_its_caption_gains(tiny_vlm: VisionLanguageModel) -> None:
    """Moving the image tokens a little along any direction changes the log-likelihood by their product."""
    torch.manual_seed(1)
    vlm, picture = tiny_vlm, torch.randn(5, FEATURE_WIDTH)
    prompt = vlm.chat.picture_prompt("What?")
    captions = [[9, 30, 31], [40], [50, 51, 52, 53, 54]]
    found = caption_gradients(vlm, picture, prompt, captions, batch_size=2)

    image = vlm.project(picture[None]).detach()
    step = 0.0005 * torch.randn_like(image)
    with torch.no_grad():
        for caption, gradient in zip(captions, found, strict=True):
            after, before = (losses_alone(vlm, moved, prompt, caption).sum() for moved in (image + step, image - step))
            assert float(before - after) == pytest.approx(2 * float((gradient * step).sum()), rel=0.02, abs=1e-4)


def world(n: int, seed: int) -> tuple[Tensor, Tensor]:
    """Features [n, TOKENS, WIDTH] and gradients [n, TOKENS, TEXT]: a few latent directions in common, and noise."""
    fixed = torch.Generator().manual_seed(0)
    sight, meaning = torch.randn(LATENT, WIDTH, generator=fixed), torch.randn(LATENT, TEXT, generator=fixed)
    rest = torch.Generator().manual_seed(seed)
    latent = torch.randn(n, 1, LATENT, generator=rest)
    features = latent @ sight + torch.randn(n, TOKENS, WIDTH, generator=rest) / 2
    return features, latent @ meaning + torch.randn(n, TOKENS, TEXT, generator=rest) / 2


def ranked_first(learnt: Tensor, features: Tensor, gradients: Tensor) -> float:
    """Share of pictures whose own caption gains most, each gain less its mean over the pictures."""
    scores = torch.einsum("nvf,df,mvd->nm", features, learnt, gradients)
    return float(((scores - scores.mean(0)).argmax(1) == torch.arange(len(scores))).float().mean())


def test_contrast_carries_over_to_pictures_it_never_saw() -> None:
    """Of 20 captions the right one gains most for most unseen pictures; without training, for about one in 20."""
    features, gradients = world(400, seed=1)
    learnt = learn_contrast([features, features + 0.1], gradients, PARAMS, seed=0)
    assert learnt.shape == (TEXT, WIDTH)
    untrained = learn_contrast([features], gradients, PARAMS.model_copy(update={"lr": 0.0}), seed=0)
    unseen = [world(20, seed) for seed in range(2, 12)]
    rates = [sum(ranked_first(found, *pair) for pair in unseen) / len(unseen) for found in (learnt, untrained)]
    assert rates[0] >= 0.6
    assert rates[1] <= 0.15


def test_contrast_depends_on_its_seed_alone() -> None:
    """The same map whatever the global generator stands at, which is left where it was."""
    features, gradients = world(80, seed=1)
    few = PARAMS.model_copy(update={"epochs": 2})
    first = learn_contrast([features], gradients, few, seed=4)
    torch.manual_seed(99)
    state = torch.get_rng_state()
    assert torch.equal(learn_contrast([features], gradients, few, seed=4), first)
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.equal(learn_contrast([features], gradients, few, seed=5), first)


@pytest.fixture
def projection() -> nn.Linear:
    """From features to a text width."""
    torch.manual_seed(6)
    return nn.Linear(WIDTH, TEXT)


@pytest.mark.parametrize(("kept", "added"), [(1.0, 0.0), (0.5, 3.0), (0.0, 2.0)])
def test_the_projection_keeps_a_share_and_gains_a_length(projection: nn.Linear, kept: float, added: float) -> None:
    """Around the mean token, which does not move: `kept` of the old signal, and `added` on average of the new one."""
    features, gradients = world(80, seed=1)
    params = PARAMS.model_copy(update={"kept": kept, "added": added, "epochs": 2})
    centre = features.mean((0, 1))
    with torch.no_grad():
        before, middle = projection(features), projection(centre)
    add_contrast(projection, [features], gradients, params, seed=0)
    with torch.no_grad():
        torch.testing.assert_close(projection(centre), middle)
        moved = projection(features) - middle - kept * (before - middle)
    assert float(moved.norm(dim=-1).mean()) == pytest.approx(added, rel=1e-3, abs=1e-4)


def test_a_channel_that_never_varies_is_not_trusted(projection: nn.Linear) -> None:
    """Its weight shrinks like all others and gains nothing; with no channel left, the projection stays as it is."""
    features, gradients = world(80, seed=1)
    few = PARAMS.model_copy(update={"epochs": 1})
    features[..., 3] = 0.25
    before = projection.weight.detach().clone()
    add_contrast(projection, [features], gradients, few, seed=0)
    torch.testing.assert_close(projection.weight[:, 3], few.kept * before[:, 3])
    assert not torch.allclose(projection.weight[:, 4], few.kept * before[:, 4])
    before = projection.weight.detach().clone()
    add_contrast(projection, [torch.zeros_like(features)], gradients, few, seed=0)
    assert torch.equal(projection.weight, before)
