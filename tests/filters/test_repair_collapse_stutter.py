"""Say a stuttered word once."""

import pytest

from filters.repairs.collapse_stutter import REPAIR

MENDED = [
    pytest.param("He wears a hat a hat and a coat.", "He wears a hat and a coat.", id="phrase"),
    pytest.param("It is lit by candles, candles and a lamp.", "It is lit by candles and a lamp.", id="comma"),
    pytest.param("The the the cat sits.", "The cat sits.", id="three"),
    pytest.param("A cat sits on on the mat.", "A cat sits on the mat.", id="two"),
    pytest.param("A very very very very big cat.", "A very very big cat.", id="very"),
    pytest.param("Blue blue, blue, blue and green, green, green dots.", "Blue and green, green dots.", id="commas"),
    pytest.param("A a cat cat sits sits.", "A cat sits.", id="several"),
    pytest.param("A cat on the mat mat", "A cat on the mat", id="end"),
]

UNTOUCHED = [
    pytest.param('A banner says "Ho Ho Ho".', id="song"),
    pytest.param("It had had a long day.", id="had"),
    pytest.param("Duran Duran plays.", id="name"),
    pytest.param("The board says 0 0.", id="score"),
    pytest.param("A big, big cat.", id="comma"),
    pytest.param("I see a cat. Cat and dog.", id="across_sentences"),
    pytest.param("", id="empty"),
    pytest.param("The image shows a cat sitting on a mat. It is about animals and pets.", id="clean"),
]


@pytest.mark.parametrize(("text", "expected"), MENDED)
def test_mends(text: str, expected: str) -> None:
    """The first of the equal words stays."""
    assert REPAIR.apply(text) == expected


@pytest.mark.parametrize("text", UNTOUCHED)
def test_leaves_alone(text: str) -> None:
    """Doubles that are English stay double."""
    assert REPAIR.apply(text) == text
