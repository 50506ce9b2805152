"""Texts that are not English."""

import pytest

from filters.rules.language import RULE
from pipeline.schema import Passage

LIMIT = 0.5

FAILING = [
    pytest.param("Bonjour, le chat est assis sur le tapis rouge de la maison.", id="french"),
    pytest.param("Die Katze sitzt auf der roten Matte und schaut aus dem Fenster.", id="german"),
    pytest.param("这张图片显示了一只坐在垫子上的猫。", id="chinese"),
    pytest.param("", id="empty"),
    pytest.param("12345 67890", id="digits"),
    pytest.param("!!! ... ???", id="marks"),
]

PASSING = [
    pytest.param("The image shows a cat sitting on a mat. It is about animals and pets.", id="clean"),
    pytest.param("The image shows the Eiffel Tower in Paris on a sunny day.", id="name"),
    pytest.param("There are 12 cats and 13 dogs in the picture on the wall.", id="numbers"),
]


@pytest.mark.parametrize("text", FAILING)
def test_fails(text: str) -> None:
    """Other languages fail, and so do texts without any language."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert verdict.failed
    assert verdict.reason.startswith("language ")


@pytest.mark.parametrize("text", PASSING)
def test_passes(text: str) -> None:
    """English passes, with names and numbers in it too."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert not verdict.failed, verdict.reason
    assert verdict.reason == ""


def test_the_same_text_always_gets_the_same_value() -> None:
    """langdetect draws samples at random unless it is seeded before each text."""
    texts = ["otto no casa hotel radio", "La casa is red.", "A cat."]
    first = [RULE.measure(Passage(text)).value for text in texts]
    again = [RULE.measure(Passage(text)).value for text in reversed(texts)]
    assert first == again[::-1]
