"""Drop what the writer says of the text."""

import pytest

from filters.repairs.drop_commentary import REPAIR

MENDED = [
    pytest.param("Here is the corrected paragraph: A cat sits on a mat.", "A cat sits on a mat.", id="lead"),
    pytest.param('Here is the corrected paragraph: "A cat sits on a mat."', "A cat sits on a mat.", id="lead_quoted"),
    pytest.param("The paragraph is already correct. A cat sits.", "A cat sits.", id="sentence"),
    pytest.param("A cat sits. I have removed the repeating sentences.", "A cat sits.", id="trailing"),
    pytest.param("Sure! Here is the revised text: A cat sits. No errors were found.", "A cat sits.", id="two"),
    pytest.param("Sorry for the confusion, the image shows a cat.", "The image shows a cat.", id="apology_lead"),
    pytest.param("A cat sits. I'm sorry, I made a mistake. A dog runs.", "A cat sits. A dog runs.", id="apology"),
    pytest.param("A cat sits. As an AI, I have no feelings.", "A cat sits.", id="itself"),
    pytest.param("A cat sits. I can't tell you more than that.", "A cat sits.", id="refusal"),
    pytest.param("A cat sits. Changes made: removed a sentence.", "A cat sits.", id="changes"),
    pytest.param("A cat sits. (Note: this was said twice.) A dog runs.", "A cat sits. A dog runs.", id="note"),
]

UNTOUCHED = [
    pytest.param("The paragraph is already correct.", id="nothing_else"),
    pytest.param("I cannot see the image.", id="refusal_and_nothing_else"),
    pytest.param("The paragraph is printed on the left page.", id="page"),
    pytest.param("The sign has two words: stop and go.", id="colon"),
    pytest.param('A screen shows the words "already correct".', id="quote"),
    pytest.param('"A cat sits."', id="whole_quote_without_remark"),
    pytest.param("", id="empty"),
    pytest.param("The image shows a cat sitting on a mat. It is about animals and pets.", id="clean"),
]


@pytest.mark.parametrize(("text", "expected"), MENDED)
def test_mends(text: str, expected: str) -> None:
    """Remarks, apologies and refusals go, the description stays, out of its quotation marks too."""
    assert REPAIR.apply(text) == expected


@pytest.mark.parametrize("text", UNTOUCHED)
def test_leaves_alone(text: str) -> None:
    """Descriptions that speak of paragraphs and signs stay whole, and so does what is nothing but talk: rules judge it."""
    assert REPAIR.apply(text) == text
