"""Captions out of titles: what is noise and what only looks like it, and the sentences that are made of them."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.captions import (
    EMPTY,
    NOISE,
    caption_of,
    clean_keywords,
    clean_title,
    enumerate_words,
    is_english,
    noun_phrase,
    sentences_of,
)

# Noise, a title that holds it, and what that one pattern leaves.
HITS = (
    ("credit", "Clip art by Nicu Buculei - dog", "dog"),
    ("credit", "clipart by rejon - two cats", "two cats"),
    ("author", "a red apple by John Smith", "a red apple"),
    ("author", "a horse author: nicubunu", "a horse"),
    ("author", "a dog by rejon", "a dog"),
    ("address", "tree me@example.org", "tree"),
    ("address", "see http://example.org/tree a tree", "see a tree"),
    ("address", "www.example.org fish", "fish"),
    ("date", "sunset (Mon Jan 3 12:00)", "sunset"),
    ("date", "party, 2005", "party"),
    ("date", "bus 1999.", "bus"),
    ("extension", "apple.svg", "apple"),
    ("extension", "apple.JPEG", "apple"),
    ("medium", "SVG tree", "tree"),
    ("medium", "tree clip art", "tree"),
    ("medium", "tree cliparts", "tree"),
    ("medium", "open clip art tree", "tree"),
    ("medium", "remixed owl", "owl"),
    ("separator", "red_apple", "red apple"),
    ("separator", "red-apple", "red apple"),
    ("separator", "cats/dogs", "cats dogs"),
    ("dash", "arrow - next", "arrow, next"),
    ("dash", "arrow -- next", "arrow, next"),
    ("publisher", "AIGA elevator", "elevator"),
    ("camel case", "redApple", "red Apple"),
    ("number", "tree 2", "tree"),
    ("number", "tree #2", "tree"),
    ("number", "tree no. 12", "tree"),
    ("number", "tree nr 3b", "tree"),
    ("number", "tree v2", "tree"),
    ("number", "tree version 4", "tree"),
    ("digits", "bus1 red", "bus red"),
    ("brackets", "dog (brown)", "dog"),
    ("brackets", "dog [draft] {x}", "dog x"),
    ("brackets", "“quoted” dog", "quoted dog"),
)

# Noise, and a title that comes near it and stays as it is.
NEAR_MISSES = (
    ("credit", "a picture by a lake - morning"),
    ("credit", "clip art by the lake"),
    ("author", "a bird that flies by, slowly"),
    ("author", "a nearby tree"),
    ("author", "a woman by the sea"),
    ("author", "water from a tap"),
    ("address", "dogs @ home"),
    ("address", "wwwoman"),
    ("date", "2005 bottles"),
    ("date", "route 2105"),
    ("date", "a dog (monochrome)"),
    ("extension", "a svgfile"),
    ("extension", "a.pngs"),
    ("medium", "vectors of light"),
    ("medium", "a remixer"),
    ("medium", "a paper clip"),
    ("separator", "dog - cat"),
    ("separator", "jack o' lantern"),
    ("dash", "well-known"),
    ("publisher", "a naiga"),
    ("camel case", "USA map"),
    ("camel case", "Red Apple"),
    ("number", "7 dwarfs"),
    ("number", "a V8 engine"),
    ("digits", "a4 paper"),
    ("digits", "mp3 player"),
    ("brackets", "a dog, brown"),
)


def strip_noise(name: str, title: str) -> str:
    """`title` after the one pattern called `name`, its white space tidied."""
    (noise,) = (noise for noise in NOISE if noise.name == name)
    return " ".join(noise.pattern.sub(noise.instead, title).split())


@pytest.mark.parametrize(("name", "title", "left"), HITS, ids=lambda value: value)
def test_noise_goes(name: str, title: str, left: str) -> None:
    """Each pattern, by itself, takes what it is named for and no more."""
    assert strip_noise(name, title) == left


@pytest.mark.parametrize(("name", "title"), NEAR_MISSES, ids=lambda value: value)
def test_what_only_looks_like_noise_stays(name: str, title: str) -> None:
    """Each pattern lets its near-misses pass."""
    assert strip_noise(name, title) == title


def test_every_noise_has_hits_and_near_misses() -> None:
    """A pattern that is added comes with both."""
    names = [noise.name for noise in NOISE]
    assert len(names) == len(set(names))
    assert {hit[0] for hit in HITS} == {miss[0] for miss in NEAR_MISSES} == set(names)


@pytest.mark.parametrize(
    ("title", "caption"),
    [
        ("Clip art by Nicu Buculei - Red_Apple.svg", "red apple"),
        ("redApple2", "red apple"),
        ("&quot;Fish&quot; &amp; chips", "fish & chips"),
        ("  A Dog!  ", "a dog"),
        ("It's a dog", "it's a dog"),
        ("casino 7", "casino"),
        ("piano 2", "piano"),
        ("nov 3", "nov"),
        ("x" * 120, "x" * 120),
        ("x" * 121, ""),
        ("élan", ""),
        ("ab", ""),
        ("2010.", ""),
        ("", ""),
        (" -.,!", ""),
    ],
    ids=lambda value: value[:20] or "nothing",
)
def test_a_title_becomes_a_caption(title: str, caption: str) -> None:
    """All patterns in turn, then lower case; nothing where no word of three letters is left, or too many."""
    assert clean_title(title) == caption


@pytest.mark.parametrize(
    "title",
    [
        *("Various", "Part of", "Untitled", "unknown", "No title", "notitle", "Test", "image", "Icons", "map symbol"),
        *("my", "the", "set of", "logo", "a collection of hats", "Nuvola theme", "iconset of cats", "my submission"),
        *("symbol signs", "Clipart"),
    ],
)
def test_an_empty_title_says_nothing(title: str) -> None:
    """The name of a collection, or a word for any picture, is no caption."""
    assert clean_title(title) == ""


@pytest.mark.parametrize(
    "title",
    ["various fruits", "tests", "unknown man", "iconic tower", "my dog", "collections", "themes", "sign post"],
)
def test_an_empty_word_among_others_is_a_caption(title: str) -> None:
    """A title that only holds or begins such a word still says something."""
    assert EMPTY.search(title) is None
    assert clean_title(title) == title


@given(st.text(alphabet=string.printable + "é“”–", max_size=60))
def test_a_caption_is_tidy_whatever_the_title(title: str) -> None:
    """Lower-case ASCII of one line, without space around it, at most 120 characters."""
    caption = clean_title(title)
    assert caption == " ".join(caption.lower().split())
    assert caption.isascii()
    assert len(caption) <= 120


@pytest.mark.parametrize(
    ("title", "keywords", "caption"),
    [
        ("France", ["flag", "europe"], "the flag of france"),
        ("Flag of France", ["flag"], "flag of france"),
        ("France", ["europe", None], "france"),
        ("Untitled", ["flag"], ""),
    ],
    ids=["flag", "flag already", "no flag", "nothing"],
)
def test_a_flag_is_called_a_flag(title: str, keywords: list[str | None], caption: str) -> None:
    """A country's name is no caption of its flag."""
    assert caption_of(title, keywords) == caption


DICTIONARY = frozenset({"red", "apple", "the", "house"})


@pytest.mark.parametrize(
    ("caption", "english"),
    [
        ("red apple", True),
        ("red apple xyzzy", True),
        ("red apfel", False),
        ("roter apfel", False),
        ("the red apple, plugh xyzzy", False),
        ("a red apple", True),
        ("an ox", False),
        ("", False),
    ],
    ids=["all", "exactly two thirds", "half", "none", "three fifths", "short words do not count", "none left", "empty"],
)
def test_two_thirds_of_the_words_are_english(caption: str, english: bool) -> None:
    """Words of three letters or more are looked up; two thirds are enough."""
    assert is_english(caption, DICTIONARY) is english


@pytest.mark.parametrize(
    ("keywords", "caption", "kept"),
    [
        (["fruit", "food"], "red apple", ["fruit", "food"]),
        (["Apples", "fruit"], "red apple", ["fruit"]),
        (["fruit", "fruits"], "red apple", ["fruit"]),
        (["wild_animal", "  big   cat "], "lion", ["wild animal", "big cat"]),
        (["one", "two", "three", "four", "five", "six"], "lion", ["one", "two", "three", "four", "five"]),
        ([None, "", "ab", "x" * 31, "---"], "lion", []),
        (["x" * 30, "abc"], "lion", ["x" * 30, "abc"]),
        (["hash(0x85a1ac0)", "unsorted", "icons", "by rejon", "a2b", "a@b", "émile", "dark theme"], "lion", []),
        (["iconic", "rehash", "thematic", "buttonhole"], "lion", ["iconic", "rehash", "thematic", "buttonhole"]),
    ],
    ids=["new", "in the caption", "twice", "tidied", "five", "no word", "limits", "junk", "near junk"],
)
def test_keywords_add_something(keywords: list[str | None], caption: str, kept: list[str]) -> None:
    """In their order, tidy, new, at most five, no junk."""
    assert clean_keywords(keywords, caption) == kept


@pytest.mark.parametrize(
    ("caption", "phrase"),
    [
        ("red apple", "a red apple"),
        ("apple", "an apple"),
        ("umbrella", "an umbrella"),
        ("unicorn", "a unicorn"),
        ("unknown bird", "an unknown bird"),
        ("uninhabited island", "an uninhabited island"),
        ("uniform", "a uniform"),
        ("usb stick", "a usb stick"),
        ("hourglass", "an hourglass"),
        ("house", "a house"),
        ("king", "a king"),
        ("diamond ring", "a diamond ring"),
        ("king of hearts", "a king of hearts"),
        ("man fishing", "man fishing"),
        ("a dog", "a dog"),
        ("the flag of france", "the flag of france"),
        ("two cats", "two cats"),
        ("maps", "maps"),
        ("glass", "a glass"),
        ("bottle of pills", "a bottle of pills"),
        ("pills in a bottle", "pills in a bottle"),
        ("snow", "snow"),
        ("glass of water", "a glass of water"),
        ("running", "running"),
        ("running man", "a running man"),
        ("thesis", "thesis"),
        ("theatre", "a theatre"),
        ("dog. ", "a dog"),
    ],
    ids=lambda value: value,
)
def test_one_countable_thing_gets_an_article(caption: str, phrase: str) -> None:
    """Plurals, masses and what has a determiner already do not; what follows a preposition does not count."""
    assert noun_phrase(caption) == phrase


@pytest.mark.parametrize(
    ("words", "text"), [(["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")], ids=["1", "2", "3"]
)
def test_words_are_enumerated(words: list[str], text: str) -> None:
    """Commas, and "and" before the last."""
    assert enumerate_words(words) == text


def test_sentences_say_what_the_picture_shows() -> None:
    """One sentence for the thing, one for its topics (at most three), one for its colours (at most three)."""
    text = sentences_of("k", "red apple", ["w1", "w2", "w3", "w4"], ["red", "green", "white", "black"])
    shown, topics, colors = text.split(". ")
    assert shown.endswith(" a red apple")
    assert topics.endswith(" w1, w2 and w3")
    assert colors.endswith(" red, green and white.")


@pytest.mark.parametrize(
    ("keywords", "colors", "ending"),
    [
        ([], [], " a red apple."),
        ([], ["red"], " a red apple. The main color is red."),
        (["fruit"], [], " fruit."),
    ],
    ids=["bare", "one colour", "one topic"],
)
def test_what_is_not_known_is_not_said(keywords: list[str], colors: list[str], ending: str) -> None:
    """No empty sentence."""
    text = sentences_of("k", "red apple", keywords, colors)
    assert text.endswith(ending)
    assert text.count(".") == 1 + bool(keywords) + bool(colors)


def test_the_phrasing_is_drawn_by_key() -> None:
    """The same key says the same again; over many keys every phrasing comes up."""
    texts = [sentences_of(str(key), "red apple", ["fruit"], ["red", "green"]) for key in range(400)]
    assert texts == [sentences_of(str(key), "red apple", ["fruit"], ["red", "green"]) for key in range(400)]
    assert len(set(texts)) == 4 * 4 * 3
