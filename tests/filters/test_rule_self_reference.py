"""Refusals and talk of itself."""

import pytest

from filters.rules.self_reference import RULE
from pipeline.schema import Passage

LIMIT = 0

FAILING = [
    pytest.param("As an AI language model, I do not see pictures.", id="language_model"),
    pytest.param("I cannot see the image.", id="cannot_see"),
    pytest.param("I'm unable to view the picture.", id="unable"),
    pytest.param("I am not able to describe it.", id="am_not_able"),
    pytest.param("No image was provided.", id="no_image"),
    pytest.param("The image is not attached.", id="not_attached"),
    pytest.param("Please upload the picture.", id="upload"),
    pytest.param("I am a language model.", id="i_am"),
    pytest.param("How can I help you today?", id="help"),
    pytest.param("I don't have access to the picture.", id="dont_have"),
]

PASSING = [
    pytest.param("A shop assistant stands behind the counter.", id="shop_assistant"),
    pytest.param("A model walks as an artist draws her.", id="fashion_model"),
    pytest.param("A robot with the letters AI on its chest.", id="robot"),
    pytest.param("The image shows a model of a ship.", id="model_ship"),
    pytest.param("The man cannot see the dog behind him.", id="blind"),
    pytest.param('A sign says "I cannot see you".', id="sign"),
    pytest.param("The picture is attached to the wall with a nail.", id="image_in_frame"),
    pytest.param("", id="empty"),
    pytest.param("The image shows a cat sitting on a mat. It is about animals and pets.", id="clean"),
]


@pytest.mark.parametrize("text", FAILING)
def test_fails(text: str) -> None:
    """A model that says what it is, or cannot do, is not describing."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert verdict.failed
    assert verdict.reason.startswith("self_reference ")


@pytest.mark.parametrize("text", PASSING)
def test_passes(text: str) -> None:
    """Assistants, models and AI in the picture are described."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert not verdict.failed, verdict.reason
    assert verdict.reason == ""
