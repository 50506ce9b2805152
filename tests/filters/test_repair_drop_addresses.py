"""Drop sentences that hold an address."""

import pytest

from filters.repairs.drop_addresses import REPAIR

MENDED = [
    pytest.param("A cake stands there. Visit https://example.org/cake now.", "A cake stands there.", id="url"),
    pytest.param("He smiles. Write to me@example.org.", "He smiles.", id="mail"),
    pytest.param("A bridge. Source: bridge_03.html", "A bridge.", id="file"),
]

UNTOUCHED = [
    pytest.param("Visit https://example.org/cake now.", id="alone"),
    pytest.param('A billboard shows "www.bigpizza.com" in yellow. It is big.', id="poster"),
    pytest.param("", id="empty"),
    pytest.param("The image shows a cat sitting on a mat. It is about animals and pets.", id="clean"),
]


@pytest.mark.parametrize(("text", "expected"), MENDED)
def test_mends(text: str, expected: str) -> None:
    """The sentences without one stay."""
    assert REPAIR.apply(text) == expected


@pytest.mark.parametrize("text", UNTOUCHED)
def test_leaves_alone(text: str) -> None:
    """A text that is nothing else stays for the rules to judge, and a poster may show one."""
    assert REPAIR.apply(text) == text
