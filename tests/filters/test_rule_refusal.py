"""Refusals to describe."""

import pytest

from filters.rules.refusal import RULE
from pipeline.schema import Passage

LIMIT = 0

FAILING = [
    pytest.param("I do not have personal opinions about barns.", id="opinions"),
    pytest.param("A pond. I have no way of telling who the swimmer is.", id="wording_0"),
    pytest.param("A pond. The rest is not accessible to me.", id="wording_1"),
    pytest.param("The picture you sent is empty.", id="wording_2"),
    pytest.param("It would be unethical to identify the man.", id="wording_3"),
    pytest.param("A pond. It is beyond my abilities to count the ducks.", id="wording_4"),
    pytest.param("A pond. I am not certain what the box is.", id="wording_5"),
    pytest.param("I cannot see the image.", id="cannot_see"),
    pytest.param("I'm unable to view the picture.", id="unable"),
    pytest.param("I am not able to describe it.", id="am_not_able"),
    pytest.param("No image was provided.", id="no_image"),
    pytest.param("The image is not attached.", id="not_attached"),
    pytest.param("Please upload the picture.", id="upload"),
    pytest.param("I don't have access to the picture.", id="dont_have"),
    pytest.param("I can’t help with that request.", id="curly"),
    pytest.param("I'm afraid I have to stop here.", id="afraid"),
    pytest.param("The picture could not be loaded, so there is nothing to say.", id="not_loaded"),
    pytest.param("Could you please send me the photo again?", id="send"),
    pytest.param("You have not attached a file.", id="you_forgot"),
    pytest.param("It is not possible for me to name the place.", id="for_me"),
    pytest.param("I must decline this request.", id="decline"),
    pytest.param("That is against my guidelines.", id="guidelines"),
    pytest.param("I won't be able to identify the people.", id="wont"),
    pytest.param("Without seeing the image, nothing can be said.", id="without"),
    pytest.param("I would need more context to go on.", id="need"),
    pytest.param("A cat sits. I can't tell you more, since I don't know what else it holds.", id="after_text"),
]

PASSING = [
    pytest.param("I cannot help laughing at the duck.", id="near_miss_0"),
    pytest.param("There is nothing to describe its size but a man.", id="near_miss_1"),
    pytest.param("A robot which is unable to climb stairs is carried by two men.", id="near_miss_2"),
    pytest.param("A diver is not sure what the box is.", id="near_miss_3"),
    pytest.param("The man cannot see the dog behind him.", id="blind"),
    pytest.param("His face cannot be seen because of the hat.", id="hidden"),
    pytest.param('A sign says "I cannot see you".', id="sign"),
    pytest.param("The picture is attached to the wall with a nail.", id="frame"),
    pytest.param("A kitten is apparently unable to climb down.", id="unable"),
    pytest.param("There is no picture on the wall, only a nail.", id="no_picture"),
    pytest.param("It is not clear what the sign says.", id="unclear"),
    pytest.param("A sign that reads Please provide exact change hangs above the till.", id="please_sign"),
    pytest.param("I love how the light falls through the shutters.", id="i_love"),
    pytest.param("The television set has not been loaded onto the van.", id="tv"),
    pytest.param("Blankets were provided for the guests.", id="provided"),
    pytest.param("", id="empty"),
    pytest.param("The image shows a cat sitting on a mat. It is about animals and pets.", id="clean"),
]


@pytest.mark.parametrize("text", FAILING)
def test_fails(text: str) -> None:
    """A model that says what it cannot do, or asks for the picture, is not describing."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert verdict.failed
    assert verdict.reason.startswith("refusal ")


@pytest.mark.parametrize("text", PASSING)
def test_passes(text: str) -> None:
    """What people and things in the picture cannot do is described."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert not verdict.failed, verdict.reason
    assert verdict.reason == ""
