"""Say each thing once."""

import pytest

from filters.repairs.drop_duplicate_sentences import REPAIR

MENDED = [
    pytest.param("The subject is flowers. The main subject is flowers.", "The subject is flowers.", id="main"),
    pytest.param("A cat sits. The sky is blue. A cat sits.", "A cat sits. The sky is blue.", id="exact"),
    pytest.param(
        "This is a map of a country. It is a map of a country. It is a map of a country.",
        "This is a map of a country.",
        id="frame",
    ),
    pytest.param(
        "This is a map of a country. It is a map of a country. It is a map",
        "This is a map of a country.",
        id="unfinished",
    ),
    pytest.param(
        "It shows a man in a blue shirt. The man is in a shirt.", "It shows a man in a blue shirt.", id="contained"
    ),
    pytest.param(
        "The person wears a blue shirt. The person wears a blue hat. The person wears a blue shirt and a blue hat.",
        "The person wears a blue shirt. The person wears a blue hat.",
        id="joined",
    ),
]

UNTOUCHED = [
    pytest.param("The cat is on the left. It is black. The dog is on the right. It is black.", id="it"),
    pytest.param("On the left there is a red car. On the right there is a red car.", id="left_right"),
    pytest.param("It is a red bus. It is a blue bus.", id="colour"),
    pytest.param("There are two dogs. There are three dogs.", id="number"),
    pytest.param("There are people. There are no people.", id="negation"),
    pytest.param("The cat is on the mat. The cat is under the mat.", id="place"),
    pytest.param("A cat sits.\n\nA dog runs.", id="layout"),
    pytest.param("", id="empty"),
    pytest.param("The image shows a cat sitting on a mat. It is about animals and pets.", id="clean"),
]


@pytest.mark.parametrize(("text", "expected"), MENDED)
def test_mends(text: str, expected: str) -> None:
    """The first sentence that says a thing stays."""
    assert REPAIR.apply(text) == expected


@pytest.mark.parametrize("text", UNTOUCHED)
def test_leaves_alone(text: str) -> None:
    """New places, colours, numbers and negations are new things."""
    assert REPAIR.apply(text) == text
