"""Web, mail and memory addresses, and file names."""

import pytest

from filters.rules.address import RULE
from pipeline.schema import Passage

LIMIT = 0

FAILING = [
    pytest.param("See www.example.com for prints of this poster.", id="poster_page"),
    pytest.param("Photo of a sign on a wall, courtesy of example.com.", id="credit"),
    pytest.param("A shirt on a line, taken by @sunny on the beach.", id="taken_by"),
    pytest.param("Follow me on @farmphotos for more.", id="handle"),
    pytest.param("A barn. DSC_0042 Two horses graze.", id="camera"),
    pytest.param('A sign says "write to me@example.org".', id="mail_on_sign"),
    pytest.param("See https://example.org/cat for more.", id="url"),
    pytest.param("See www.example for more.", id="www"),
    pytest.param("Clipart by example.com in red.", id="domain"),
    pytest.param("Made by me@example.org for you.", id="mail"),
    pytest.param("The file img_0123.jpg shows a cat.", id="file"),
    pytest.param("A cat hash(0x85a1ac0) on a mat.", id="hash"),
    pytest.param("See WWW.EXAMPLE.COM now.", id="upper"),
]

PASSING = [
    pytest.param("The van has bakery.org painted on its side.", id="van"),
    pytest.param("Her T-shirt has the handle @muddy_kate printed on it.", id="handle"),
    pytest.param("The logo of Example.com is on the banner.", id="banner"),
    pytest.param("A window with www.tulips.org in gold letters.", id="window"),
    pytest.param('A mural says "@paula" in the corner.', id="quoted_handle"),
    pytest.param('A billboard shows "www.bigpizza.com" in yellow.', id="poster"),
    pytest.param('Only the letters "https" can be read.', id="https"),
    pytest.param("He is tall.The cat sits.", id="no_blank"),
    pytest.param("It is 3.5 m long at 5 p.m.", id="number"),
    pytest.param("A cat @ home.", id="at"),
    pytest.param("The U.S. flag, e.g. a big one.", id="abbreviation"),
    pytest.param("A png of a cat.", id="png_word"),
    pytest.param("A grid of 0x10 boxes.", id="colour"),
    pytest.param("", id="empty"),
    pytest.param("The image shows a cat sitting on a mat. It is about animals and pets.", id="clean"),
]


@pytest.mark.parametrize("text", FAILING)
def test_fails(text: str) -> None:
    """No one sees an address in a picture."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert verdict.failed
    assert verdict.reason.startswith("address ")


@pytest.mark.parametrize("text", PASSING)
def test_passes(text: str) -> None:
    """Full stops inside sentences and numbers are no addresses."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert not verdict.failed, verdict.reason
    assert verdict.reason == ""
