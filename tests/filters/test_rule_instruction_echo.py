"""Descriptions that repeat the instruction."""

import pytest

from filters.rules.instruction_echo import RULE
from pipeline.schema import Passage

LIMIT = 0.8

FAILING = [
    pytest.param("Continue. The barn is green.", id="continue"),
    pytest.param("A pond. Use at most ninety words in the answer.", id="wording_0"),
    pytest.param("A pond. Do not mention anything outside the picture.", id="wording_1"),
    pytest.param("You are a helpful assistant. A pond.", id="wording_2"),
    pytest.param("image in detail. Say everything you see. Poppies grow.", id="tail"),
    pytest.param("Write a detailed description of the photo. A tram climbs.", id="reworded"),
    pytest.param("What do you see in this picture? A tram.", id="question"),
    pytest.param("Describe the following image. The tram is yellow.", id="following"),
    pytest.param("Could you tell me what is in it? A tram.", id="could_you"),
    pytest.param("A tram climbs. Please provide a detailed description of the picture.", id="at_end"),
    pytest.param("Describe this image in detail. A cat sits.", id="describe"),
    pytest.param("give as many details as possible", id="details"),
    pytest.param("A cat. Say everything you see!", id="see"),
    pytest.param("Describe this images in details.", id="plural"),
    pytest.param("Fix the error in the given paragraph. A cat.", id="repair"),
    pytest.param("Remove any repeating sentences, meaningless characters and so on.", id="remove"),
    pytest.param("Take a look at this image and describe what you notice.", id="notice"),
]

PASSING = [
    pytest.param("The path continues to the sea.", id="continues"),
    pytest.param("Do not enter, a sign warns.", id="near_miss_0"),
    pytest.param("Use of phones is forbidden here.", id="near_miss_1"),
    pytest.param(
        'A poster lists: describe the topic, give an example. "Please describe your pain" is above it.', id="poster"
    ),
    pytest.param('The words "Describe this image in detail" stand on it.', id="quoted"),
    pytest.param("Look closely and a cat can be seen. Take care, says a sign.", id="look"),
    pytest.param("What a catch! What is the man doing on the roof?", id="what"),
    pytest.param("The painter shows every leaf in detail.", id="in_detail"),
    pytest.param("The sign gives a detailed description of the picture.", id="detailed"),
    pytest.param("People take a look at this.", id="look"),
    pytest.param("", id="empty"),
    pytest.param("The image shows a cat sitting on a mat. It is about animals and pets.", id="clean"),
]


@pytest.mark.parametrize("text", FAILING)
def test_fails(text: str) -> None:
    """An instruction said again is an echo, also in part or with other endings."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert verdict.failed
    assert verdict.reason.startswith("instruction_echo ")


@pytest.mark.parametrize("text", PASSING)
def test_passes(text: str) -> None:
    """A few words in common are no echo."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert not verdict.failed, verdict.reason
    assert verdict.reason == ""
