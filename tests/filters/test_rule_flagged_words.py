"""Obscene words and slurs."""

import pytest

from filters.rules.flagged_words import RULE
from pipeline.schema import Passage

LIMIT = 0.0

FAILING = [
    pytest.param("Some mother-fucker parked there.", id="hyphen"),
    pytest.param("A pussy pic.", id="pussy"),
    pytest.param("It is one fucking huge bike.", id="word"),
    pytest.param("What a SHITTY van.", id="upper"),
    pytest.param("Two assholes argue.", id="plural"),
    pytest.param("A f**king big bike.", id="masked"),
    pytest.param("This is sh*t.", id="masked_letter"),
    pytest.param("She is showing her tits.", id="company"),
    pytest.param("They give blow jobs.", id="two_words"),
    pytest.param('The wall says "Fuck off".', id="sign"),
    pytest.param("It is porn.", id="noun"),
]

PASSING = [
    pytest.param("A pussy willow in a vase.", id="willow"),
    pytest.param("A cock crows cock-a-doodle-doo on a dunghill.", id="cock"),
    pytest.param("A road sign points to Scunthorpe, Penistone and Essex.", id="place"),
    pytest.param("A swimmer does the breast stroke past chicken breasts.", id="breast"),
    pytest.param("A great tit and a blue tit sit on a feeder.", id="tit"),
    pytest.param("Dick Van Dyke and Moby Dick are on the posters.", id="name"),
    pytest.param("A make-up palette of nude tones.", id="nude"),
    pytest.param("An ass carries a heavy load.", id="ass"),
    pytest.param("A man at his job blows on his hands.", id="job"),
    pytest.param("A bowl of shiitake soup.", id="shiitake"),
    pytest.param("A bit of chewing gum sticks to the shuttle.", id="bitter"),
    pytest.param("A cocktail with a cockatoo on it.", id="cocktail"),
    pytest.param("The sign says 5* hotel.", id="asterisk"),
    pytest.param("", id="empty"),
    pytest.param("The image shows a cat sitting on a mat. It is about animals and pets.", id="clean"),
]


@pytest.mark.parametrize("text", FAILING)
def test_fails(text: str) -> None:
    """One obscene word is too many, on a sign as well."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert verdict.failed
    assert verdict.reason.startswith("flagged_words ")


@pytest.mark.parametrize("text", PASSING)
def test_passes(text: str) -> None:
    """Birds, places, dishes and names only look like them."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert not verdict.failed, verdict.reason
    assert verdict.reason == ""


def test_value_is_a_share_of_words() -> None:
    """One word of four."""
    assert RULE.measure(Passage("A shitty old van.")).value == 0.25
