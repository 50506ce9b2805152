"""Apologies of the model."""

import pytest

from filters.rules.apology import RULE
from pipeline.schema import Passage

LIMIT = 0

FAILING = [
    pytest.param("A choir sings. Forgive me for not naming the church.", id="forgive_for"),
    pytest.param("I made a typo. The barn is green.", id="typo"),
    pytest.param("I was wrong about the barn.", id="wrong"),
    pytest.param("A pond. I was mistaken about the duck.", id="wording_0"),
    pytest.param("A pond. Apologies if this is unclear.", id="wording_1"),
    pytest.param("A pond. I regret the confusion.", id="wording_2"),
    pytest.param("Sorry for the confusion, the image shows a cat.", id="confusion"),
    pytest.param("I apologize, but I made an error.", id="apologize_but"),
    pytest.param("I must apologize for that.", id="must"),
    pytest.param("Please forgive my mistake.", id="forgive"),
    pytest.param("A cat sits. Sorry, I misread that.", id="sorry_comma"),
    pytest.param("A cat sits. Sorry about that.", id="that"),
    pytest.param("My apologies for the earlier answer.", id="my_apologies"),
    pytest.param("I'm sorry I made a mistake. The image shows a cat.", id="mistake"),
    pytest.param("I apologize for that. The image shows a cat.", id="apologize"),
    pytest.param("I’m sorry, I made a mistake.", id="curly"),
    pytest.param("I do apologise.", id="apologise"),
    pytest.param("Sorry for the confusion. It is a cat.", id="confusion"),
    pytest.param("My apologies, it is a dog.", id="apologies"),
    pytest.param("It is a dog. I have made an error.", id="error"),
    pytest.param('"I am sorry, I made a mistake."', id="all_quoted"),
]

PASSING = [
    pytest.param('A card says "Forgive me for being late".', id="forgive"),
    pytest.param('A headline says "I was wrong, says minister".', id="headline"),
    pytest.param("A man who was wrong about the rain is wet.", id="near_miss_0"),
    pytest.param("A duck takes it back to the nest.", id="near_miss_1"),
    pytest.param("The sign reads Sorry, we're closed.", id="unquoted_sign"),
    pytest.param('Letters say "We\'re sorry, something went wrong," on the screen.', id="screen"),
    pytest.param('He bows and says "I apologize, madam."', id="comic"),
    pytest.param("The page has been corrected in red ink, with a mistake circled.", id="corrected"),
    pytest.param('A sign on the door says "Sorry, we are closed."', id="sign"),
    pytest.param("A sign that says Sorry, we're closed.", id="unquoted_sign"),
    pytest.param('A card with a bear says "I am sorry".', id="card"),
    pytest.param("A card says 'I'm sorry' in red letters.", id="single_quotes"),
    pytest.param("The dog makes a sorry face.", id="sorry_face"),
    pytest.param("A red pen marks a mistake in the book.", id="mistake"),
    pytest.param("", id="empty"),
    pytest.param("The image shows a cat sitting on a mat. It is about animals and pets.", id="clean"),
]


@pytest.mark.parametrize("text", FAILING)
def test_fails(text: str) -> None:
    """The paper's two phrases and their kin are apologies."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert verdict.failed
    assert verdict.reason.startswith("apology ")


@pytest.mark.parametrize("text", PASSING)
def test_passes(text: str) -> None:
    """A sign, a card or a sorry face apologises for nobody."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert not verdict.failed, verdict.reason
    assert verdict.reason == ""
