"""Share of words that hold a sentence together."""

import pytest

from filters.rules.stopwords import RULE
from pipeline.schema import Passage

LIMIT = 0.1

FAILING = [
    pytest.param("cat, dog, tree, car, house, sky", id="tags"),
    pytest.param("Ein Hund sitzt vor dem Haus", id="foreign"),
    pytest.param("", id="empty"),
]

PASSING = [
    pytest.param("a close up of a plate of food with broccoli", id="caption"),
    pytest.param("Crates hold apples, pears, figs, plums and nuts.", id="dense"),
    pytest.param("The image shows a cat sitting on a mat. It is about animals and pets.", id="clean"),
]


@pytest.mark.parametrize("text", FAILING)
def test_fails(text: str) -> None:
    """A list of tags holds no sentence."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert verdict.failed
    assert verdict.reason.startswith("stopwords ")


@pytest.mark.parametrize("text", PASSING)
def test_passes(text: str) -> None:
    """A dense sentence has its few function words."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert not verdict.failed, verdict.reason
    assert verdict.reason == ""


def test_value_is_a_share_of_words() -> None:
    """Two function words among four."""
    assert RULE.measure(Passage("A cat and dog.")).value == 0.5
