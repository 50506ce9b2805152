"""Runs of five to ten words that occur again."""

import pytest

from filters.rules.duplicate_ngrams import RULE
from pipeline.schema import Passage

LIMIT = 2.0

FAILING = [
    pytest.param("A big cat sits on the mat. A big cat sits on the mat. A big cat sits on the mat. ", id="thrice"),
    pytest.param("A tall man walks two dogs along the beach. A tall man walks two dogs along the beach.", id="twice"),
]

PASSING = [
    pytest.param(
        "On the left side of the picture there is a red car, and a boy waves. On the right side of the picture there is a red house. The sky above is clear and blue, and a few gulls circle over the chimney of the old mill.",
        id="frame",
    ),
    pytest.param("A cat sits down. A cat sits down.", id="four"),
    pytest.param("", id="empty"),
    pytest.param("The image shows a cat sitting on a mat. It is about animals and pets.", id="clean"),
]


@pytest.mark.parametrize("text", FAILING)
def test_fails(text: str) -> None:
    """A text that says much of itself again fails."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert verdict.failed
    assert verdict.reason.startswith("duplicate_ngrams ")


@pytest.mark.parametrize("text", PASSING)
def test_passes(text: str) -> None:
    """A frame of two sentences passes, and so does a run of four words."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert not verdict.failed, verdict.reason
    assert verdict.reason == ""


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a b c d e f g h", 0.0),
        ("a b c d e a b c d e", 5 / 19 / 0.15),
        ("a b c d e f a b c d e f", max(5 / 23 / 0.15, 6 / 23 / 0.14)),
    ],
)
def test_gophers_formula(text: str, value: float) -> None:
    """Characters of repeated n-grams, without blanks and walked once, / all characters, in multiples of n's limit."""
    assert RULE.measure(Passage(text)).value == pytest.approx(value)
