"""Repeated runs of words."""

import pytest

from filters.rules.word_repetition import RULE
from pipeline.schema import Passage

LIMIT = 0.4

FAILING = [
    pytest.param("A big cat sits on the mat. " * 3, id="data_juicer_misses"),
]

PASSING = [
    pytest.param(
        "On the left side of the picture there is a red car. On the right side of the picture there is a red house. The sky is clear.",
        id="left_right",
    ),
    pytest.param("A cat sits down.", id="four_words"),
    pytest.param("", id="empty"),
    pytest.param("The image shows a cat sitting on a mat. It is about animals and pets.", id="clean"),
]


@pytest.mark.parametrize("text", FAILING)
def test_fails(text: str) -> None:
    """A text that mostly says what it has said fails."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert verdict.failed
    assert verdict.reason.startswith("word_repetition ")


@pytest.mark.parametrize("text", PASSING)
def test_passes(text: str) -> None:
    """Two parallel sentences pass."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert not verdict.failed, verdict.reason
    assert verdict.reason == ""


@pytest.mark.parametrize(
    ("text", "value"),
    [("one two three four five", 0.0), ("a b c d e a b c d e", 2 / 6), ("a b c d", 0.0), ("a a a a a a", 1.0)],
)
def test_data_juicers_formula(text: str, value: float) -> None:
    """Occurrences of repeated 5-grams / all 5-grams."""
    assert RULE.measure(Passage(text)).value == pytest.approx(value)
