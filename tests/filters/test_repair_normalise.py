"""One way to write each character."""

import pytest

from filters.repairs.normalise import REPAIR

MENDED = [
    pytest.param("She waits.The bus comes.", "She waits. The bus comes.", id="seam"),
    pytest.param("  A cat \t sits.\n\nA dog.  ", "A cat sits. A dog.", id="blanks"),
    pytest.param("A\xa0cat\u2003sits.", "A cat sits.", id="no_break_space"),
    pytest.param("A cafe\u0301.", "A café.", id="composed"),
    pytest.param("A\x07cat.", "A cat.", id="control"),
    pytest.param("A c\u200bat.", "A cat.", id="zero_width"),
    pytest.param("A pic\xadture.", "A picture.", id="soft_hyphen"),
    pytest.param("A caf\ufffd here.", "A caf here.", id="replacement"),
    pytest.param("A cat.\u2028A dog.", "A cat. A dog.", id="line_separator"),
]

UNTOUCHED = [
    pytest.param("“Tom” isn’t here – he’s out…", id="curly"),
    pytest.param("一只猫 here", id="chinese"),
    pytest.param("", id="empty"),
    pytest.param("The image shows a cat sitting on a mat. It is about animals and pets.", id="clean"),
]


@pytest.mark.parametrize(("text", "expected"), MENDED)
def test_mends(text: str, expected: str) -> None:
    """Composed letters, single blanks, nothing invisible."""
    assert REPAIR.apply(text) == expected


@pytest.mark.parametrize("text", UNTOUCHED)
def test_leaves_alone(text: str) -> None:
    """Quotes, dashes and letters of other scripts are not normalise's business."""
    assert REPAIR.apply(text) == text
