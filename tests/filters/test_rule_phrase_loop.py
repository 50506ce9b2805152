"""A phrase that a sentence says again and again."""

import pytest

from filters.rules.phrase_loop import RULE
from pipeline.schema import Passage

LIMIT = 0.0

FAILING = [
    pytest.param("The horses go up and down and up and down and up and down.", id="ways"),
    pytest.param('The sign reads "Inn of the inn of the inn of the inn of the inn of the inn".', id="quoted_too_long"),
    pytest.param("The flower is a flower that is a flower that is a flower that is a flower that", id="flower"),
    pytest.param("The image shows a cat on a mat and a cat on a mat.", id="twice_linked"),
    pytest.param("A red and white and red and white bus.", id="and_and"),
    pytest.param(
        "The flower is a red flower that is a green flower that is a blue flower that is a", id="changing_word"
    ),
    pytest.param("The stripes are red, white, red, white, red, white.", id="two_words"),
    pytest.param("The house of the of the king.", id="empty_pair"),
    pytest.param("There is a dog, a cat, a dog, a cat, a dog.", id="list"),
    pytest.param("It is a bus. The bus is on the road and the bus is on the road.", id="second_sentence"),
]

PASSING = [
    pytest.param("The horses go up and down, up and down.", id="ways_twice"),
    pytest.param("Knit two, purl two, knit two, purl two, says the pattern.", id="pattern"),
    pytest.param(
        "On the first floor there is a bakery, on the second floor there is a dentist, and on the third floor there is a balcony.",
        id="floors",
    ),
    pytest.param('The label says "Gin Fizz, Gin Fizz, Gin Fizz" in silver.', id="quoted_chant"),
    pytest.param('The words "come what may, come what may" are sewn on the cushion.', id="quoted_refrain"),
    pytest.param("On the left there is a red car. On the right there is a red car.", id="left_right"),
    pytest.param("There is a dog on the left, a dog on the right and a cat.", id="left_right_inside"),
    pytest.param("There is a dog on the left and there is a dog on the right.", id="and_sides"),
    pytest.param("There is a red bus, a red car, a red house and a red flower.", id="colours"),
    pytest.param("The road goes on and on and on.", id="on_and_on"),
    pytest.param("The cats sit side by side by the wall.", id="side_by_side"),
    pytest.param("The cat cat cat sits.", id="stutter_is_another_rule"),
    pytest.param("The cat is black. The cat is black.", id="across_sentences"),
    pytest.param("", id="empty"),
    pytest.param("The image shows a cat sitting on a mat. It is about animals and pets.", id="clean"),
]


@pytest.mark.parametrize("text", FAILING)
def test_fails(text: str) -> None:
    """A phrase said again at once, or four words said three times in one sentence, is a loop."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert verdict.failed
    assert verdict.reason.startswith("phrase_loop ")


@pytest.mark.parametrize("text", PASSING)
def test_passes(text: str) -> None:
    """Parallel sentences, lists and repeated colours are no loops."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert not verdict.failed, verdict.reason
    assert verdict.reason == ""


def test_value_is_the_share_of_looping_words() -> None:
    """Five of ten words lie in "red and red and red" style loops when half the text loops."""
    text = "One two three four. Big and big and big and."
    assert RULE.measure(Passage(text)).value == pytest.approx(6 / 10)


def test_evidence_quotes_the_loop() -> None:
    """A reader of the reason sees the phrase."""
    assert "a cat on a mat and a cat" in RULE.judge(Passage("I see a cat on a mat and a cat on a mat."), 0.0).reason
