"""The same word several times in a row."""

import pytest

from filters.rules.word_stutter import RULE
from pipeline.schema import Passage

LIMIT = 1

FAILING = [
    pytest.param("She has a ring ring on her finger.", id="ring"),
    pytest.param("The man holds holds a cup.", id="holds"),
    pytest.param("A A dog sits.", id="initial"),
    pytest.param("A woman reads the the newspaper.", id="reading"),
    pytest.param("A man is sitting on on a bench.", id="sitting_on"),
    pytest.param("She holds her her bag.", id="her_bag"),
    pytest.param("A group is walking, walking down the street.", id="walking"),
    pytest.param("The sheep says baa baa baa baa baa to the dog.", id="five_sounds"),
    pytest.param("There is a cat, a cat and a dog.", id="list_of_things"),
    pytest.param("A boat is tied to a wooden pier wooden pier in the bay.", id="noun_phrase"),
    pytest.param("The clock is is made of brass.", id="is_is"),
    pytest.param("The man wears a hat a hat and a coat.", id="phrase"),
    pytest.param("The room is lit by candles, candles and a lamp.", id="comma_noun"),
    pytest.param("It is of the uk/uk company.", id="slash"),
    pytest.param("A café café on a street.", id="combining"),
    pytest.param("There are two dogs two dogs on a lawn.", id="counted"),
    pytest.param("The the the cat sits.", id="three"),
    pytest.param("The cat sits on on the mat.", id="two"),
    pytest.param("The the cat sits.", id="across_case"),
    pytest.param("A blue, blue, blue dot.", id="commas"),
    pytest.param("a  cat\n cat sits", id="blanks"),
    pytest.param("A very very very big cat.", id="very_thrice"),
    pytest.param("It's it's a cat.", id="apostrophe"),
    pytest.param("The cat sits on the mat mat", id="at_the_end"),
]

PASSING = [
    pytest.param("The bird that sings sings at dawn.", id="relative"),
    pytest.param("Mirror, mirror on the wall, says the queen.", id="mirror"),
    pytest.param("It is up, up and away with the balloons.", id="away"),
    pytest.param("J J Cale plays the guitar.", id="initials"),
    pytest.param("A banner with a yeah yeah yeah on it.", id="yeah"),
    pytest.param("A man hands her her coat.", id="her_coat"),
    pytest.param("The boy she drew, drew her in return.", id="clause"),
    pytest.param("What the ducks do, do the ducklings too.", id="what_clause"),
    pytest.param("All the good it did did not show.", id="did"),
    pytest.param("What it was was a kite.", id="was"),
    pytest.param("Light comes in in the morning.", id="comes_in"),
    pytest.param("The light is on on both floors.", id="light_on"),
    pytest.param("A man laughs: ha ha ha.", id="sounds"),
    pytest.param("Letters spell out MILK MILK EGGS.", id="read"),
    pytest.param("It goes nee naw nee naw.", id="siren"),
    pytest.param("Five dice show a six, a six, a two, and an ace.", id="dice"),
    pytest.param("Duck, duck, goose is played on the lawn.", id="game"),
    pytest.param("A bowl of dan dan noodles.", id="dish"),
    pytest.param("A poster for The The hangs there.", id="band"),
    pytest.param("The word so far is _ _ A.", id="blanks"),
    pytest.param("What the sculptor made is is hard to say.", id="cleft"),
    pytest.param("The train goes click clack click clack over the bridge to Walla Walla.", id="pairs"),
    pytest.param("They pass the buckets hand to hand to hand and two by two by two.", id="linked"),
    pytest.param('A banner says "Ho Ho Ho" and "No no no!".', id="song"),
    pytest.param('A book called "The Sea, the Sea" lies there.', id="title"),
    pytest.param("The cha cha and a choo choo train.", id="sounds"),
    pytest.param("A thé the old man drinks.", id="letter_inside"),
    pytest.param("They hang side by side by the door.", id="side"),
    pytest.param("The cat that had had a long day sleeps.", id="had_had"),
    pytest.param("A very very big cat.", id="very_very"),
    pytest.param("The man knows that that is a cat.", id="that_that"),
    pytest.param("A sign of Duran Duran above a Pizza Pizza shop.", id="name"),
    pytest.param("The board says 0 0.", id="score"),
    pytest.param("A big, big cat and a red, red rose.", id="comma"),
    pytest.param("He sees the cat. Cat and dog play.", id="sentences"),
    pytest.param("A well-well known man.", id="hyphen"),
    pytest.param("The theatre is an island and the art art-like.", id="substring"),
    pytest.param("The image shows a cat sitting on a mat. It is about animals and pets.", id="clean"),
]


@pytest.mark.parametrize("text", FAILING)
def test_fails(text: str) -> None:
    """A word said again at once is a stutter."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert verdict.failed
    assert verdict.reason.startswith("word_stutter ")


@pytest.mark.parametrize("text", PASSING)
def test_passes(text: str) -> None:
    """Doubles that are English, names, numbers and words apart from each other pass."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert not verdict.failed, verdict.reason
    assert verdict.reason == ""


@pytest.mark.parametrize(
    ("text", "length"),
    [("The cat sits.", 1), ("a a cat", 2), ("a a a a cat", 4), ("had had", 1), ("had had had", 2), ("", 1)],
)
def test_value_is_the_longest_run(text: str, length: int) -> None:
    """The value is the run length, a double that English allows counted once."""
    assert RULE.measure(Passage(text)).value == length
