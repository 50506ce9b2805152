"""Share of characters that are no letters."""

import pytest

from filters.rules.special_characters import RULE
from pipeline.schema import Passage

LIMIT = 0.5

FAILING = [
    pytest.param("| 1 | 2 | 3 | 4 | 5 |", id="table"),
    pytest.param("$4.99 / $3.99 / $2.99 -- 50%!", id="prices"),
    pytest.param("0123456789 0123456789", id="digits"),
    pytest.param("?!?!?! a ?!?!?!", id="marks"),
]

PASSING = [
    pytest.param("HOME 3, GUEST 3 with 0:07 left on the clock.", id="scores"),
    pytest.param("From left to right the towers are 381 m, 443 m, 632 m and 828 m tall.", id="heights"),
    pytest.param("Żółć i łódź w Łodzi são não é.", id="accents"),
    pytest.param("", id="empty"),
    pytest.param("The image shows a cat sitting on a mat. It is about animals and pets.", id="clean"),
]


@pytest.mark.parametrize("text", FAILING)
def test_fails(text: str) -> None:
    """Marks, digits and blanks that outnumber letters fail."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert verdict.failed
    assert verdict.reason.startswith("special_characters ")


@pytest.mark.parametrize("text", PASSING)
def test_passes(text: str) -> None:
    """Prose with figures passes, and letters with accents are letters."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert not verdict.failed, verdict.reason
    assert verdict.reason == ""


@pytest.mark.parametrize(("text", "value"), [("ab c1", 0.4), ("é日", 0.0), ("1 2", 1.0), ("a", 0.0)])
def test_data_juicers_formula(text: str, value: float) -> None:
    """Characters that are no letters / all characters, white space among them."""
    assert RULE.measure(Passage(text)).value == pytest.approx(value)
