"""Descriptions under 50 characters."""

import pytest

from filters.rules.too_short import RULE
from pipeline.schema import Passage

LIMIT = 50

FAILING = [
    pytest.param("", id="empty"),
    pytest.param("   \n ", id="blank"),
    pytest.param("This is a map of a country.", id="one_sentence"),
    pytest.param("x" * 49, id="49"),
    pytest.param(" " * 60 + "A cat.", id="padded"),
]

PASSING = [
    pytest.param("x" * 50, id="50"),
    pytest.param("The image shows a cat sitting on a mat. It is about animals and pets.", id="clean"),
]


@pytest.mark.parametrize("text", FAILING)
def test_fails(text: str) -> None:
    """A text under 50 characters is no detailed description."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert verdict.failed
    assert verdict.reason.startswith("too_short ")


@pytest.mark.parametrize("text", PASSING)
def test_passes(text: str) -> None:
    """50 characters are enough; words are not what is counted."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert not verdict.failed, verdict.reason
    assert verdict.reason == ""


def test_white_space_at_the_ends_is_not_measured() -> None:
    """Blanks around a text do not lengthen it."""
    assert RULE.measure(Passage("  four  ")).value == 4
