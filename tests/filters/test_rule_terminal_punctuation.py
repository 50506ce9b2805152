"""Lines without a terminal mark."""

import pytest

from filters.rules.terminal_punctuation import RULE
from pipeline.schema import Passage

LIMIT = 0.0

FAILING = [
    pytest.param("A cat on a mat", id="bare"),
    pytest.param("A cat on a mat...", id="dots"),
    pytest.param("A cat sits.\nA dog runs", id="second"),
    pytest.param("A cat,", id="comma"),
]

PASSING = [
    pytest.param("A cat sits.", id="stop"),
    pytest.param("Is it a cat?", id="question"),
    pytest.param('The sign says "stop"', id="quote"),
    pytest.param("The sign says “stop.”", id="curly"),
    pytest.param("A cat sits (on a mat.)", id="bracket"),
    pytest.param("A cat sits.\n\nA dog runs!", id="lines"),
    pytest.param("", id="empty"),
    pytest.param("The image shows a cat sitting on a mat. It is about animals and pets.", id="clean"),
]


@pytest.mark.parametrize("text", FAILING)
def test_fails(text: str) -> None:
    """A line that ends in neither a mark nor a quotation mark fails."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert verdict.failed
    assert verdict.reason.startswith("terminal_punctuation ")


@pytest.mark.parametrize("text", PASSING)
def test_passes(text: str) -> None:
    """C4's marks pass; blank lines are no lines."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert not verdict.failed, verdict.reason
    assert verdict.reason == ""


def test_value_is_a_share_of_lines_and_the_rule_is_off() -> None:
    """One of two; on captions the mark alone misleads, so no row is rejected for it by default."""
    assert RULE.measure(Passage("A cat sits.\nA dog runs")).value == 0.5
    assert RULE.limit is None
