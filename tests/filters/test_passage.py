"""What the rules share of a text: its words, its sentences' words, and the runs of words that recur."""

from __future__ import annotations

from collections import Counter
from itertools import chain

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from benchmarks.captions import write_captions
from pipeline.schema import Passage, split_words

_WORDS = st.lists(st.sampled_from("a b c the cat sits on mat".split()), max_size=40)
_TEXTS = st.text(alphabet=st.sampled_from("abT .,!?\"'’()-\n3“”é"), max_size=60) | st.sampled_from(write_captions(50))


@given(_TEXTS)
@example("a-b. The cat’s 3.5 m.High")
@example("don't.Stop-it")
def test_words_are_those_of_the_sentences(text: str) -> None:
    """A text has the words of its sentences, whichever is asked for first: no sentence ends within a word."""
    words_first, sentences_first = Passage(text), Passage(text)
    words, sentence_words = words_first.words, sentences_first.sentence_words
    assert words == list(split_words(text)) == list(chain.from_iterable(sentence_words))
    assert sentences_first.words == words
    assert words_first.sentence_words == sentence_words


@given(_WORDS, st.permutations([2, 3, 4, 5]))
def test_repeated_grams(words: list[str], sizes: list[int]) -> None:
    """Runs of words that recur are counted like this, in whatever order their lengths are asked for."""
    passage = Passage(" ".join(words))
    for n in sizes:
        counts = Counter(tuple(words[start : start + n]) for start in range(len(words) - n + 1))
        assert list(passage.repeated_grams(n).items()) == [item for item in counts.items() if item[1] > 1]


@pytest.mark.parametrize(
    ("text", "vocabulary"),
    [
        pytest.param("A cat, a Cat.", {"a", "cat"}, id="case"),
        pytest.param("It’s the man's.", {"it's", "the", "man's"}, id="apostrophes"),
        pytest.param("", set(), id="empty"),
    ],
)
def test_vocabulary(text: str, vocabulary: set[str]) -> None:
    """The vocabulary holds each word once, with straight apostrophes."""
    assert Passage(text).vocabulary == vocabulary
