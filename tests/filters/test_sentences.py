"""Sentence splitting as the filters need it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.text import sentence_spans, split_sentences


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        pytest.param("A cat sits. A dog runs.", ["A cat sits.", "A dog runs."], id="two"),
        pytest.param("Dr. Smith of the U.S. Navy. He sits.", ["Dr. Smith of the U.S. Navy.", "He sits."], id="titles"),
        pytest.param("the cat sits. the dog runs.", ["the cat sits.", "the dog runs."], id="lower_case"),
        pytest.param(
            "cats, dogs etc. and 3.5 m vs. a car", ["cats, dogs etc. and 3.5 m vs. a car"], id="abbreviations"
        ),
        pytest.param("A cat\nsits.\n\nA dog", ["A cat\nsits.", "A dog"], id="paragraphs"),
        pytest.param("a flower that The image shows a cat.", ["a flower that", "The image shows a cat."], id="seam"),
        pytest.param("A sign that says The end of it.", ["A sign that says The end of it."], id="quoted_title"),
        pytest.param("It says 'Stop!' (in red). He sits.", ["It says 'Stop!' (in red).", "He sits."], id="bracket"),
        pytest.param('He says "I go. You stay." A cat', ['He says "I go. You stay."', "A cat"], id="quotation"),
        pytest.param("He can't. He won't", ["He can't.", "He won't"], id="contractions"),
        pytest.param("", [], id="empty"),
        pytest.param(" \n ", [], id="blank"),
    ],
)
def test_split(text: str, sentences: list[str]) -> None:
    """Sentences end where a reader ends them."""
    assert split_sentences(text) == sentences


@given(st.text(alphabet=st.sampled_from("aA .,!?\"'()\n-3“”"), max_size=60))
def test_spans_cover_all_but_white_space(text: str) -> None:
    """Nothing of a text is lost or said twice by splitting it."""
    spans = sentence_spans(text)
    assert "".join("".join(text[start:end].split()) for start, end in spans) == "".join(text.split())
    assert list(spans) == sorted(spans)
