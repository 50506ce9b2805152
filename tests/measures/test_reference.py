"""Recall of the reference's words, and CHAIR against them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from measures.reference import (
    Keywords,
    Reference,
    concepts_of,
    measure_reference,
    object_vocabulary,
    read_reference,
    recalls,
)
from pipeline.comparison import Estimate


@pytest.mark.parametrize(
    ("text", "alike"),
    [
        ("a photo of a bike", "bicycle"),
        ("The image shows two bicycles on the street.", "two bike road"),
        ("It is behind the sofa, isn't it?", "couch"),
        ("It isn’t there.", ""),
        ("a hand-held scale", "a scale held in a hand"),
        ("", ""),
        ("This is a picture of it.", ""),
    ],
    ids=["synonym and frame", "plural", "function words", "curly", "compound", "empty", "frame alone"],
)
def test_concepts_are_what_is_said(text: str, alike: str) -> None:
    """Two ways to say one thing are the same concepts."""
    assert concepts_of(text) == concepts_of(alike)


@pytest.mark.parametrize(("one", "other"), [("a cat", "a dog"), ("two cats", "three cats"), ("red car", "blue car")])
def test_concepts_keep_things_apart(one: str, other: str) -> None:
    """Objects, numbers and colours are content."""
    assert concepts_of(one) != concepts_of(other)


@pytest.mark.parametrize(
    ("corpus", "least", "words"),
    [
        ([["cat"], ["cats"], ["dog"]], 2, ["cat"]),
        ([["cat", "cats"], ["dog"]], 2, []),  # one picture, however often it says so
        ([["bike"], ["bicycle"]], 2, ["bicycle"]),
        ([["cat"], ["dog"]], 1, ["cat", "dog"]),
        ([["breads and carbs"], ["breads and carbs"]], 1, []),
        ([["hand-held"], ["t-shirt"]], 1, []),
        ([["red"], ["red"], ["image"], ["the"], ["..."]], 1, []),
        ([None, [None, ""], [" cat "]], 1, ["cat"]),
        ([], 1, []),
    ],
    ids=[
        "plural",
        "within a picture",
        "synonym",
        "two",
        "several words",
        "compound",
        "none is an object",
        "null",
        "empty",
    ],
)
def test_object_vocabulary(corpus: list[Keywords], least: int, words: list[str]) -> None:
    """Keywords of one word that enough pictures have."""
    assert object_vocabulary(corpus, least) == concepts_of(" ".join(words))


VOCABULARY = concepts_of("cat dog bicycle tree car")
CAT = read_reference("a sleeping cat", ["pets", "tree"])
BIKE = read_reference("a bike", ["sports"])
BARE = read_reference("a sleeping cat", [])
SILENT = read_reference("the picture", [])


@pytest.mark.parametrize(
    ("caption", "keywords", "concepts", "has_keywords"),
    [
        ("a cat", ["pets", "big tree"], "cat pet large tree", True),
        ("a cat", None, "cat", False),
        ("a cat", [None, " "], "cat", False),
        ("", ["cat"], "cat", True),
        ("", None, "", False),
    ],
    ids=["both", "null", "blank", "keywords alone", "nothing"],
)
def test_read_reference(caption: str, keywords: Keywords, concepts: str, has_keywords: bool) -> None:
    """Caption and keywords together; blank ones are none."""
    found = read_reference(caption, keywords)
    assert found.concepts == concepts_of(concepts)
    assert found.has_keywords == has_keywords


def test_recalls() -> None:
    """The share of the reference's concepts, for each answer of the pictures that have any."""
    texts = [["A cat.", "The cat is asleep; pets in a tree."], ["A red bicycle.", ""], ["A cat.", "A cat."]]
    assert recalls(texts, [CAT, BIKE, SILENT]) == [[1 / 4, 1.0], [1 / 2, 0.0]]


def test_words_said_again_recall_nothing_more() -> None:
    """Saying one word ten times is saying it once; words that the reference lacks do not lower recall."""
    assert recalls([["cat " * 10, "cat dog car bus"]], [CAT]) == [[1 / 4, 1 / 4]]


@pytest.mark.parametrize(
    ("texts", "chair_i", "chair_s", "objects"),
    [
        ([["A cat."], ["A bike."]], 0.0, 0.0, 1.0),
        ([["A cat and a dog."], ["A bike."]], 1 / 3, 1 / 2, 3 / 2),
        ([["A cat. A dog. A dog. A dog."], ["A bike."]], 1 / 3, 1 / 2, 3 / 2),
        ([["A cat and cats."], ["A dog, a car."]], 2 / 3, 1 / 2, 3 / 2),
        ([["A tree."], ["A tree."]], 1 / 2, 1 / 2, 1.0),
        ([["A cat."], [""]], 0.0, 0.0, 1 / 2),
        ([["A house."], ["Nothing."]], None, 0.0, 0.0),
        ([["A cat.", "A dog."], ["A bicycle.", "A car and a dog."]], 3 / 5, 2 / 4, 5 / 4),
    ],
    ids=[
        "right",
        "a dog too",
        "a dog again and again",
        "two wrong",
        "keywords count",
        "silence",
        "no object",
        "two seeds",
    ],
)
def test_chair(texts: list[list[str]], chair_i: float | None, chair_s: float, objects: float) -> None:
    """CHAIR_i of concepts, each once an answer, summed over answers; CHAIR_s of answers; silence scores 0."""
    found = measure_reference(texts, [CAT, BIKE], VOCABULARY, 50, seed=0)
    assert found.chair_i.value == (None if chair_i is None else pytest.approx(chair_i))
    assert found.chair_s.value == pytest.approx(chair_s)
    assert found.mean_objects == pytest.approx(objects)


def test_who_counts() -> None:
    """Pictures without keywords do not count for CHAIR, those without a concept not for recall; all have a length."""
    texts = [["A cat."], ["A dog."], ["A dog."]]
    found = measure_reference(texts, [CAT, BARE, SILENT], VOCABULARY, 50, seed=0)
    assert (found.recall_pictures, found.chair_pictures) == (2, 1)
    assert found.recall.value == pytest.approx((1 / 4 + 0) / 2)
    assert (found.chair_i.value, found.chair_s.value) == (0.0, 0.0)
    assert (found.mean_objects, found.mean_words) == (1.0, 2.0)


@pytest.mark.parametrize(
    ("texts", "references", "vocabulary"),
    [([["A dog."]], [BARE], VOCABULARY), ([["A dog."]], [CAT], frozenset()), ([], [], VOCABULARY)],
    ids=["no keywords", "no vocabulary", "no pictures"],
)
def test_without_counted_pictures_there_is_no_chair(
    texts: list[list[str]], references: list[Reference], vocabulary: frozenset[str]
) -> None:
    """Null, and not 0, which would be the best value that there is."""
    found = measure_reference(texts, references, vocabulary, 50, seed=0)
    assert found.chair_i == found.chair_s == Estimate(None, None, None)
    assert found.chair_pictures == 0
    assert json.loads(json.dumps(found.as_dict(), allow_nan=False)) == found.as_dict()


def test_every_picture_has_its_reference() -> None:
    """A reference too few is a bug, not a score."""
    with pytest.raises(ValueError, match="shorter"):
        measure_reference([["A cat."], ["A cat."]], [CAT], VOCABULARY, 10, seed=0)


def test_the_interval_of_chair_i_is_of_the_ratio() -> None:
    """Pictures are drawn whole and the ratio of sums is taken anew: many mentions weigh more, in each resample."""
    texts = [["A cat and a tree."], ["A cat, a dog and a car; a tree, a bicycle."], ["Nothing."]]
    found = measure_reference(texts, [CAT, CAT, CAT], VOCABULARY, 2000, seed=0)
    assert found.chair_i.value == 3 / 7  # the mean of the answers' own shares would be 3 / 10
    assert (found.chair_i.low, found.chair_i.high) == (0.0, 3 / 5)


SAID = st.lists(st.sampled_from("cat dog bicycle tree car house pets the on".split()), max_size=6).map(" ".join)


@given(st.lists(st.tuples(SAID, SAID), min_size=1, max_size=5))
def test_more_truth_never_hurts(pairs: list[tuple[str, str]]) -> None:
    """Answers with all of their reference added have full recall and no higher CHAIR_i; the same wrong objects."""
    references = [read_reference(words, ["sports"]) for _, words in pairs]
    before = measure_reference([[text] for text, _ in pairs], references, VOCABULARY, 10, seed=0)
    after = measure_reference([[f"{text} sports {words}"] for text, words in pairs], references, VOCABULARY, 10, seed=0)
    assert after.recall.value == 1.0
    assert after.chair_s.value == before.chair_s.value
    assert before.chair_i.value is None or (after.chair_i.value or 0.0) <= before.chair_i.value
