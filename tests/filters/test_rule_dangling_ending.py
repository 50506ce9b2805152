"""Sentences that break off."""

import pytest

from filters.rules.dangling_ending import RULE
from pipeline.schema import Passage

LIMIT = 0

FAILING = [
    pytest.param("The wall is painted blue, or is.", id="or_is"),
    pytest.param("The image shows a man (on a bench", id="long_unclosed"),
    pytest.param("A pond lies there. A duck (a drake)", id="two_sentences_bracket"),
    pytest.param("The farmer is sleeping because he.", id="subject"),
    pytest.param("The farmer, who.", id="relative"),
    pytest.param("A pond lies there. Ducks swim near a waterf.", id="wording_0"),
    pytest.param("A pond lies there. A duck seems to.", id="wording_1"),
    pytest.param("A pond lies there. Behind it there are.", id="wording_2"),
    pytest.param("A pond lies there, surrounded by tall.", id="wording_3"),
    pytest.param("A pond lies there with a hut that is.", id="wording_4"),
    pytest.param("A line of ants is marching towards the large.", id="size"),
    pytest.param("1. Lay it around the neck. 2. Cross the ends. 3.", id="number"),
    pytest.param("It offers the following items:", id="colon"),
    pytest.param("The hiker has stopped, perhaps because", id="because"),
    pytest.param("A photo of a man leaning over the rail", id="capital_phrase"),
    pytest.param("a man riding a horse on a", id="lower_dangling"),
    pytest.param("The image shows a cat on a mat", id="no_stop"),
    pytest.param("The image shows a cat on a ma", id="cut_word"),
    pytest.param("The image shows a cat on the.", id="article"),
    pytest.param("The image shows a cat and.", id="conjunction"),
    pytest.param("The vase is full of.", id="preposition"),
    pytest.param("The image shows a cat,", id="comma"),
    pytest.param("The image shows a cat,.", id="comma_stop"),
    pytest.param("The flower is a flower that.", id="that"),
    pytest.param("The flower in the pot is.", id="copula"),
    pytest.param("The image shows a large.", id="adjective"),
    pytest.param("The image shows a large b.", id="lone_letter"),
    pytest.param("The image shows a build-.", id="hyphen"),
    pytest.param("The image shows a cat...", id="ellipsis"),
    pytest.param("The image shows a cat (on a mat.", id="open_bracket"),
    pytest.param('The sign says "stop.', id="open_quote"),
    pytest.param("The sign says “stop.", id="open_curly"),
    pytest.param("The flower is a flower that The image shows a cat.", id="seam"),
    pytest.param("A cat sits on the\n\nThe dog runs.", id="first_of_two"),
    pytest.param("The cat sleeps near its.", id="possessive"),
    pytest.param("", id="empty"),
    pytest.param("...", id="only_marks"),
]

PASSING = [
    pytest.param("Only the caps tell us who is who.", id="who_is_who"),
    pytest.param("They sell knobs, hinges and the like.", id="the_like"),
    pytest.param("One tower is washed; the other has yet to be.", id="yet_to_be"),
    pytest.param("The paint has gone from the last w.", id="last_letter"),
    pytest.param("The board shows a square with sides a and b.", id="sides"),
    pytest.param("The wall is painted blue, or was.", id="or_was"),
    pytest.param("A harbour with three dinghies (the middle one has no oars)", id="bracket_at_end"),
    pytest.param('"A heron fishing beneath the viaduct"', id="quotation_as_caption"),
    pytest.param("The line begins with a ♯.", id="symbol"),
    pytest.param("The board says Coming soon...", id="board"),
    pytest.param("The duck is larger than the others are.", id="near_miss_0"),
    pytest.param("The duck has moved a little.", id="near_miss_1"),
    pytest.param("Nobody knows how deep the pond is.", id="near_miss_2"),
    pytest.param("There is a plate of sambal and gado gado.", id="near_miss_3"),
    pytest.param("The ducks swim in the harbour.", id="near_miss_4"),
    pytest.param("a man in a wet suit carries a surfboard toward the ocean", id="lower_phrase"),
    pytest.param("The clock says 8:00 a.m. The other one says 9:00 p.m.", id="am_pm"),
    pytest.param('The mouse says "Well, if you insist..." and bows. The cat says "Never..."', id="quoted_dots"),
    pytest.param("Jars line the shelf: plum, pear... The labels are old.", id="middle_dots"),
    pytest.param(
        "Four mugs stand on a shelf:\n- a white one\n- a tall blue one\n- a cup without a saucer", id="list_in_lines"
    ),
    pytest.param('It reads "Row 7, Seat 21" and has a stain. It says "problem #2".', id="number_in_quote"),
    pytest.param('"Hurry up," says the hare in the book; "I am," says the tortoise.', id="semicolon"),
    pytest.param("What is the cat doing?", id="question"),
    pytest.param('The sign says "stop."', id="quote"),
    pytest.param('The sign says "stop".', id="quote_stop"),
    pytest.param("The cat sleeps (on a mat).", id="bracket"),
    pytest.param("A man stands with his hat on.", id="particle"),
    pytest.param("It is unclear what the statue is made of.", id="stranded"),
    pytest.param("The bus that he is waiting for. The dog he plays with.", id="reduced_relative"),
    pytest.param("It is unclear what it is.", id="what_it_is"),
    pytest.param("No other cat looks like that.", id="like_that"),
    pytest.param("The walls are painted in a light blue.", id="light_blue"),
    pytest.param("The car is red.", id="red"),
    pytest.param("The sign shows the letter b. The box holds vitamin c.", id="grade"),
    pytest.param("The egg is grade A.", id="grade_a"),
    pytest.param("The cat has slept for a while.", id="while"),
    pytest.param("The room was left as is.", id="as_is"),
    pytest.param("The statue shows a human being.", id="human_being"),
    pytest.param('The frame is 5" wide.', id="inches"),
    pytest.param("Dr. Smith of the U.S. Navy stands at 3.5 m.", id="abbreviation"),
    pytest.param("A sign that says The end.", id="says_The"),
    pytest.param("The image shows a cat sitting on a mat. It is about animals and pets.", id="clean"),
]


@pytest.mark.parametrize("text", FAILING)
def test_fails(text: str) -> None:
    """A sentence without an end, or with a last word that cannot be last, is unfinished."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert verdict.failed
    assert verdict.reason.startswith("dangling_ending ")


@pytest.mark.parametrize("text", PASSING)
def test_passes(text: str) -> None:
    """Sentences that end on particles, quotes, brackets and questions are finished."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert not verdict.failed, verdict.reason
    assert verdict.reason == ""


def test_every_unfinished_sentence_counts() -> None:
    """The broken first pass counts beside the broken second."""
    assert RULE.measure(Passage("A flower that The image shows a cat. It is")).value == 2


def test_evidence_names_the_fault() -> None:
    """The reason says what is wrong with the ending."""
    assert 'ends on "the" in' in RULE.judge(Passage("The cat is on the."), LIMIT).reason
