"""Sentences that repeat an earlier one."""

import pytest

from filters.rules.sentence_duplication import RULE
from pipeline.schema import Passage

LIMIT = 0.0

FAILING = [
    pytest.param("This is a cat. The sky is blue. This is a cat.", id="exact"),
    pytest.param("This is a map of a country. It is a map of a country.", id="pronoun"),
    pytest.param("The cat is black! The CAT is BLACK.", id="case_and_stop"),
    pytest.param("The image shows many flowers. The picture shows many flower.", id="plural"),
    pytest.param("the cat is black. the cat is black.", id="lower_case"),
    pytest.param("The image shows a man in a blue shirt at a table. The man is in a blue shirt.", id="contained"),
    pytest.param(
        "The person is wearing a blue shirt. The person is wearing a blue hat. The person is wearing a blue shirt and a blue hat.",
        id="from_two",
    ),
    pytest.param("The cat sleeps. It is a picture.", id="no_content"),
    pytest.param(
        "A tall man in a grey coat walks two small brown dogs along the sandy beach. A tall man in a grey coat walks two small brown dogs along the sandy shore beach.",
        id="long_with_one_new_word",
    ),
]

PASSING = [
    pytest.param("On the left there is a red car. On the right there is a red car.", id="left_right"),
    pytest.param("The image shows a red bus. The image shows a blue bus.", id="colour"),
    pytest.param("There are two dogs. There are three dogs.", id="number"),
    pytest.param("There are people. There are no people.", id="negation"),
    pytest.param("The cat is on the mat. The cat is under the mat.", id="place"),
    pytest.param("The image shows a flower. The car is red. The flower is red.", id="apart"),
    pytest.param("It is a picture.", id="first_sentence_only"),
    pytest.param("", id="empty"),
    pytest.param("The image shows a cat sitting on a mat. It is about animals and pets.", id="clean"),
]


@pytest.mark.parametrize("text", FAILING)
def test_fails(text: str) -> None:
    """A sentence that says nothing new is a duplicate, in whatever words it is framed."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert verdict.failed
    assert verdict.reason.startswith("sentence_duplication ")


@pytest.mark.parametrize("text", PASSING)
def test_passes(text: str) -> None:
    """A new place, colour, number or negation is something new."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert not verdict.failed, verdict.reason
    assert verdict.reason == ""


def test_value_is_a_share_of_sentences() -> None:
    """Two repeats among four sentences are a half."""
    assert RULE.measure(Passage("A cat sits. A dog runs. A cat sits. A cat sits.")).value == 0.5
