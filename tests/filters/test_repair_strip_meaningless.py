"""Take out what means nothing."""

import pytest

from filters.repairs.strip_meaningless import REPAIR

MENDED = [
    pytest.param("A cat sits. @@@@ %%%% ####", "A cat sits.", id="symbols"),
    pytest.param("Lasts &amp; leather.", "Lasts & leather.", id="entity"),
    pytest.param("A shop.&nbsp;&nbsp;It is red.", "A shop. It is red.", id="blank_entity"),
    pytest.param("<p>A boat <b>sinks</b>.</p>", "A boat sinks.", id="tags"),
    pytest.param("A bakery has opened. The bakerâ€™s van is pink.", "A bakery has opened.", id="spoilt_word"),
    pytest.param("Two kayaks drift. asdkj lkwqe zzxv. They rest.", "Two kayaks drift. They rest.", id="mash"),
    pytest.param("A cart. ||||____|||| It is old.", "A cart. It is old.", id="pipes"),
    pytest.param("A tram �� climbs.", "A tram climbs.", id="replacement"),
]

UNTOUCHED = [
    pytest.param("The bakerâ€™s van is pink.", id="spoilt_and_alone"),
    pytest.param('An "I ♥ NY" mug.', id="heart"),
    pytest.param("It costs $4.50 & more.", id="price"),
    pytest.param("", id="empty"),
    pytest.param("The image shows a cat sitting on a mat. It is about animals and pets.", id="clean"),
]


@pytest.mark.parametrize(("text", "expected"), MENDED)
def test_mends(text: str, expected: str) -> None:
    """Marks and tags go; a sentence whose word they have spoilt goes as a whole."""
    assert REPAIR.apply(text) == expected


@pytest.mark.parametrize("text", UNTOUCHED)
def test_leaves_alone(text: str) -> None:
    """What is quoted may be a symbol, and a word is never made up."""
    assert REPAIR.apply(text) == text
