"""What holds for every repair and for all of them in a row, on any text."""

import unicodedata
from collections import Counter

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from filters import REPAIRS, repair
from pipeline.schema import Passage, Repair

# Texts like a small captioner's: sound clauses, loops, stutters, seams, template marks and junk, joined anyhow.
PIECES = st.sampled_from(
    "The image shows|This is a map of|It is|a flower|that is a flower|that is|a red|and white|bus|on the left|and|in the|road and road"
    '|a cat on a mat|the the|very very|There is a dog|with a|is a picture of|.|,|...|!|?|(|)|"|“|”|:|###|###Human:'
    "|Continue|Assistant:|Here is the corrected paragraph:|The paragraph is already correct.|I'm sorry|Dr.|U.S.|e.g."
    "|The|the|A|a|of|of the|3.5|0 0|café|cafe\u0301|一只猫|\u200b|\ufffd|\n|\n\n|-|–|<s>|I have removed|Sure!".split(
        "|"
    )
)
CAPTIONS = st.lists(PIECES, max_size=40).map(" ".join)
TEXTS = st.one_of(CAPTIONS, st.lists(PIECES, max_size=25).map("".join), st.text(max_size=80))
each_repair = pytest.mark.parametrize("mend", REPAIRS, ids=lambda mend: mend.name)


def words(text: str) -> Counter[str]:
    """Words of a text, each counted, after its characters were written in one way."""
    visible = "".join(character for character in text if unicodedata.category(character) != "Cf")
    return Counter(Passage(unicodedata.normalize("NFC", visible)).words)


@each_repair
@given(text=TEXTS)
@settings(max_examples=300, deadline=None)
def test_a_second_time_changes_nothing(mend: Repair, text: str) -> None:
    """Each repair is idempotent."""
    once = mend.apply(text)
    assert mend.apply(once) == once


@each_repair
@given(text=TEXTS)
@example(text="A\u0300Assistant:")
@example(text="0\u200bAssistant:")
@settings(max_examples=300, deadline=None)
def test_no_word_is_added(mend: Repair, text: str) -> None:
    """A repair leaves words out; it neither adds one nor says one more often. All but the first see normal text."""
    first = REPAIRS[0]
    given_text = text if mend is first else first.apply(text)
    assert words(mend.apply(given_text)) <= words(text)


@given(text=TEXTS)
@example(text="This is a map of a. It is a map.")
@settings(max_examples=1500, deadline=None)
def test_all_repairs_in_a_row_are_idempotent(text: str) -> None:
    """A repaired text is repaired: a later repair makes no work for an earlier one."""
    once, _ = repair(text)
    again, applied = repair(once)
    assert (again, applied) == (once, [])


@given(text=TEXTS)
@settings(max_examples=300, deadline=None)
def test_all_repairs_in_a_row_add_no_word(text: str) -> None:
    """What holds for each holds for all."""
    assert words(repair(text)[0]) <= words(text)
