"""Drop the instruction that a description repeats."""

import pytest

from filters.repairs.drop_requests import REPAIR

MENDED = [
    pytest.param("Describe this image in detail. A tram climbs.", "A tram climbs.", id="start"),
    pytest.param("image in detail. Say everything you see. A tram climbs.", "A tram climbs.", id="tail"),
    pytest.param("A tram climbs. Please provide a detailed description of the picture.", "A tram climbs.", id="end"),
    pytest.param("What do you see in this picture? A tram climbs.", "A tram climbs.", id="question"),
]

UNTOUCHED = [
    pytest.param("Describe this image in detail.", id="alone"),
    pytest.param('A poster says "Describe this image in detail". It is red.', id="quoted"),
    pytest.param("", id="empty"),
    pytest.param("The image shows a cat sitting on a mat. It is about animals and pets.", id="clean"),
]


@pytest.mark.parametrize(("text", "expected"), MENDED)
def test_mends(text: str, expected: str) -> None:
    """The description stays."""
    assert REPAIR.apply(text) == expected


@pytest.mark.parametrize("text", UNTOUCHED)
def test_leaves_alone(text: str) -> None:
    """A text that is nothing else stays for the rules to judge, and posters may ask."""
    assert REPAIR.apply(text) == text
