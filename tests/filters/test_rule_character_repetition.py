"""Repeated runs of characters."""

import pytest

from filters.rules.character_repetition import RULE
from pipeline.schema import Passage

LIMIT = 0.25

FAILING = [
    pytest.param("a flower that is " * 6, id="loop"),
    pytest.param("=-" * 40, id="no_words"),
    pytest.param("hahaha" * 10, id="letters"),
]

PASSING = [
    pytest.param("On the left side there is a red car. On the right side there is a red house.", id="left_right"),
    pytest.param("", id="empty"),
    pytest.param("A cat.", id="shorter_than_a_gram"),
    pytest.param("The image shows a cat sitting on a mat. It is about animals and pets.", id="clean"),
]


@pytest.mark.parametrize("text", FAILING)
def test_fails(text: str) -> None:
    """Loops of characters fail, with or without words in them."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert verdict.failed
    assert verdict.reason.startswith("character_repetition ")


@pytest.mark.parametrize("text", PASSING)
def test_passes(text: str) -> None:
    """Ordinary prose passes."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert not verdict.failed, verdict.reason
    assert verdict.reason == ""


@pytest.mark.parametrize(
    ("text", "value"), [("abcdefghij", 0.0), ("aaaaaaaaaaa", 1.0), ("abcdefghijabcdefghij", 2 / 11)]
)
def test_data_juicers_formula(text: str, value: float) -> None:
    """The sqrt(different) most frequent repeated 10-grams / all 10-grams."""
    assert RULE.measure(Passage(text)).value == pytest.approx(value)
