"""The describer's own evidence: the likelihood of texts beside pictures, however they are batched."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from pipeline.evidence import likelihood
from pipeline.evidence.likelihood import OwnEvidence
from pipeline.evidence.matching import Match, choose_pictures
from pipeline.vlm import VisionLanguageModel
from tests.tiny import losses_alone

QUESTION = "Describe this image."
TEXTS = ["A bus.", "The image shows a dog that sits on a mat.", "", "Animals", " \n", "The image shows a red bus."]
PICTURES = [
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (24, 24, 3), dtype=np.uint8)) for seed in range(6)
]


CHOSEN = choose_pictures(len(TEXTS), 3)


@pytest.fixture(scope="module")
@torch.no_grad()
def alone(tiny_vlm: VisionLanguageModel) -> list[Match | None]:
    """The mean log-likelihood of each text's tokens, one text and one picture at a time, without cache or padding."""
    prompt = tiny_vlm.chat.picture_prompt(QUESTION)
    seen = tiny_vlm.encode_images(tiny_vlm.preprocess(PICTURES))

    def read(image: Tensor, text: str) -> float:
        return -float(losses_alone(tiny_vlm, image, prompt, tiny_vlm.chat.said(text)).mean())

    return [
        Match([read(seen[[picture]], text) for picture in numbers], read(seen[:1, :0], text)) if text.strip() else None
        for text, numbers in zip(TEXTS, CHOSEN, strict=True)
    ]


@pytest.mark.parametrize("batch_size", [1, 4, 100])
def test_texts_have_the_likelihood_they_have_alone(
    tiny_vlm: VisionLanguageModel, alone: list[Match | None], batch_size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside every chosen picture and beside none, whatever their neighbours; a text that says nothing has none."""
    monkeypatch.setattr(likelihood, "PICTURES_AT_ONCE", 4)
    monkeypatch.setattr(likelihood, "TOKENS_AT_ONCE", 7)
    told: list[int] = []
    scorer = OwnEvidence(tiny_vlm, ("tiny", "r1"), QUESTION, batch_size)
    matches = scorer.match(PICTURES, TEXTS, CHOSEN, told.append)
    assert sum(told) == len(TEXTS)
    for match, expected in zip(matches, alone, strict=True):
        assert (match is None) == (expected is None)
        if match and expected:
            assert match.blank == pytest.approx(expected.blank, rel=1e-4)
            assert match.pictures == pytest.approx(expected.pictures, rel=1e-4)
            assert len({round(value, 4) for value in match.pictures}) == len(CHOSEN[0])  # pictures matter


def test_nothing_to_read(tiny_vlm: VisionLanguageModel) -> None:
    """No row, or none with words."""
    scorer = OwnEvidence(tiny_vlm, ("tiny", "r1"), QUESTION, 4)
    assert scorer.match([], [], [], lambda _: None) == []
    assert scorer.match(PICTURES[:2], ["", " "], choose_pictures(2, 3), lambda _: None) == [None, None]
