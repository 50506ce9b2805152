"""Statements about the whole picture that name only what has been named."""

import pytest

from filters.repairs.drop_known_statements import REPAIR

MENDED = [
    pytest.param(
        "This is a picture of a beach. The subject is a beach.", "This is a picture of a beach.", id="subject"
    ),
    pytest.param(
        "The image is of a flower. It is about flowers and plants. The main subject is flowers. Bees fly around it.",
        "The image is of a flower. It is about flowers and plants. Bees fly around it.",
        id="inside",
    ),
    pytest.param(
        "A girl wears a blue shirt. Her hat is white. The main colors are blue and white.",
        "A girl wears a blue shirt. Her hat is white.",
        id="colours here and there",
    ),
    pytest.param("A car stands on a road. It is about the car.", "A car stands on a road.", id="about"),
    pytest.param(
        "A car stands on a road. It has to do with cars and roads.", "A car stands on a road.", id="has to do with"
    ),
    pytest.param(
        "The theme is music. The subject is music. The topic is music.", "The theme is music.", id="one after another"
    ),
]

UNTOUCHED = [
    pytest.param("", id="empty"),
    pytest.param("The subject is a beach.", id="first"),
    pytest.param("This is a picture of a beach. The subject is tourism.", id="another subject"),
    pytest.param("A girl wears a blue shirt. The main colors are blue and white.", id="another colour"),
    pytest.param("A bus passes a red car. The subject is a red bus.", id="joined anew"),
    pytest.param("A bus passes. A car is red. The subject is a red bus.", id="from two sentences"),
    pytest.param("A bus passes a red car. It is red.", id="it is a thing"),
    pytest.param("A bus passes a red and white car. It is red and white.", id="it is a thing of two colours"),
    pytest.param("A bus passes a red car. The bus is red.", id="the thing has its name"),
    pytest.param("A red bus passes. The background is red.", id="a part of the picture"),
    pytest.param("This is a flag. The image is of a flag on a mast.", id="a frame that says more"),
    pytest.param("A man holds a drum. The man is the subject.", id="the other way round"),
]


@pytest.mark.parametrize(("text", "expected"), MENDED)
def test_mends(text: str, expected: str) -> None:
    """The sentence that names a thing first stays."""
    assert REPAIR.apply(text) == expected


@pytest.mark.parametrize("text", UNTOUCHED)
def test_leaves_alone(text: str) -> None:
    """What names something new, or gives a colour or a place to a thing, stays."""
    assert REPAIR.apply(text) == text
