"""Grounding figures: the losses behind them, the shuffle, the ranking and its statistics."""

from __future__ import annotations

import copy
import random

import pytest
import torch
from scipy import stats
from torch import Tensor

from pipeline.errors import JobError
from pipeline.grounding import (
    _by_caption,
    caption_losses,
    count_first,
    margin_of,
    measure_grounding,
    next_in_cycle,
    right_and_shuffled,
)
from pipeline.prompts import Prompt
from pipeline.vision import FEATURE_WIDTH
from pipeline.vlm import VisionLanguageModel
from tests.tiny import losses_alone

CAPTIONS = [[9], [30, 31, 32, 33, 34, 35], [40, 41], [9, 9, 9], [50, 51, 52]]


@torch.no_grad()
def loss_by_itself(vlm: VisionLanguageModel, picture: Tensor, prompt: Prompt, caption: list[int]) -> Tensor:
    """Mean loss of one caption in one row, without cache or padding."""
    return losses_alone(vlm, vlm.project(picture[None]), prompt, caption).mean()


@pytest.fixture(scope="module")
def features() -> Tensor:
    """Five pictures of noise."""
    torch.manual_seed(3)
    return torch.randn(len(CAPTIONS), 5, FEATURE_WIDTH) * 3


@pytest.mark.parametrize("bare", [True, False], ids=["bare", "prompt"])
def test_captions_that_share_a_cache_have_the_losses_they_have_alone(
    tiny_vlm: VisionLanguageModel, features: Tensor, bare: bool
) -> None:
    """Whatever their lengths and their neighbours."""
    prompt = tiny_vlm.chat.bare_prompt() if bare else tiny_vlm.chat.picture_prompt("What?")
    choices = [CAPTIONS, CAPTIONS[::-1]]
    found = caption_losses(tiny_vlm, features[:2], prompt, choices)
    expected = [
        [float(loss_by_itself(tiny_vlm, picture, prompt, caption)) for caption in captions]
        for picture, captions in zip(features, choices, strict=False)
    ]
    torch.testing.assert_close(found, torch.tensor(expected), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("n", [2, 3, 10, 241])
def test_a_shuffle_gives_nobody_his_own(n: int) -> None:
    """One cycle through all items: a permutation without a fixed point; the seed decides which."""
    other = next_in_cycle(n, 4)
    seen, at = [], 0
    for _ in range(n):
        at = other[at]
        seen.append(at)
    assert sorted(seen) == list(range(n))
    assert seen[-1] == 0
    assert next_in_cycle(n, 4) == other
    assert n < 10 or next_in_cycle(n, 5) != other


def test_the_margin_pairs_by_caption() -> None:
    """Caption 0 gains 0.25, caption 1 gains 0.5, caption 2 gains 0.75; three of three gain: p = 1 / 2**3."""
    # row i: picture i with caption i, and with caption other[i]
    losses = torch.tensor([[1.0, 2.5], [2.0, 3.75], [3.0, 1.25]])
    found = margin_of(*_by_caption(losses, [1, 2, 0]))
    assert (found.loss_right, found.loss_shuffled, found.margin, found.margin_p) == (2.0, 2.5, 0.5, 0.125)
    other_way = margin_of(*_by_caption(losses.flip(1)[[2, 0, 1]].flip(1) - torch.tensor([0.0, 5.0]), [1, 2, 0]))
    assert other_way.margin < 0
    assert other_way.margin_p == 1.0


def test_where_nothing_differs_p_is_one() -> None:
    """Wilcoxon's test knows no answer there."""
    found = margin_of(*_by_caption(torch.ones(5, 2), next_in_cycle(5, 0)))
    assert (found.loss_right, found.loss_shuffled, found.margin, found.margin_p) == (1.0, 1.0, 0.0, 1.0)


def test_the_margin_compares_each_caption_with_two_pictures(tiny_vlm: VisionLanguageModel, features: Tensor) -> None:
    """Its own, and the one whose turn it is; the test is one-sided."""
    prompt = tiny_vlm.chat.bare_prompt()
    other = next_in_cycle(len(CAPTIONS), 6)
    right = torch.stack([loss_by_itself(tiny_vlm, features[i], prompt, CAPTIONS[i]) for i in range(5)])
    shuffled = torch.stack([loss_by_itself(tiny_vlm, features[other.index(i)], prompt, CAPTIONS[i]) for i in range(5)])
    found = margin_of(*right_and_shuffled(tiny_vlm, features, prompt, CAPTIONS, 6))
    assert found.loss_right == pytest.approx(float(right.mean()), rel=1e-4)
    assert found.loss_shuffled == pytest.approx(float(shuffled.mean()), rel=1e-4)
    assert found.margin == pytest.approx(float((shuffled - right).mean()), abs=1e-3)
    assert found.margin_p == stats.wilcoxon(shuffled - right, alternative="greater").pvalue


@pytest.mark.parametrize(
    ("own", "choices", "lengths", "first"),
    [
        # Without its picture caption 0 costs 3, caption 1 costs 4, caption 2 costs 5.
        ([2.0, 3.0, 4.0], [{1: 4.0, 2: 5.0}, {0: 3.0, 2: 5.0}, {0: 3.0, 1: 4.0}], [1, 1, 1], 3),
        ([2.0, 3.0, 4.0], [{1: 2.0, 2: 5.0}, {0: 3.0, 2: 5.0}, {0: 3.0, 1: 4.0}], [1, 1, 1], 1),
        ([2.0, 2.9, 4.0], [{1: 3.5, 2: 5.0}, {0: 3.0, 2: 5.0}, {0: 3.0, 1: 4.5}], [1, 3, 1], 2),
        ([3.0, 4.0, 5.0], [{1: 4.0, 2: 5.0}, {0: 3.0, 2: 5.0}, {0: 3.0, 1: 4.0}], [1, 1, 1], 0),
        ([0.0, 3.0, 4.0], [{1: 4.0, 2: 5.0}, {2: 5.0}, {1: 4.0}], [1, 1, 1], 2),
    ],
    ids=["all", "another gains as much", "long captions gain more", "nothing gains", "nobody's distractor"],
)
def test_a_picture_is_won_by_the_caption_that_gains_most(
    own: list[float], choices: list[dict[int, float]], lengths: list[int], first: int
) -> None:
    """Summed over its tokens, against its mean loss with the pictures it does not belong to; a tie is no win."""
    assert count_first(own, choices, lengths) == first


WORDS = list(range(100, 112))  # token ids, one for each picture


@pytest.fixture(scope="module")
def seeing(tiny_vlm: VisionLanguageModel) -> VisionLanguageModel:
    """A model that expects the word whose feature the picture has, and of words it knows only those.

    Each head attends to all positions alike and hands on the words it finds there: of 32 dimensions the first 16
    are words; 2 key-value heads of 8 dimensions carry them to the heads 0 and 2.
    """
    vlm = copy.deepcopy(tiny_vlm)
    model = vlm.llm.model
    with torch.no_grad():
        for layer in model.layers:
            for part in (layer.self_attn.q_proj, layer.self_attn.o_proj, layer.mlp.down_proj):
                part.weight.zero_()
        attention = model.layers[0].self_attn
        attention.v_proj.weight.copy_(torch.eye(32)[:16])
        attention.o_proj.weight[0:8, 0:8] = torch.eye(8)
        attention.o_proj.weight[8:16, 16:24] = torch.eye(8)
        model.embed_tokens.weight[:, :16] = 0.0
        model.embed_tokens.weight[WORDS] = 0.0
        vlm.llm.lm_head.weight.zero_()
        vlm.llm.lm_head.weight[WORDS] = torch.eye(32)[: len(WORDS)] * 4
        vlm.projection.weight.copy_(torch.eye(32, FEATURE_WIDTH) * 10)
        vlm.projection.bias.zero_()
    return vlm


@pytest.fixture(scope="module")
def pictures() -> Tensor:
    """Each has one feature, everywhere."""
    return torch.eye(len(WORDS), FEATURE_WIDTH)[:, None].expand(-1, 5, -1)


def test_a_model_that_sees_ranks_every_right_caption_first(seeing: VisionLanguageModel, pictures: Tensor) -> None:
    """However likely a caption is by itself: word 0 is everybody's first guess, and wins only its own picture."""
    biased = copy.deepcopy(seeing)
    prompt = biased.chat.picture_prompt("What?")
    captions = [[word] for word in WORDS]
    with torch.no_grad():
        last = biased.embed_tokens(torch.tensor(prompt.after_image))[-1, 16:]
        biased.llm.lm_head.weight[WORDS[0], 16:] = 2 * last / last.norm()
    assert set(caption_losses(biased, pictures, prompt, [captions] * 12).argmin(1).tolist()) == {0}
    found = measure_grounding(biased, pictures, prompt, captions, distractors=5, seed=0)
    assert (found.pictures, found.distractors, found.ranked_first) == (12, 5, 1.0)
    # Wilson: 1 / (1 + z**2 / n) with z = 1.96
    assert found.ranked_first_low == pytest.approx(0.7575, abs=1e-4)
    assert found.ranked_first_high == pytest.approx(1.0)
    assert found.margin > 0
    assert found.margin_p == pytest.approx(1 / 2**12, rel=0.2)
    assert found.as_dict()["ranked_first"] == 1.0


def test_a_model_that_sees_other_pictures_ranks_nothing_first(seeing: VisionLanguageModel, pictures: Tensor) -> None:
    """Each picture raises its neighbour's word: whenever that one is among the distractors, it wins."""
    prompt = seeing.chat.bare_prompt()
    captions = [[word] for word in WORDS]
    found = measure_grounding(seeing, pictures.roll(1, 0), prompt, captions, distractors=11, seed=0)
    assert found.ranked_first == 0.0


def test_a_blind_model_ranks_nothing_first(seeing: VisionLanguageModel, pictures: Tensor) -> None:
    """No caption gains anything, and a tie is no win."""
    blind = copy.deepcopy(seeing)
    torch.nn.init.zeros_(blind.projection.weight)
    prompt = blind.chat.bare_prompt()
    found = measure_grounding(blind, pictures, prompt, [[word] for word in WORDS], distractors=5, seed=0)
    assert (found.ranked_first, found.margin_p) == (0.0, 1.0)


def test_a_caption_is_not_ranked_against_its_like(seeing: VisionLanguageModel, pictures: Tensor) -> None:
    """Pictures that share a caption would tie with themselves; they are no distractors for each other."""
    order = random.Random(0).sample([0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3], 12)
    prompt = seeing.chat.bare_prompt()
    captions = [[WORDS[i]] for i in order]
    found = measure_grounding(seeing, pictures[order], prompt, captions, distractors=9, seed=0)
    assert found.ranked_first == 1.0
    with pytest.raises(JobError, match=r"12 unseen pictures give only 9 wrong captions .* pretrain\.distractors"):
        measure_grounding(seeing, pictures[order], prompt, captions, distractors=10, seed=0)
