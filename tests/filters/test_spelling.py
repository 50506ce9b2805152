"""Misspelt words that a rewriter may mend, and words that are merely alike."""

import pytest

from filters.guards.spelling import is_misspelling, slips

MISSPELT = [
    ("sanwich", "sandwich"),
    ("motercycle", "motorcycle"),
    ("distanse", "distance"),
    ("tabel", "table"),
    ("drinkng", "drinking"),
    ("purpel", "purple"),
]
OTHER_WORDS = [
    ("horse", "house"),
    ("bottle", "battle"),
    ("cat", "car"),
    ("boat", "boast"),
    ("table", "tabel"),
    ("wite", "white"),  # too short to be sure
    ("toucan", "touch"),
    ("tapir", "tape"),
    ("okapi", "okay"),
    ("xq", "dog"),
    ("quokka", "dog"),
    ("table", "table"),
    ("5", "6"),
    ("gr", "grass"),
]


@pytest.mark.parametrize(("wrong", "right"), MISSPELT)
def test_a_misspelt_word_may_be_mended(wrong: str, right: str) -> None:
    """It is no word, and the mended one is near."""
    assert is_misspelling(wrong, right)


@pytest.mark.parametrize(("wrong", "right"), OTHER_WORDS)
def test_a_word_is_no_misspelling_of_another(wrong: str, right: str) -> None:
    """Two words, however alike, are two facts; nor may a word be made worse."""
    assert not is_misspelling(wrong, right)


@pytest.mark.parametrize(
    ("left", "right", "distance"),
    [("", "", 0), ("a", "", 1), ("ab", "ba", 1), ("table", "tabel", 1), ("kitten", "sitting", 3), ("abc", "abc", 0)],
)
def test_slips_are_counted(left: str, right: str, distance: int) -> None:
    """Letters left out, put in or wrong, and neighbours that changed places."""
    assert slips(left, right) == slips(right, left) == distance
