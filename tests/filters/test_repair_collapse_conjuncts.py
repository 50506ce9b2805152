"""Name a thing once that is joined with itself."""

import pytest

from filters.repairs.collapse_conjuncts import REPAIR

MENDED = [
    pytest.param("It is about flowers and flowers.", "It is about flowers.", id="and"),
    pytest.param("It shows a road or road.", "It shows a road.", id="or"),
    pytest.param("It belongs to food, food and food.", "It belongs to food.", id="three"),
    pytest.param("It is car and car and car and car.", "It is car.", id="chain"),
    pytest.param("The colors are red, white, and white.", "The colors are red, white.", id="end_of_a_list"),
    pytest.param("Flowers and flowers grow.", "Flowers grow.", id="the_first_stays"),
]

UNTOUCHED = [
    pytest.param("The road goes on and on.", id="idiom"),
    pytest.param("There are rows and rows of flowers.", id="rows_of"),
    pytest.param("A bottle of Johnson and Johnson.", id="name"),
    pytest.param("The stripes are red, white and red.", id="apart"),
    pytest.param("The image shows a cat sitting on a mat. It is about animals and pets.", id="clean"),
    pytest.param("", id="empty"),
]


@pytest.mark.parametrize(("text", "expected"), MENDED)
def test_mends(text: str, expected: str) -> None:
    """The first of the equal members stays."""
    assert REPAIR.apply(text) == expected


@pytest.mark.parametrize("text", UNTOUCHED)
def test_leaves_alone(text: str) -> None:
    """What English joins with itself stays."""
    assert REPAIR.apply(text) == text
