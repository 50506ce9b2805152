"""A model that speaks of itself, or to its user."""

import pytest

from filters.rules.self_reference import RULE
from pipeline.schema import Passage

LIMIT = 0

FAILING = [
    pytest.param("A pond. Do you have any further questions?", id="questions"),
    pytest.param("As a vision system trained on photographs, I read this as rest.", id="trained"),
    pytest.param("Happy to go into more depth on the band.", id="depth"),
    pytest.param("A pond. My visual abilities are limited.", id="wording_0"),
    pytest.param("A pond. Being a machine, I feel nothing.", id="wording_1"),
    pytest.param("A pond. This caption was produced by an AI model.", id="wording_2"),
    pytest.param("A pond. Do you want me to go on?", id="wording_3"),
    pytest.param("As a digital helper, I see a pond.", id="wording_4"),
    pytest.param("A pond. I was made to answer questions.", id="wording_5"),
    pytest.param("As an AI language model, I do not see pictures.", id="language_model"),
    pytest.param("I am a language model.", id="i_am"),
    pytest.param("How can I help you today?", id="help"),
    pytest.param("I was trained on text, so feelings are not mine.", id="trained"),
    pytest.param("According to my training data, masks are common.", id="training_data"),
    pytest.param("I hope this helps!", id="hope"),
    pytest.param("Let me know if you have any questions.", id="let_me_know"),
    pytest.param("Thank you for sharing this picture with us.", id="thanks"),
    pytest.param("I will now describe what I see.", id="will_describe"),
    pytest.param("As an artificial intelligence, I have no feelings.", id="artificial"),
]

PASSING = [
    pytest.param("The guide is happy to answer any questions of the visitors.", id="guide"),
    pytest.param("Being a robot, the waiter needs no tip.", id="near_miss_0"),
    pytest.param("As a digital artist she needs two screens.", id="near_miss_1"),
    pytest.param("A model stands before a painter.", id="near_miss_2"),
    pytest.param("A machine fills bottles at the help desk.", id="near_miss_3"),
    pytest.param("A shop assistant stands behind the counter.", id="shop_assistant"),
    pytest.param("A model walks as an artist draws her.", id="fashion_model"),
    pytest.param("A robot with the letters AI on its chest.", id="robot"),
    pytest.param("The image shows a model of a ship.", id="model_ship"),
    pytest.param("As an orchestra tunes up, the curtain rises.", id="as_an"),
    pytest.param("A humanoid robot says that it is an AI assistant that speaks 12 languages.", id="robot_speaks"),
    pytest.param("A large language school's banner hangs in the window.", id="language_school"),
    pytest.param("My grandfather took this picture in 1958.", id="my"),
    pytest.param('A sign says "I cannot see you".', id="sign"),
    pytest.param("The picture is attached to the wall with a nail.", id="image_in_frame"),
    pytest.param("", id="empty"),
    pytest.param("The image shows a cat sitting on a mat. It is about animals and pets.", id="clean"),
]


@pytest.mark.parametrize("text", FAILING)
def test_fails(text: str) -> None:
    """A model that says what it is, or cannot do, is not describing."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert verdict.failed
    assert verdict.reason.startswith("self_reference ")


@pytest.mark.parametrize("text", PASSING)
def test_passes(text: str) -> None:
    """Assistants, models and AI in the picture are described."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert not verdict.failed, verdict.reason
    assert verdict.reason == ""
