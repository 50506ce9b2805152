"""Share of characters that are letters or digits."""

import pytest

from filters.rules.alphanumeric import RULE
from pipeline.schema import Passage

LIMIT = 0.5

FAILING = [
    pytest.param("= - = - = - cat - = - =", id="ruler"),
    pytest.param(":-) ;-) cat :-(", id="smileys"),
    pytest.param("a         b", id="blanks"),
    pytest.param("", id="empty"),
]

PASSING = [
    pytest.param("0123456789", id="digits"),
    pytest.param("A cat, a dog; and - why not? - a bird!", id="prose"),
    pytest.param("The image shows a cat sitting on a mat. It is about animals and pets.", id="clean"),
]


@pytest.mark.parametrize("text", FAILING)
def test_fails(text: str) -> None:
    """Drawings made of characters fail, and so does nothing."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert verdict.failed
    assert verdict.reason.startswith("alphanumeric ")


@pytest.mark.parametrize("text", PASSING)
def test_passes(text: str) -> None:
    """Prose passes, and digits count."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert not verdict.failed, verdict.reason
    assert verdict.reason == ""


@pytest.mark.parametrize(("text", "value"), [("ab 1", 0.75), ("é日", 1.0), ("é -_", 0.25), ("--", 0.0)])
def test_data_juicers_formula(text: str, value: float) -> None:
    """Letters and digits of any script / all characters."""
    assert RULE.measure(Passage(text)).value == pytest.approx(value)
