"""Sentence splitting as the filters need it."""

from __future__ import annotations

import re
from itertools import pairwise, product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from syntok import segmenter

from pipeline import text as splitting
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


_UNMARKED = re.compile(
    r"(?P<word>[^\W\d_]+)(?:\.\s+(?=[a-z])|,?\s+(?=(?:The|This|These|It|There|In|On|He|She|They)\s[a-z]))"
)


def slow_starts(text: str) -> set[int]:
    """Where sentences start, every mark decided by syntok and every unmarked boundary found by one plain pattern."""
    starts = set()
    for paragraph in segmenter.analyze(text):
        for number, tokens in enumerate(paragraph):
            start = tokens[0].offset
            if number and (closing := splitting._CLOSING.match(text, start)):
                start = closing.end()
            if not number or not splitting._GOES_ON.match(text, start):
                starts.add(start)
    for match in _UNMARKED.finditer(text):
        word, stopped = match["word"].lower(), text[match.end("word")] == "."
        abbreviated = stopped and (len(word) == 1 or word in splitting._ABBREVIATIONS)
        if not abbreviated and (stopped or word not in splitting._QUOTING):
            starts.add(match.end())
    return starts


def check(text: str) -> None:
    """Hold the quick reading of a text against the slow one."""
    cuts = sorted({0, len(text), *slow_starts(text)})
    spans = [(a, b) for a, b in pairwise(cuts) if text[a:b].strip()]
    expected = [text[a:b].strip() for a, b in splitting._join_quotations(text, spans)]
    assert split_sentences(text) == expected


# Whatever can make a mark doubtful, and whole sentences between, so that certain boundaries stand beside doubtful ones.
DOUBTS = (
    "U.S.|Dr.|e.g.|a.m.|3.5|.5|5.|12|1990.|No.|no.|May|cap.|St.|st.|J.|I.|IV.|A.|x.|2)|(|)|[|]|{|}|(left)|(in red)|[x]|(a-b|(-)|(x -)|[x y)|a(b)c|(A)|\"|'"
    "|“|”|‘|’|...|….|..|.|,|;|:|!|?|!?|--|–|#|café.|Élan|don't.|man's.|sun-lit.|X-ray.|Black-White.|iPhone|McDonald.|USA."
    '|end.The|end!Then|x;y|word."|word.)|“Word|word?”|"Word|(Word|word).|The|This|It|says|reads|called|and|A|Two|cats'
    "|\n|\n\n|\n \n|\r\n\r\n|\t|\u00a0|\u200b|\u2028|\x1c|。|！|（|）|只|İ|ſ|²|é.|à"
).split("|")
SOUND = (
    "The image shows a man.|It is red.|a dog runs.|Two cats sleep on a bed;|He wears a hat.|Children play!|What a day?|"
    "In the park, people walk.|the sky is blue.|There are three black-and-white birds near London."
).split("|")
TEXTS = st.one_of(
    st.lists(st.sampled_from([*DOUBTS, *SOUND * 6]), max_size=14).map(" ".join),
    st.lists(st.sampled_from([*DOUBTS, *SOUND, " ", " ", "  "]), max_size=20).map("".join),
    st.text(alphabet="aabcAT..  !?;,()[]\"'”“\n\t-3_…é。\u00a0", max_size=60),
)


@given(TEXTS)
@settings(max_examples=1000, deadline=None)
def test_quick_reading_agrees_with_syntok(text: str) -> None:
    """A mark that is decided without syntok is decided as syntok would."""
    check(text)


@pytest.mark.parametrize("before", ["", "A cat. ", "A dog (or (cat) ", 'He says "'])
def test_neighbours_of_a_mark_decide_as_in_syntok(before: str) -> None:
    """Every kind of word, mark, gap and next word, in every company."""
    words = ["cat", "CAT", "a", "IV", "12", "3.5", "black-white", "A-12", "don't", "'cat", "(cat)", "no", "Mr"]
    marks, gaps = [".", ";", "…", '."', "!”", '.""'], [" ", "", "\n\n", "\t"]
    following = [
        "The x",
        "Two x",
        "A",
        "May",
        "May3",
        "May-x",
        "The3",
        "two x",
        "I.",
        "12",
        "(Two",
        '"Two',
        "McX",
        "éa",
    ]
    for word, mark, gap, after in product(words, marks, gaps, [*following, "", "- a", ". A"]):
        check(f"{before}{word}{mark}{gap}{after}")


@pytest.mark.parametrize(
    "inside", ["red", "a b", "Cats sit", "x -", "-", "", "The end.", "the end. A", "a [b]", "w " * 60]
)
def test_brackets_decide_as_in_syntok(inside: str) -> None:
    """Open or closed, short or long, at the start, in the middle or at the end of a sentence, with marks or without."""
    for opening, closing in (*product("([{", ")]} "), ("", ")")):
        bracket = f"{opening}{inside}{closing}"
        for after in (".", " dogs run.", ", dogs run.", " Dogs run.", ". Dogs run."):
            check(f"{bracket}{after} The man is here. Two cats sit on a bed) today. It is red.")
            check(f"A cat {bracket}{after} The man is here. Two cats sit on a bed) today. It is red.")


def test_abbreviations_are_syntoks() -> None:
    """None of its abbreviations or months ends a sentence unless syntok says so."""
    for word in sorted(segmenter.State.abbreviations | segmenter.State.months | {"no", "No", "NO"}):
        for after in ("Two men", "The man", "A4 sheet", "May"):
            check(f"This is a red {word}. {after} is here. It is a {word}.")


def test_a_plain_caption_does_not_need_syntok(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no mark is in doubt syntok is not asked; where one is, it gets that stretch alone."""
    asked = []
    analyze = segmenter.analyze

    def listening(text: str) -> Any:
        asked.append(text)
        return analyze(text)

    monkeypatch.setattr(segmenter, "analyze", listening)
    sentence_spans.cache_clear()
    split_sentences("The image shows a man in London. He wears a 3.5 m scarf. Two dogs run; a cat sits.\n\nIt is red")
    assert asked == []
    split_sentences("The image shows a man. It is Mr. Smith of the U.S. Navy at sea. He wears a hat.")
    assert asked == ["It is Mr. Smith of the U.S. Navy at sea. "]
