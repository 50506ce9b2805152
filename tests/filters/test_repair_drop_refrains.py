"""Say a closing clause once."""

import pytest

from filters.repairs.drop_refrains import REPAIR

MENDED = [
    pytest.param(
        "The street is full, giving the scene a lively mood. A girl eats, giving the scene a lively mood.",
        "The street is full, giving the scene a lively mood. A girl eats.",
        id="mood",
    ),
]

UNTOUCHED = [
    pytest.param("A cat sits, looking at us. A dog sits, looking at us.", id="short"),
    pytest.param("A cat sits, adding a bit of calm. A dog sits, adding a touch of joy.", id="different"),
    pytest.param("When it rains, the cat sits on the mat. Each day, the cat sits on the mat.", id="needed"),
    pytest.param("", id="empty"),
    pytest.param("The image shows a cat sitting on a mat. It is about animals and pets.", id="clean"),
]


@pytest.mark.parametrize(("text", "expected"), MENDED)
def test_mends(text: str, expected: str) -> None:
    """The clause stays where it closes a sentence for the first time."""
    assert REPAIR.apply(text) == expected


@pytest.mark.parametrize("text", UNTOUCHED)
def test_leaves_alone(text: str) -> None:
    """Other clauses, short ones, and those without which no sentence is left stay."""
    assert REPAIR.apply(text) == text
