"""A thing joined with itself."""

import pytest

from filters.rules.repeated_conjunct import RULE
from pipeline.schema import Passage

LIMIT = 0

FAILING = [
    pytest.param("It is about flowers and flowers.", id="and"),
    pytest.param("It shows a road or road.", id="or"),
    pytest.param("It belongs to food, food and food.", id="three"),
    pytest.param("The colors are blue, white, and white.", id="comma_before_and"),
    pytest.param("It belongs to clothing, accessories and accessories.", id="end_of_a_list"),
    pytest.param("Flowers and flowers grow.", id="across_case"),
    pytest.param("A t-shirt and t-shirt hang here.", id="hyphen"),
    pytest.param("It shows art and\nart", id="blanks"),
]

PASSING = [
    pytest.param("The road goes on and on, over and over, again and again.", id="idioms"),
    pytest.param("It grows bigger and bigger, and more and more follow.", id="comparatives"),
    pytest.param("There are rows and rows of flowers.", id="rows_of"),
    pytest.param("A bottle of Johnson and Johnson.", id="name"),
    pytest.param("The score is 2 and 2.", id="digits"),
    pytest.param("A red, red rose.", id="no_conjunction"),
    pytest.param("It is about flowers and flowerpots, art and art-deco.", id="longer_word"),
    pytest.param("It shows sunflowers and flowers.", id="shorter_word"),
    pytest.param("There is a cat. And cat food.", id="across_sentences"),
    pytest.param("The stripes are red, white and red.", id="apart"),
    pytest.param("It has a red roof and a red door.", id="phrases"),
    pytest.param("", id="empty"),
]


@pytest.mark.parametrize("text", FAILING)
def test_fails(text: str) -> None:
    """A list whose neighbouring members are one word fails."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert verdict.failed
    assert verdict.reason.startswith("repeated_conjunct 1 is above 0: ")


@pytest.mark.parametrize("text", PASSING)
def test_passes(text: str) -> None:
    """Idioms, names, numbers and members that differ pass."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert not verdict.failed, verdict.reason


def test_value_counts_the_lists() -> None:
    """The value is the number of lists, whatever their length."""
    text = "It is about road, road and road. The subject is car and car. It goes on and on."
    assert RULE.measure(Passage(text)).value == 2
