"""Leave a loop after its first round."""

import pytest

from filters.repairs.cut_loop import REPAIR

MENDED = [
    pytest.param(
        "The flower is a flower that is a flower that is a flower that", "The flower is a flower.", id="flower"
    ),
    pytest.param(
        "It is a picture of a flower. The flower is a flower that is a flower that is a flower that",
        "It is a picture of a flower. The flower is a flower.",
        id="after_a_sentence",
    ),
    pytest.param(
        "It shows a red and white and red and white and red and white bus.", "It shows a red and white bus.", id="tail"
    ),
    pytest.param(
        "The man is a man who is a man who is a man who wears a hat.",
        "The man is a man who wears a hat.",
        id="tail_clause",
    ),
    pytest.param("The image shows a cat on a mat and a cat on a mat.", "The image shows a cat on a mat.", id="linked"),
    pytest.param(
        "The bus is red and the bus is red and the bus is. It is big.",
        "The bus is red. It is big.",
        id="rest_of_text_stays",
    ),
    pytest.param(
        "The flower is a red flower that is a green flower that is a blue flower that is a",
        "The flower is a red flower.",
        id="changing_word",
    ),
    pytest.param("A flower that is a flower that is a flower that is", "", id="no_clause"),
    pytest.param(
        "The cat sits. A flower that is a flower that is a flower that is",
        "The cat sits.",
        id="no_clause_after_a_sentence",
    ),
    pytest.param("It shows a dog, a cat, a dog, a cat, a dog, a", "It shows a dog, a cat.", id="list"),
]

UNTOUCHED = [
    pytest.param("There is a dog on the left, a dog on the right.", id="left_right"),
    pytest.param("There is a red bus, a red car, a red house.", id="colours"),
    pytest.param("The cat is black. The cat is black.", id="sentences"),
    pytest.param("The road goes on and on and on.", id="on_and_on"),
    pytest.param("", id="empty"),
    pytest.param("The image shows a cat sitting on a mat. It is about animals and pets.", id="clean"),
]


@pytest.mark.parametrize(("text", "expected"), MENDED)
def test_mends(text: str, expected: str) -> None:
    """A clean clause stays; a sentence without one goes."""
    assert REPAIR.apply(text) == expected


@pytest.mark.parametrize("text", UNTOUCHED)
def test_leaves_alone(text: str) -> None:
    """Parallel phrases and duplicates of whole sentences are not loops."""
    assert REPAIR.apply(text) == text
