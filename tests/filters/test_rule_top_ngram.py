"""The most frequent run of two to four words."""

import pytest

from filters.rules.top_ngram import RULE
from pipeline.schema import Passage

LIMIT = 3.0

FAILING = [
    pytest.param("a clock on a tower on a clock on a tower on a clock on a tower", id="loop"),
    pytest.param("The cat is red. The cat is red. The cat is red. The cat is red. ", id="sentence"),
]

PASSING = [
    pytest.param("A man with a red tie sits at a big desk.", id="short"),
    pytest.param(
        "On the left side of the picture there is a red car. On the right side of the picture there is a red house.",
        id="left_right",
    ),
    pytest.param("", id="empty"),
    pytest.param("The image shows a cat sitting on a mat. It is about animals and pets.", id="clean"),
]


@pytest.mark.parametrize("text", FAILING)
def test_fails(text: str) -> None:
    """A text that is mostly one phrase fails."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert verdict.failed
    assert verdict.reason.startswith("top_ngram ")


@pytest.mark.parametrize("text", PASSING)
def test_passes(text: str) -> None:
    """A short text in which nothing recurs passes, and so do parallel sentences."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert not verdict.failed, verdict.reason
    assert verdict.reason == ""


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("one two three four", 0.0),  # every 4-gram fills the text, but none recurs
        ("ab cd ab cd", max(10 / 11 / 0.20, 0.0)),  # "ab cd" twice; no three words recur
        ("ab cd ef ab cd ef", max(10 / 17 / 0.20, 16 / 17 / 0.18)),
    ],
)
def test_gophers_formula(text: str, value: float) -> None:
    """Characters of the most frequent n-gram, blanks inside counted, / all characters, in multiples of the limit of n."""
    assert RULE.measure(Passage(text)).value == pytest.approx(value)
