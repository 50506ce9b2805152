"""Drop sentences that break off."""

import pytest

from filters.repairs.mend_ending import REPAIR

MENDED = [
    pytest.param(
        "A train crosses. The wagons are red and the engine has a stripe on the.",
        "A train crosses. The wagons are red and the engine has a stripe.",
        id="cut_back_if_little_is_left",
    ),
    pytest.param(
        "1. Lay it around the neck with one end longer. 2. Cross the ends. 3.",
        "1. Lay it around the neck with one end longer. 2. Cross the ends.",
        id="list",
    ),
    pytest.param("A cat sits on a mat. The dog is a", "A cat sits on a mat.", id="last"),
    pytest.param("A flower that The image shows a cat. It is black.", "The image shows a cat. It is black.", id="seam"),
    pytest.param(
        "The image shows a red and white bus with a large", "The image shows a red and white bus.", id="clause"
    ),
    pytest.param("The woman is tall, her hair is brown, and the", "The woman is tall, her hair is brown.", id="comma"),
    pytest.param("The image shows a red flower in a po", "The image shows a red flower.", id="place"),
    pytest.param("The sign is red (it says. The cat sits.", "The cat sits.", id="open_bracket"),
    pytest.param("A cat sits. A dog...", "A cat sits.", id="ellipsis"),
    pytest.param("The sign is red (it is big and", "The sign is red.", id="bracket_in_clause"),
]

UNTOUCHED = [
    pytest.param("a man in a wet suit carries a surfboard", id="lower"),
    pytest.param("A red", id="verbless"),
    pytest.param("The cat sits next to", id="no_boundary"),
    pytest.param('The sign says "stop."', id="quote"),
    pytest.param("A man stands with his hat on.", id="particle"),
    pytest.param("", id="empty"),
    pytest.param("The image shows a cat sitting on a mat. It is about animals and pets.", id="clean"),
]


@pytest.mark.parametrize(("text", "expected"), MENDED)
def test_mends(text: str, expected: str) -> None:
    """Unfinished sentences go if a finished one stays; else the first is cut back to a clause."""
    assert REPAIR.apply(text) == expected


@pytest.mark.parametrize("text", UNTOUCHED)
def test_leaves_alone(text: str) -> None:
    """Finished sentences stay, and so does a text without any clause."""
    assert REPAIR.apply(text) == text
