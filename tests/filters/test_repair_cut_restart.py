"""Keep the first of two descriptions."""

import pytest

from filters.repairs.cut_restart import REPAIR

MENDED = [
    pytest.param(
        "A penguin stands on a rock. This is a photograph of a penguin on a rock.",
        "A penguin stands on a rock.",
        id="known",
    ),
    pytest.param(
        "The image shows a bus. It is red. The image shows a car. It is blue.",
        "The image shows a bus. It is red.",
        id="restart",
    ),
    pytest.param(
        "This is a map of a country. The image is a picture of a flower.",
        "This is a map of a country.",
        id="other_opening",
    ),
]

UNTOUCHED = [
    pytest.param("A photo of a wedding hangs there. The photo shows a groom.", id="picture"),
    pytest.param("The image shows a bus. The image also shows a man.", id="also"),
    pytest.param("The image shows a man. The image shows the man's hat.", id="definite"),
    pytest.param("The image shows a bus. The image is bright.", id="bright"),
    pytest.param("", id="empty"),
    pytest.param("The image shows a cat sitting on a mat. It is about animals and pets.", id="clean"),
]


@pytest.mark.parametrize(("text", "expected"), MENDED)
def test_mends(text: str, expected: str) -> None:
    """Everything from the second opening on goes."""
    assert REPAIR.apply(text) == expected


@pytest.mark.parametrize("text", UNTOUCHED)
def test_leaves_alone(text: str) -> None:
    """A description that goes on stays whole."""
    assert REPAIR.apply(text) == text
