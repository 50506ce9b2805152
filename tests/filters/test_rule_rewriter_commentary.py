"""What a rewriter says of the text."""

import pytest

from filters.rules.rewriter_commentary import RULE
from pipeline.schema import Passage

LIMIT = 0

FAILING = [
    pytest.param("A van. It had two typos, which were corrected.", id="which"),
    pytest.param("There are two jugs, hold on, three.", id="hold_on"),
    pytest.param("A man carries five plates, scrap that, a tray.", id="scrap"),
    pytest.param("A net hangs there. Take two: the net lies there.", id="take_two"),
    pytest.param("A barn. Dropped the adjectives as asked.", id="adjectives"),
    pytest.param("A barn. That should be about the right length.", id="length"),
    pytest.param("A barn. Tags: barn, horses, field.", id="tags"),
    pytest.param('A van. Changes made: replaced "a vans" with "van".', id="changes"),
    pytest.param("A cat sits. The rest of the text remains unchanged.", id="rest"),
    pytest.param("A cat (Note: the original text said this twice.) sits.", id="note"),
    pytest.param("Corrected version: A cat sits.", id="corrected_version"),
    pytest.param('The error in the paragraph is: "A cat."', id="error_in"),
    pytest.param('The correct sentence should be "A cat sits."', id="correct_sentence"),
    pytest.param("The paragraph has been corrected as follows: A cat sits.", id="as_follows"),
    pytest.param("Okay, here's the description: A cat sits.", id="okay"),
    pytest.param("This version removes the repetition.", id="this_version"),
    pytest.param("Let me know if you would like further changes.", id="let_me_know"),
    pytest.param("The text is grammatically correct and needs no changes.", id="no_change"),
    pytest.param("The paragraph is already correct.", id="correct"),
    pytest.param("Here is the corrected paragraph: A cat sits.", id="here"),
    pytest.param("Here's the revised version of the text.", id="heres"),
    pytest.param("Here is the text without errors: A cat.", id="here_text"),
    pytest.param("The given paragraph describes a cat.", id="given"),
    pytest.param("The paragraph is fine. A cat sits.", id="is"),
    pytest.param("No errors were found. A cat sits.", id="no_errors"),
    pytest.param("There are no changes needed.", id="no_changes"),
    pytest.param("A cat sits. I have removed the repeating sentences.", id="removed"),
    pytest.param("Sure! A cat sits.", id="sure"),
    pytest.param("Corrected paragraph: A cat sits.", id="label"),
    pytest.param("It contains grammatical errors.", id="grammar"),
    pytest.param("A van. Nothing needed to be changed.", id="nothing"),
    pytest.param("A van. Hope it helps!", id="hope"),
    pytest.param("Edited text below. A van stands there.", id="below"),
    pytest.param("A van. [Three redundant phrases were omitted]", id="bracket"),
    pytest.param("A van. I left out a broken sentence.", id="left_out"),
    pytest.param("A van. P.S. One word was doubled.", id="postscript"),
    pytest.param("A van. End of text.", id="end"),
    pytest.param("Here you go: a van stands there.", id="here_you_go"),
    pytest.param("The wording above is already well written.", id="well_written"),
]

PASSING = [
    pytest.param("The old gate, which was removed last year, leans there.", id="which"),
    pytest.param("All the words on the gravestone have been removed by the weather.", id="gravestone"),
    pytest.param("The sentence above is underlined.", id="underlined"),
    pytest.param("The following sentence is carved in the bench.", id="carved"),
    pytest.param("A watch without any explanation of its buttons.", id="buttons"),
    pytest.param("Hold on tight, says the sign on the swing boat.", id="hold"),
    pytest.param("Two dogs wait, leads in their mouths.", id="wait"),
    pytest.param("The clock is about to strike, and the crowd looks up.", id="strike"),
    pytest.param('The sign has a spelling mistake: it says "Resturant".', id="spelling"),
    pytest.param('A badge says "Revised and corrected edition".', id="badge"),
    pytest.param("Here is a quiet corner of the library.", id="here"),
    pytest.param('A note says "Good, but the second paragraph repeats the first."', id="margin"),
    pytest.param("This version of the poster is red.", id="version"),
    pytest.param("A pianist reads the notes: they are her own.", id="notes"),
    pytest.param('It has the heading "What makes a good paragraph?" in red.', id="heading"),
    pytest.param("The paragraph is printed on the left page of the book.", id="printed"),
    pytest.param("The image shows a page with a paragraph of text.", id="page"),
    pytest.param('A screen shows the words "already correct" in green.', id="quote"),
    pytest.param("Here is a dog on a mat.", id="here_is"),
    pytest.param("A sure-footed goat stands on a rock.", id="sure_footed"),
    pytest.param("Nothing has changed in this street since the war.", id="nothing"),
    pytest.param("Here it is still dark, and the lamps are lit.", id="here_it_is"),
    pytest.param("I hope the dog gets its ball.", id="hope"),
    pytest.param("This is the improved version of the bicycle.", id="improved"),
    pytest.param("Two words are painted on the wall.", id="words"),
    pytest.param("The caption below the drawing is in French.", id="caption_below"),
    pytest.param("Note the owl in the oak.", id="note_that"),
    pytest.param("The clock shows the correct time.", id="correct"),
    pytest.param("The final score is shown on the board.", id="final"),
    pytest.param("", id="empty"),
    pytest.param("The image shows a cat sitting on a mat. It is about animals and pets.", id="clean"),
]


@pytest.mark.parametrize("text", FAILING)
def test_fails(text: str) -> None:
    """Remarks about the text are no description."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert verdict.failed
    assert verdict.reason.startswith("rewriter_commentary ")


@pytest.mark.parametrize("text", PASSING)
def test_passes(text: str) -> None:
    """Paragraphs, texts and errors in the picture are described."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert not verdict.failed, verdict.reason
    assert verdict.reason == ""
