"""Sentences cast in one mould."""

import pytest

from filters.rules.refrain import RULE
from pipeline.schema import Passage

LIMIT = 0.3

FAILING = [
    pytest.param(
        "The man is wearing a blue shirt. The man is wearing a blue hat. The man is wearing a blue coat.", id="mould"
    ),
    pytest.param("There is a cat on the left. There is a cat on the right. There is a cat on the roof.", id="there_is"),
]

PASSING = [
    pytest.param(
        'A poster says: "Hold the rail on the stairs. Hold the rail on the deck. Hold the rail on the ramp."',
        id="poster",
    ),
    pytest.param(
        "In 1990 the oak reaches the porch, in 2000 the oak reaches the sill, in 2010 the oak reaches the gutter.",
        id="years",
    ),
    pytest.param(
        "On the first floor there is a bakery. On the second floor there is a dentist. On the third floor there is a balcony.",
        id="floors",
    ),
    pytest.param(
        "On the left side of the picture there is a red car. On the right side of the picture there is a red house.",
        id="left_right",
    ),
    pytest.param(
        "On the left side of the room there is a stove with two pots. A woman stands near the right side of the room and looks out of a window. The far side of the room is painted white, with a clock above the door and a calendar from last year.",
        id="long",
    ),
    pytest.param("There is a cat. There is a dog. There is a bird.", id="three_words"),
    pytest.param("", id="empty"),
    pytest.param("The image shows a cat sitting on a mat. It is about animals and pets.", id="clean"),
]


@pytest.mark.parametrize("text", FAILING)
def test_fails(text: str) -> None:
    """Four words said three times or more, all over the text, fail, also where no sentence is a duplicate."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert verdict.failed
    assert verdict.reason.startswith("refrain ")


@pytest.mark.parametrize("text", PASSING)
def test_passes(text: str) -> None:
    """Two parallel sentences pass, and so does a phrase that comes back in a long text."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert not verdict.failed, verdict.reason
    assert verdict.reason == ""
