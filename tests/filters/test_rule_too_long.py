"""Descriptions that ramble."""

import pytest

from filters.rules.too_long import RULE
from pipeline.schema import Passage

LIMIT = 20

FAILING = [
    pytest.param("word " * 21, id="21"),
]

PASSING = [
    pytest.param("word " * 20, id="20"),
    pytest.param("word , " * 20, id="marks"),
    pytest.param("", id="empty"),
    pytest.param("The image shows a cat sitting on a mat. It is about animals and pets.", id="clean"),
]


@pytest.mark.parametrize("text", FAILING)
def test_fails(text: str) -> None:
    """More words than the limit fail."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert verdict.failed
    assert verdict.reason.startswith("too_long ")


@pytest.mark.parametrize("text", PASSING)
def test_passes(text: str) -> None:
    """As many words as the limit pass, and marks are no words."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert not verdict.failed, verdict.reason
    assert verdict.reason == ""
