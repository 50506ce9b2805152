"""Drop sentences of another language."""

import pytest

from filters.repairs.drop_foreign import REPAIR

MENDED = [
    pytest.param(
        "A farmer drives cows. Die Leute stehen am Rand und winken. A dog barks.",
        "A farmer drives cows. A dog barks.",
        id="german",
    ),
    pytest.param("A tram climbs. Снег падает. It is red.", "A tram climbs. It is red.", id="script"),
    pytest.param("A girl jumps. She is holding a 雨伞 in her hand.", "A girl jumps.", id="word"),
]

UNTOUCHED = [
    pytest.param("Die Leute stehen am Rand und winken.", id="alone"),
    pytest.param('A sign says "Die Leute stehen am Rand und winken" there.', id="quoted"),
    pytest.param("", id="empty"),
    pytest.param("The image shows a cat sitting on a mat. It is about animals and pets.", id="clean"),
]


@pytest.mark.parametrize(("text", "expected"), MENDED)
def test_mends(text: str, expected: str) -> None:
    """The English sentences stay."""
    assert REPAIR.apply(text) == expected


@pytest.mark.parametrize("text", UNTOUCHED)
def test_leaves_alone(text: str) -> None:
    """A text without an English sentence stays for the rules to judge, and signs may be foreign."""
    assert REPAIR.apply(text) == text
