"""A description that begins anew."""

import pytest

from filters.rules.restart import RULE
from pipeline.schema import Passage

LIMIT = 0

FAILING = [
    pytest.param("The image shows a red bus on a street. In this picture, we see a bus and a street.", id="varied"),
    pytest.param(
        "A penguin stands on a rock. Others crowd the shore. This is a photograph of a penguin on a rock.", id="known"
    ),
    pytest.param("A woman waits at a stop with a case.The image shows a woman with a case at a stop.", id="glued"),
    pytest.param(
        "The violinist wears a red dress in the hall. a photo of a woman in a red dress in a hall.", id="caption"
    ),
    pytest.param(
        "The classroom has chairs. It is a friendly room. In the image, we see a classroom with chairs.",
        id="after_summary",
    ),
    pytest.param("The image shows a double decker bus. It is about transport. The image shows a red car.", id="shows"),
    pytest.param("This is a map of a country. The image is a picture of a flower.", id="is_a_picture"),
    pytest.param("This picture depicts some people. It is sunny. The photo shows two dogs.", id="depicts"),
]

PASSING = [
    pytest.param(
        "A sepia picture of a wedding stands on the shelf. The photo shows a stern groom.", id="picture_in_picture"
    ),
    pytest.param("A desk stands by the wall. A photo of a girl hangs on the wall above it.", id="hanging"),
    pytest.param("The image shows a party. The image captures a moment of joy.", id="moment"),
    pytest.param("The left image shows a beach. The right image shows a forest.", id="parts"),
    pytest.param("The image shows a lake. The scene includes a few boats.", id="scene_adds"),
    pytest.param("The image shows a bus. The image also shows a man.", id="also"),
    pytest.param("The image shows a bus. The image is bright and clear.", id="quality"),
    pytest.param("The image shows a man. The image shows the man's hat.", id="definite"),
    pytest.param("The image shows a bus. In the image, the sky is blue.", id="in_the_image"),
    pytest.param("This is a photo of a dog. Overall, the photo gives a calm impression.", id="overall"),
    pytest.param("This is a car. It is a red car with four doors.", id="it_is_red"),
    pytest.param("", id="empty"),
    pytest.param("The image shows a cat sitting on a mat. It is about animals and pets.", id="clean"),
]


@pytest.mark.parametrize("text", FAILING)
def test_fails(text: str) -> None:
    """A second opening sentence is a restart."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert verdict.failed
    assert verdict.reason.startswith("restart ")


@pytest.mark.parametrize("text", PASSING)
def test_passes(text: str) -> None:
    """Going on about the same picture is none."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert not verdict.failed, verdict.reason
    assert verdict.reason == ""
