"""Sentences that repeat an earlier one."""

import pytest

from filters.rules.sentence_duplication import RULE
from pipeline.schema import Passage

LIMIT = 0.0

FAILING = [
    pytest.param(
        "The barn is green and the horses are brown. The horses are brown and the barn is green.", id="swapped_clauses"
    ),
    pytest.param(
        "A farmer leads two horses out of a barn. Two horses are being led out of a barn by a farmer.", id="led"
    ),
    pytest.param("The subject is flowers. The main subject is flowers.", id="main"),
    pytest.param("The image shows two dogs on a lawn. There are two dogs on a lawn in the image.", id="frame_last"),
    pytest.param(
        "A mechanic has raised the van on a lift. The van has been raised on a lift by a mechanic.", id="passive"
    ),
    pytest.param(
        "The atmosphere is romantic and dreamy. The mood of the scene is dreamy and romantic.", id="statement"
    ),
    pytest.param("The sky is blue with a few clouds. There are a few clouds in the blue sky.", id="predicate"),
    pytest.param("The man is wearing a hat. He is wearing a hat.", id="he"),
    pytest.param(
        "An old woman in a scarf is weighing grapes on a hand-held scale. The old woman in a scarf weighs grapes on a scale held in her hand.",
        id="compound",
    ),
    pytest.param("A boat lies on the beach. Overall, the image shows a boat on the beach lying there.", id="overall"),
    pytest.param("The main colors are blue and red. The main color is blue.", id="same_head"),
    pytest.param("A woman is eating a sandwich at a table. On the table, a woman is eating a sandwich.", id="inverted"),
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
    pytest.param("The cat is on the left. It is black. The dog is on the right. It is black.", id="it"),
    pytest.param("He holds a ball. She holds a ball.", id="she"),
    pytest.param("The boy looks at the girl. The girl looks at the boy.", id="swapped"),
    pytest.param("A blue car is parked under the sky. The sky is blue.", id="other_thing"),
    pytest.param(
        "On the left of the old wooden table by the window stands a small white cup. On the right of the old wooden table by the window stands a small white cup.",
        id="side_in_long",
    ),
    pytest.param("One boy is holding a bat. The other boy is holding a bat.", id="other"),
    pytest.param("The first bird is brown. The second bird is brown.", id="ordinals"),
    pytest.param("It is about architecture and engineering. The subject is architecture.", id="narrower"),
    pytest.param("This is a picture of a person in a blue shirt. The subject is a person.", id="mere_subject"),
    pytest.param(
        "A man on a horse rides past a house on the left while a dog runs after a red ball. The man is on the left.",
        id="far_apart",
    ),
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
